//! Expectations, probabilities and densities against their definitions.

use multilane_plan::Serial;
use multilane_quantum::{Complex64, Options, Pauli, PauliTerm, QuantumError, simulate};
use proptest::prelude::*;

use crate::common::{Threads, any_circuit, apply, dense};

fn matrix(pauli: Pauli) -> [Complex64; 4] {
    let (o, l, i) = (Complex64::ZERO, Complex64::ONE, Complex64::I);
    match pauli {
        Pauli::X => [o, l, l, o],
        Pauli::Y => [o, -i, i, o],
        Pauli::Z => [l, o, o, -l],
    }
}

fn any_pauli() -> impl Strategy<Value = Option<Pauli>> {
    prop_oneof![
        Just(None),
        Just(Some(Pauli::X)),
        Just(Some(Pauli::Y)),
        Just(Some(Pauli::Z))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn expectations(circuit in any_circuit(5..6, 20), paulis in prop::collection::vec(any_pauli(), 5), coefficient in -2.0..2.0f64) {
        let state = dense(&circuit);
        let mut other = state.clone();
        let mut factors = Vec::new();
        for (qubit, pauli) in paulis.iter().enumerate() {
            if let Some(pauli) = pauli {
                other = apply(&other, &matrix(*pauli), &[], &[qubit]);
                factors.push((qubit, *pauli));
            }
        }
        let wanted: Complex64 = state.iter().zip(&other).map(|(x, y)| x.conj() * y).sum();
        let found = simulate(&circuit, &Options::default(), &Serial).unwrap();
        let terms = [PauliTerm { coefficient, factors }];
        let value = found.expectation(&terms, &Serial).unwrap();
        prop_assert!((value - coefficient * wanted.re).abs() < 1e-12, "{value} for {wanted}");
        prop_assert_eq!(value, found.expectation(&terms, &Threads(3)).unwrap());
    }

    #[test]
    fn subsets(circuit in any_circuit(5..6, 20), order in Just(vec![0usize, 1, 2, 3, 4]).prop_shuffle(), size in 0usize..4) {
        let state = dense(&circuit);
        let qubits = &order[..size];
        let value = |basis: usize| qubits.iter().enumerate().fold(0, |all, (place, qubit)| all | (basis >> qubit & 1) << place);
        let rest = |basis: usize| order[size..].iter().fold(0, |all, qubit| all | (basis & 1 << qubit));
        let rows = 1 << size;
        let (mut probabilities, mut density) = (vec![0.0; rows], vec![Complex64::ZERO; rows * rows]);
        for (left, x) in state.iter().enumerate() {
            probabilities[value(left)] += x.norm_sqr();
            for (right, y) in state.iter().enumerate() {
                if rest(left) == rest(right) {
                    density[value(left) * rows + value(right)] += x * y.conj();
                }
            }
        }
        let found = simulate(&circuit, &Options::default(), &Serial).unwrap();
        for (left, right) in found.probabilities(qubits, &Threads(2)).unwrap().iter().zip(&probabilities) {
            prop_assert!((left - right).abs() < 1e-12);
        }
        for (left, right) in found.density(qubits, &Serial).unwrap().iter().zip(&density) {
            prop_assert!((left - right).norm() < 1e-12);
        }
    }
}

#[test]
fn qubits_that_are_not_there_are_named() {
    let circuit = multilane_quantum::Circuit::new(2, 0).unwrap();
    let state = simulate(&circuit, &Options::default(), &Serial).unwrap();
    assert_eq!(
        state.probabilities(&[0, 2], &Serial).unwrap_err(),
        QuantumError::QubitOutOfRange { qubit: 2, qubits: 2 }
    );
    assert!(state.density(&[1, 1], &Serial).is_err());
}

#[test]
fn products_reach_across_the_blocks_of_a_larger_state() {
    let mut circuit = multilane_quantum::Circuit::new(14, 0).unwrap();
    for qubit in 0..14 {
        circuit
            .ry(0.3 + 0.2 * qubit as f64, qubit)
            .unwrap()
            .p(0.1, qubit)
            .unwrap();
        circuit.crx(0.7, qubit, (qubit + 5) % 14).unwrap();
    }
    let products = [
        vec![(13, Pauli::X), (2, Pauli::Z)],
        vec![(13, Pauli::Y), (12, Pauli::Y), (0, Pauli::X)],
        vec![(13, Pauli::Z), (12, Pauli::Z), (1, Pauli::Z)],
        vec![(13, Pauli::X), (3, Pauli::Y)],
    ];
    let state = dense(&circuit);
    let mut wanted = 0.0;
    let mut terms = Vec::new();
    for (number, factors) in products.into_iter().enumerate() {
        let coefficient = 0.5 + number as f64;
        let mut other = state.clone();
        for (qubit, pauli) in &factors {
            other = apply(&other, &matrix(*pauli), &[], &[*qubit]);
        }
        wanted += coefficient * state.iter().zip(&other).map(|(x, y)| (x.conj() * y).re).sum::<f64>();
        terms.push(PauliTerm { coefficient, factors });
    }
    let found = simulate(&circuit, &Options::default(), &Serial).unwrap();
    let value = found.expectation(&terms, &Serial).unwrap();
    assert!((value - wanted).abs() < 1e-12, "{value} instead of {wanted}");
    assert_eq!(value, found.expectation(&terms, &Threads(3)).unwrap());
}
