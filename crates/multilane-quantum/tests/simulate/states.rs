//! States of random circuits against a plain simulator, with every choice of how to run.

use crate::common::{Threads, any_circuit, dense, distance};
use multilane_plan::Serial;
use multilane_quantum::{Circuit, Complex64, Level, Options, Precision, Program, QuantumError, simulate};
use proptest::prelude::*;

/// Runs in all ways there are, with chunks that make several passes.
fn check(circuit: &Circuit, chunk: usize, low: usize) -> Result<(), TestCaseError> {
    let wanted = dense(circuit);
    for level in Level::available() {
        for (precision, tolerance) in [(Precision::F64, 1e-12), (Precision::F32, 2e-5)] {
            for (optimize, fuse) in [(true, true), (false, true), (false, false)] {
                let options = Options {
                    precision,
                    level,
                    optimize,
                    fuse,
                    chunk_qubits: Some(chunk),
                    low_qubits: Some(low),
                };
                let state = simulate(circuit, &options, &Serial).unwrap().to_vec();
                let off = distance(&state, &wanted);
                prop_assert!(off < tolerance, "off by {off:e} with {options:?}");
                let norm: f64 = state.iter().map(Complex64::norm_sqr).sum();
                prop_assert!((norm - 1.0).abs() < tolerance, "norm {norm} with {options:?}");
                let again = simulate(circuit, &options, &Threads(3)).unwrap().to_vec();
                prop_assert_eq!(&state, &again, "other bits with 3 lanes and {:?}", options);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn small_circuits(circuit in any_circuit(1..7, 24)) {
        check(&circuit, 16, 7)?;
    }

    #[test]
    fn circuits_of_several_chunks(circuit in any_circuit(7..11, 40), chunk in 6usize..9, low in 1usize..6) {
        check(&circuit, chunk, low)?;
    }
}

#[test]
fn qubits_that_do_not_fit_are_refused_before_any_work() {
    let circuit = Circuit::new(60, 0).unwrap();
    let error = simulate(&circuit, &Options::default(), &Serial).unwrap_err();
    assert!(matches!(error, QuantumError::OutOfMemory { qubits: 60, .. }), "{error}");
    assert!(error.hint().unwrap().starts_with("this machine holds"));
}

#[test]
fn says_what_a_run_does() {
    let mut circuit = Circuit::new(9, 0).unwrap();
    circuit
        .h(0)
        .unwrap()
        .h(0)
        .unwrap()
        .h(8)
        .unwrap()
        .cx(8, 0)
        .unwrap()
        .swap(1, 8)
        .unwrap();
    let options = Options {
        chunk_qubits: Some(6),
        low_qubits: Some(5),
        ..Options::default()
    };
    let summary = Program::new(&circuit, &options).unwrap().summary();
    // Two gates cancel; the swap is a name, by which the others are on qubits 0 and 1 from the start.
    assert_eq!((summary.gates, summary.actions, summary.passes), (5, 2, 1));
    assert_eq!(summary.moved_bytes, 16 << 6);
}
