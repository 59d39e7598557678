//! Grouping of diagonal gates: text in, text out.

use expect_test::expect;
use multilane_quantum::passes::group_diagonals;

use crate::check;

#[test]
fn diagonal_gates_join_the_first_group_they_reach() {
    check(
        group_diagonals,
        "t q[0]; h q[1]; cp(0.5) q[0], q[2]; h q[3]; cz q[1], q[0]; rz(a) q[2]; h q[0]; s q[0];",
        expect![[r#"
            t q[0];
            cp(0.5) q[0], q[2];
            rz(a) q[2];
            h q[1];
            h q[3];
            cz q[1], q[0];
            h q[0];
            s q[0];
        "#]],
    );
}

#[test]
fn controls_let_past_and_barriers_do_not() {
    check(
        group_diagonals,
        "s q[0]; cx q[0], q[1]; t q[0]; barrier q[0]; t q[0]; t q[1];",
        expect![[r#"
            s q[0];
            t q[0];
            cx q[0], q[1];
            barrier q[0];
            t q[0];
            t q[1];
        "#]],
    );
}
