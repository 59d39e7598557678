//! An independent oracle: circuits as dense matrices, and a plain listing of their instructions.

use multilane_quantum::{Circuit, Complex64, Operation};

/// The matrix of a circuit of gates, column by column.
pub(crate) fn columns(circuit: &Circuit) -> Vec<Vec<Complex64>> {
    let rows = 1 << circuit.qubits();
    (0..rows)
        .map(|column| {
            let mut state = vec![Complex64::ZERO; rows];
            state[column] = Complex64::ONE;
            for instruction in circuit.instructions() {
                state = applied(&instruction.operation, &state);
            }
            state
        })
        .collect()
}

fn applied(operation: &Operation, state: &[Complex64]) -> Vec<Complex64> {
    let Operation::Gate {
        gate,
        controls,
        targets,
    } = operation
    else {
        assert!(
            matches!(operation, Operation::Barrier { .. }),
            "only gates have a matrix"
        );
        return state.to_vec();
    };
    let matrix = gate.matrix().expect("the angles are numbers");
    let small = 1_usize << targets.len();
    let local = |index: usize| {
        let bits = targets.iter().enumerate();
        bits.map(|(at, qubit)| (index >> qubit & 1) << at).sum::<usize>()
    };
    let with = |index: usize, value: usize| {
        (targets.iter().enumerate()).fold(index, |index, (at, qubit)| {
            index & !(1 << qubit) | (value >> at & 1) << qubit
        })
    };
    (0..state.len())
        .map(|row| {
            if controls
                .iter()
                .any(|control| (row >> control.qubit & 1 == 1) != control.positive)
            {
                return state[row];
            }
            (0..small)
                .map(|column| matrix[local(row) * small + column] * state[with(row, column)])
                .sum()
        })
        .collect()
}

/// The largest difference between two circuits of gates.
pub(crate) fn difference(first: &Circuit, second: &Circuit) -> f64 {
    assert_eq!(first.qubits(), second.qubits());
    let (first, second) = (columns(first), columns(second));
    let pairs = first.iter().flatten().zip(second.iter().flatten());
    pairs.map(|(a, b)| (a - b).norm()).fold(0.0, f64::max)
}

/// One line for each instruction: the condition, the gate, its controls and what it acts on.
pub(crate) fn listing(circuit: &Circuit) -> String {
    let mut text = String::new();
    for instruction in circuit.instructions() {
        if let Some(condition) = &instruction.condition {
            let sign = if condition.negated { "!=" } else { "==" };
            text += &format!("if {:?} {sign} {}: ", condition.clbits, condition.value);
        }
        text += &match &instruction.operation {
            Operation::Gate {
                gate,
                controls,
                targets,
            } => {
                let angles: Vec<String> = gate.angles().iter().map(ToString::to_string).collect();
                let angles = if angles.is_empty() {
                    String::new()
                } else {
                    format!("({})", angles.join(", "))
                };
                let controls: String = (controls.iter())
                    .map(|control| format!(" {}{}", if control.positive { "+" } else { "-" }, control.qubit))
                    .collect();
                format!("{}{angles}{controls} {targets:?}\n", gate.name())
            }
            Operation::Measure { qubit, clbit } => format!("measure {qubit} -> {clbit}\n"),
            Operation::Reset { qubit } => format!("reset {qubit}\n"),
            Operation::Barrier { qubits } => format!("barrier {qubits:?}\n"),
        };
    }
    text
}
