//! Folding of the initial state: text in, text out.

use expect_test::expect;
use multilane_quantum::passes::fold_initial_state;

use crate::check;

#[test]
fn controls_of_known_value_decide_at_once() {
    check(
        fold_initial_state,
        "x q[0]; ccx q[0], q[1], q[2]; cx q[0], q[3]; h q[1]; ccx q[1], q[0], q[2]; negctrl @ x q[0], q[1];",
        expect![[r#"
            x q[0];
            x q[3];
            h q[1];
            cx q[1], q[2];
        "#]],
    );
}

#[test]
fn diagonal_gates_on_known_values_are_phases() {
    check(
        fold_initial_state,
        "x q[0]; t q[0]; p(a) q[0]; rz(b) q[1]; y q[1]; h q[2]; cp(0.5) q[2], q[0]; crz(0.25) q[2], q[3]; cz q[0], q[3];",
        expect![[r#"
            x q[0];
            x q[1];
            h q[2];
            p(0.5) q[2];
            p(-0.125) q[2];
            gphase(((a + ((-0.5) * b)) + 2.356194490192345));
        "#]],
    );
}

#[test]
fn swaps_exchange_what_is_known() {
    check(
        fold_initial_state,
        "swap q[0], q[1]; x q[0]; swap q[0], q[1]; cx q[0], q[2]; cx q[1], q[2]; h q[3]; cswap q[3], q[0], q[1]; cx q[0], q[2];",
        expect![[r#"
            x q[0];
            swap q[0], q[1];
            x q[2];
            h q[3];
            cswap q[3], q[0], q[1];
            cx q[0], q[2];
        "#]],
    );
}

#[test]
fn a_reset_makes_a_qubit_known_again() {
    check(
        fold_initial_state,
        "reset q[0]; x q[1]; reset q[1]; h q[2]; reset q[2]; cx q[2], q[3];",
        expect![[r#"
            x q[1];
            x q[1];
            h q[2];
            reset q[2];
        "#]],
    );
}

#[test]
fn what_a_condition_decides_about_is_not_known() {
    check(
        fold_initial_state,
        "h q[0]; c[0] = measure q[0]; if (c[0]) { x q[1]; } cx q[1], q[2]; if (c[0]) { cx q[3], q[2]; }",
        expect![[r#"
            h q[0];
            c[0] = measure q[0];
            if (c[0]) x q[1];
            cx q[1], q[2];
        "#]],
    );
}
