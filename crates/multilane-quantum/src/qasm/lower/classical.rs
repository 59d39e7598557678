//! Classical variables: declared, and assigned to while the program is read.

use super::Lowering;
use super::arithmetic::binary;
use super::evaluate::cast;
use super::scope::Symbol;
use super::value::{Group, Value};
use crate::Angle;
use crate::qasm::ast::{Base, Index, Kind, Name, Operand, Source, Target};
use crate::qasm::error::{Place, Problem, QasmError};

impl Lowering<'_> {
    pub(super) fn declare(
        &mut self,
        constant: bool,
        kind: &Kind,
        name: &Name,
        source: Option<&Source>,
        place: Place,
    ) -> Result<(), QasmError> {
        let kind = self.type_of(kind, place)?;
        if Self::is_bits(kind) && !constant {
            if self.version == super::Version::Two {
                self.scope.forget_from_library(&name.text);
            }
            return self.declare_bits(kind, name, source, place);
        }
        let value = match source {
            // How long something stretches does not count here.
            None if kind.base == Base::Duration => Some(Value::Duration),
            None => None,
            Some(source) => Some(cast(kind, self.kept(source, place)?, place)?),
        };
        if constant && value.as_ref().is_some_and(Value::is_late) {
            return Err(place.error(Problem::NotConstant {
                what: format!("the value of the constant `{}`", name.text),
            }));
        }
        let symbol = match (constant, value) {
            (true, Some(value)) => Symbol::Fixed(value),
            (_, value) => Symbol::Variable(kind, value),
        };
        self.scope.define(name, symbol)
    }

    /// An angle whose value comes when the circuit is bound.
    pub(super) fn declare_input(&mut self, kind: &Kind, name: &Name) -> Result<(), QasmError> {
        let base = self.type_of(kind, name.place)?.base;
        if !matches!(base, Base::Float | Base::Angle) {
            return Err(name.place.error(Problem::Unsupported {
                what: format!("an input of the type `{}`", base.spelling()),
                advice: "only `float` and `angle` come late: write the value as a constant".to_owned(),
            }));
        }
        self.inputs.push(name.text.clone());
        let angle = Angle::parameter(name.text.as_str());
        self.scope.define(name, Symbol::Fixed(Value::Late(angle, 1)))
    }

    /// `target = value;` or `target += value;`.
    pub(super) fn assign(
        &mut self,
        target: &Operand,
        operator: Option<&'static str>,
        source: &Source,
        place: Place,
    ) -> Result<(), QasmError> {
        let Target::Named(name) = &target.what else {
            return Err(place.error(Problem::Mismatch {
                name: "a qubit of the hardware".to_owned(),
                found: "a qubit",
                expected: "a variable",
            }));
        };
        if let Some(Symbol::Fixed(Value::Clbits(_))) = self.symbol(name) {
            return self.assign_bits(target, operator, source, place);
        }
        let before = match self.symbol(name) {
            Some(Symbol::Variable(_, value)) => value.clone(),
            Some(other) => {
                return Err(target.place.error(Problem::Mismatch {
                    name: name.clone(),
                    found: other.kind(),
                    expected: "a variable",
                }));
            }
            None => {
                return Err(target.place.error(Problem::UnknownName {
                    kind: "variable",
                    name: name.clone(),
                    similar: self.scope.similar(name),
                    library: None,
                }));
            }
        };
        // A change that only some runs see would have to be known when the circuit is built.
        if self.condition.is_some() {
            return Err(place.error(Problem::NotConstant {
                what: format!("the value of `{name}`, which depends on a measurement here,"),
            }));
        }
        let given = self.kept(source, place)?;
        let whole = match target.parts.as_slice() {
            [] => None,
            [index] => Some(index),
            _ => return Err(assign_refused(place, "an element of an element")),
        };
        let value = match (operator, &before) {
            (None, _) => given,
            (Some(operator), Some(before)) if whole.is_none() => {
                binary(operator, before, &given, self.version).map_err(|problem| place.error(problem))?
            }
            _ => return Err(assign_refused(place, "part of a value that is not there")),
        };
        let value = match (whole, before) {
            (None, _) => value,
            (Some(index), Some(Value::Bits(bits))) => self.with_bit(&bits, index, &value, place)?,
            _ => return Err(assign_refused(place, "an element of something that has none")),
        };
        if let Some((kind, slot)) = self.scope.find_variable(name) {
            *slot = Some(cast(kind, value, place)?);
        }
        Ok(())
    }

    /// What a variable is to keep.
    fn kept(&mut self, source: &Source, place: Place) -> Result<Value, QasmError> {
        match source {
            Source::Value(expression) => self.fresh(expression, place),
            Source::Measured(_) => self.source(source, place),
        }
    }

    /// Constant bits with one of them changed.
    fn with_bit(&mut self, bits: &[bool], index: &Index, value: &Value, place: Place) -> Result<Value, QasmError> {
        let Index::Item(item) = index else {
            return Err(assign_refused(place, "several elements"));
        };
        let number = self.integer(item, "an index")?;
        let at = usize::try_from(number)
            .ok()
            .filter(|at| *at < bits.len())
            .ok_or_else(|| {
                place.error(Problem::Index {
                    register: "the string of bits".to_owned(),
                    index: number,
                    size: bits.len(),
                })
            })?;
        let Some(bit) = value.truth() else {
            return Err(place.error(Problem::NotConstant {
                what: value.kind().to_owned(),
            }));
        };
        let mut changed = bits.to_vec();
        changed[at] = bit;
        Ok(Value::Bits(changed.into()))
    }

    /// Writes bits of the circuit, which only measurements can.
    fn assign_bits(
        &mut self,
        target: &Operand,
        operator: Option<&'static str>,
        source: &Source,
        place: Place,
    ) -> Result<(), QasmError> {
        let bits = self.clbits(target)?;
        match (operator, source) {
            (None, Source::Measured(operand)) => {
                let qubits = self.qubits(operand)?;
                self.measure_into(&qubits, &bits, place)
            }
            (None, Source::Value(expression)) => {
                let (start, fresh) = (self.instructions.len(), self.clbit_count);
                match self.evaluate(expression)? {
                    Value::Clbits(given) => self.move_bits(start, fresh, &given, &bits, place),
                    _ => Err(assign_refused(place, "a bit of the circuit")),
                }
            }
            _ => Err(assign_refused(place, "a bit of the circuit")),
        }
    }

    /// Lets what was measured since `start` into bits that are new since then go where the result is assigned.
    fn move_bits(
        &mut self,
        start: usize,
        fresh: usize,
        given: &Group,
        bits: &Group,
        place: Place,
    ) -> Result<(), QasmError> {
        if given.members.len() != bits.members.len() {
            return Err(place.error(Problem::Lengths {
                name: "=".to_owned(),
                first: bits.members.len(),
                second: given.members.len(),
            }));
        }
        if given.members.iter().any(|bit| *bit < fresh) {
            return Err(assign_refused(place, "a copy of a bit of the circuit"));
        }
        let moved = |bit: usize| match given.members.iter().position(|member| *member == bit) {
            Some(at) => bits.members[at],
            None => bit,
        };
        let count = (self.instructions.len() - start) as u64;
        self.step(count.saturating_mul(1 + given.members.len() as u64 / 8), place)?;
        for instruction in &mut self.instructions[start..] {
            if let crate::Operation::Measure { clbit, .. } = &mut instruction.operation {
                *clbit = moved(*clbit);
            }
            if let Some(condition) = &mut instruction.condition {
                condition.clbits.iter_mut().for_each(|clbit| *clbit = moved(*clbit));
            }
        }
        Ok(())
    }
}

fn assign_refused(place: Place, what: &str) -> QasmError {
    place.error(Problem::Unsupported {
        what: format!("an assignment to {what}"),
        advice: "measure into the bit, or compute with `int`, `uint` or `bool` variables".to_owned(),
    })
}
