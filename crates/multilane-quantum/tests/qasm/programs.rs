//! What programs mean: their instructions, one by one.

use expect_test::{Expect, expect};
use multilane_quantum::qasm::{Phases, Reader};

use crate::dense::{difference, listing};

#[track_caller]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&listing(
        &Reader::default().read(text).expect("the program is right").circuit,
    ));
}

#[track_caller]
fn check_3(statements: &str, expected: Expect) {
    let head = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[3] q; bit[3] c;\n";
    check(&format!("{head}{statements}"), expected);
}

#[track_caller]
fn check_2(statements: &str, expected: Expect) {
    let head = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[3]; creg c[2]; creg d[1];\n";
    check(&format!("{head}{statements}"), expected);
}

#[test]
fn version_2_applies_along_registers_and_under_conditions() {
    check_2(
        "h q; cx q[0],q[1]; barrier q[0],q[2]; measure q[0]->c[1];",
        expect![[r#"
            h [0]
            h [1]
            h [2]
            x +0 [1]
            barrier [0, 2]
            measure 0 -> 1
        "#]],
    );
    check_2(
        "if(c==2) x q[0]; if(d==1) measure q[1]->d[0]; reset q[2];",
        expect![[r#"
            if [0, 1] == 2: x [0]
            if [2] == 1: measure 1 -> 2
            reset 2
        "#]],
    );
    check_2(
        "gate g(a,b) x,y { rz(a/2^2) x; U(a,-b,sin(b)) y; barrier x,y; CX x,y; } g(1,pi) q[2],q[0];",
        expect![[r#"
            rz(0.25) [2]
            u(1.0, -3.141592653589793, 1.2246467991473532e-16) [0]
            barrier [2, 0]
            x +2 [0]
        "#]],
    );
    // A gate of the library may be defined anew, by itself too.
    check_2(
        "gate rzz(t) a,b { rzz(2*t) a,b; } rzz(1) q[0],q[1];",
        expect![[r#"
        x +0 [1]
        rz(2.0) [1]
        x +0 [1]
    "#]],
    );
    check_2(
        "U(1/2,0,0) q[0];",
        expect![[r#"
        u(0.5, 0.0, 0.0) [0]
    "#]],
    );
}

#[test]
fn modifiers_change_gates_from_the_inside_out() {
    check_3(
        "ctrl @ x q[0], q[1]; negctrl @ ctrl @ s q[0], q[1], q[2]; inv @ t q[0]; inv @ ctrl @ p(1) q[0], q[1];",
        expect![[r#"
            x +0 [1]
            s -0 +1 [2]
            tdg [0]
            p(-1.0) +0 [1]
        "#]],
    );
    check_3(
        "gate g a, b { h a; cx a, b; s b; } inv @ g q[0], q[1]; ctrl @ g q[2], q[0], q[1];",
        expect![[r#"
            sdg [1]
            x +0 [1]
            h [0]
            h +2 [0]
            x +2 +0 [1]
            s +2 [1]
        "#]],
    );
    check_3(
        "pow(2) @ rx(0.5) q[0]; pow(0.5) @ z q[0]; pow(3) @ h q[0]; pow(0) @ y q[0]; pow(-1) @ s q[0];",
        expect![[r#"
            rx(1.0) [0]
            s [0]
            h [0]
            p(-1.5707963267948966) [0]
        "#]],
    );
    check_3(
        "gphase(0.5); ctrl @ gphase(0.5) q[1]; negctrl @ gphase(0.5) q[1];",
        expect![[r#"
            gphase(0.5) []
            p(0.5) [1]
            gphase(0.5) -1 []
        "#]],
    );
}

#[test]
fn constants_loops_and_slices_are_written_out() {
    check_3(
        "const int n = 2; for uint i in [0:n] { rz(pi / (i + 1)) q[i]; }",
        expect![[r#"
            rz(3.141592653589793) [0]
            rz(1.5707963267948966) [1]
            rz(1.0471975511965976) [2]
        "#]],
    );
    check_3(
        "for int i in {2, 0} x q[i]; for int i in [2:-2:0] y q[i];",
        expect![[r#"
            x [2]
            x [0]
            y [2]
            y [0]
        "#]],
    );
    check_3(
        "let a = q[1:2] ++ q[0]; x a[0]; z a[{2, 1}]; y q[-1];",
        expect![[r#"
        x [1]
        z [0]
        z [2]
        y [2]
    "#]],
    );
    check_3(
        "int i = 0; while (i < 5) { i += 2; if (i == 4) continue; x q[0]; }",
        expect![[r#"
            x [0]
            x [0]
        "#]],
    );
    check_3(
        "uint[3] n = 5; for int i in [0:2] if (bool(n[i])) x q[i];",
        expect![[r#"
            x [0]
            x [2]
        "#]],
    );
    check_3(
        "rx(7 / 2) q[0]; rx(7 / 2.0) q[0]; rx(2 ** 3 % 5) q[0]; rx(-2 ** 2) q[0]; rx(arctan(1) * 4) q[0];",
        expect![[r#"
            rx(3.0) [0]
            rx(3.5) [0]
            rx(3.0) [0]
            rx(-4.0) [0]
            rx(3.141592653589793) [0]
        "#]],
    );
    check_3(
        "bit[3] known = \"011\"; for int i in [0:2] if (known[i]) x q[i];",
        expect![[r#"
            x [0]
            x [1]
        "#]],
    );
    check_3(
        "switch (1 + 1) { case 1 { x q; } case 2, 3 { y q[0]; } default { z q; } }",
        expect![[r#"
            y [0]
        "#]],
    );
}

#[test]
fn conditions_compare_bits_with_a_value() {
    check_3(
        "if (c[0]) x q[0]; else y q[0];",
        expect![[r#"
        if [0] == 1: x [0]
        if [0] == 0: y [0]
    "#]],
    );
    check_3(
        "if (c == 5) { x q[0]; if (c[0]) z q[1]; if (!c[0]) z q[2]; } else y q[0];",
        expect![[r#"
            if [0, 1, 2] == 5: x [0]
            if [0, 1, 2] == 5: z [1]
            if [0, 1, 2] != 5: y [0]
        "#]],
    );
    check_3(
        "if (c[0] && !c[2]) x q[0]; if (c[0] || c[1]) x q[1]; if (c != 0) x q[2]; if (c[1] == 0) x q[0];",
        expect![[r#"
            if [0, 2] == 1: x [0]
            if [0, 1] != 0: x [1]
            if [0, 1, 2] != 0: x [2]
            if [1] == 0: x [0]
        "#]],
    );
    check_3(
        "switch (c) { case 0 { x q[0]; } case 1 { y q[0]; } }",
        expect![[r#"
        if [0, 1, 2] == 0: x [0]
        if [0, 1, 2] == 1: y [0]
    "#]],
    );
    check_3("if (c == 9) x q[0];", expect![[""]]);
}

#[test]
fn subroutines_are_written_out() {
    check_3(
        "def f(qubit a, angle t) { rx(t) a; } f(q[1], pi);",
        expect![[r#"
        rx(3.141592653589793) [1]
    "#]],
    );
    check_3(
        "def f(qubit[2] a) -> bit { h a; return measure a[0]; } c[2] = f(q[0:1]);",
        expect![[r#"
            h [0]
            h [1]
            measure 0 -> 2
        "#]],
    );
    check_3(
        "def n(int k) -> int { if (k > 1) { return 2; } return 1; } x q[n(5)];",
        expect![[r#"
            x [2]
        "#]],
    );
}

#[test]
fn inputs_are_late_parameters() {
    check_3(
        "input float a; input angle b; rx(a) q[0]; rz(-2 * a + sin(b) / 4) q[1]; inv @ ry(a) q[2];",
        expect![[r#"
            rx(a) [0]
            rz(((-2.0 * a) + (sin(b) / 4.0))) [1]
            ry(-(a)) [2]
        "#]],
    );
}

#[test]
fn what_takes_time_takes_none() {
    check_3(
        "delay[100ns] q; box { x q[0]; } nop q; barrier;",
        expect![[r#"
        x [0]
        barrier [0, 1, 2]
    "#]],
    );
    check(
        "OPENQASM 3; include \"stdgates.inc\"; cx $0, $2; @note it\npragma simulator x\nmeasure $2;",
        expect![[r#"
            x +0 [2]
            measure 2 -> 0
        "#]],
    );
}

#[test]
fn registers_and_inputs_are_told() {
    let text = "qubit[2] a; qubit b; bit x; creg y[3]; input float t;";
    let program = Reader::default().read(text).unwrap();
    let told = |registers: &[multilane_quantum::qasm::Register]| {
        registers
            .iter()
            .map(|r| format!("{}@{}+{}", r.name, r.start, r.size))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(told(&program.qubits), "a@0+2 b@2+1");
    assert_eq!(told(&program.clbits), "x@0+1 y@1+3");
    assert_eq!(program.inputs, ["t"]);
}

#[test]
fn phases_are_those_that_were_asked_for() {
    let text = "qubit[2] q; ctrl @ U(pi, 0, pi) q[0], q[1];";
    let cx = Reader::default()
        .read("include \"stdgates.inc\"; qubit[2] q; cx q[0], q[1];")
        .unwrap();
    let read = |phases| Reader::default().phases(phases).read(text).unwrap().circuit;
    assert!(difference(&read(Phases::Traditional), &cx.circuit) < 1e-12);
    assert!(difference(&read(Phases::Specification), &cx.circuit) > 1.0);
}
