//! What the passes of a compiled circuit do, counted: bytes, matrices, arithmetic.

use super::place::{Chunks, Compiled, Pass};
use crate::kernels::{Real, StepKind, Stream, Work};

/// One pass over the state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sweep {
    /// Bytes that it reads.
    pub read_bytes: u64,
    /// Bytes that it writes.
    pub written_bytes: u64,
    /// Matrices by their width: on 1 to 5 qubits.
    pub matrices: [usize; 5],
    /// Exchanges of amplitudes.
    pub flips: usize,
    /// Products of phases.
    pub diagonals: usize,
    /// Multiplications with additions, and moves, of single floats while they are in the cache.
    pub operations: f64,
    /// Whether it is one gate that changes amplitudes where they lie, while they are on their way.
    pub in_place: bool,
}

impl<T: Real> Compiled<T> {
    /// What each pass does.
    pub(crate) fn sweeps(&self) -> Vec<Sweep> {
        let lanes = self.level.lanes::<T>();
        let sweep = |pass: &Pass<T>| match pass {
            Pass::Chunks(pass) => through_scratch(pass, lanes),
            Pass::Stream(gate) => in_place(gate, lanes),
        };
        self.passes.iter().map(sweep).collect()
    }

    /// Bytes that are read and written.
    pub(crate) fn moved_bytes(&self) -> u64 {
        let moved = |sweep: &Sweep| sweep.read_bytes + sweep.written_bytes;
        self.sweeps().iter().map(moved).sum()
    }
}

fn in_place<T: Real>(gate: &Stream<T>, lanes: usize) -> Sweep {
    let floats = (gate.groups() * 2 * lanes) as f64;
    let bytes = (gate.groups() * 2 * lanes * size_of::<T>()) as u64;
    let mut sweep = Sweep {
        read_bytes: bytes,
        written_bytes: bytes,
        in_place: true,
        ..Sweep::default()
    };
    sweep.operations = floats
        * match &gate.work {
            Work::Matrix { qubits, real, .. } => {
                sweep.matrices[qubits - 1] = 1;
                f64::from(1u32 << qubits) * if *real { 1.0 } else { 2.0 }
            }
            Work::Flip { .. } => {
                sweep.flips = 1;
                1.0
            }
            Work::Phases { .. } => {
                sweep.diagonals = 1;
                2.0
            }
        };
    sweep
}

fn through_scratch<T: Real>(pass: &Chunks<T>, lanes: usize) -> Sweep {
    let chunk = f64::from(2u32).powi(pass.bits as i32);
    let chunks = f64::from(2u32).powi(pass.outside.len() as i32);
    let amplitude = 2 * size_of::<T>() as u64;
    let mut sweep = Sweep {
        read_bytes: pass.read_bits.map_or(0, |bits| amplitude << bits),
        written_bytes: amplitude << (pass.bits + pass.outside.len()),
        ..Sweep::default()
    };
    for step in &pass.steps {
        // Controls outside the chunk leave some chunks out.
        let share = chunks / f64::from(2u32).powi(step.outside_mask.count_ones() as i32);
        let width = |narrow: &bool| if *narrow { 1.0 } else { lanes as f64 };
        sweep.operations += share
            * match &step.kind {
                StepKind::Dense { gate, places, narrow } => {
                    let rows = f64::from(1u32 << gate.qubits);
                    sweep.matrices[gate.qubits - 1] += 1;
                    places.count as f64 * width(narrow) * rows * rows * if gate.real { 2.0 } else { 4.0 }
                }
                StepKind::Flip { places, narrow, .. } => {
                    sweep.flips += 1;
                    places.count as f64 * width(narrow) * 4.0
                }
                StepKind::Exchange { .. } => 2.0 * chunk,
                StepKind::Phases(run) => {
                    sweep.diagonals += 1;
                    // One product for few, else a table besides.
                    chunk * if run.groups.len() <= 2 { 4.0 } else { 8.0 }
                }
            };
    }
    sweep
}
