//! Circuits that are written and read again are the same circuits.

use std::sync::Arc;

use multilane_quantum::qasm::{ExportError, Reader, to_qasm2, to_qasm3};
use multilane_quantum::{Angle, Circuit, Complex64, Condition, Control, Gate, Instruction, Matrix, Operation, Unary};
use proptest::prelude::*;

use crate::dense::{columns, difference};

const QUBITS: usize = 5;
const CLBITS: usize = 4;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        -10.0..10.0_f64,
        Just(0.0),
        Just(-0.0),
        Just(1e-300),
        Just(-2.5e17),
        any::<i8>().prop_map(f64::from)
    ]
}

fn exact() -> BoxedStrategy<Angle> {
    number().prop_map(Angle::Number).boxed()
}

fn late_angle() -> BoxedStrategy<Angle> {
    let leaf = prop_oneof![exact(), "[a-b]".prop_map(|name| Angle::parameter(format!("t_{name}"))),];
    leaf.prop_recursive(4, 12, 2, |inner| {
        (inner.clone(), inner, 0..8_u8).prop_map(|(a, b, what)| {
            let angle = match what {
                0 => a + b,
                1 => a - b,
                2 => a * b,
                3 => a / b,
                4 => a.combine(multilane_quantum::Binary::Power, b),
                5 => -a,
                6 => a.apply(Unary::Sin),
                _ => a.apply(Unary::Sqrt),
            };
            // Numbers are computed at once and may be none.
            if angle.number().is_some_and(|number| !number.is_finite()) {
                Angle::Number(1.0)
            } else {
                angle
            }
        })
    })
    .prop_filter("no number in it is infinite", |angle| {
        let text = angle.to_string();
        !text.contains("inf") && !text.contains("NaN")
    })
    .boxed()
}

fn gate(angle: BoxedStrategy<Angle>) -> impl Strategy<Value = Gate> {
    let plain = [
        Gate::Id,
        Gate::X,
        Gate::Y,
        Gate::Z,
        Gate::H,
        Gate::S,
        Gate::Sdg,
        Gate::T,
        Gate::Tdg,
        Gate::Sx,
        Gate::Sxdg,
        Gate::Swap,
    ];
    prop_oneof![
        proptest::sample::select(plain.to_vec()),
        (angle.clone(), 0..4_u8).prop_map(|(a, what)| match what {
            0 => Gate::P(a),
            1 => Gate::Rx(a),
            2 => Gate::Ry(a),
            _ => Gate::Rz(a),
        }),
        (angle.clone(), angle.clone(), angle).prop_map(|(a, b, c)| Gate::U(a, b, c)),
    ]
}

fn condition() -> impl Strategy<Value = Option<Condition>> {
    let bits = proptest::sample::subsequence((0..CLBITS).collect::<Vec<_>>(), 1..=CLBITS).prop_shuffle();
    proptest::option::of((bits, any::<u64>(), any::<bool>()).prop_map(|(bits, value, negated)| {
        let value = value & ((1 << bits.len()) - 1);
        // One bit that differs from a value is one that equals the other; only the latter is written.
        if negated && bits.len() > 1 {
            Condition::differs(bits, value)
        } else {
            Condition::equals(bits, value)
        }
    }))
}

fn instruction(angle: BoxedStrategy<Angle>) -> impl Strategy<Value = Instruction> {
    let qubits = Just((0..QUBITS).collect::<Vec<_>>()).prop_shuffle();
    let operation = prop_oneof![
        6 => (gate(angle), 0..4_usize, any::<[bool; 4]>(), qubits.clone()).prop_map(|(gate, count, positive, order)| {
            let targets = order[..gate.targets()].to_vec();
            let rest = order[gate.targets()..].iter().take(count).zip(positive);
            let controls = rest.map(|(qubit, positive)| Control { qubit: *qubit, positive }).collect();
            Operation::Gate { gate, controls, targets }
        }),
        1 => number().prop_map(|angle| Operation::Gate {
            gate: Gate::GlobalPhase(angle.into()),
            controls: Vec::new(),
            targets: Vec::new(),
        }),
        1 => (0..QUBITS, 0..CLBITS).prop_map(|(qubit, clbit)| Operation::Measure { qubit, clbit }),
        1 => (0..QUBITS).prop_map(|qubit| Operation::Reset { qubit }),
        1 => (qubits, 1..QUBITS).prop_map(|(order, count)| Operation::Barrier { qubits: order[..count].to_vec() }),
    ];
    (operation, condition()).prop_map(|(operation, condition)| Instruction { operation, condition })
}

fn circuit(angle: BoxedStrategy<Angle>) -> impl Strategy<Value = Circuit> {
    proptest::collection::vec(instruction(angle), 0..12).prop_map(|instructions| {
        let mut circuit = Circuit::new(QUBITS, CLBITS).expect("few qubits");
        for instruction in instructions {
            circuit.push(instruction).expect("instructions of the strategy fit");
        }
        circuit
    })
}

fn read(text: &str) -> Circuit {
    Reader::default()
        .read(text)
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
        .circuit
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn version_3_says_every_circuit(circuit in circuit(late_angle())) {
        let text = to_qasm3(&circuit).unwrap();
        prop_assert_eq!(read(&text), circuit, "{}", text);
    }

    #[test]
    fn version_2_says_a_circuit_or_what_it_cannot_say(circuit in circuit(exact())) {
        match to_qasm2(&circuit) {
            Ok(text) => prop_assert_eq!(read(&text), circuit, "{}", text),
            Err(error) => {
                let ExportError::Unsayable { index, .. } = &error else {
                    panic!("{error}");
                };
                // What comes before the instruction that is named can be said, conditions apart.
                let mut before = Circuit::new(QUBITS, CLBITS).unwrap();
                for instruction in &circuit.instructions()[..*index] {
                    before.push(Instruction { condition: None, ..instruction.clone() }).unwrap();
                }
                if !error.to_string().contains("condition") {
                    prop_assert!(to_qasm2(&before).is_ok(), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_matrix_reads_back_as_gates_that_do_it(
        parts in proptest::collection::vec((gate((-10.0..10.0_f64).prop_map(Angle::Number).boxed()), Just((0..3_usize).collect::<Vec<_>>()).prop_shuffle(), 0..3_usize), 0..12),
        qubits in 1..4_usize,
        control in any::<bool>(),
    ) {
        let mut inner = Circuit::new(qubits, 0).unwrap();
        for (gate, order, controls) in parts {
            let order: Vec<usize> = order.into_iter().filter(|qubit| *qubit < qubits).collect();
            if gate.targets() <= order.len() {
                let (targets, rest) = order.split_at(gate.targets());
                let controls: Vec<Control> = rest.iter().take(controls).map(|qubit| Control::off(*qubit)).collect();
                inner.gate(gate, &controls, targets).unwrap();
            }
        }
        let columns = columns(&inner);
        let rows = columns.len();
        let elements: Vec<Complex64> = (0..rows * rows).map(|at| columns[at % rows][at / rows]).collect();
        let matrix = Gate::Unitary(Arc::new(Matrix::new(elements).unwrap()));
        let mut circuit = Circuit::new(qubits + 1, 0).unwrap();
        let targets: Vec<usize> = (1..=qubits).rev().collect();
        let controls = if control { vec![Control::off(0)] } else { vec![] };
        circuit.gate(matrix, &controls, &targets).unwrap();
        let again = read(&to_qasm3(&circuit).unwrap());
        prop_assert!(difference(&circuit, &again) < 1e-9);
    }
}

#[test]
fn refuses_names_that_the_language_does_not_take() {
    for name in ["", "a b", "1a", "if", "pi", "q", "rx", "a;x q[0]"] {
        let mut circuit = Circuit::new(1, 0).unwrap();
        circuit.rx(Angle::parameter(name), 0).unwrap();
        let error = to_qasm3(&circuit).unwrap_err();
        assert!(matches!(error, ExportError::Name { .. }), "{error}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn empty_circuits_are_programs() {
    let circuit = Circuit::new(0, 0).unwrap();
    assert_eq!(read(&to_qasm3(&circuit).unwrap()), circuit);
    assert_eq!(read(&to_qasm2(&circuit).unwrap()), circuit);
}
