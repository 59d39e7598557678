//! Light cones: text in, text out.

use expect_test::expect;
use multilane_quantum::passes::light_cone;

use crate::check;

#[test]
fn what_does_not_reach_a_measurement_goes() {
    check(
        light_cone,
        "h q[0]; h q[1]; h q[2]; cx q[0], q[1]; cx q[2], q[3]; ry(a) q[1]; rx(b) q[3]; c[1] = measure q[1];",
        expect![[r#"
            h q[0];
            h q[1];
            cx q[0], q[1];
            ry(a) q[1];
            c[1] = measure q[1];
        "#]],
    );
}

#[test]
fn phases_before_a_measurement_go() {
    check(
        light_cone,
        "h q[0]; h q[1]; t q[0]; x q[0]; cz q[0], q[1]; cx q[0], q[2]; rz(a) q[0]; c[0] = measure q[0]; c[1] = measure q[1];",
        expect![[r#"
            h q[0];
            h q[1];
            x q[0];
            c[0] = measure q[0];
            c[1] = measure q[1];
        "#]],
    );
}

#[test]
fn phases_before_a_change_of_basis_stay() {
    check(
        light_cone,
        "h q[0]; t q[0]; cx q[0], q[1]; h q[0]; c[0] = measure q[0];",
        expect![[r#"
        h q[0];
        t q[0];
        cx q[0], q[1];
        h q[0];
        c[0] = measure q[0];
    "#]],
    );
}

#[test]
fn nothing_before_a_reset_reaches_past_it() {
    check(
        light_cone,
        "h q[0]; reset q[0]; h q[0]; c[0] = measure q[0]; h q[1]; reset q[1];",
        expect![[r#"
            reset q[0];
            h q[0];
            c[0] = measure q[0];
        "#]],
    );
}

#[test]
fn a_measurement_that_decides_is_one_that_is_asked_for() {
    check(
        light_cone,
        "h q[0]; t q[0]; c[0] = measure q[0]; if (c[0]) { x q[1]; } if (c[0]) { x q[2]; } c[1] = measure q[1];",
        expect![[r#"
            h q[0];
            c[0] = measure q[0];
            if (c[0]) x q[1];
            c[1] = measure q[1];
        "#]],
    );
}

#[test]
fn without_measurements_the_state_is_asked_for() {
    check(
        light_cone,
        "h q[0]; t q[0];",
        expect![[r#"
        h q[0];
        t q[0];
    "#]],
    );
}
