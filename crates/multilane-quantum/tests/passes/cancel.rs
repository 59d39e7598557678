//! Cancellation of inverses: text in, text out.

use expect_test::expect;
use multilane_quantum::passes::cancel_inverses;

use crate::check;

#[test]
fn inverses_cancel_from_the_inside_out() {
    check(
        cancel_inverses,
        "h q[0]; s q[0]; cx q[0], q[1]; id q[1]; cx q[0], q[1]; sdg q[0]; h q[0]; t q[2]; tdg q[2]; sx q[3];",
        expect![[r#"
            sx q[3];
        "#]],
    );
}

#[test]
fn gates_between_have_to_commute() {
    check(
        cancel_inverses,
        "cx q[0], q[1]; t q[0]; rx(0.5) q[1]; cx q[0], q[2]; cx q[0], q[1];",
        expect![[r#"
            t q[0];
            rx(0.5) q[1];
            cx q[0], q[2];
        "#]],
    );
    check(
        cancel_inverses,
        "cx q[0], q[1]; h q[0]; cx q[0], q[1];",
        expect![[r#"
        cx q[0], q[1];
        h q[0];
        cx q[0], q[1];
    "#]],
    );
    check(
        cancel_inverses,
        "x q[0]; barrier q[0]; x q[0];",
        expect![[r#"
        x q[0];
        barrier q[0];
        x q[0];
    "#]],
    );
}

#[test]
fn the_order_of_qubits_matters_where_it_does_for_the_gate() {
    check(
        cancel_inverses,
        "cz q[0], q[1]; cz q[1], q[0]; swap q[1], q[2]; swap q[2], q[1]; ccx q[0], q[1], q[2]; ccx q[1], q[0], q[2];",
        expect![[r#""#]],
    );
    check(
        cancel_inverses,
        "cx q[0], q[1]; cx q[1], q[0];",
        expect![[r#"
        cx q[0], q[1];
        cx q[1], q[0];
    "#]],
    );
    check(
        cancel_inverses,
        "ctrl @ x q[0], q[1]; negctrl @ x q[0], q[1];",
        expect![[r#"
        cx q[0], q[1];
        negctrl @ x q[0], q[1];
    "#]],
    );
}

#[test]
fn angles_are_compared_as_expressions() {
    check(
        cancel_inverses,
        "rx(a / 2) q[0]; rx(-0.5 * a) q[0]; u3(0.1, a, b) q[1]; u3(-0.1, -b, -a) q[1]; p(0.25) q[2]; p(-0.25) q[2];",
        expect![[r#"
            gphase((-((a + b) / 2.0)));
            gphase((-(((-b) + (-a)) / 2.0)));
        "#]],
    );
}

#[test]
fn what_a_condition_decides_about_stays() {
    check(
        cancel_inverses,
        "h q[0]; c[0] = measure q[0]; if (c[0]) { x q[1]; } if (c[0]) { x q[1]; } z q[0]; z q[0];",
        expect![[r#"
            h q[0];
            c[0] = measure q[0];
            if (c[0]) x q[1];
            if (c[0]) x q[1];
        "#]],
    );
}
