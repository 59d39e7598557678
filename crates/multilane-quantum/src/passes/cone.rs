//! Light cone: leaves out what has no influence on what is asked for.
//!
//! Goes back from what is watched, as an observable does from the end of a circuit to its start. Of a qubit that only
//! its value is asked of, diagonal gates at the end have no influence either, and neither have controls on it.

use crate::circuit::{Axis, Circuit, Control, Gate, Instruction, Operation};

/// What is asked of a qubit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Nothing.
    Not,
    /// Whether it is 0 or 1: what is asked is diagonal there.
    Value,
    /// Anything.
    Whole,
}

/// Removes what has no influence on the outcomes of measurements, the state of the other qubits included; returns how
/// many instructions went. A circuit that measures nothing is asked for its whole state and stays as it is.
pub fn light_cone(circuit: &mut Circuit) -> usize {
    let measures = |instruction: &Instruction| matches!(instruction.operation, Operation::Measure { .. });
    if !circuit.instructions().iter().any(measures) {
        return 0;
    }
    let nothing = vec![Watched::Not; circuit.qubits()];
    within_cone(circuit, nothing)
}

/// Removes what has no influence on what is watched after the end, and on what is measured; returns how many went.
pub(crate) fn within_cone(circuit: &mut Circuit, mut watched: Vec<Watched>) -> usize {
    let mut instructions = circuit.take_instructions();
    let before = instructions.len();
    let mut matters: Vec<bool> = (instructions.iter().rev())
        .map(|instruction| steps_back(&mut watched, instruction))
        .collect();
    instructions.retain(|_| matters.pop().expect("one for each instruction"));
    let removed = before - instructions.len();
    circuit.set_instructions(instructions);
    removed
}

/// Whether an instruction matters; what is watched after it becomes what is watched before it.
fn steps_back(watched: &mut [Watched], instruction: &Instruction) -> bool {
    let always = instruction.condition.is_none();
    match &instruction.operation {
        Operation::Gate {
            gate,
            controls,
            targets,
        } => passes_gate(watched, gate, controls, targets),
        Operation::Measure { qubit, .. } => {
            // Afterwards the qubit has a value, and what is not diagonal there averages out.
            if always || watched[*qubit] == Watched::Not {
                watched[*qubit] = Watched::Value;
            }
            true
        }
        Operation::Reset { qubit } => {
            let matters = watched[*qubit] != Watched::Not;
            if always {
                watched[*qubit] = Watched::Not;
            }
            matters
        }
        Operation::Barrier { .. } => true,
    }
}

fn passes_gate(watched: &mut [Watched], gate: &Gate, controls: &[Control], targets: &[usize]) -> bool {
    let qubits = || {
        controls
            .iter()
            .map(|control| control.qubit)
            .chain(targets.iter().copied())
    };
    let diagonal = gate.axis() == Some(Axis::Z);
    let commutes = |qubit: usize| match watched[qubit] {
        Watched::Not => true,
        Watched::Value => diagonal || !targets.contains(&qubit),
        Watched::Whole => false,
    };
    if qubits().all(commutes) {
        return false;
    }
    let only_values = qubits().all(|qubit| watched[qubit] != Watched::Whole);
    let moves_values = matches!(gate, Gate::X | Gate::Y | Gate::Swap);
    for qubit in qubits() {
        let reads = diagonal || !targets.contains(&qubit);
        watched[qubit] = match watched[qubit] {
            own if reads => {
                if own == Watched::Not {
                    Watched::Value
                } else {
                    own
                }
            }
            _ if moves_values && only_values => Watched::Value,
            _ => Watched::Whole,
        };
    }
    true
}

/// The circuit without the qubits that nothing acts on, but for those of `kept`; and for each qubit its new number.
pub(crate) fn narrowed(circuit: &Circuit, kept: impl IntoIterator<Item = usize>) -> (Circuit, Vec<Option<usize>>) {
    let mut used = vec![false; circuit.qubits()];
    kept.into_iter().for_each(|qubit| used[qubit] = true);
    for instruction in circuit.instructions() {
        if !matches!(instruction.operation, Operation::Barrier { .. }) {
            instruction.for_each_axis(|qubit, _| used[qubit] = true);
        }
    }
    let mut count = 0;
    let names: Vec<Option<usize>> = (used.iter())
        .map(|used| {
            count += usize::from(*used);
            used.then(|| count - 1)
        })
        .collect();
    if count == circuit.qubits() {
        return (circuit.clone(), names);
    }
    let instructions = circuit
        .instructions()
        .iter()
        .map(|instruction| renamed(instruction, &names));
    (circuit.on_qubits(count, instructions.collect()), names)
}

fn renamed(instruction: &Instruction, names: &[Option<usize>]) -> Instruction {
    let mut instruction = instruction.clone();
    let name = |qubit: &mut usize| *qubit = names[*qubit].expect("a qubit that something acts on is kept");
    match &mut instruction.operation {
        Operation::Gate { controls, targets, .. } => {
            controls.iter_mut().for_each(|control| name(&mut control.qubit));
            targets.iter_mut().for_each(name);
        }
        Operation::Measure { qubit, .. } | Operation::Reset { qubit } => name(qubit),
        Operation::Barrier { qubits } => {
            *qubits = qubits.iter().filter_map(|qubit| names[*qubit]).collect();
        }
    }
    instruction
}
