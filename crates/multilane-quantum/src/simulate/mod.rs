//! Runs circuits.
//!
//! [`Program`] is a circuit made ready once; each run gives a [`State`]. Work is handed to
//! the lanes of the caller; the result has the same bits for any number of them.

mod execute;
mod state;

use multilane_plan::Lanes;

use crate::circuit::{Circuit, Operation};
use crate::error::QuantumError;
use crate::kernels::{Float, Level};
use crate::memory;
use crate::schedule::{Compiled, Shape, compile, fuse, lower};

pub use state::{Register, State};

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
    /// Whether gates are merged before they run.
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
    // Small states always fit; asking the system costs more than running them.
    let available = if bytes <= 1 << 20 {
        u64::MAX
    } else {
        memory::available()
    };
    if qubits <= MOST_QUBITS && bytes <= u128::from(available) {
        return Ok(bytes as usize);
    }
    Err(QuantumError::OutOfMemory {
        qubits,
        precision: precision.name(),
        bytes,
        available,
    })
}

/// A circuit without measurements, made ready to run.
#[derive(Clone, Debug)]
pub struct Program {
    qubits: usize,
    compiled: AnyCompiled,
}

#[derive(Clone, Debug)]
enum AnyCompiled {
    F32(Compiled<f32>),
    F64(Compiled<f64>),
}

impl Program {
    /// Makes a circuit ready.
    pub fn new(circuit: &Circuit, options: &Options) -> Result<Self, QuantumError> {
        let qubits = circuit.qubits();
        required_bytes(qubits, options.precision)?;
        let gates = circuit
            .instructions()
            .iter()
            .filter_map(|instruction| match &instruction.operation {
                Operation::Gate {
                    gate,
                    controls,
                    targets,
                } => Some((gate, controls.as_slice(), targets.as_slice())),
                _ => None,
            });
        let mut actions = lower(qubits, gates, true)?;
        if options.fuse {
            actions = fuse(qubits, actions);
        }
        let shape = options.shape(qubits);
        // Levels above the processor's would not run.
        let level = options.level.min(Level::detect());
        let compiled = match options.precision {
            Precision::F32 => AnyCompiled::F32(compile(shape, level, actions, true)),
            Precision::F64 => AnyCompiled::F64(compile(shape, level, actions, true)),
        };
        Ok(Self { qubits, compiled })
    }

    /// How often the state is read and written.
    pub fn passes(&self) -> usize {
        match &self.compiled {
            AnyCompiled::F32(compiled) => compiled.passes.len(),
            AnyCompiled::F64(compiled) => compiled.passes.len(),
        }
    }

    /// Runs it on all qubits 0.
    pub fn run(&self, lanes: &dyn Lanes) -> Result<State, QuantumError> {
        Ok(match &self.compiled {
            AnyCompiled::F32(compiled) => State::F32(fresh(self.qubits, compiled, Precision::F32, lanes)?),
            AnyCompiled::F64(compiled) => State::F64(fresh(self.qubits, compiled, Precision::F64, lanes)?),
        })
    }
}

fn fresh<T: Float>(
    qubits: usize,
    compiled: &Compiled<T>,
    precision: Precision,
    lanes: &dyn Lanes,
) -> Result<Register<T>, QuantumError> {
    let bytes = required_bytes(qubits, precision)?;
    let mut register = Register::new(qubits, bytes)?;
    execute::execute(compiled, &mut register, true, lanes)?;
    Ok(register)
}

/// Runs a circuit without measurements on all qubits 0.
pub fn simulate(circuit: &Circuit, options: &Options, lanes: &dyn Lanes) -> Result<State, QuantumError> {
    Program::new(circuit, options)?.run(lanes)
}
