//! Measurements, resets, barriers, and the registers they act on.

use super::Lowering;
use super::evaluate::cast;
use super::scope::{Symbol, Type, group_of};
use super::value::{Group, Value};
use crate::qasm::ast::{Base, Expression, Name, Operand, Source};
use crate::qasm::error::{Place, Problem, QasmError};
use crate::{MAX_QUBITS, Operation};

impl Lowering<'_> {
    /// How many elements a register is declared with.
    pub(super) fn register_size(&mut self, size: &Expression, what: &'static str) -> Result<usize, QasmError> {
        let value = self.integer(size, what)?;
        usize::try_from(value).ok().filter(|size| *size > 0).ok_or_else(|| {
            size.place.error(Problem::Arithmetic {
                problem: format!("a register cannot have {value} elements"),
            })
        })
    }

    pub(super) fn declare_qubits(
        &mut self,
        name: &Name,
        size: Option<&Expression>,
        place: Place,
    ) -> Result<(), QasmError> {
        if !self.scope.is_global() {
            return Err(place.error(Problem::Misplaced {
                what: "a declaration of qubits",
                place: "inside a block",
                advice: "declare qubits outside of all blocks",
            }));
        }
        if self.hardware {
            return Err(place.error(Problem::Misplaced {
                what: "a register",
                place: "in a program that names qubits of the hardware",
                advice: "use either `$0`, `$1` and so on, or registers",
            }));
        }
        let size = match size {
            Some(size) => Some(self.register_size(size, "the size of a register")?),
            None => None,
        };
        if self.version == super::Version::Two {
            self.scope.forget_from_library(&name.text);
        }
        let members = self.add_qubits(&name.text, size.unwrap_or(1), place)?;
        let called: std::rc::Rc<str> = name.text.as_str().into();
        let group = match size {
            Some(_) => Group::register(members.collect::<Vec<_>>(), called),
            None => Group::one(members.start, called),
        };
        self.scope.define(name, Symbol::Fixed(Value::Qubits(group)))
    }

    /// Bits that measurements write; all are zero at first.
    pub(super) fn new_clbits(&mut self, name: &str, width: Option<usize>, place: Place) -> Result<Group, QasmError> {
        let members = self.add_clbits(name, width.unwrap_or(1), place)?;
        Ok(match width {
            Some(_) => Group::register(members.collect::<Vec<_>>(), name.into()),
            None => Group::one(members.start, name.into()),
        })
    }

    pub(super) fn measure(
        &mut self,
        source: &Operand,
        target: Option<&Operand>,
        place: Place,
    ) -> Result<(), QasmError> {
        let qubits = self.qubits(source)?;
        let bits = match target {
            Some(target) => self.clbits(target)?,
            // Nobody asked for the outcome; the qubit collapses all the same.
            None => self.new_clbits("_", Some(qubits.members.len()), place)?,
        };
        self.measure_into(&qubits, &bits, place)
    }

    pub(super) fn measure_into(&mut self, qubits: &Group, bits: &Group, place: Place) -> Result<(), QasmError> {
        if qubits.members.len() != bits.members.len() {
            return Err(place.error(Problem::Lengths {
                name: "measure".to_owned(),
                first: qubits.members.len(),
                second: bits.members.len(),
            }));
        }
        for (qubit, clbit) in qubits.members.iter().zip(bits.members.iter()) {
            let (qubit, clbit) = (*qubit, *clbit);
            self.emit(Operation::Measure { qubit, clbit }, place)?;
        }
        Ok(())
    }

    /// A value to be kept. Bits that a later measurement may write again cannot be: nothing copies them in a run.
    pub(super) fn fresh(&mut self, expression: &Expression, place: Place) -> Result<Value, QasmError> {
        let known = self.clbit_count;
        let value = self.evaluate(expression)?;
        let shared = match &value {
            Value::Clbits(group) => group.members.iter().any(|bit| *bit < known),
            Value::Test(_) => true,
            _ => false,
        };
        if shared {
            return Err(place.error(Problem::Unsupported {
                what: "a copy of measured bits".to_owned(),
                advice: "use the measured bits themselves, or an alias of them (`let`)".to_owned(),
            }));
        }
        Ok(value)
    }

    /// What is written to a variable or returned; a measurement writes bits of its own.
    pub(super) fn source(&mut self, source: &Source, place: Place) -> Result<Value, QasmError> {
        match source {
            Source::Value(expression) => self.evaluate(expression),
            Source::Measured(operand) => {
                let qubits = self.qubits(operand)?;
                let width = (!qubits.single).then_some(qubits.members.len());
                let bits = self.new_clbits("_", width, place)?;
                self.measure_into(&qubits, &bits, place)?;
                Ok(Value::Clbits(bits))
            }
        }
    }

    /// A declaration of bits: those of a run, or constants when it gives them values that are not all zero.
    pub(super) fn declare_bits(
        &mut self,
        kind: Type,
        name: &Name,
        source: Option<&Source>,
        place: Place,
    ) -> Result<(), QasmError> {
        let symbol = match source {
            None => Symbol::Fixed(Value::Clbits(self.new_clbits(&name.text, kind.width, place)?)),
            Some(Source::Measured(operand)) => {
                let bits = self.new_clbits(&name.text, kind.width, place)?;
                let qubits = self.qubits(operand)?;
                self.measure_into(&qubits, &bits, place)?;
                Symbol::Fixed(Value::Clbits(bits))
            }
            Some(Source::Value(expression)) => match self.fresh(expression, place)? {
                Value::Clbits(group) if group.members.len() == kind.width.unwrap_or(1) => {
                    Symbol::Fixed(Value::Clbits(group))
                }
                value => match cast(kind, value, expression.place)? {
                    Value::Bits(bits) if !bits.contains(&true) => {
                        Symbol::Fixed(Value::Clbits(self.new_clbits(&name.text, kind.width, place)?))
                    }
                    Value::Bits(bits) => Symbol::Variable(kind, Some(Value::Bits(bits))),
                    other => {
                        return Err(expression.place.error(Problem::NotConstant {
                            what: other.kind().to_owned(),
                        }));
                    }
                },
            },
        };
        self.scope.define(name, symbol)
    }

    pub(super) fn declare_alias(&mut self, name: &Name, parts: &[Expression]) -> Result<(), QasmError> {
        let mut members: Vec<usize> = Vec::new();
        let (mut quantum, mut single, mut copied) = (None, false, false);
        for part in parts {
            let value = self.evaluate(part)?;
            let is_quantum = matches!(value, Value::Qubits(_));
            let Some(group) = group_of(&value).filter(|_| quantum.is_none_or(|known| known == is_quantum)) else {
                return Err(part.place.error(Problem::Type {
                    what: format!("the alias `{}`", name.text),
                    expected: "registers of one kind",
                    found: value.kind(),
                }));
            };
            quantum = Some(is_quantum);
            single = group.single && parts.len() == 1;
            copied |= group.copied;
            members.extend_from_slice(&group.members);
            self.step(1 + group.members.len() as u64 / 64, part.place)?;
            if members.len() > MAX_QUBITS {
                let limit = MAX_QUBITS as u64;
                let what = "elements in one alias";
                return Err(part.place.error(Problem::TooLong { what, limit }));
            }
        }
        let group = Group {
            members: members.into(),
            single,
            name: name.text.as_str().into(),
            copied,
        };
        let value = if quantum == Some(true) {
            Value::Qubits(group)
        } else {
            Value::Clbits(group)
        };
        self.scope.define(name, Symbol::Fixed(value))
    }

    pub(super) fn reset(&mut self, operand: &Operand) -> Result<(), QasmError> {
        for qubit in self.qubits(operand)?.members.iter() {
            self.emit(Operation::Reset { qubit: *qubit }, operand.place)?;
        }
        Ok(())
    }

    pub(super) fn barrier(&mut self, operands: &[Operand], place: Place) -> Result<(), QasmError> {
        let mut qubits: Vec<usize> = Vec::new();
        if operands.is_empty() {
            qubits.extend(0..self.qubit_count);
        }
        for operand in operands {
            qubits.extend_from_slice(&self.qubits(operand)?.members);
        }
        let mut seen = qubits.clone();
        seen.sort_unstable();
        seen.dedup();
        if seen.len() != qubits.len() {
            qubits = seen;
        }
        if qubits.is_empty() {
            return Ok(());
        }
        self.emit(Operation::Barrier { qubits }, place)
    }

    /// Checks that qubits exist which something takes time on; gates take none here.
    pub(super) fn pass_over(&mut self, operands: &[Operand]) -> Result<(), QasmError> {
        for operand in operands {
            self.qubits(operand)?;
        }
        Ok(())
    }

    /// Whether a type is one of bits.
    pub(super) fn is_bits(kind: Type) -> bool {
        kind.base == Base::Bit
    }
}
