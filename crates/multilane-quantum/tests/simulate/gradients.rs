//! Gradients against small steps and the parameter-shift rule.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use multilane_plan::Serial;
use multilane_quantum::{
    Angle, Circuit, Control, Gate, Options, Pauli, PauliTerm, Precision, QuantumError, Unary, expectation, gradient,
};
use proptest::prelude::*;

use crate::common::{Threads, any_gate};

fn values(numbers: &[f64]) -> BTreeMap<String, f64> {
    numbers
        .iter()
        .enumerate()
        .map(|(place, number)| (format!("p{place}"), *number))
        .collect()
}

fn at(circuit: &Circuit, terms: &[PauliTerm], numbers: &[f64]) -> f64 {
    let bound = circuit.bind(&values(numbers)).unwrap();
    expectation(
        &bound,
        terms,
        &Options {
            optimize: false,
            ..Options::default()
        },
        &Serial,
    )
    .unwrap()
}

/// A random gate whose angles are functions of three parameters, or numbers.
fn turned(qubits: usize) -> impl Strategy<Value = (Gate, Vec<Control>, Vec<usize>)> {
    let angle = (0usize..6, 0usize..3, -2.0..2.0f64).prop_map(|(kind, name, factor)| {
        let parameter = Angle::parameter(format!("p{name}"));
        match kind {
            0 => factor.into(),
            1 => parameter,
            2 => parameter * factor.into(),
            3 => parameter.apply(Unary::Sin) + Angle::parameter("p0") / 2.0.into(),
            4 => parameter.clone() * parameter - factor.into(),
            _ => -parameter,
        }
    });
    (
        any_gate(qubits),
        0usize..6,
        [angle.clone(), angle.clone(), angle],
        any::<bool>(),
    )
        .prop_map(|((gate, controls, targets), kind, [a, b, c], plain)| {
            let gate = match kind {
                _ if plain || targets.is_empty() => gate,
                0 => Gate::P(a),
                1 => Gate::Rx(a),
                2 => Gate::Ry(a),
                3 => Gate::Rz(a),
                4 => Gate::U(a, b, c),
                _ => return (Gate::GlobalPhase(a), controls, Vec::new()),
            };
            let targets = targets[..gate.targets()].to_vec();
            (gate, controls, targets)
        })
}

fn any_sum(qubits: usize) -> impl Strategy<Value = Vec<PauliTerm>> {
    let pauli = prop::option::of(prop::sample::select(vec![Pauli::X, Pauli::Y, Pauli::Z]));
    let term = (-2.0..2.0f64, prop::collection::vec(pauli, qubits)).prop_map(|(coefficient, paulis)| PauliTerm {
        coefficient,
        factors: paulis
            .iter()
            .enumerate()
            .filter_map(|(qubit, pauli)| Some((qubit, (*pauli)?)))
            .collect(),
    });
    prop::collection::vec(term, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gradients_are_those_of_small_steps(
        gates in prop::collection::vec(turned(4), 1..16),
        terms in any_sum(4),
        numbers in prop::collection::vec(-3.0..3.0f64, 3),
        optimize in any::<bool>(),
    ) {
        let mut circuit = Circuit::new(4, 0).unwrap();
        for parameter in 0..3 {
            // Each parameter is used.
            circuit.ry(Angle::parameter(format!("p{parameter}")), parameter).unwrap();
        }
        for (gate, controls, targets) in gates {
            circuit.gate(gate, &controls, &targets).unwrap();
        }
        let options = Options { optimize, ..Options::default() };
        let found = gradient(&circuit, &terms, &values(&numbers), &options, &Serial).unwrap();
        prop_assert_eq!(&found, &gradient(&circuit, &terms, &values(&numbers), &options, &Threads(3)).unwrap());
        prop_assert!((found.value - at(&circuit, &terms, &numbers)).abs() < 1e-11);
        let single = Options { precision: Precision::F32, ..options };
        let rough = gradient(&circuit, &terms, &values(&numbers), &single, &Serial).unwrap();
        for (place, name) in circuit.parameters().iter().enumerate() {
            let number: usize = name[1..].parse().unwrap();
            let step = 1e-5;
            let moved = |by: f64| {
                let mut numbers = numbers.clone();
                numbers[number] += by;
                at(&circuit, &terms, &numbers)
            };
            let wanted = (moved(step) - moved(-step)) / (2.0 * step);
            let slope = found.slopes[place];
            prop_assert!((slope - wanted).abs() < 1e-7, "{name}: {slope} instead of {wanted}");
            prop_assert!((slope - rough.slopes[place]).abs() < 1e-3, "{name} in f32: {} instead of {slope}", rough.slopes[place]);
        }
    }
}

#[test]
fn layers_have_the_gradient_of_the_shift_rule() {
    // Of more qubits than a block of the sums has, so that there are several.
    let (qubits, layers) = (13, 2);
    let mut circuit = Circuit::new(qubits, 0).unwrap();
    let mut number = 0;
    for layer in 0..layers {
        for qubit in 0..qubits {
            let angle = Angle::parameter(format!("p{number}"));
            match (layer + qubit) % 3 {
                0 => circuit.rx(angle, qubit),
                1 => circuit.ry(angle, qubit),
                _ => circuit.rz(angle, qubit),
            }
            .unwrap();
            number += 1;
        }
        for qubit in 1..qubits {
            circuit.cx(qubit - 1, qubit).unwrap();
        }
    }
    let numbers: Vec<f64> = (0..number).map(|number| 0.3 + 0.17 * f64::from(number)).collect();
    let term = |coefficient, factors: &[(usize, Pauli)]| PauliTerm {
        coefficient,
        factors: factors.to_vec(),
    };
    let terms = [
        term(1.0, &[(0, Pauli::Z), (12, Pauli::Z)]),
        term(-0.5, &[(3, Pauli::X), (7, Pauli::Y)]),
        term(0.25, &[(12, Pauli::X)]),
        term(2.0, &[]),
    ];
    let found = gradient(&circuit, &terms, &values(&numbers), &Options::default(), &Threads(2)).unwrap();
    for (place, slope) in found.slopes.iter().enumerate() {
        let moved = |by: f64| {
            let mut numbers = numbers.clone();
            numbers[place] += by;
            at(&circuit, &terms, &numbers)
        };
        let wanted = (moved(PI / 2.0) - moved(-PI / 2.0)) / 2.0;
        assert!((slope - wanted).abs() < 1e-12, "p{place}: {slope} instead of {wanted}");
    }
}

#[test]
fn what_has_no_influence_needs_no_memory() {
    // Sixty qubits of which an observable on two sees four.
    let mut circuit = Circuit::new(60, 0).unwrap();
    for qubit in 0..60 {
        circuit.ry(Angle::parameter(format!("p{qubit}")), qubit).unwrap();
    }
    for qubit in (0..59).step_by(2) {
        circuit.cx(qubit, qubit + 1).unwrap();
    }
    circuit.barrier(&[0, 59]).unwrap().measure_all().unwrap();
    let terms = [PauliTerm {
        coefficient: 1.0,
        factors: vec![(1, Pauli::Z), (31, Pauli::Z)],
    }];
    let numbers: Vec<f64> = (0..60).map(|number| 0.1 * f64::from(number)).collect();
    let found = gradient(&circuit, &terms, &values(&numbers), &Options::default(), &Serial).unwrap();
    let cosines: Vec<f64> = [0, 1, 30, 31]
        .iter()
        .map(|place: &usize| numbers[*place].cos())
        .collect();
    assert!(
        (found.value - cosines.iter().product::<f64>()).abs() < 1e-12,
        "{}",
        found.value
    );
    let wanted = -numbers[30].sin() * cosines[0] * cosines[1] * cosines[3];
    assert!((found.slopes[30] - wanted).abs() < 1e-12);
    assert_eq!(found.slopes[7], 0.0);
    // And terms that see all of them together are asked one by one.
    let terms: Vec<PauliTerm> = (0..60)
        .map(|qubit| PauliTerm {
            coefficient: 0.5,
            factors: vec![(qubit, Pauli::Z)],
        })
        .collect();
    let wanted: f64 = (0..60)
        .map(|qubit: usize| {
            0.5 * numbers[qubit].cos()
                * if qubit.is_multiple_of(2) {
                    1.0
                } else {
                    numbers[qubit - 1].cos()
                }
        })
        .sum();
    let found = gradient(&circuit, &terms, &values(&numbers), &Options::default(), &Serial).unwrap();
    assert!((found.value - wanted).abs() < 1e-12, "{}", found.value);
    let wanted = -0.5 * numbers[31].sin() * numbers[30].cos();
    assert!((found.slopes[31] - wanted).abs() < 1e-12);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let mut circuit = Circuit::new(2, 1).unwrap();
    circuit.rx(Angle::parameter("p0"), 0).unwrap();
    let z = |qubit| PauliTerm {
        coefficient: 1.0,
        factors: vec![(qubit, Pauli::Z)],
    };
    let ask = |circuit: &Circuit, term: PauliTerm, values: &BTreeMap<String, f64>| {
        gradient(circuit, &[term], values, &Options::default(), &Serial).unwrap_err()
    };
    assert!(matches!(
        ask(&circuit, z(2), &values(&[0.5])),
        QuantumError::QubitOutOfRange { qubit: 2, .. }
    ));
    assert!(matches!(
        ask(&circuit, z(0), &values(&[])),
        QuantumError::UnboundParameter { .. }
    ));
    assert!(matches!(
        ask(&circuit, z(0), &values(&[0.5, 0.5])),
        QuantumError::UnknownParameter { .. }
    ));
    circuit.measure(0, 0).unwrap().x(0).unwrap();
    assert!(matches!(
        ask(&circuit, z(0), &values(&[0.5])),
        QuantumError::NoSingleState { .. }
    ));
}

#[test]
fn amplitudes_of_chosen_states() {
    let mut circuit = Circuit::new(2, 0).unwrap();
    circuit.h(0).unwrap().cx(0, 1).unwrap();
    let state = multilane_quantum::simulate(&circuit, &Options::default(), &Serial).unwrap();
    let found = state.amplitudes(&[3, 1, 3]).unwrap();
    let half = 0.5f64.sqrt();
    assert!(
        found
            .iter()
            .zip([half, 0.0, half])
            .all(|(found, wanted)| (found - wanted).norm() < 1e-15)
    );
    let error = state.amplitudes(&[0, 4]).unwrap_err();
    assert_eq!(error.to_string(), "there is no basis state 4: the circuit has 2 qubits");
    assert!(state.amplitudes(&[u64::MAX]).is_err());
}
