//! Passes over circuits, and over plans of them: each rewrites the instructions in place, keeps what the circuit means, and says how much it
//! changed.
//!
//! All but [`light_cone`] keep the state, its global phase included, and the odds of every outcome, but for
//! rounding; they start from all qubits 0. None moves a gate past a barrier or looks at the machine. Their time
//! grows with the number of instructions.

mod cancel;
mod cone;
mod fold;
mod group;
mod kept;
mod merge;
mod place;

pub use cancel::cancel_inverses;
pub use cone::light_cone;
pub(crate) use cone::{Watched, narrowed, within_cone};
pub use fold::fold_initial_state;
pub use group::group_diagonals;
pub use merge::merge_rotations;

use multilane_plan::Plan;

use crate::circuit::{Circuit, Gate, Operation};
use crate::dialect::{PlanOptions, from_plan, precision_of, to_plan};
use crate::error::QuantumError;

/// A pass: rewrites a circuit and returns how many instructions it changed.
pub type Pass = fn(&mut Circuit) -> usize;

/// The passes that run before a circuit does, unless told otherwise.
///
/// Diagonal gates are gathered again when gates are placed, where it is known which of them share a pass over memory;
/// and which amplitudes nobody will ask for is not known.
pub const DEFAULT: &[&str] = &[
    "fold_initial_state",
    "cancel_inverses",
    "merge_rotations",
    "cancel_inverses",
];

/// Every pass by its name.
pub const fn all() -> &'static [(&'static str, Pass)] {
    &[
        ("fold_initial_state", fold_initial_state),
        ("cancel_inverses", cancel_inverses),
        ("merge_rotations", merge_rotations),
        ("group_diagonals", group_diagonals),
        ("light_cone", light_cone),
    ]
}

/// What one pass did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassReport {
    /// The pass.
    pub name: &'static str,
    /// How many instructions it removed, merged, moved or made simpler.
    pub changed: usize,
    /// How many gates the circuit had afterwards.
    pub gates: usize,
}

/// Runs passes by their names, in the order given; the circuit is left as it was when a name is unknown.
pub fn optimize(circuit: &mut Circuit, names: &[&str]) -> Result<Vec<PassReport>, QuantumError> {
    let mut chosen = Vec::with_capacity(names.len());
    for name in names {
        let known = all().iter().find(|(known, _)| known == name);
        chosen.push(known.ok_or_else(|| QuantumError::UnknownPass {
            name: (*name).to_owned(),
            known: all().iter().map(|(name, _)| *name).collect(),
        })?);
    }
    let run = |(name, pass): &(&'static str, Pass)| PassReport {
        name,
        changed: pass(circuit),
        gates: gates(circuit),
    };
    Ok(chosen.into_iter().map(run).collect())
}

/// Runs passes over a verified plan of the `quantum` dialect, as [`optimize`] does over a circuit.
pub fn optimize_plan(plan: &mut Plan, names: &[&str]) -> Result<Vec<PassReport>, QuantumError> {
    let mut circuit = from_plan(plan)?;
    let done = optimize(&mut circuit, names)?;
    let options = PlanOptions {
        precision: precision_of(plan),
        ..PlanOptions::default()
    };
    *plan = to_plan(&circuit, &plan.name, &options)?;
    Ok(done)
}

/// Does what the passes of [`DEFAULT`] do, and leaves out those that could not find anything.
pub(crate) fn prepare(circuit: &mut Circuit) {
    fold_initial_state(circuit);
    prepare_anywhere(circuit);
}

/// As [`prepare`], for gates on registers in any state.
pub(crate) fn prepare_anywhere(circuit: &mut Circuit) {
    if !may_merge(circuit) {
        return;
    }
    cancel_inverses(circuit);
    if merge_rotations(circuit) > 0 {
        cancel_inverses(circuit);
    }
}

/// Whether a gate may be nothing, or two gates are on the same qubits; most small circuits know neither.
fn may_merge(circuit: &Circuit) -> bool {
    let mut places = Vec::with_capacity(circuit.instructions().len());
    for instruction in circuit.instructions() {
        if let Operation::Gate { gate, .. } = &instruction.operation {
            if *gate == Gate::Id || gate.angles().iter().any(|angle| angle.number().is_some()) {
                return true;
            }
            // The same for the same qubits in any order.
            let mut place = 0u64;
            instruction.for_each_axis(|qubit, _| {
                let own = (qubit as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                place = place.wrapping_add(own ^ own >> 29);
            });
            places.push(place);
        }
    }
    places.sort_unstable();
    places.windows(2).any(|pair| pair[0] == pair[1])
}

/// How many of a circuit's instructions are gates.
pub(crate) fn gates(circuit: &Circuit) -> usize {
    let gate = |operation: &Operation| matches!(operation, Operation::Gate { .. });
    (circuit.instructions().iter())
        .filter(|instruction| gate(&instruction.operation))
        .count()
}
