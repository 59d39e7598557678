//! Modifiers of gates that are written out: their inverse, powers, controls.

use super::Lowering;
use super::power;
use crate::qasm::error::{Place, Problem, QasmError};
use crate::{Angle, Control, Gate, Instruction, Operation};

impl Lowering<'_> {
    /// Puts the inverse in the place of what was written since `start`.
    pub(super) fn invert(&mut self, start: usize, place: Place) -> Result<(), QasmError> {
        let written = &mut self.instructions[start..];
        let count = written.len() as u64;
        written.reverse();
        for instruction in written {
            if let Operation::Gate { gate, .. } = &mut instruction.operation {
                *gate = gate.inverse();
            }
        }
        // The first time costs nothing extra: the gates themselves were counted.
        self.step(count / 8, place)
    }

    /// Makes what was written since `start` depend on qubits.
    pub(super) fn control(&mut self, start: usize, added: &[Control], place: Place) -> Result<(), QasmError> {
        let gates = self.instructions.len() - start;
        self.step((gates * added.len()) as u64 / 8, place)?;
        for instruction in &mut self.instructions[start..] {
            let Operation::Gate {
                gate,
                controls,
                targets,
            } = &mut instruction.operation
            else {
                continue;
            };
            controls.splice(0..0, added.iter().copied());
            // A phase that one qubit decides about is that qubit's own.
            if let Gate::GlobalPhase(angle) = gate
                && let Some(last) = controls.pop_if(|last| last.positive)
            {
                *gate = Gate::P(angle.clone());
                targets.push(last.qubit);
            }
        }
        Ok(())
    }

    /// Raises what was written since `start`, on these qubits, to a power.
    pub(super) fn raise(
        &mut self,
        start: usize,
        exponent: f64,
        qubits: &[usize],
        place: Place,
    ) -> Result<(), QasmError> {
        let written = &self.instructions[start..];
        if written.is_empty() || exponent == 1.0 {
            return Ok(());
        }
        if let [instruction] = written
            && let Operation::Gate { gate, .. } = &instruction.operation
            && let Some(raised) = power::of_gate(gate, exponent)
        {
            if let Operation::Gate { gate, .. } = &mut self.instructions[start].operation {
                *gate = raised;
            }
            return Ok(());
        }
        if exponent.fract() == 0.0 {
            return self.repeat(start, exponent, place);
        }
        let Some(matrix) = power::of_instructions(written, exponent, qubits) else {
            return Err(place.error(Problem::Unsupported {
                what: format!("the power {exponent} of this gate"),
                advice: "a power that is no whole number needs at most 5 qubits and constant angles".to_owned(),
            }));
        };
        self.step((matrix.elements().len()) as u64, place)?;
        self.instructions.truncate(start);
        let operation = Operation::Gate {
            gate: Gate::Unitary(std::sync::Arc::new(matrix)),
            controls: Vec::new(),
            targets: qubits.to_vec(),
        };
        self.emit(operation, place)
    }

    /// Repeats what was written since `start`, or its inverse.
    fn repeat(&mut self, start: usize, times: f64, place: Place) -> Result<(), QasmError> {
        if times < 0.0 {
            self.invert(start, place)?;
        }
        let block: Vec<Instruction> = self.instructions[start..].to_vec();
        if times == 0.0 {
            self.instructions.truncate(start);
            return Ok(());
        }
        // As a float, so that no exponent is too large to be refused.
        let added = (times.abs() - 1.0) * block.len() as f64;
        self.step(added.min(u64::MAX as f64) as u64, place)?;
        for _ in 1..times.abs() as u64 {
            self.instructions.extend_from_slice(&block);
        }
        Ok(())
    }
}

/// A multiple of an angle.
pub(super) fn times(angle: &Angle, factor: f64) -> Angle {
    if factor == -1.0 {
        return -angle.clone();
    }
    angle.clone() * factor.into()
}
