//! The identities that `simplify` applies: each holds bit for bit, apart from which NaN a NaN is.
//!
//! Where floats and integers differ, the rule says so. Rules look at one operation, at
//! the constants among its operands, and at the operations that made its operands.

use std::collections::HashMap;

use crate::plan::{Attribute, Op, Plan, ValueId};
use crate::types::{DType, Scalar};

/// What is known of values so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Numbers of constants.
    pub(super) constants: HashMap<ValueId, Scalar>,
    /// The operations, with one result and no region, that made values.
    pub(super) ops: HashMap<ValueId, Op>,
}

impl Known {
    /// The operation that made a value, if it has this name.
    fn made_by(&self, value: ValueId, name: &str) -> Option<&Op> {
        self.ops.get(&value).filter(|op| op.name == name)
    }

    /// The scalar that a value is everywhere.
    pub(super) fn broadcast(&self, value: ValueId) -> Option<ValueId> {
        self.made_by(value, "core.broadcast")
            .and_then(|op| op.operands.first().copied())
    }

    /// The operand of an operation of this name.
    fn inside(&self, value: ValueId, name: &str) -> Option<ValueId> {
        self.made_by(value, name).and_then(|op| op.operands.first().copied())
    }
}

/// What takes the place of an operation.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    /// A value that is there already, spread when the result is an array and it is not.
    Value(ValueId),
    /// A number, spread when the result is an array.
    Number(Scalar),
    /// Another operation.
    Op(&'static str, Vec<Operand>),
}

/// An operand of a new operation.
#[derive(Debug, PartialEq)]
pub(super) enum Operand {
    /// A value that is there already.
    Value(ValueId),
    /// A number to be made a constant.
    Number(Scalar),
}

use Operand::{Number, Value};

/// What an operation can be replaced with, if any identity applies.
pub(super) fn identity(plan: &Plan, known: &Known, op: &Op) -> Option<Change> {
    let name = op.name.strip_prefix("core.")?;
    match op.operands[..] {
        [x] => of_one(plan, known, op, name, x),
        [x, y] => {
            let dtype = plan.ty(x).dtype()?;
            if plan.ty(y).dtype() != Some(dtype) {
                return None;
            }
            with_constant(known, name, x, y, dtype).or_else(|| of_two(known, name, x, y, dtype))
        }
        [condition, a, b] if name == "where" => select(known, condition, a, b),
        _ => None,
    }
}

fn of_one(plan: &Plan, known: &Known, op: &Op, name: &str, x: ValueId) -> Option<Change> {
    match name {
        // Negation only flips the sign bit; of the least integer it is that integer, twice is nothing.
        "neg" => known.inside(x, "core.neg").map(Change::Value),
        "not" => known.inside(x, "core.not").map(Change::Value),
        "abs" => known
            .inside(x, "core.neg")
            .map(|inner| Change::Op("core.abs", vec![Value(inner)]))
            .or_else(|| known.made_by(x, "core.abs").map(|_| Change::Value(x))),
        "cast" => {
            let Some(Attribute::DType(to)) = op.attribute("to") else {
                return None;
            };
            if plan.ty(x).dtype() == Some(*to) {
                return Some(Change::Value(x));
            }
            let inner = known.inside(x, "core.cast")?;
            let (from, between) = (plan.ty(inner).dtype()?, plan.ty(x).dtype()?);
            let same = from == *to;
            is_lossless(from, between).then(|| match same {
                true => Change::Value(inner),
                false => Change::Op("core.cast", vec![Value(inner)]),
            })
        }
        _ => None,
    }
}

/// Whether every number of a type is there in another, so that casting on from there rounds as casting directly.
fn is_lossless(from: DType, to: DType) -> bool {
    use DType::{Bool, F32, F64, I32, I64};
    from == to || matches!((from, to), (Bool, _) | (I32, I64 | F64) | (F32, F64))
}

fn select(known: &Known, condition: ValueId, a: ValueId, b: ValueId) -> Option<Change> {
    if a == b {
        return Some(Change::Value(a));
    }
    if let Some(Scalar::Bool(holds)) = known.constants.get(&condition) {
        return Some(Change::Value(if *holds { a } else { b }));
    }
    let inner = known.inside(condition, "core.not")?;
    Some(Change::Op("core.where", vec![Value(inner), Value(b), Value(a)]))
}

/// Identities with a number among the two operands.
fn with_constant(known: &Known, name: &str, x: ValueId, y: ValueId, dtype: DType) -> Option<Change> {
    let right = known.constants.get(&y).copied();
    let left = known.constants.get(&x).copied();
    if let Some(number) = right {
        let change = match name {
            // x + 0.0 is not x: it makes 0.0 of -0.0. x + -0.0 is, and so is x - 0.0.
            "add" if is_number(number, -0.0, 0) => Some(Change::Value(x)),
            "sub" if is_number(number, 0.0, 0) => Some(Change::Value(x)),
            "mul" | "div" | "pow" if is_number(number, 1.0, 1) => Some(Change::Value(x)),
            "mul" if is_number(number, -1.0, -1) => Some(Change::Op("core.neg", vec![Value(x)])),
            // Not for floats: NaN and infinities times 0 are NaN, and -1.0 times 0.0 is -0.0.
            "mul" if !dtype.is_float() && dtype.is_integer() && number.as_i64() == 0 => Some(Change::Number(number)),
            // Both round the same real number once.
            "div" => reciprocal(number).map(|inverse| Change::Op("core.mul", vec![Value(x), Number(inverse)])),
            // `core.pow` is defined to square for an exponent of 2, and to give 1 for 0, whatever the base.
            "pow" if is_number(number, 2.0, 2) => Some(Change::Op("core.mul", vec![Value(x), Value(x)])),
            "pow" if number.as_f64() == 0.0 => Some(Change::Number(one(dtype))),
            _ => None,
        };
        if change.is_some() {
            return change;
        }
    }
    if let Some(number) = left {
        let change = match name {
            "add" if is_number(number, -0.0, 0) => Some(Change::Value(y)),
            "mul" if is_number(number, 1.0, 1) => Some(Change::Value(y)),
            "mul" if is_number(number, -1.0, -1) => Some(Change::Op("core.neg", vec![Value(y)])),
            "mul" if dtype.is_integer() && number.as_i64() == 0 => Some(Change::Number(number)),
            // 0.0 - 0.0 is 0.0, but the negative of 0.0 is -0.0.
            "sub" if is_number(number, -0.0, 0) => Some(Change::Op("core.neg", vec![Value(y)])),
            _ => None,
        };
        if change.is_some() {
            return change;
        }
    }
    match (left, right) {
        (_, Some(Scalar::Bool(number))) => logical(name, x, number),
        (Some(Scalar::Bool(number)), _) => logical(name, y, number),
        _ => None,
    }
}

/// `and`, `or` and `xor` with a truth value.
fn logical(name: &str, other: ValueId, number: bool) -> Option<Change> {
    match (name, number) {
        ("and", true) | ("or" | "xor", false) => Some(Change::Value(other)),
        ("and", false) | ("or", true) => Some(Change::Number(Scalar::Bool(number))),
        ("xor", true) => Some(Change::Op("core.not", vec![Value(other)])),
        _ => None,
    }
}

/// Identities of two values.
fn of_two(known: &Known, name: &str, x: ValueId, y: ValueId, dtype: DType) -> Option<Change> {
    let float = dtype.is_float();
    if x == y {
        match name {
            "min" | "max" => return Some(Change::Value(x)),
            "and" | "or" if dtype == DType::Bool => return Some(Change::Value(x)),
            "xor" if dtype == DType::Bool => return Some(Change::Number(Scalar::Bool(false))),
            // NaN is not equal to itself, and infinity minus infinity is NaN.
            "eq" | "le" | "ge" if !float => return Some(Change::Number(Scalar::Bool(true))),
            "ne" if !float => return Some(Change::Number(Scalar::Bool(false))),
            "lt" | "gt" => return Some(Change::Number(Scalar::Bool(false))),
            "sub" if dtype.is_integer() => return Some(Change::Number(Scalar::I64(0).cast(dtype))),
            _ => {}
        }
    }
    let negated = |value| known.inside(value, "core.neg");
    match (name, negated(x), negated(y)) {
        ("add", _, Some(inner)) => Some(Change::Op("core.sub", vec![Value(x), Value(inner)])),
        ("add", Some(inner), _) => Some(Change::Op("core.sub", vec![Value(y), Value(inner)])),
        ("sub", _, Some(inner)) => Some(Change::Op("core.add", vec![Value(x), Value(inner)])),
        ("mul", Some(a), Some(b)) => Some(Change::Op("core.mul", vec![Value(a), Value(b)])),
        ("div", Some(a), Some(b)) if float => Some(Change::Op("core.div", vec![Value(a), Value(b)])),
        _ => None,
    }
}

/// Whether a number is this float, sign of zero included, or this integer. Truth values are neither.
fn is_number(number: Scalar, float: f64, integer: i64) -> bool {
    match number {
        Scalar::F64(value) => value.to_bits() == float.to_bits(),
        Scalar::F32(value) => value.to_bits() == (float as f32).to_bits(),
        Scalar::I32(_) | Scalar::I64(_) => number.as_i64() == integer,
        Scalar::Bool(_) => false,
    }
}

/// One over a power of two, when that is a normal number too.
fn reciprocal(number: Scalar) -> Option<Scalar> {
    match number {
        Scalar::F64(value) => {
            let inverse = value.recip();
            let power = value.is_normal() && inverse.is_normal() && value.to_bits() << 12 == 0;
            power.then_some(Scalar::F64(inverse))
        }
        Scalar::F32(value) => {
            let inverse = value.recip();
            let power = value.is_normal() && inverse.is_normal() && value.to_bits() << 9 == 0;
            power.then_some(Scalar::F32(inverse))
        }
        _ => None,
    }
}

/// One, in a type.
fn one(dtype: DType) -> Scalar {
    Scalar::I64(1).cast(dtype)
}
