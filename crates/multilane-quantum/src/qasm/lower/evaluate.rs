//! Compute expressions: a stack machine, so that long ones need no recursion.

use super::Lowering;
use super::arithmetic::{binary, constant, function, functions, unary};
use super::scope::{Symbol, Type};
use super::value::{Group, Value};
use crate::qasm::ast::{Base, Expression, Index, Kind, Range, Step};
use crate::qasm::error::{Place, Problem, QasmError, closest};

impl Lowering<'_> {
    /// The value of an expression.
    pub(super) fn evaluate(&mut self, expression: &Expression) -> Result<Value, QasmError> {
        let mut stack: Vec<Value> = Vec::with_capacity(4);
        for (step, place) in &expression.steps {
            let value = match step {
                Step::Int(value) => match i128::try_from(*value) {
                    Ok(value) => Value::Int(value),
                    Err(_) => {
                        let spelling = value.to_string();
                        return Err(place.error(Problem::Number { spelling }));
                    }
                },
                Step::Float(value) => Value::Float(*value),
                Step::Bool(value) => Value::Bool(*value),
                Step::Duration => Value::Duration,
                Step::Bits(text) => Value::Bits(text.bytes().rev().map(|bit| bit == b'1').collect()),
                Step::Name(name) => self.named(name, *place)?,
                Step::Hardware(number) => self.hardware_value(*number, *place)?,
                Step::Unary(sign) => {
                    let value = pop(&mut stack, *place)?;
                    unary(sign, &value).map_err(|problem| place.error(problem))?
                }
                Step::Binary(sign) => {
                    let right = pop(&mut stack, *place)?;
                    let left = pop(&mut stack, *place)?;
                    binary(sign, &left, &right, self.version).map_err(|problem| place.error(problem))?
                }
                Step::Call(name, count) => {
                    let arguments = stack.split_off(stack.len().saturating_sub(*count));
                    self.called(name, arguments, *place)?
                }
                Step::Cast(kind) => {
                    let kind = self.type_of(kind, *place)?;
                    let value = pop(&mut stack, *place)?;
                    cast(kind, value, *place)?
                }
                Step::Part(index) => {
                    let value = pop(&mut stack, *place)?;
                    self.part(&value, index, *place)?
                }
            };
            stack.push(value);
        }
        pop(&mut stack, expression.place)
    }

    fn named(&mut self, name: &str, place: Place) -> Result<Value, QasmError> {
        let problem = match self.symbol(name) {
            Some(Symbol::Fixed(value) | Symbol::Variable(_, Some(value))) => return Ok(value.clone()),
            Some(other) => Problem::Mismatch {
                name: name.to_owned(),
                found: other.kind(),
                expected: "a value",
            },
            None => {
                if let Some(number) = constant(name, self.version) {
                    return Ok(Value::Float(number));
                }
                Problem::UnknownName {
                    kind: "variable",
                    name: name.to_owned(),
                    similar: self.scope.similar(name),
                    library: None,
                }
            }
        };
        Err(place.error(problem))
    }

    pub(super) fn hardware_value(&mut self, number: u32, place: Place) -> Result<Value, QasmError> {
        self.hardware_qubit(number).ok_or_else(|| {
            place.error(Problem::Mismatch {
                name: format!("${number}"),
                found: "a qubit of the hardware",
                expected: "a qubit of a register that the program declares",
            })
        })
    }

    fn called(&mut self, name: &str, arguments: Vec<Value>, place: Place) -> Result<Value, QasmError> {
        if let Some(Symbol::Subroutine(subroutine)) = self.symbol(name) {
            let subroutine = subroutine.clone();
            return self.run_subroutine(&subroutine, arguments, place);
        }
        if let Some(Symbol::Gate(_)) = self.symbol(name) {
            return Err(place.error(Problem::Expected {
                expected: format!("the qubits that `{name}` is applied to"),
                found: "no qubit".to_owned(),
            }));
        }
        match function(name, &arguments, self.version) {
            Some(result) => result.map_err(|problem| place.error(problem)),
            None => Err(place.error(Problem::UnknownName {
                kind: "function",
                name: name.to_owned(),
                similar: closest(name, functions()).or_else(|| self.scope.similar(name)),
                library: None,
            })),
        }
    }

    /// A whole number that must be known now.
    pub(super) fn integer(&mut self, expression: &Expression, what: &'static str) -> Result<i128, QasmError> {
        let value = self.evaluate(expression)?;
        value.integer().ok_or_else(|| {
            expression.place.error(if value.is_late() {
                Problem::NotConstant { what: what.to_owned() }
            } else {
                Problem::Type {
                    what: what.to_owned(),
                    expected: "a whole number",
                    found: value.kind(),
                }
            })
        })
    }

    /// A type, its width computed.
    pub(super) fn type_of(&mut self, kind: &Kind, place: Place) -> Result<Type, QasmError> {
        let width = match &kind.width {
            None => None,
            Some(width) => {
                let value = self.integer(width, "the width of a type")?;
                let fits = usize::try_from(value).ok().filter(|width| *width > 0);
                Some(fits.ok_or_else(|| {
                    place.error(Problem::Arithmetic {
                        problem: format!("a type cannot be {value} bits wide"),
                    })
                })?)
            }
        };
        Ok(Type { base: kind.base, width })
    }

    /// An element of a value, or several.
    pub(super) fn part(&mut self, value: &Value, index: &Index, place: Place) -> Result<Value, QasmError> {
        let (name, size): (&str, usize) = match value {
            Value::Qubits(group) | Value::Clbits(group) if !group.single => (&group.name, group.members.len()),
            Value::Bits(bits) => ("the string of bits", bits.len()),
            // The bits of a whole number can be asked for one by one.
            Value::Int(_) => ("the integer", 127),
            _ => {
                return Err(place.error(Problem::Type {
                    what: "an index".to_owned(),
                    expected: "a register",
                    found: value.kind(),
                }));
            }
        };
        let (chosen, single) = self.indices(index, name, size, place)?;
        Ok(match value {
            Value::Bits(bits) if single => Value::Bool(bits[chosen[0]]),
            Value::Bits(bits) => Value::Bits(chosen.iter().map(|at| bits[*at]).collect()),
            Value::Int(number) if single => Value::Bool(number >> chosen[0] & 1 == 1),
            Value::Int(number) => Value::Bits(chosen.iter().map(|at| number >> *at & 1 == 1).collect()),
            Value::Qubits(group) => Value::Qubits(part_of(group, &chosen, single)),
            Value::Clbits(group) => Value::Clbits(part_of(group, &chosen, single)),
            _ => return Err(place.error(Problem::Character { character: '[' })),
        })
    }

    /// The places that an index names, and whether it is one element and no register.
    fn indices(
        &mut self,
        index: &Index,
        name: &str,
        size: usize,
        place: Place,
    ) -> Result<(Vec<usize>, bool), QasmError> {
        let checked = |index: i128, place: Place| {
            // Negative indices count from the end.
            let from_start = if index < 0 { index + size as i128 } else { index };
            usize::try_from(from_start).ok().filter(|at| *at < size).ok_or_else(|| {
                place.error(Problem::Index {
                    register: name.to_owned(),
                    index,
                    size,
                })
            })
        };
        match index {
            Index::Item(item) => {
                let at = self.integer(item, "an index")?;
                Ok((vec![checked(at, item.place)?], true))
            }
            Index::Set(items) => {
                let mut chosen = Vec::with_capacity(items.len());
                for item in items {
                    let at = self.integer(item, "an index")?;
                    chosen.push(checked(at, item.place)?);
                }
                Ok((chosen, false))
            }
            Index::Range(range) => {
                let (start, step, stop) = self.bounds(range, size, place)?;
                let from_end = |at: i128| if at < 0 { at + size as i128 } else { at };
                let (mut at, stop) = (from_end(start), from_end(stop));
                let mut chosen = Vec::new();
                while if step > 0 { at <= stop } else { at >= stop } {
                    chosen.push(checked(at, place)?);
                    at = at.saturating_add(step);
                }
                Ok((chosen, false))
            }
        }
    }

    /// Start, step and stop of a range inside a register of a size.
    fn bounds(&mut self, range: &Range, size: usize, place: Place) -> Result<(i128, i128, i128), QasmError> {
        let step = match &range.step {
            Some(step) => self.integer(step, "the step of a range")?,
            None => 1,
        };
        if step == 0 {
            return Err(place.error(Problem::Arithmetic {
                problem: "the step of a range is zero".to_owned(),
            }));
        }
        let (first, last) = if step > 0 {
            (0, size as i128 - 1)
        } else {
            (size as i128 - 1, 0)
        };
        let start = match &range.start {
            Some(start) => self.integer(start, "the start of a range")?,
            None => first,
        };
        let stop = match &range.stop {
            Some(stop) => self.integer(stop, "the end of a range")?,
            None => last,
        };
        Ok((start, step, stop))
    }
}

fn part_of(group: &Group, chosen: &[usize], single: bool) -> Group {
    let members: Vec<usize> = chosen.iter().map(|at| group.members[*at]).collect();
    let name = match (single, chosen) {
        (true, [at]) => format!("{}[{at}]", group.name).into(),
        _ => group.name.clone(),
    };
    Group {
        members: members.into(),
        single,
        name,
        copied: group.copied,
    }
}

fn pop(stack: &mut Vec<Value>, place: Place) -> Result<Value, QasmError> {
    stack.pop().ok_or_else(|| {
        place.error(Problem::Expected {
            expected: "a value".to_owned(),
            found: "nothing".to_owned(),
        })
    })
}

/// A value as one of another type, as the language converts them.
pub(super) fn cast(kind: Type, value: Value, place: Place) -> Result<Value, QasmError> {
    let wrong = |expected| {
        place.error(Problem::Type {
            what: format!("the type `{}`", kind.base.spelling()),
            expected,
            found: value.kind(),
        })
    };
    match (kind.base, &value) {
        // What a run measures keeps its bits: they can only be compared.
        (Base::Bool | Base::Int | Base::Uint | Base::Bit, Value::Clbits(_) | Value::Test(_)) => Ok(value),
        (Base::Bool, _) => value.truth().map(Value::Bool).ok_or_else(|| wrong("a number")),
        (Base::Int | Base::Uint, _) => {
            let number = match &value {
                // Floats are cut off towards zero; one out of range stops at the ends.
                Value::Float(number) => Some(*number as i128),
                _ => value.integer(),
            };
            let number = number.ok_or_else(|| wrong("a number that is known"))?;
            Ok(Value::Int(wrapped(number, kind)))
        }
        (Base::Float | Base::Angle, Value::Late(..)) => Ok(value),
        (Base::Float | Base::Angle, _) => value.number().map(Value::Float).ok_or_else(|| wrong("a number")),
        (Base::Duration, Value::Duration) => Ok(value),
        (Base::Duration, _) => Err(wrong("a duration")),
        (Base::Bit, _) => {
            let width = kind.width.unwrap_or(1);
            if let Value::Bits(bits) = &value {
                return if bits.len() == width {
                    Ok(value)
                } else {
                    Err(wrong("a string of as many bits as it is wide"))
                };
            }
            let number = value.integer().ok_or_else(|| wrong("bits that are known"))?;
            if width > 127 {
                return Err(wrong("at most 127 bits, or a string of bits"));
            }
            Ok(Value::Bits((0..width).map(|at| number >> at & 1 == 1).collect()))
        }
    }
}

/// A whole number in so many bits.
fn wrapped(number: i128, kind: Type) -> i128 {
    let Some(width) = kind.width.filter(|width| *width < 127) else {
        return number;
    };
    let low = number & ((1 << width) - 1);
    if kind.base == Base::Int && low >> (width - 1) & 1 == 1 {
        low - (1 << width)
    } else {
        low
    }
}
