//! Passes: text in, text out, and random circuits against dense algebra.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "../simulate/common.rs"]
mod common;

mod cancel;
mod cone;
mod explain;
mod fold;
mod group;
mod merge;
mod orders;
mod pipeline;

use expect_test::Expect;
use multilane_quantum::qasm::{Reader, to_qasm3};
use multilane_quantum::{Circuit, passes::Pass};

/// A circuit of OpenQASM statements on qubits `q`, bits `c` and parameters `a` and `b`.
#[track_caller]
fn read(statements: &str) -> Circuit {
    let head = "OPENQASM 3.0; include \"stdgates.inc\"; input float a; input float b; qubit[4] q; bit[4] c;";
    let text = format!("{head}\n{statements}");
    Reader::default()
        .read(&text)
        .unwrap_or_else(|error| panic!("{error}"))
        .circuit
}

/// The statements of a circuit, without its declarations.
fn written(circuit: &Circuit) -> String {
    let declared = ["OPENQASM", "include", "input", "qubit", "bit"];
    let text = to_qasm3(circuit).unwrap();
    let lines = text
        .lines()
        .filter(|line| !declared.iter().any(|word| line.starts_with(word)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Reads a circuit, runs a pass and compares the text of what comes out; a second run has to find nothing.
#[track_caller]
fn check(pass: Pass, statements: &str, expect: Expect) {
    let mut circuit = read(statements);
    let before = written(&circuit);
    let changed = pass(&mut circuit);
    let after = written(&circuit);
    assert_eq!(changed > 0, before != after, "{changed} changed:\n{after}");
    expect.assert_eq(&after);
    assert_eq!(
        pass(&mut circuit),
        0,
        "a second run finds more to do:\n{}",
        written(&circuit)
    );
}
