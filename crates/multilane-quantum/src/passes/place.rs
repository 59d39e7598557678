//! Where gates act: whether two of them act on the same qubits in the same way.

use crate::circuit::{Control, Gate, Instruction, Operation};

/// A gate that is always done, with its controls and targets.
pub(super) type Placed<'a> = (&'a Gate, &'a [Control], &'a [usize]);

/// The gate of an instruction, when nothing decides whether it is done.
pub(super) fn placed(instruction: &Instruction) -> Option<Placed<'_>> {
    match &instruction.operation {
        Operation::Gate {
            gate,
            controls,
            targets,
        } if instruction.condition.is_none() => Some((gate, controls, targets)),
        _ => None,
    }
}

/// Whether a gate multiplies where all of its qubits are 1, so that its target is one more control.
fn is_phase(gate: &Gate) -> bool {
    matches!(gate, Gate::Z | Gate::S | Gate::Sdg | Gate::T | Gate::Tdg | Gate::P(_))
}

/// Whether two gates of one kind act on the same qubits, of which the order matters only where it does for the gate.
pub(super) fn same_place(first: Placed<'_>, second: Placed<'_>) -> bool {
    let ((gate, controls, targets), (other, others, reached)) = (first, second);
    if controls.len() != others.len() || targets.len() != reached.len() {
        return false;
    }
    if is_phase(gate) && is_phase(other) {
        // As many controls, each a qubit once: one set contains the other when they are equal.
        let holds =
            |control: &Control| others.contains(control) || control.positive && reached.contains(&control.qubit);
        return controls.iter().all(holds) && targets.iter().all(|target| holds(&Control::on(*target)));
    }
    let targets_agree = match gate {
        Gate::Swap => targets.iter().all(|target| reached.contains(target)),
        _ => targets == reached,
    };
    targets_agree && controls.iter().all(|control| others.contains(control))
}
