//! What an explanation says, with the numbers of a made-up machine.

use expect_test::expect;
use multilane_plan::cost::CostModel;
use multilane_quantum::{Circuit, Level, Options, Precision, Timing, explain};

/// The same chunks on any machine.
fn options() -> Options {
    Options {
        level: Level::Portable,
        chunk_qubits: Some(6),
        low_qubits: Some(5),
        ..Options::with_precision(Precision::F32)
    }
}

fn circuit() -> Circuit {
    let mut circuit = Circuit::new(9, 0).unwrap();
    for qubit in 0..9 {
        circuit.h(qubit).unwrap().t(qubit).unwrap().t(qubit).unwrap();
    }
    circuit
        .cx(0, 8)
        .unwrap()
        .cx(0, 8)
        .unwrap()
        .ccx(7, 8, 2)
        .unwrap()
        .measure_all()
        .unwrap();
    circuit
}

#[test]
fn follows_gates_to_passes_over_memory() {
    let (explanation, program) = explain(&circuit(), &options()).unwrap();
    let predicted_ns = explanation.predict_ns(&CostModel::typical(2), 2);
    let timing = Timing {
        workers: 2,
        predicted_ns,
        measured_ns: Some(20_000.0),
    };
    expect![[r#"
        9 qubits in f32: a state of 4.1 kB

        before: 30 gates (1 ccx, 2 cx, 9 h, 18 t)
          fold_initial_state      0 changed, 30 gates left
          cancel_inverses         2 changed, 28 gates left
          merge_rotations         9 changed, 19 gates left
          cancel_inverses         0 changed, 19 gates left
        after: 19 gates (1 ccx, 9 h, 9 s)
        fused: 9 matrices on 1 qubit, 1 flip

        4 passes over memory, moving 11.3 kB
          reads      0 B, writes    512 B: 6 matrices on 1 qubit
          reads    512 B, writes   1.0 kB: 1 matrix on 1 qubit
          reads   1.0 kB, writes   2.0 kB: 1 matrix on 1 qubit
          reads   2.0 kB, writes   4.1 kB: 1 matrix on 1 qubit, 1 flip

        predicted  18.70 us with 2 workers
        measured   20.00 us, 0.6 GB/s
    "#]]
    .assert_eq(&explanation.text(&timing));
    assert_eq!(explanation.moved_bytes(), program.summary().moved_bytes);
    assert_eq!(explanation.sweeps.len(), program.summary().passes);
}

#[test]
fn without_passes_the_gates_stay_as_they_are() {
    let as_it_is = Options {
        optimize: false,
        ..options()
    };
    let (explanation, _) = explain(&circuit(), &as_it_is).unwrap();
    assert!(explanation.passes.is_empty());
    assert_eq!(explanation.before, explanation.after);
    assert_eq!(explanation.before["ccx"], 1);
}

#[test]
fn more_arithmetic_and_more_memory_take_longer_and_more_workers_do_not() {
    let model = CostModel::typical(4);
    let ns = |qubits: usize, layers: usize, workers: usize| {
        let mut circuit = Circuit::new(qubits, 0).unwrap();
        for layer in 0..layers {
            for qubit in 0..qubits {
                circuit.ry(0.1, qubit).unwrap().rx(0.1 + layer as f64, qubit).unwrap();
                circuit.cx(qubit, (qubit + 1) % qubits).unwrap();
            }
        }
        explain(&circuit, &Options::default())
            .unwrap()
            .0
            .predict_ns(&model, workers)
    };
    assert!(ns(18, 2, 1) > ns(16, 2, 1));
    assert!(ns(16, 4, 1) > ns(16, 2, 1));
    assert!(ns(22, 1, 4) < ns(22, 1, 1));
}
