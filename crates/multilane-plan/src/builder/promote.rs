//! How operands of different types meet: NumPy's rules.
//!
//! Typed values widen along bool, i32, i64, f64; f32 stays f32 among floats and bools and becomes
//! f64 among integers. Literals take the type of the values they meet.

use super::Builder;
use crate::error::PlanError;
use crate::plan::{Attribute, Attributes, Op, ValueId};
use crate::types::{DType, Scalar};

/// What an operation is applied to: a value, or a number whose type is still open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// A value of the plan.
    Value(ValueId),
    /// A whole number of any type that holds it.
    Int(i64),
    /// A float of any type.
    Float(f64),
    /// A truth value.
    Bool(bool),
}

impl Operand {
    /// The number with the type it has by itself; a value counts as `false`.
    pub(super) fn scalar(self) -> Scalar {
        match self {
            Self::Int(value) => Scalar::I64(value),
            Self::Float(value) => Scalar::F64(value),
            Self::Bool(value) => Scalar::Bool(value),
            Self::Value(_) => Scalar::Bool(false),
        }
    }
}

impl From<ValueId> for Operand {
    fn from(value: ValueId) -> Self {
        Self::Value(value)
    }
}

impl From<f64> for Operand {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<i64> for Operand {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Operand {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Operand {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// The type in which values of two types meet.
pub fn promoted(a: DType, b: DType) -> DType {
    match (a, b) {
        (a, b) if a == b => a,
        (DType::F32, DType::Bool) | (DType::Bool, DType::F32) => DType::F32,
        (DType::F32, _) | (_, DType::F32) => DType::F64,
        (a, b) => a.max(b),
    }
}

/// What an operation of the `core` dialect asks of its operands.
enum Need {
    /// One type, whichever.
    Same,
    /// One type, and a float.
    Float,
    /// One type from the second on.
    SameAfterFirst,
    /// Truth values: other numbers are compared with 0.
    Truth,
    /// Nothing.
    AsIs,
}

fn need(op: &str) -> Need {
    match op {
        "core.add" | "core.sub" | "core.mul" | "core.min" | "core.max" | "core.pow" | "core.fma" | "core.eq"
        | "core.ne" | "core.lt" | "core.le" | "core.gt" | "core.ge" => Need::Same,
        "core.div" | "core.sqrt" | "core.exp" | "core.log" | "core.sin" | "core.cos" | "core.tanh" | "core.recip" => {
            Need::Float
        }
        "core.where" => Need::SameAfterFirst,
        "core.any" | "core.all" => Need::Truth,
        _ => Need::AsIs,
    }
}

impl Builder {
    /// The operands as values, cast to where they meet.
    pub(super) fn meet(&mut self, op: &str, operands: &[Operand]) -> Result<Vec<ValueId>, PlanError> {
        for operand in operands {
            if let Operand::Value(value) = operand {
                self.readable(op, *value)?;
            }
        }
        let (as_is, meeting) = match need(op) {
            Need::SameAfterFirst => operands.split_at(operands.len().min(1)),
            Need::AsIs => (operands, &[][..]),
            Need::Same | Need::Float | Need::Truth => (&[][..], operands),
        };
        let target = match need(op) {
            Need::Truth => Some(DType::Bool),
            Need::Float => self
                .common(meeting)
                .map(|dtype| if dtype.is_float() { dtype } else { DType::F64 }),
            _ => self.common(meeting),
        };
        let mut values = Vec::with_capacity(operands.len());
        for operand in as_is {
            values.push(self.literal_or_value(*operand)?);
        }
        for operand in meeting {
            values.push(match (operand, target) {
                (_, None) => self.literal_or_value(*operand)?,
                (Operand::Int(number), Some(DType::I32)) if i32::try_from(*number).is_err() => {
                    return Err(self.invalid(
                        op,
                        &format!("cannot hold {number} in i32; cast the other operand to i64"),
                    ));
                }
                (Operand::Value(value), Some(DType::Bool)) if self.ty(*value).dtype() != Some(DType::Bool) => {
                    self.core("ne", &[*operand, Operand::Int(0)], Default::default())?
                }
                (operand, Some(target)) => self.cast(*operand, target)?,
            });
        }
        Ok(values)
    }

    /// A value, or the number in the type it has by itself.
    pub(crate) fn literal_or_value(&mut self, operand: Operand) -> Result<ValueId, PlanError> {
        match operand {
            Operand::Value(value) => self.readable("return", value).map(|()| value),
            literal => Ok(self.constant(literal.scalar())),
        }
    }

    /// The type in which operands meet; nothing when one of them is not a number, which inference reports.
    fn common(&self, operands: &[Operand]) -> Option<DType> {
        let mut strong: Option<DType> = None;
        for operand in operands {
            if let Operand::Value(value) = operand {
                let dtype = self.ty(*value).dtype()?;
                strong = Some(strong.map_or(dtype, |before| promoted(before, dtype)));
            }
        }
        let weak = operands
            .iter()
            .filter(|operand| !matches!(operand, Operand::Value(_)))
            .map(|operand| operand.scalar().dtype())
            .max();
        Some(match (strong, weak) {
            (None, None) => return None,
            (None, Some(weak)) => weak,
            (Some(strong), None) => strong,
            // A float literal makes floats of integers, an int literal numbers of truth values.
            (Some(strong), Some(DType::F64)) if !strong.is_float() => DType::F64,
            (Some(DType::Bool), Some(weak)) => weak,
            (Some(strong), Some(_)) => strong,
        })
    }

    /// Shorthand of the methods named after operations.
    pub(super) fn apply(&mut self, name: &str, operands: &[Operand]) -> Result<ValueId, PlanError> {
        self.core(name, operands, Default::default())
    }

    /// A `core.map`: the expression's operations on the operands, which it calls by `names` (a, b, c, … when absent).
    pub(super) fn map(&mut self, operands: &[Operand], attributes: &Attributes) -> Result<ValueId, PlanError> {
        let mut op = Op::new("core.map", Vec::new(), Vec::new());
        op.attributes = attributes.clone();
        let Some(text) = op.text("expression") else {
            return Err(self.invalid("core.map", "needs a text as `expression`"));
        };
        let names = map_names(&op, operands.len()).map_err(|problem| self.invalid("core.map", &problem))?;
        let names = names.into_iter().zip(operands.iter().copied()).collect();
        crate::expression::parse_into(self, text, &names)
    }
}

/// What a `core.map` calls its operands.
fn map_names(op: &Op, count: usize) -> Result<Vec<String>, String> {
    let names: Vec<String> = match op.attribute("names") {
        None if count <= 26 => ('a'..='z').take(count).map(String::from).collect(),
        None => return Err("has too many operands to go without `names`".to_owned()),
        Some(Attribute::List(names)) => names
            .iter()
            .map(|name| match name {
                Attribute::Text(name) => Ok(name.clone()),
                _ => Err("needs a list of texts as `names`".to_owned()),
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err("needs a list of texts as `names`".to_owned()),
    };
    if names.len() == count {
        Ok(names)
    } else {
        Err(format!("has {} names for {count} operands", names.len()))
    }
}
