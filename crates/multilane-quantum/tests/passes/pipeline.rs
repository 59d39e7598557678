//! Passes by name, and the default ones together.

use expect_test::expect;
use multilane_plan::{Registry, verify};
use multilane_quantum::passes::{DEFAULT, PassReport, optimize};
use multilane_quantum::{PlanOptions, QuantumError, dialect, to_plan};

use crate::{read, written};

#[test]
fn a_turn_of_two_qubits_merges_once_its_inside_has_cancelled() {
    let mut circuit = read(
        "h q[0]; h q[1]; cx q[0], q[1]; rz(a) q[1]; cx q[0], q[1]; cx q[2], q[1]; cx q[0], q[1]; rz(b) q[1]; cx q[0], q[1];",
    );
    let reports = optimize(&mut circuit, DEFAULT).unwrap();
    expect![[r#"
        h q[0];
        h q[1];
        cx q[0], q[1];
        rz((a + b)) q[1];
        cx q[0], q[1];
    "#]]
    .assert_eq(&written(&circuit));
    let lines = reports
        .iter()
        .map(|PassReport { name, changed, gates }| format!("{name}: {changed}, {gates} left\n"));
    expect![[r#"
        fold_initial_state: 1, 8 left
        cancel_inverses: 2, 6 left
        merge_rotations: 1, 5 left
        cancel_inverses: 0, 5 left
    "#]]
    .assert_eq(&lines.collect::<String>());
    // What is left is a plan all the same.
    let plan = to_plan(&circuit, "turn", &PlanOptions::default()).unwrap();
    verify(&plan, &Registry::core().with(dialect())).unwrap();
}

#[test]
fn an_unknown_pass_is_named_and_nothing_runs() {
    let mut circuit = read("x q[0]; x q[0];");
    let before = circuit.clone();
    let error = optimize(&mut circuit, &["cancel_inverses", "cancel"]).unwrap_err();
    assert!(matches!(&error, QuantumError::UnknownPass { name, .. } if name == "cancel"));
    assert!(error.hint().unwrap().contains("`cancel_inverses`"));
    assert_eq!(circuit, before);
}
