//! Circuits as programs of OpenQASM 2.0, which has no phases, no matrices and few controls.

use std::fmt::Write as _;

use super::angle::arguments;
use super::{ExportError, qubits};
use crate::{Circuit, Condition, Control, Gate, Operation};

/// Writes a circuit as a program of OpenQASM 2.0, where that can say it.
pub fn to_qasm2(circuit: &Circuit) -> Result<String, ExportError> {
    let mut text = String::from("OPENQASM 2.0;\ninclude \"qelib1.inc\";\n");
    if let Some(name) = circuit.parameters().first() {
        let what = format!("the late parameter `{name}`");
        return Err(unsayable(0, what));
    }
    if circuit.qubits() > 0 {
        let _ = writeln!(text, "qreg q[{}];", circuit.qubits());
    }
    let registers = registers(circuit)?;
    for (index, (_, size)) in registers.iter().enumerate() {
        let _ = writeln!(text, "creg {}[{size}];", register_name(index, registers.len()));
    }
    let bit = |clbit: usize| {
        let index = registers
            .partition_point(|(start, _)| *start <= clbit)
            .saturating_sub(1);
        format!(
            "{}[{}]",
            register_name(index, registers.len()),
            clbit - registers[index].0
        )
    };
    for (index, instruction) in circuit.instructions().iter().enumerate() {
        if let Some(condition) = &instruction.condition {
            let start = condition.clbits[0];
            let register = registers
                .partition_point(|(first, _)| *first <= start)
                .saturating_sub(1);
            let name = register_name(register, registers.len());
            let _ = write!(text, "if({name}=={}) ", condition.value);
        }
        match &instruction.operation {
            Operation::Gate {
                gate,
                controls,
                targets,
            } => {
                let word = word(gate, controls).map_err(|what| unsayable(index, what))?;
                let operands = qubits(
                    controls
                        .iter()
                        .map(|control| control.qubit)
                        .chain(targets.iter().copied()),
                );
                let _ = writeln!(text, "{word}{} {operands};", arguments(gate));
            }
            Operation::Measure { qubit, clbit } => {
                let _ = writeln!(text, "measure q[{qubit}] -> {};", bit(*clbit));
            }
            Operation::Reset { qubit } => {
                let _ = writeln!(text, "reset q[{qubit}];");
            }
            Operation::Barrier { .. } if instruction.condition.is_some() => {
                return Err(unsayable(index, "a barrier under a condition".to_owned()));
            }
            Operation::Barrier { qubits: named } => {
                let _ = writeln!(text, "barrier {};", qubits(named.iter().copied()));
            }
        }
    }
    Ok(text)
}

fn unsayable(index: usize, what: String) -> ExportError {
    ExportError::Unsayable {
        index,
        version: "2.0",
        what,
    }
}

/// `c` when it is the only one, else `c0`, `c1` and so on.
fn register_name(index: usize, count: usize) -> String {
    if count == 1 {
        "c".to_owned()
    } else {
        format!("c{index}")
    }
}

/// Starts and sizes of registers, so that each condition compares one whole register.
fn registers(circuit: &Circuit) -> Result<Vec<(usize, usize)>, ExportError> {
    let mut compared: Vec<(usize, usize, usize)> = Vec::new();
    for (index, instruction) in circuit.instructions().iter().enumerate() {
        let Some(Condition { clbits, negated, .. }) = &instruction.condition else {
            continue;
        };
        let start = clbits[0];
        if *negated || !clbits.iter().copied().eq(start..start + clbits.len()) {
            return Err(unsayable(index, "this condition".to_owned()));
        }
        compared.push((start, clbits.len(), index));
    }
    compared.sort_unstable();
    compared.dedup_by_key(|(start, size, _)| (*start, *size));
    let (mut registers, mut next) = (Vec::new(), 0);
    for (start, size, index) in compared {
        if start < next {
            return Err(unsayable(index, "conditions on registers that overlap".to_owned()));
        }
        if start > next {
            registers.push((next, start - next));
        }
        registers.push((start, size));
        next = start + size;
    }
    if next < circuit.clbits() {
        registers.push((next, circuit.clbits() - next));
    }
    Ok(registers)
}

/// The word of `qelib1.inc` for a gate with its controls.
fn word(gate: &Gate, controls: &[Control]) -> Result<&'static str, String> {
    let count = controls.len();
    if controls.iter().any(|control| !control.positive) {
        return Err(format!("`{}` controlled by a zero", gate.name()));
    }
    let words: &[&'static str] = match gate {
        Gate::X => &["x", "cx", "ccx", "c3x", "c4x"],
        Gate::Y => &["y", "cy"],
        Gate::Z => &["z", "cz"],
        Gate::H => &["h", "ch"],
        Gate::Swap => &["swap", "cswap"],
        Gate::P(_) => &["p", "cp"],
        Gate::Rx(_) => &["rx", "crx"],
        Gate::Ry(_) => &["ry", "cry"],
        Gate::Rz(_) => &["rz", "crz"],
        Gate::U(..) => &["u", "cu3"],
        Gate::Sx => &["sx", "csx", "", "c3sqrtx"],
        Gate::Sxdg => &["sxdg"],
        Gate::Id => &["id"],
        Gate::S => &["s"],
        Gate::Sdg => &["sdg"],
        Gate::T => &["t"],
        Gate::Tdg => &["tdg"],
        Gate::GlobalPhase(_) => return Err("a global phase".to_owned()),
        Gate::Unitary(_) => return Err("a matrix".to_owned()),
    };
    match words.get(count) {
        Some(word) if !word.is_empty() => Ok(word),
        _ => Err(format!("`{}` with {count} controls", gate.name())),
    }
}
