//! Circuits as programs of OpenQASM 3.
//!
//! A matrix becomes a gate of its own made of controlled rotations: it reads back as a circuit that does the same, to
//! rounding. Everything else reads back as it was.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::angle::arguments;
use super::{ExportError, matrix, qubits};
use crate::qasm::parse::{Version, is_keyword};
use crate::{Circuit, Condition, Control, Gate, Matrix, Operation};

/// The circuit's general gate on one qubit, without the phase that OpenQASM's own `U` has.
const U: &str = "gate u(t, p, l) a {\n  gphase(-(t / 2.0));\n  U(t, p, l) a;\n}\n";

/// Names that the program itself uses.
const TAKEN: [&str; 6] = ["q", "c", "u", "U", "pi", "tau"];

/// Writes a circuit as a program of OpenQASM 3. Parameters become inputs.
pub fn to_qasm3(circuit: &Circuit) -> Result<String, ExportError> {
    let mut text = String::from("OPENQASM 3.0;\ninclude \"stdgates.inc\";\n");
    for name in circuit.parameters() {
        if !is_name(name) {
            let name = name.clone();
            return Err(ExportError::Name { name, version: "3.0" });
        }
        let _ = writeln!(text, "input float {name};");
    }
    let matrices = Matrices::gather(circuit);
    let uses_u = |operation: &Operation| matches!(operation, Operation::Gate { gate: Gate::U(..), .. });
    let has_u = (circuit.instructions().iter()).any(|instruction| uses_u(&instruction.operation));
    if has_u || !matrices.bodies.is_empty() {
        text.push_str(U);
    }
    for (index, (count, body)) in matrices.bodies.iter().enumerate() {
        let names: Vec<String> = (0..*count).map(|qubit| format!("a{qubit}")).collect();
        let _ = writeln!(text, "gate unitary_{index} {} {{\n{body}}}", names.join(", "));
    }
    if circuit.qubits() > 0 {
        let _ = writeln!(text, "qubit[{}] q;", circuit.qubits());
    }
    if circuit.clbits() > 0 {
        let _ = writeln!(text, "bit[{}] c;", circuit.clbits());
    }
    for instruction in circuit.instructions() {
        if let Some(condition) = &instruction.condition {
            let _ = write!(text, "if ({}) ", spelled_condition(condition, circuit.clbits()));
        }
        match &instruction.operation {
            Operation::Gate {
                gate,
                controls,
                targets,
            } => {
                let (word, used) = word(gate, controls, &matrices);
                let operands = qubits(
                    controls
                        .iter()
                        .map(|control| control.qubit)
                        .chain(targets.iter().copied()),
                );
                let space = if operands.is_empty() { "" } else { " " };
                debug_assert!(used <= controls.len(), "a name says no more controls than there are");
                let _ = writeln!(
                    text,
                    "{}{word}{}{space}{operands};",
                    modifiers(&controls[..controls.len() - used]),
                    arguments(gate)
                );
            }
            Operation::Measure { qubit, clbit } => {
                let _ = writeln!(text, "c[{clbit}] = measure q[{qubit}];");
            }
            Operation::Reset { qubit } => {
                let _ = writeln!(text, "reset q[{qubit}];");
            }
            Operation::Barrier { qubits: named } => {
                let _ = writeln!(text, "barrier {};", qubits(named.iter().copied()));
            }
        }
    }
    Ok(text)
}

/// The matrices of a circuit, each once.
struct Matrices {
    known: HashMap<Vec<[u64; 2]>, usize>,
    /// How many qubits each acts on, and what it does.
    bodies: Vec<(usize, String)>,
}

impl Matrices {
    fn gather(circuit: &Circuit) -> Self {
        let mut matrices = Self {
            known: HashMap::new(),
            bodies: Vec::new(),
        };
        for instruction in circuit.instructions() {
            if let Operation::Gate {
                gate: Gate::Unitary(matrix),
                ..
            } = &instruction.operation
            {
                let next = matrices.bodies.len();
                if *matrices.known.entry(key(matrix)).or_insert(next) == next {
                    matrices.bodies.push((matrix.qubits(), matrix::body(matrix)));
                }
            }
        }
        matrices
    }
}

fn key(matrix: &Arc<Matrix>) -> Vec<[u64; 2]> {
    let bits = |element: &crate::Complex64| [element.re.to_bits(), element.im.to_bits()];
    matrix.elements().iter().map(bits).collect()
}

/// A gate's name, and how many of its last controls the name itself says.
fn word(gate: &Gate, controls: &[Control], matrices: &Matrices) -> (String, usize) {
    let ones = controls.iter().rev().take_while(|control| control.positive).count();
    let prefix = |count: usize| ("c".repeat(count) + gate.name(), count);
    match gate {
        Gate::X => prefix(ones.min(2)),
        Gate::Y | Gate::Z | Gate::H | Gate::P(_) | Gate::Rx(_) | Gate::Ry(_) | Gate::Rz(_) | Gate::Swap => {
            prefix(ones.min(1))
        }
        Gate::Sxdg => ("inv @ sx".to_owned(), 0),
        Gate::Unitary(matrix) => {
            let index = matrices.known.get(&key(matrix)).copied().unwrap_or(0);
            (format!("unitary_{index}"), 0)
        }
        _ => prefix(0),
    }
}

/// `ctrl(2) @ negctrl @ ` for controls in this order.
fn modifiers(controls: &[Control]) -> String {
    let mut text = String::new();
    for run in controls.chunk_by(|a, b| a.positive == b.positive) {
        text.push_str(if run[0].positive { "ctrl" } else { "negctrl" });
        if run.len() > 1 {
            let _ = write!(text, "({})", run.len());
        }
        text.push_str(" @ ");
    }
    text
}

fn spelled_condition(condition: &Condition, clbits: usize) -> String {
    let Condition {
        clbits: bits,
        value,
        negated,
    } = condition;
    if bits.len() < 64 && *value >> bits.len() != 0 {
        return negated.to_string();
    }
    if bits.len() > 1 && bits.iter().copied().eq(0..clbits) {
        return format!("c {} {value}", if *negated { "!=" } else { "==" });
    }
    let tests: Vec<String> = (bits.iter().enumerate())
        .map(|(at, bit)| format!("{}c[{bit}]", if value >> at & 1 == 1 { "" } else { "!" }))
        .collect();
    if *negated {
        format!("!({})", tests.join(" && "))
    } else {
        tests.join(" && ")
    }
}

/// Whether a parameter may be called so.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || character == '_')
        && !is_keyword(Version::Three, name)
        && !TAKEN.contains(&name)
        && !name.starts_with("unitary_")
        && !crate::qasm::lower::is_library_gate(name)
}
