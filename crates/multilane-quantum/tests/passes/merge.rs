//! Merging of rotations: text in, text out.

use expect_test::expect;
use multilane_quantum::passes::merge_rotations;

use crate::check;

#[test]
fn angles_add_up_numbers_and_names() {
    check(
        merge_rotations,
        "rz(a) q[0]; rz(b) q[0]; rx(0.25) q[1]; rx(0.5) q[1]; ry(a) q[2]; ry(a) q[2]; ry(a - 2 * a) q[2];",
        expect![[r#"
            rz((a + b)) q[0];
            rx(0.75) q[1];
            ry(a) q[2];
        "#]],
    );
}

#[test]
fn phases_merge_past_what_they_commute_with() {
    check(
        merge_rotations,
        "t q[0]; cx q[0], q[1]; t q[0]; crz(a) q[0], q[2]; s q[0]; h q[0]; s q[0];",
        expect![[r#"
            z q[0];
            cx q[0], q[1];
            crz(a) q[0], q[2];
            h q[0];
            s q[0];
        "#]],
    );
    check(
        merge_rotations,
        "cp(0.25) q[0], q[1]; cp(0.5) q[1], q[0]; crz(0.25) q[0], q[1]; crz(0.5) q[1], q[0];",
        expect![[r#"
            cp(0.75) q[1], q[0];
            crz(0.25) q[0], q[1];
            crz(0.5) q[1], q[0];
        "#]],
    );
}

#[test]
fn roots_of_x_make_x() {
    check(
        merge_rotations,
        "sx q[0]; sx q[0]; x q[1]; sx q[1];",
        expect![[r#"
        x q[0];
        inv @ sx q[1];
    "#]],
    );
}

#[test]
fn what_turns_all_the_way_goes() {
    check(
        merge_rotations,
        "rx(a) q[0]; rx(-a) q[0]; p(pi) q[1]; z q[1]; rz(2 * pi) q[2]; rz(2 * pi) q[2]; ry(0) q[3]; crz(2 * pi) q[0], q[1];",
        expect![[r#"
            crz(6.283185307179586) q[0], q[1];
        "#]],
    );
}

#[test]
fn global_phases_are_one() {
    check(
        merge_rotations,
        "gphase(a); h q[0]; gphase(0.5); gphase(-a); ctrl @ gphase(0.25) q[0]; ctrl @ gphase(0.5) q[0];",
        expect![[r#"
            h q[0];
            p(0.75) q[0];
            gphase(0.5);
        "#]],
    );
}

#[test]
fn what_a_condition_decides_about_stays() {
    check(
        merge_rotations,
        "h q[0]; c[0] = measure q[0]; rz(0.5) q[1]; if (c[0]) { rz(0.25) q[1]; } rz(0.5) q[1];",
        expect![[r#"
            h q[0];
            c[0] = measure q[0];
            rz(1.0) q[1];
            if (c[0]) rz(0.25) q[1];
        "#]],
    );
}
