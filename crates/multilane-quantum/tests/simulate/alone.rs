//! One gate at a time over a whole state, where it lies: every place of targets and controls, every level.

use std::sync::Arc;

use multilane_plan::Serial;
use multilane_quantum::{Complex64, Control, Gate, Level, LiveRegister, Matrix, Options, Precision, State};
use proptest::prelude::*;

use crate::common::{Threads, any_gate, apply, definition, distance, unitary};

/// Qubits of the states: more than are changed amplitude by amplitude.
const QUBITS: std::ops::Range<usize> = 10..15;

/// A state that looks random.
fn state(qubits: usize, seed: u64) -> Vec<Complex64> {
    let mut seed = seed | 1;
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let scale = (0.5f64).powi(qubits as i32).sqrt();
    (0..1 << qubits)
        .map(|_| Complex64::new(next() * scale, next() * scale))
        .collect()
}

/// Applies a gate at every level and precision, on one lane and on several, and compares with its definition.
#[track_caller]
fn check(before: &[Complex64], gate: &Gate, controls: &[Control], targets: &[usize]) {
    let wanted = apply(before, &definition(gate), controls, targets);
    for level in Level::available() {
        for (precision, tolerance) in [(Precision::F64, 1e-15), (Precision::F32, 1e-7)] {
            let options = Options {
                level,
                ..Options::with_precision(precision)
            };
            let given = Arc::new(State::from_amplitudes(before, precision).unwrap());
            let found = |lanes: &dyn multilane_plan::Lanes| {
                let mut register = LiveRegister::from_state(given.clone(), options.clone(), 0).unwrap();
                register
                    .gate(gate.clone(), controls.to_vec(), targets.to_vec(), lanes)
                    .unwrap();
                register.state().unwrap().to_vec()
            };
            let one = found(&Serial);
            let off = distance(&one, &wanted);
            let what = format!(
                "{} on {targets:?} under {controls:?}, {level:?} {precision:?}",
                gate.name()
            );
            assert!(off < tolerance, "{what}: off by {off:e}");
            assert!(one == found(&Threads(3)), "{what}: lanes make a difference");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_gate_is_its_definition(
        (qubits, (gate, controls, targets)) in QUBITS.prop_flat_map(|qubits| (Just(qubits), any_gate(qubits))),
        seed: u64,
    ) {
        check(&state(qubits, seed), &gate, &controls, &targets);
    }
}

#[test]
fn one_qubit_and_every_control_of_one() {
    let before = state(11, 1);
    let gates = [
        Gate::X,
        Gate::Ry(0.3.into()),
        Gate::U(0.3.into(), 0.7.into(), 1.1.into()),
        Gate::P(0.4.into()),
    ];
    for target in 0..11 {
        for gate in &gates {
            check(&before, gate, &[], &[target]);
            for qubit in (0..11).filter(|qubit| *qubit != target) {
                let positive = (qubit + target) % 2 == 0;
                check(&before, gate, &[Control { qubit, positive }], &[target]);
            }
        }
    }
}

#[test]
fn every_pair_of_qubits() {
    let before = state(11, 2);
    let real: Vec<Complex64> = [
        0.6, 0.8, 0.0, 0.0, -0.8, 0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0,
    ]
    .map(Complex64::from)
    .to_vec();
    let gates = [
        Gate::Unitary(unitary(2, 5).into()),
        Gate::Unitary(Matrix::new(real).unwrap().into()),
        Gate::Swap,
    ];
    for first in 0..11 {
        for second in (0..11).filter(|second| *second != first) {
            for gate in &gates {
                check(&before, gate, &[], &[first, second]);
            }
        }
    }
}

#[test]
fn a_state_of_many_pieces() {
    let before = state(18, 3);
    let control = |qubit| Control { qubit, positive: true };
    for (gate, controls, targets) in [
        (Gate::H, vec![], vec![0]),
        (Gate::X, vec![], vec![17]),
        (Gate::X, vec![control(17)], vec![3]),
        (Gate::Rz(0.3.into()), vec![], vec![9]),
        (Gate::Unitary(unitary(2, 9).into()), vec![control(5)], vec![1, 16]),
    ] {
        check(&before, &gate, &controls, &targets);
    }
}
