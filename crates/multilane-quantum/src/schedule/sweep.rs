//! What the passes of a compiled circuit do, counted: bytes, matrices, arithmetic.

use super::place::{Compiled, Pass};
use crate::kernels::{Real, StepKind};

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
}

impl<T: Real> Compiled<T> {
    /// What each pass does; the state before a `fresh` run is not read.
    pub(crate) fn sweeps(&self, fresh: bool) -> Vec<Sweep> {
        let lanes = self.level.vector_bytes() / size_of::<T>();
        let sweep = |(number, pass)| sweep(pass, lanes, fresh && number == 0);
        self.passes.iter().enumerate().map(sweep).collect()
    }
}

fn sweep<T: Real>(pass: &Pass<T>, lanes: usize, unread: bool) -> Sweep {
    let chunk = f64::from(2u32).powi(pass.bits as i32);
    let chunks = f64::from(2u32).powi(pass.outside.len() as i32);
    let bytes = (2 * size_of::<T>() as u64) << (pass.bits + pass.outside.len());
    let mut sweep = Sweep {
        read_bytes: if unread { 0 } else { bytes },
        written_bytes: bytes,
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
