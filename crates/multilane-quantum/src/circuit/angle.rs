//! Angles: numbers, or expressions over parameters whose values come later.
//!
//! Arithmetic on numbers is done at once, so that an angle without parameters is always
//! [`Angle::Number`].

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

use crate::error::QuantumError;

/// An angle in radians.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Angle {
    /// A known angle.
    Number(f64),
    /// A parameter, by its name.
    Parameter(Arc<str>),
    /// A function of one angle.
    Unary(Unary, Arc<Angle>),
    /// A function of two angles.
    Binary(Binary, Arc<Angle>, Arc<Angle>),
}

/// Functions of one angle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-x`
    Negate,
    /// `sin(x)`
    Sin,
    /// `cos(x)`
    Cos,
    /// `tan(x)`
    Tan,
    /// `asin(x)`
    Asin,
    /// `acos(x)`
    Acos,
    /// `atan(x)`
    Atan,
    /// `exp(x)`
    Exp,
    /// `ln(x)`
    Ln,
    /// `sqrt(x)`
    Sqrt,
}

/// Functions of two angles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `x + y`
    Add,
    /// `x - y`
    Subtract,
    /// `x * y`
    Multiply,
    /// `x / y`
    Divide,
    /// `x ** y`
    Power,
}

impl Unary {
    /// Its name as a function; `-` for the negation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tan => "tan",
            Self::Asin => "arcsin",
            Self::Acos => "arccos",
            Self::Atan => "arctan",
            Self::Exp => "exp",
            Self::Ln => "log",
            Self::Sqrt => "sqrt",
        }
    }

    fn of(self, x: f64) -> f64 {
        match self {
            Self::Negate => -x,
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.tan(),
            Self::Asin => x.asin(),
            Self::Acos => x.acos(),
            Self::Atan => x.atan(),
            Self::Exp => x.exp(),
            Self::Ln => x.ln(),
            Self::Sqrt => x.sqrt(),
        }
    }
}

impl Binary {
    /// How it is written between its operands.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Power => "**",
        }
    }

    fn of(self, x: f64, y: f64) -> f64 {
        match self {
            Self::Add => x + y,
            Self::Subtract => x - y,
            Self::Multiply => x * y,
            Self::Divide => x / y,
            Self::Power => x.powf(y),
        }
    }
}

impl Angle {
    /// A parameter whose value is given before the circuit runs.
    pub fn parameter(name: impl Into<Arc<str>>) -> Self {
        Self::Parameter(name.into())
    }

    /// The number, when no parameter is in it.
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A function of an angle, computed at once where that is possible.
    #[must_use]
    pub fn apply(self, function: Unary) -> Self {
        match self {
            Self::Number(x) => Self::Number(function.of(x)),
            other => Self::Unary(function, Arc::new(other)),
        }
    }

    /// A function of two angles, computed at once where that is possible.
    #[must_use]
    pub fn combine(self, function: Binary, other: Self) -> Self {
        match (self, other) {
            (Self::Number(x), Self::Number(y)) => Self::Number(function.of(x, y)),
            (x, y) => Self::Binary(function, Arc::new(x), Arc::new(y)),
        }
    }

    /// Puts values for the parameters; all that are in it need one.
    pub fn bind(&self, values: &BTreeMap<String, f64>) -> Result<f64, QuantumError> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Parameter(name) => (values.get(name.as_ref()).copied())
                .ok_or_else(|| QuantumError::UnboundParameter { name: name.to_string() }),
            Self::Unary(function, x) => Ok(function.of(x.bind(values)?)),
            Self::Binary(function, x, y) => Ok(function.of(x.bind(values)?, y.bind(values)?)),
        }
    }

    /// Adds the names of its parameters that are not among `names` yet.
    pub(crate) fn collect(&self, names: &mut Vec<String>) {
        match self {
            Self::Number(_) => {}
            Self::Parameter(name) => {
                if !names.iter().any(|known| known == name.as_ref()) {
                    names.push(name.to_string());
                }
            }
            Self::Unary(_, x) => x.collect(names),
            Self::Binary(_, x, y) => {
                x.collect(names);
                y.collect(names);
            }
        }
    }
}

impl From<f64> for Angle {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Angle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Parameter(name) => f.write_str(name),
            Self::Unary(Unary::Negate, x) => write!(f, "-({x})"),
            Self::Unary(function, x) => write!(f, "{}({x})", function.name()),
            Self::Binary(function, x, y) => write!(f, "({x} {} {y})", function.symbol()),
        }
    }
}

impl Neg for Angle {
    type Output = Self;
    fn neg(self) -> Self {
        self.apply(Unary::Negate)
    }
}
impl Add for Angle {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.combine(Binary::Add, other)
    }
}
impl Sub for Angle {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.combine(Binary::Subtract, other)
    }
}
impl Mul for Angle {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.combine(Binary::Multiply, other)
    }
}
impl Div for Angle {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        self.combine(Binary::Divide, other)
    }
}
