//! Runs circuits.
//!
//! [`Program`] is a circuit made ready once; runs give a [`State`] or [`Shots`]. Work is
//! handed to the lanes of the caller; results have the same bits for any number of them.

mod algebra;
mod asked;
mod block;
mod blocks;
mod direct;
mod execute;
mod gradient;
mod live;
mod measure;
mod observable;
mod observe;
mod program;
mod random;
mod sample;
mod shots;
mod state;
mod trajectory;
mod transition;

use crate::error::QuantumError;
use crate::kernels::Level;
use crate::memory;
use crate::schedule::Shape;

pub use asked::{expectation, probabilities};
pub(crate) use block::Block;
pub use gradient::{Gradient, gradient};
pub use live::LiveRegister;
pub(crate) use observe::{MOST_PROBABILITIES, check};
pub use observe::{Pauli, PauliTerm};
pub use program::{Program, Summary, simulate};
pub use shots::Shots;
pub use state::{Register, State};
pub(crate) use trajectory::seed_of_shot;

/// How exact amplitudes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Two 32-bit floats for each amplitude.
    F32,
    /// Two 64-bit floats for each amplitude.
    #[default]
    F64,
}

impl Precision {
    /// `f32` or `f64`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Bytes of an amplitude.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F32 => 8,
            Self::F64 => 16,
        }
    }
}

/// How a circuit runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How exact amplitudes are.
    pub precision: Precision,
    /// Which instructions kernels use.
    pub level: Level,
    /// Whether the passes of [`crate::passes::DEFAULT`] run first.
    pub optimize: bool,
    /// Whether gates are merged to matrices before they run.
    pub fuse: bool,
    /// Qubits that are local to a chunk; chosen by the size of the cache when absent.
    pub chunk_qubits: Option<usize>,
    /// The lowest qubits, which are local to every chunk; chosen when absent.
    pub low_qubits: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            precision: Precision::default(),
            level: Level::detect(),
            optimize: true,
            fuse: true,
            chunk_qubits: None,
            low_qubits: None,
        }
    }
}

impl Options {
    /// The default, but for the precision.
    pub fn with_precision(precision: Precision) -> Self {
        Self {
            precision,
            ..Self::default()
        }
    }

    fn shape(&self, qubits: usize) -> Shape {
        // A chunk fills half of the second-level cache, tables and the state's lines the rest.
        let amplitudes = memory::second_level_cache() / 2 / self.precision.bytes();
        let chosen = (amplitudes.ilog2() as usize).clamp(10, 16);
        let local = self.chunk_qubits.unwrap_or(chosen).min(qubits);
        Shape {
            qubits,
            low: self.low_qubits.unwrap_or(LOW_QUBITS).min(local),
            local,
        }
    }
}

/// The lowest qubits that every chunk has: runs of so many neighbours keep memory busy.
const LOW_QUBITS: usize = 7;

/// The most qubits whose amplitudes can be numbered in memory.
const MOST_QUBITS: usize = 48;

/// Bytes that the state of so many qubits needs; an error when they cannot be had.
pub fn required_bytes(qubits: usize, precision: Precision) -> Result<usize, QuantumError> {
    let bytes = (precision.bytes() as u128)
        .checked_shl(qubits as u32)
        .filter(|_| qubits <= 100)
        .unwrap_or(u128::MAX);
    let fits = match u64::try_from(bytes) {
        Ok(bytes) if qubits <= MOST_QUBITS => memory::check(bytes),
        _ => Err(memory::available()),
    };
    match fits {
        Ok(()) => Ok(bytes as usize),
        Err(available) => Err(QuantumError::OutOfMemory {
            qubits,
            precision: precision.name(),
            bytes,
            available,
        }),
    }
}

/// The most qubits whose state fits into what memory is left.
pub fn most_qubits(precision: Precision) -> usize {
    let amplitudes = memory::available() / precision.bytes() as u64;
    (amplitudes.checked_ilog2().unwrap_or(0) as usize).min(MOST_QUBITS)
}
