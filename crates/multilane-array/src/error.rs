//! What can be wrong with work on arrays.

use multilane_plan::KernelError;

/// Why work on arrays could not be made ready or run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// The operation does not exist for these element types, or not at all.
    #[error("`{op}` is not defined for {types}")]
    Undefined {
        /// The operation's name.
        op: String,
        /// The element types of its operands.
        types: String,
    },
    /// The operation is not one that this crate runs.
    #[error("`{op}` is neither element-wise nor a reduction")]
    Foreign {
        /// The operation's name.
        op: String,
    },
    /// The operation lacks something that a verified plan has.
    #[error("`{op}` {problem}")]
    Malformed {
        /// The operation's name.
        op: String,
        /// What is missing or too much.
        problem: String,
    },
    /// A value of a run does not fit what was compiled.
    #[error("`{op}`: {what} {problem}")]
    Misfit {
        /// The operation's name.
        op: String,
        /// Which value.
        what: String,
        /// What does not fit.
        problem: String,
    },
    /// A reduction without a neutral element met an empty array.
    #[error("`{op}` of an empty array has no value")]
    Empty {
        /// The operation's name.
        op: String,
    },
    /// The caller asked to stop.
    #[error("stopped before it was done")]
    Stopped,
}

impl ArrayError {
    /// What the user can do next, when we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Undefined { op, types } if op == "core.div" && types.contains('i') => {
                Some("cast the operands to `f64` first".to_owned())
            }
            Self::Misfit { .. } => Some(
                "pass arrays of equal length, and let results share memory with an operand only if it is all of it"
                    .to_owned(),
            ),
            Self::Empty { .. } => Some("check the length first, or reduce with `core.sum` or `core.count`".to_owned()),
            _ => None,
        }
    }

    /// The operation it is about.
    fn op(&self) -> &str {
        match self {
            Self::Undefined { op, .. }
            | Self::Foreign { op }
            | Self::Malformed { op, .. }
            | Self::Misfit { op, .. }
            | Self::Empty { op } => op,
            Self::Stopped => "",
        }
    }
}

impl From<ArrayError> for KernelError {
    fn from(error: ArrayError) -> Self {
        match error {
            ArrayError::Stopped => Self::Stopped,
            error => Self::Invalid {
                op: error.op().to_owned(),
                problem: error.to_string(),
            },
        }
    }
}
