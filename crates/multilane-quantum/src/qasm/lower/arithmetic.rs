//! What signs and functions make of values: numbers, late angles, tests of measured bits.

use std::f64::consts;
use std::rc::Rc;

use super::test::{Outcome, Test};
use super::value::{MAX_ANGLE, Value};
use crate::qasm::error::Problem;
use crate::qasm::parse::Version;
use crate::{Angle, Binary, Unary};

/// Names that stand for numbers.
pub(super) fn constant(name: &str, version: Version) -> Option<f64> {
    match (name, version) {
        ("pi", _) | ("π", Version::Three) => Some(consts::PI),
        ("tau" | "τ", Version::Three) => Some(consts::TAU),
        ("euler" | "ℇ", Version::Three) => Some(consts::E),
        _ => None,
    }
}

/// Functions of one angle, with all their names.
const FUNCTIONS: &[(&str, Unary)] = &[
    ("sin", Unary::Sin),
    ("cos", Unary::Cos),
    ("tan", Unary::Tan),
    ("arcsin", Unary::Asin),
    ("asin", Unary::Asin),
    ("arccos", Unary::Acos),
    ("acos", Unary::Acos),
    ("arctan", Unary::Atan),
    ("atan", Unary::Atan),
    ("exp", Unary::Exp),
    ("ln", Unary::Ln),
    ("log", Unary::Ln),
    ("sqrt", Unary::Sqrt),
];

/// Functions of other values.
const OTHERS: &[&str] = &["ceiling", "floor", "mod", "popcount", "pow", "sizeof"];

/// The names of all functions.
pub(super) fn functions() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied())
}

fn undefined(problem: impl Into<String>) -> Problem {
    Problem::Arithmetic {
        problem: problem.into(),
    }
}

fn wrong(what: &str, expected: &'static str, found: &Value) -> Problem {
    if found.is_late() {
        return Problem::NotConstant {
            what: format!("{} that `{what}` needs", found.kind()),
        };
    }
    Problem::Type {
        what: format!("`{what}`"),
        expected,
        found: found.kind(),
    }
}

/// A float that is a number.
fn float(what: &str, value: f64) -> Result<Value, Problem> {
    if value.is_finite() {
        return Ok(Value::Float(value));
    }
    Err(undefined(format!("`{what}` has no result for these values")))
}

fn late(angle: Angle, size: usize) -> Result<Value, Problem> {
    if size > MAX_ANGLE {
        return Err(Problem::TooLong {
            what: "operations in one angle",
            limit: MAX_ANGLE as u64,
        });
    }
    Ok(Value::Late(angle, size))
}

/// What a value says of the bits of a run.
pub(super) fn test_of(value: &Value) -> Option<Outcome> {
    match value {
        Value::Test(test) => Some(Outcome::Test(test.clone())),
        Value::Clbits(group) if group.single => Some(Test::equals([(group.members[0], true)])),
        // A register counts as true unless all its bits are zero.
        Value::Clbits(group) => match Test::equals(group.members.iter().map(|bit| (*bit, false))) {
            Outcome::Test(test) => Some(Outcome::Test(test.not())),
            _ => Some(Outcome::Known(false)),
        },
        _ => value.truth().map(Outcome::Known),
    }
}

fn value_of(outcome: Outcome, sign: &str) -> Result<Value, Problem> {
    match outcome {
        Outcome::Known(known) => Ok(Value::Bool(known)),
        Outcome::Test(test) => Ok(Value::Test(test)),
        Outcome::Beyond => Err(Problem::Unsupported {
            what: format!("this use of `{sign}` on measured bits"),
            advice: "a condition compares some bits with one value: split the `if` into several".to_owned(),
        }),
    }
}

/// `-x`, `!x`, `~x`.
pub(super) fn unary(sign: &'static str, value: &Value) -> Result<Value, Problem> {
    match (sign, value) {
        ("-", Value::Int(value)) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
        ("-", Value::Float(value)) => Ok(Value::Float(-value)),
        ("-", Value::Duration) => Ok(Value::Duration),
        ("-", Value::Late(angle, size)) => late(-angle.clone(), size + 1),
        ("~", Value::Bits(bits)) => Ok(Value::Bits(bits.iter().map(|bit| !bit).collect())),
        ("~", Value::Int(value)) => Ok(Value::Int(!value)),
        ("~", Value::Clbits(group)) if !group.single => Err(wrong("~", "a constant", value)),
        ("!" | "~", _) => match test_of(value) {
            Some(Outcome::Test(test)) => Ok(Value::Test(test.not())),
            Some(Outcome::Known(known)) => Ok(Value::Bool(!known)),
            _ => Err(wrong(sign, "a boolean", value)),
        },
        _ => Err(wrong(sign, "a number", value)),
    }
}

fn overflow() -> Problem {
    undefined("the whole number does not fit into 128 bits")
}

/// What a binary operator makes.
pub(super) fn binary(sign: &'static str, left: &Value, right: &Value, version: Version) -> Result<Value, Problem> {
    match sign {
        "&&" | "||" => {
            let (Some(a), Some(b)) = (test_of(left), test_of(right)) else {
                let found = if test_of(left).is_none() { left } else { right };
                return Err(wrong(sign, "a boolean", found));
            };
            value_of(logic(sign == "&&", a, b), sign)
        }
        "==" | "!=" => equality(sign, left, right),
        "<" | "<=" | ">" | ">=" => {
            let (Some(a), Some(b)) = (left.number(), right.number()) else {
                return Err(wrong(
                    sign,
                    "a number",
                    if left.number().is_none() { left } else { right },
                ));
            };
            Ok(Value::Bool(match sign {
                "<" => a < b,
                "<=" => a <= b,
                ">" => a > b,
                _ => a >= b,
            }))
        }
        "&" | "|" | "^" | "<<" | ">>" => bitwise(sign, left, right),
        _ => numeric(sign, left, right, version),
    }
}

fn logic(both: bool, a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Known(known), other) | (other, Outcome::Known(known)) => {
            if known == both {
                other
            } else {
                Outcome::Known(known)
            }
        }
        (Outcome::Test(a), Outcome::Test(b)) if both => a.and(b),
        (Outcome::Test(a), Outcome::Test(b)) => a.or(b),
        _ => Outcome::Beyond,
    }
}

fn equality(sign: &'static str, left: &Value, right: &Value) -> Result<Value, Problem> {
    let outcome = match (left, right) {
        (Value::Clbits(group), other) | (other, Value::Clbits(group)) => {
            compare(&group.members, other).ok_or_else(|| wrong(sign, "a whole number", other))?
        }
        (Value::Test(test), other) | (other, Value::Test(test)) => match other.truth() {
            Some(true) => Outcome::Test(test.clone()),
            Some(false) => Outcome::Test(test.clone().not()),
            None => Outcome::Beyond,
        },
        (Value::Bits(a), Value::Bits(b)) => Outcome::Known(a == b),
        _ => match (left.integer(), right.integer(), left.number(), right.number()) {
            (Some(a), Some(b), ..) => Outcome::Known(a == b),
            (.., Some(a), Some(b)) => Outcome::Known(a == b),
            _ => {
                return Err(wrong(
                    sign,
                    "a number",
                    if left.number().is_none() { left } else { right },
                ));
            }
        },
    };
    match outcome {
        Outcome::Known(known) if sign == "!=" => Ok(Value::Bool(!known)),
        Outcome::Test(test) if sign == "!=" => Ok(Value::Test(test.not())),
        other => value_of(other, sign),
    }
}

/// Measured bits compared with a constant.
fn compare(bits: &[usize], value: &Value) -> Option<Outcome> {
    if let Value::Bits(constant) = value {
        if constant.len() != bits.len() {
            return Some(Outcome::Known(false));
        }
        return Some(Test::equals(bits.iter().copied().zip(constant.iter().copied())));
    }
    let number = value.integer()?;
    let bit_of = |at: usize| at < 127 && number >> at & 1 == 1;
    if number < 0 || (bits.len() < 127 && number >> bits.len() != 0) {
        return Some(Outcome::Known(false));
    }
    Some(Test::equals(
        bits.iter().enumerate().map(|(at, bit)| (*bit, bit_of(at))),
    ))
}

fn bitwise(sign: &'static str, left: &Value, right: &Value) -> Result<Value, Problem> {
    if let (Value::Bits(a), Value::Bits(b)) = (left, right) {
        if a.len() != b.len() || matches!(sign, "<<" | ">>") {
            return Err(wrong(sign, "strings of bits of one length", right));
        }
        let bits: Rc<[bool]> = (a.iter().zip(b.iter()))
            .map(|(a, b)| match sign {
                "&" => a & b,
                "|" => a | b,
                _ => a ^ b,
            })
            .collect();
        return Ok(Value::Bits(bits));
    }
    let Some(a) = left.integer() else {
        return Err(wrong(sign, "a whole number", left));
    };
    let Some(b) = right.integer() else {
        return Err(wrong(sign, "a whole number", right));
    };
    let number = match sign {
        "&" => a & b,
        "|" => a | b,
        "^" => a ^ b,
        _ => {
            let by = u32::try_from(b).ok().filter(|by| *by < 127).ok_or_else(overflow)?;
            if sign == ">>" {
                a >> by
            } else {
                a.checked_mul(1 << by).ok_or_else(overflow)?
            }
        }
    };
    match left {
        Value::Bits(bits) => {
            let bits = (0..bits.len()).map(|at| at < 127 && number >> at & 1 == 1);
            Ok(Value::Bits(bits.collect()))
        }
        Value::Bool(_) if matches!(right, Value::Bool(_)) => Ok(Value::Bool(number != 0)),
        _ => Ok(Value::Int(number)),
    }
}

fn numeric(sign: &'static str, left: &Value, right: &Value, version: Version) -> Result<Value, Problem> {
    if matches!(left, Value::Late(..)) || matches!(right, Value::Late(..)) {
        let function = match sign {
            "+" => Binary::Add,
            "-" => Binary::Subtract,
            "*" => Binary::Multiply,
            "/" => Binary::Divide,
            "**" => Binary::Power,
            _ => return Err(wrong(sign, "a constant", left)),
        };
        if let (Some((a, first)), Some((b, second))) = (left.angle(), right.angle()) {
            return late(a.combine(function, b), first + second + 1);
        }
    }
    if let (Value::Duration, Value::Duration, "+" | "-") = (left, right, sign) {
        return Ok(Value::Duration);
    }
    let (Some(a), Some(b)) = (left.number(), right.number()) else {
        if matches!(left, Value::Duration) || matches!(right, Value::Duration) {
            return Ok(Value::Duration);
        }
        return Err(wrong(
            sign,
            "a number",
            if left.number().is_none() { left } else { right },
        ));
    };
    if let (Some(a), Some(b)) = (left.integer(), right.integer()) {
        let whole = match sign {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            // Version 2 knows real numbers only.
            "/" if version == Version::Two => return divided(a as f64, b as f64),
            "/" | "%" if b == 0 => return Err(undefined("division by zero")),
            "/" => a.checked_div(b),
            "%" => a.checked_rem_euclid(b),
            _ if b < 0 => return float(sign, (a as f64).powf(b as f64)),
            _ => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        };
        return whole.map(Value::Int).ok_or_else(overflow);
    }
    match sign {
        "+" => float(sign, a + b),
        "-" => float(sign, a - b),
        "*" => float(sign, a * b),
        "/" => divided(a, b),
        "%" if b == 0.0 => Err(undefined("division by zero")),
        "%" => float(sign, a.rem_euclid(b)),
        _ => float(sign, a.powf(b)),
    }
}

fn divided(a: f64, b: f64) -> Result<Value, Problem> {
    if b == 0.0 {
        return Err(undefined("division by zero"));
    }
    float("/", a / b)
}

/// What a function makes of its arguments; `None` for a name that is none.
pub(super) fn function(name: &str, arguments: &[Value], version: Version) -> Option<Result<Value, Problem>> {
    let count = |expected: usize| {
        (arguments.len() != expected).then(|| Problem::Count {
            name: name.to_owned(),
            what: "arguments",
            expected,
            found: arguments.len(),
        })
    };
    if let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
        if let Some(problem) = count(1) {
            return Some(Err(problem));
        }
        return Some(match &arguments[0] {
            Value::Late(angle, size) => late(angle.clone().apply(*function), size + 1),
            value => match value.number() {
                Some(number) => float(
                    name,
                    Angle::Number(number).apply(*function).number().unwrap_or(f64::NAN),
                ),
                None => Err(wrong(name, "a number", value)),
            },
        });
    }
    OTHERS.contains(&name).then(|| other(name, arguments, version, count))
}

fn other(
    name: &str,
    arguments: &[Value],
    version: Version,
    count: impl Fn(usize) -> Option<Problem>,
) -> Result<Value, Problem> {
    let arity = if matches!(name, "mod" | "pow") { 2 } else { 1 };
    if let Some(problem) = count(arity) {
        return Err(problem);
    }
    match (name, arguments) {
        ("mod", [a, b]) => numeric("%", a, b, version),
        ("pow", [a, b]) => numeric("**", a, b, version),
        ("popcount", [Value::Bits(bits)]) => Ok(Value::Int(bits.iter().filter(|bit| **bit).count() as i128)),
        ("popcount", [Value::Int(value)]) => Ok(Value::Int(i128::from(value.count_ones()))),
        ("sizeof", [Value::Qubits(group) | Value::Clbits(group)]) => Ok(Value::Int(group.members.len() as i128)),
        ("sizeof", [Value::Bits(bits)]) => Ok(Value::Int(bits.len() as i128)),
        ("floor" | "ceiling", [value]) if !value.is_late() => {
            let number = value.number().ok_or_else(|| wrong(name, "a number", value))?;
            float(name, if name == "floor" { number.floor() } else { number.ceil() })
        }
        (_, [first, ..]) => Err(wrong(name, "a value that it takes", first)),
        _ => Err(undefined("no arguments")),
    }
}
