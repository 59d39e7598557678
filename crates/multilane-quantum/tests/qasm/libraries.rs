//! The gates of both libraries, held against their definitions in terms of `U`, `gphase` and controls.

use multilane_quantum::Circuit;
use multilane_quantum::qasm::Reader;

use crate::dense::difference;

fn read(text: &str) -> Circuit {
    Reader::default().read(text).expect("the program is right").circuit
}

/// Every gate of version 3, defined by nothing but the language: parameters, qubits, body.
const DEFINITIONS_OF_3: &[(&str, &str, &str, &str)] = &[
    ("p", "a", "q", "ctrl @ gphase(a) q;"),
    ("x", "", "q", "U(pi, 0, pi) q; gphase(-pi/2);"),
    ("y", "", "q", "U(pi, pi/2, pi/2) q; gphase(-pi/2);"),
    ("z", "", "q", "ctrl @ gphase(pi) q;"),
    ("h", "", "q", "U(pi/2, 0, pi) q; gphase(-pi/4);"),
    ("s", "", "q", "pow(0.5) @ ctrl @ gphase(pi) q;"),
    ("sdg", "", "q", "inv @ pow(0.5) @ ctrl @ gphase(pi) q;"),
    ("t", "", "q", "ctrl @ gphase(pi/4) q;"),
    ("tdg", "", "q", "inv @ ctrl @ gphase(pi/4) q;"),
    ("sx", "", "q", "pow(0.5) @ X_ q;"),
    ("rx", "a", "q", "U(a, -pi/2, pi/2) q; gphase(-a/2);"),
    ("ry", "a", "q", "U(a, 0, 0) q; gphase(-a/2);"),
    ("rz", "a", "q", "gphase(-a/2); U(0, 0, a) q;"),
    ("cx", "", "q, r", "ctrl @ X_ q, r;"),
    (
        "CX",
        "",
        "q, r",
        "ctrl @ U(pi, 0, pi) q, r; inv @ ctrl @ gphase(pi/2) q;",
    ),
    ("cy", "", "q, r", "ctrl @ Y_ q, r;"),
    ("cz", "", "q, r", "ctrl(2) @ gphase(pi) q, r;"),
    ("cp", "a", "q, r", "ctrl(2) @ gphase(a) q, r;"),
    ("crx", "a", "q, r", "ctrl @ RX_(a) q, r;"),
    ("cry", "a", "q, r", "ctrl @ RY_(a) q, r;"),
    ("crz", "a", "q, r", "ctrl @ RZ_(a) q, r;"),
    ("ch", "", "q, r", "ctrl @ H_ q, r;"),
    ("swap", "", "q, r", "ctrl @ X_ q, r; ctrl @ X_ r, q; ctrl @ X_ q, r;"),
    ("ccx", "", "q, r, s", "ctrl @ ctrl @ X_ q, r, s;"),
    (
        "cswap",
        "",
        "q, r, s",
        "ctrl(2) @ X_ q, r, s; ctrl(2) @ X_ q, s, r; ctrl(2) @ X_ q, r, s;",
    ),
    (
        "cu",
        "a, b, c, d",
        "q, r",
        "ctrl @ gphase(d - a/2) q; ctrl @ U(a, b, c) q, r;",
    ),
    ("phase", "a", "q", "U(0, 0, a) q;"),
    ("cphase", "a", "q, r", "ctrl @ U(0, 0, a) q, r;"),
    ("id", "", "q", "U(0, 0, 0) q;"),
    ("u1", "a", "q", "U(0, 0, a) q;"),
    ("u2", "b, c", "q", "gphase(-(b + c + pi/2)/2); U(pi/2, b, c) q;"),
    ("u3", "a, b, c", "q", "gphase(-(b + c + a)/2); U(a, b, c) q;"),
];

/// Shorthands that the definitions above use.
const SHORTHANDS: &str = "
gate X_ q { U(pi, 0, pi) q; gphase(-pi/2); }
gate Y_ q { U(pi, pi/2, pi/2) q; gphase(-pi/2); }
gate H_ q { U(pi/2, 0, pi) q; gphase(-pi/4); }
gate RX_(a) q { U(a, -pi/2, pi/2) q; gphase(-a/2); }
gate RY_(a) q { U(a, 0, 0) q; gphase(-a/2); }
gate RZ_(a) q { gphase(-a/2); U(0, 0, a) q; }
";

#[test]
fn gates_of_version_3_are_their_definitions_under_all_modifiers() {
    for (name, parameters, qubits, body) in DEFINITIONS_OF_3 {
        let values: Vec<&str> =
            ["0.7", "-1.3", "2.9", "0.4"][..parameters.split(',').filter(|p| !p.is_empty()).count()].to_vec();
        let arguments = if values.is_empty() {
            String::new()
        } else {
            format!("({})", values.join(", "))
        };
        let formals = if values.is_empty() {
            String::new()
        } else {
            format!("({parameters})")
        };
        for modifiers in [
            "",
            "inv @ ",
            "pow(3) @ ",
            "ctrl @ ",
            "negctrl @ ",
            "pow(-2) @ ",
            "ctrl @ pow(0.3) @ ",
        ] {
            let count = qubits.split(',').count() + usize::from(modifiers.contains("ctrl"));
            let operands: Vec<String> = (0..count).map(|qubit| format!("w[{qubit}]")).collect();
            let operands = operands.join(", ");
            let library = format!(
                "OPENQASM 3.0; include \"stdgates.inc\"; qubit[{count}] w; {modifiers}{name}{arguments} {operands};"
            );
            let defined = format!(
                "OPENQASM 3.0; {SHORTHANDS} gate mine{formals} {qubits} {{ {body} }} qubit[{count}] w; \
                 {modifiers}mine{arguments} {operands};"
            );
            let off = difference(&read(&library), &read(&defined));
            assert!(off < 1e-9, "{modifiers}{name} is off by {off}");
        }
    }
}

/// Gates that only version 2 has, by others of it.
const DEFINITIONS_OF_2: &[(&str, &str, &str)] = &[
    ("rzz(0.7)", "q[0], q[1]", "cx q[0], q[1]; rz(0.7) q[1]; cx q[0], q[1];"),
    (
        "rxx(0.7)",
        "q[0], q[1]",
        "h q[0]; h q[1]; cx q[0], q[1]; rz(0.7) q[1]; cx q[0], q[1]; h q[0]; h q[1];",
    ),
    ("csx", "q[0], q[1]", "h q[1]; cu1(pi/2) q[0], q[1]; h q[1];"),
    (
        "cu1(0.7)",
        "q[0], q[1]",
        "u1(0.35) q[0]; cx q[0], q[1]; u1(-0.35) q[1]; cx q[0], q[1]; u1(0.35) q[1];",
    ),
    (
        "cu3(0.7, 0.3, -1.1)",
        "q[0], q[1]",
        "u1(-0.4) q[0]; u1(-0.7) q[1]; cx q[0], q[1]; u3(-0.35, 0, 0.4) q[1]; cx q[0], q[1]; u3(0.35, 0.3, 0) q[1];",
    ),
    (
        "rccx",
        "q[0], q[1], q[2]",
        "u2(0,pi) q[2]; u1(pi/4) q[2]; cx q[1], q[2]; u1(-pi/4) q[2]; cx q[0], q[2]; u1(pi/4) q[2]; cx q[1], q[2];
         u1(-pi/4) q[2]; u2(0,pi) q[2];",
    ),
    (
        "rc3x",
        "q[0], q[1], q[2], q[3]",
        "h q[3]; t q[3]; cx q[2], q[3]; tdg q[3]; h q[3]; cx q[0], q[3]; t q[3]; cx q[1], q[3]; tdg q[3];
         cx q[0], q[3]; t q[3]; cx q[1], q[3]; tdg q[3]; h q[3]; t q[3]; cx q[2], q[3]; tdg q[3]; h q[3];",
    ),
];

#[test]
fn gates_of_version_2_are_their_definitions() {
    for (name, operands, body) in DEFINITIONS_OF_2 {
        let head = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[4];";
        let off = difference(
            &read(&format!("{head} {name} {operands};")),
            &read(&format!("{head} {body}")),
        );
        assert!(off < 1e-12, "{name} is off by {off}");
    }
}
