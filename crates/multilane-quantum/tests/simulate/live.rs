//! Live registers: one gate at a time, measurements, copies and interruptions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use multilane_plan::{Lanes, Serial};
use multilane_quantum::{
    Circuit, Complex64, Condition, Gate, LiveRegister, Operation, Options, Precision, QuantumError, State,
};
use proptest::prelude::*;

use crate::common::{Threads, any_circuit, dense, distance};

fn live(qubits: usize, precision: Precision, seed: u64) -> LiveRegister {
    LiveRegister::new(qubits, Options::with_precision(precision), seed).unwrap()
}

fn replay(register: &mut LiveRegister, circuit: &Circuit, lanes: &dyn Lanes) {
    for instruction in circuit.instructions() {
        if let Operation::Gate {
            gate,
            controls,
            targets,
        } = &instruction.operation
        {
            register
                .gate(gate.clone(), controls.clone(), targets.clone(), lanes)
                .unwrap();
        }
    }
}

fn amplitudes(register: &LiveRegister) -> Vec<Complex64> {
    register.state().unwrap().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Small states are changed in place, larger ones in passes.
    #[test]
    fn gates_one_at_a_time_are_those_of_a_circuit(circuit in any_circuit(1..12, 20)) {
        let expected = dense(&circuit);
        for (precision, tolerance) in [(Precision::F64, 1e-12), (Precision::F32, 1e-5)] {
            let mut register = live(circuit.qubits(), precision, 0);
            replay(&mut register, &circuit, &Threads(2));
            prop_assert!(distance(&amplitudes(&register), &expected) < tolerance);
            let mut at_once = live(circuit.qubits(), precision, 0);
            at_once.apply(&circuit, &Serial).unwrap();
            prop_assert!(distance(&amplitudes(&at_once), &expected) < tolerance);
        }
    }

    #[test]
    fn what_was_measured_stays(circuit in any_circuit(1..11, 12), seed: u64) {
        let mut register = live(circuit.qubits(), Precision::F64, seed);
        register.apply(&circuit, &Serial).unwrap();
        let before = amplitudes(&register);
        let qubit = seed as usize % circuit.qubits();
        let one = register.measure(qubit, &Threads(2)).unwrap();
        let kept = |basis: usize| (basis >> qubit & 1 == 1) == one;
        let weight: f64 = before.iter().enumerate().filter(|(basis, _)| kept(*basis)).map(|(_, a)| a.norm_sqr()).sum();
        let expected: Vec<Complex64> = (before.iter().enumerate())
            .map(|(basis, a)| if kept(basis) { a / weight.sqrt() } else { Complex64::ZERO })
            .collect();
        prop_assert!(distance(&amplitudes(&register), &expected) < 1e-12);
        prop_assert_eq!(register.measure(qubit, &Serial).unwrap(), one);
        register.reset(qubit, &Serial).unwrap();
        prop_assert!(!register.measure(qubit, &Serial).unwrap());
    }

    #[test]
    fn vectors_are_added_and_multiplied(left in any_circuit(3..4, 8), right in any_circuit(3..4, 8)) {
        let (one, two) = (dense(&left), dense(&right));
        let state = |amplitudes: &[Complex64]| State::from_amplitudes(amplitudes, Precision::F64).unwrap();
        let (a, b) = (Complex64::new(0.5, -2.0), Complex64::new(1.5, 1.0));
        let sum = state(&one).sum(a, &state(&two), b).unwrap().to_vec();
        let tensor = state(&one).tensor(&state(&two)).unwrap().to_vec();
        for (basis, (x, y)) in one.iter().zip(&two).enumerate() {
            prop_assert!((sum[basis] - (a * x + b * y)).norm() < 1e-12);
            prop_assert!((tensor[basis << 3 | 5] - x * two[5]).norm() < 1e-12);
        }
    }
}

#[test]
fn measurements_are_the_same_with_any_number_of_lanes() {
    let outcomes = |lanes: &dyn Lanes| -> Vec<bool> {
        let mut register = live(17, Precision::F64, 9);
        for qubit in 0..17 {
            register
                .gate(Gate::Ry(0.7.into()), Vec::new(), vec![qubit], lanes)
                .unwrap();
        }
        (0..17).map(|qubit| register.measure(qubit, lanes).unwrap()).collect()
    };
    assert_eq!(outcomes(&Serial), outcomes(&Threads(3)));
}

#[test]
fn who_holds_a_state_keeps_it() {
    let mut register = live(3, Precision::F64, 0);
    let held = register.state().unwrap().clone();
    let place = Arc::as_ptr(&held);
    register.gate(Gate::X, Vec::new(), vec![0], &Serial).unwrap();
    assert_eq!(held.amplitude(0), Some(Complex64::ONE));
    assert_eq!(register.state().unwrap().amplitude(1), Some(Complex64::ONE));
    let moved = Arc::as_ptr(register.state().unwrap());
    assert_ne!(place, moved);
    register.gate(Gate::X, Vec::new(), vec![1], &Serial).unwrap();
    assert_eq!(
        Arc::as_ptr(register.state().unwrap()),
        moved,
        "copied although nobody held it"
    );
}

#[test]
fn a_circuit_may_measure_and_decide() {
    let mut circuit = Circuit::new(2, 1).unwrap();
    circuit.x(0).unwrap().measure(0, 0).unwrap().x(1).unwrap();
    circuit.only_if(Condition::equals([0], 1)).unwrap();
    let mut register = live(3, Precision::F64, 0);
    assert_eq!(register.apply(&circuit, &Serial).unwrap(), [true]);
    assert_eq!(register.state().unwrap().amplitude(3), Some(Complex64::ONE));
}

/// Lanes that ask to stop after a while.
struct Impatient(AtomicUsize);

impl Lanes for Impatient {
    fn count(&self) -> usize {
        1
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        Serial.run(pieces, body);
    }

    fn stopped(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) > 2
    }
}

#[test]
fn a_circuit_that_is_stopped_leaves_no_state_and_a_gate_is_never_stopped() {
    let mut register = live(18, Precision::F64, 0);
    let impatient = Impatient(AtomicUsize::new(100));
    register.gate(Gate::H, Vec::new(), vec![17], &impatient).unwrap();
    assert!((register.state().unwrap().norm(&Serial) - 1.0).abs() < 1e-12);
    let mut circuit = Circuit::new(18, 0).unwrap();
    for qubit in 0..18 {
        circuit.h(qubit).unwrap().cx(qubit, (qubit + 7) % 18).unwrap();
    }
    let error = register.apply(&circuit, &impatient).unwrap_err();
    assert_eq!(error, QuantumError::Stopped);
    assert_eq!(register.state().unwrap_err(), QuantumError::StateLost);
    assert_eq!(register.measure(0, &Serial).unwrap_err(), QuantumError::StateLost);
}

#[test]
fn refuses_what_cannot_be() {
    let mut register = live(2, Precision::F64, 0);
    assert!(register.gate(Gate::X, Vec::new(), vec![2], &Serial).is_err());
    assert!(register.measure(2, &Serial).is_err());
    assert!(register.apply(&Circuit::new(3, 0).unwrap(), &Serial).is_err());
    assert_eq!(amplitudes(&register), amplitudes(&live(2, Precision::F64, 0)));
    let three = [Complex64::ONE; 3];
    assert!(State::from_amplitudes(&three, Precision::F64).is_err());
    let small = State::from_amplitudes(&three[..2], Precision::F64).unwrap();
    let error = small.sum(Complex64::ONE, &small.tensor(&small).unwrap(), Complex64::ONE);
    assert!(matches!(
        error,
        Err(QuantumError::DifferentQubits { left: 1, right: 2 })
    ));
}
