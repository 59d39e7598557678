//! Which qubits and bits an operand names.

use super::Lowering;
use super::scope::Symbol;
use super::value::{Group, Value};
use crate::qasm::ast::{Operand, Target};
use crate::qasm::error::{Problem, QasmError};

impl Lowering<'_> {
    /// What an operand stands for.
    pub(super) fn operand_value(&mut self, operand: &Operand, expected: &'static str) -> Result<Value, QasmError> {
        let mut value = match &operand.what {
            Target::Hardware(number) => self.hardware_value(*number, operand.place)?,
            Target::Named(name) => match self.symbol(name) {
                Some(Symbol::Fixed(value) | Symbol::Variable(_, Some(value))) => value.clone(),
                Some(other) => {
                    return Err(operand.place.error(Problem::Mismatch {
                        name: name.clone(),
                        found: other.kind(),
                        expected,
                    }));
                }
                None => {
                    return Err(operand.place.error(Problem::UnknownName {
                        kind: "register",
                        name: name.clone(),
                        similar: self.scope.similar(name),
                        library: None,
                    }));
                }
            },
        };
        for index in &operand.parts {
            value = self.part(&value, index, operand.place)?;
        }
        Ok(value)
    }

    /// The qubits of an operand.
    pub(super) fn qubits(&mut self, operand: &Operand) -> Result<Group, QasmError> {
        match self.operand_value(operand, "a qubit or a register of qubits")? {
            Value::Qubits(group) => Ok(group),
            other => Err(mismatch(operand, &other, "a qubit or a register of qubits")),
        }
    }

    /// The classical bits of an operand.
    pub(super) fn clbits(&mut self, operand: &Operand) -> Result<Group, QasmError> {
        match self.operand_value(operand, "a bit or a register of bits")? {
            Value::Clbits(group) if group.copied => Err(operand.place.error(Problem::Unsupported {
                what: "a change of a parameter's own copy".to_owned(),
                advice: "return the outcome (`return measure ...`) and assign it where the call is".to_owned(),
            })),
            Value::Clbits(group) => Ok(group),
            other => Err(mismatch(operand, &other, "a bit or a register of bits")),
        }
    }
}

fn mismatch(operand: &Operand, value: &Value, expected: &'static str) -> QasmError {
    let name = match &operand.what {
        Target::Named(name) => name.clone(),
        Target::Hardware(number) => format!("${number}"),
    };
    operand.place.error(Problem::Mismatch {
        name,
        found: value.kind(),
        expected,
    })
}
