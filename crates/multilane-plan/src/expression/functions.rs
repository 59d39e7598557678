//! The functions of formulas.

use crate::builder::{Builder, Operand};
use crate::error::{PlanError, Site};
use crate::plan::{Attribute, Attributes, ValueId};
use crate::types::DType;

/// Names of functions, the fewest and the most operands, and the operation of the `core` dialect.
pub const FUNCTIONS: &[(&str, usize, usize, &str)] = &[
    ("abs", 1, 1, "abs"),
    ("all", 1, 1, "all"),
    ("any", 1, 1, "any"),
    ("bool", 1, 1, "bool"),
    ("cos", 1, 1, "cos"),
    ("count_nonzero", 1, 1, "count"),
    ("exp", 1, 1, "exp"),
    ("float32", 1, 1, "f32"),
    ("float64", 1, 1, "f64"),
    ("int32", 1, 1, "i32"),
    ("int64", 1, 1, "i64"),
    ("log", 1, 1, "log"),
    // Of one operand the smallest or largest element, of more the choice among them.
    ("max", 1, usize::MAX, "max"),
    ("maximum", 2, 2, "max"),
    ("mean", 1, 1, "mean"),
    ("min", 1, usize::MAX, "min"),
    ("minimum", 2, 2, "min"),
    ("norm", 1, 2, "norm"),
    ("pow", 2, 2, "pow"),
    ("recip", 1, 2, "recip"),
    ("sin", 1, 1, "sin"),
    ("sqrt", 1, 1, "sqrt"),
    ("sum", 1, 1, "sum"),
    ("tanh", 1, 1, "tanh"),
    ("where", 3, 3, "where"),
];

/// Whether a function has the name.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|(known, ..)| *known == name)
}

/// Writes an operation by its name in the `core` dialect.
pub(super) fn apply(builder: &mut Builder, name: &str, operands: &[Operand]) -> Result<ValueId, PlanError> {
    if let (Some(dtype), [operand]) = (DType::from_name(name), operands) {
        return builder.cast(*operand, dtype);
    }
    let mut attributes = Attributes::new();
    match (name, operands) {
        ("min" | "max", [first, second, rest @ ..]) if !rest.is_empty() => {
            let mut chosen = builder.core(name, &[*first, *second], attributes)?;
            for other in rest {
                chosen = builder.core(name, &[chosen.into(), *other], Attributes::new())?;
            }
            return Ok(chosen);
        }
        ("recip", [operand, epsilon]) => {
            let epsilon = match epsilon {
                Operand::Float(epsilon) => *epsilon,
                Operand::Int(epsilon) => *epsilon as f64,
                _ => {
                    return Err(invalid(
                        builder,
                        "core.recip",
                        "needs a number written out as its epsilon",
                    ));
                }
            };
            attributes.insert("epsilon".to_owned(), Attribute::Float(epsilon));
            return builder.core("recip", &[*operand], attributes);
        }
        ("norm", [operand, ord]) => {
            let ord = match ord {
                Operand::Int(1) => "l1",
                Operand::Int(2) => "l2",
                Operand::Float(ord) if *ord == f64::INFINITY => "max",
                _ => return Err(invalid(builder, "core.norm", "needs 1, 2 or inf as its order")),
            };
            attributes.insert("ord".to_owned(), Attribute::Text(ord.to_owned()));
            return builder.core("norm", &[*operand], attributes);
        }
        _ => {}
    }
    builder.core(name, operands, attributes)
}

fn invalid(builder: &Builder, op: &str, problem: &str) -> PlanError {
    PlanError::invalid(op, problem, Site::line(builder.location().cloned()))
}
