//! Shots: their distribution, their seeds, and circuits that decide on the way.

use std::collections::BTreeMap;

use multilane_plan::Serial;
use multilane_quantum::{Circuit, Condition, Options, Program, QuantumError};

use crate::common::{Threads, dense};

fn counts(circuit: &Circuit, shots: usize, seed: u64) -> BTreeMap<String, usize> {
    let program = Program::new(circuit, &Options::default()).unwrap();
    let found = program.shots(shots, seed, &Serial).unwrap();
    assert_eq!(
        found,
        program.shots(shots, seed, &Threads(3)).unwrap(),
        "other shots with 3 lanes"
    );
    found.counts()
}

#[test]
fn a_pair_is_always_equal() {
    let mut circuit = Circuit::new(2, 0).unwrap();
    circuit.h(0).unwrap().cx(0, 1).unwrap().measure_all().unwrap();
    let found = counts(&circuit, 1000, 7);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["00", "11"]);
    // Five standard deviations.
    assert!((found["00"] as f64 - 500.0).abs() < 80.0, "{found:?}");
    assert_ne!(found, counts(&circuit, 1000, 8));
}

#[test]
fn shots_follow_the_probabilities() {
    let mut circuit = Circuit::new(13, 0).unwrap();
    for qubit in 0..13 {
        circuit.ry(0.2 + 0.2 * qubit as f64, qubit).unwrap();
    }
    circuit.cx(3, 12).unwrap();
    let probabilities: Vec<f64> = dense(&circuit).iter().map(|amplitude| amplitude.norm_sqr()).collect();
    circuit.measure_all().unwrap();
    let shots = 20_000;
    let found = counts(&circuit, shots, 1);
    for qubit in 0..13 {
        let wanted: f64 = probabilities
            .iter()
            .enumerate()
            .filter(|(basis, _)| basis >> qubit & 1 == 1)
            .map(|(_, p)| p)
            .sum();
        let ones: usize = found
            .iter()
            .filter(|(bits, _)| bits.as_bytes()[12 - qubit] == b'1')
            .map(|(_, count)| count)
            .sum();
        let deviation = (wanted * (1.0 - wanted) * shots as f64).sqrt();
        assert!(
            (ones as f64 - wanted * shots as f64).abs() < 5.0 * deviation,
            "qubit {qubit}"
        );
    }
}

#[test]
fn teleports() {
    let mut circuit = Circuit::new(3, 3).unwrap();
    circuit.ry(1.0, 0).unwrap();
    circuit.h(1).unwrap().cx(1, 2).unwrap().cx(0, 1).unwrap().h(0).unwrap();
    circuit.measure(0, 0).unwrap().measure(1, 1).unwrap();
    circuit.x(2).unwrap().only_if(Condition::equals([1], 1)).unwrap();
    circuit.z(2).unwrap().only_if(Condition::equals([0], 1)).unwrap();
    circuit.ry(-1.0, 2).unwrap().measure(2, 2).unwrap();
    let found = counts(&circuit, 400, 3);
    assert!(found.keys().all(|bits| bits.starts_with('0')), "{found:?}");
    assert_eq!(found.len(), 4);
}

#[test]
fn resets_and_measures_again() {
    let mut circuit = Circuit::new(2, 2).unwrap();
    circuit
        .h(0)
        .unwrap()
        .cx(0, 1)
        .unwrap()
        .measure(0, 0)
        .unwrap()
        .reset(0)
        .unwrap()
        .reset(1)
        .unwrap();
    circuit.x(1).unwrap().measure(1, 1).unwrap();
    let found = counts(&circuit, 200, 5);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["10", "11"]);
}

#[test]
fn a_state_is_refused_where_there_are_several() {
    let mut circuit = Circuit::new(1, 1).unwrap();
    circuit.h(0).unwrap().measure(0, 0).unwrap().h(0).unwrap();
    let program = Program::new(&circuit, &Options::default()).unwrap();
    let error = program.run(&Serial).unwrap_err();
    assert!(matches!(error, QuantumError::NoSingleState { .. }), "{error}");
}
