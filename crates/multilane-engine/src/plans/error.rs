//! Why a plan could not be prepared or run.

use multilane_plan::{KernelError, Location};

/// What went wrong, with the user's name for the value or the line of the operation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanRunError {
    /// More or fewer inputs than the plan has.
    #[error("the plan has {expected} inputs ({names}), and {given} were given")]
    InputCount {
        /// How many the plan has.
        expected: usize,
        /// How many were given.
        given: usize,
        /// Their names, in order.
        names: String,
    },
    /// An input is of another type than the plan was built for.
    #[error("input `{input}` is {given}, and the plan was built for {expected}")]
    InputType {
        /// The input.
        input: String,
        /// The type in the plan.
        expected: String,
        /// The type of what was given.
        given: String,
    },
    /// Two inputs that share a size have different lengths.
    #[error("input `{input}` has {given} elements, and `{other}` says that `{dim}` is {expected}")]
    Length {
        /// The input.
        input: String,
        /// Its elements.
        given: usize,
        /// The name of the size.
        dim: String,
        /// The size.
        expected: usize,
        /// The input that said so first.
        other: String,
    },
    /// An input has another length than the plan was built for.
    #[error("input `{input}` has {given} elements, and the plan was built for {expected}")]
    FixedLength {
        /// The input.
        input: String,
        /// Its elements.
        given: usize,
        /// The elements that it has to have.
        expected: usize,
    },
    /// No input says how large something is.
    #[error("nothing that was given says how large `{dim}` is")]
    UnknownSize {
        /// The name of the size.
        dim: String,
    },
    /// More or fewer places for outputs than the plan has outputs.
    #[error("the plan has {expected} outputs ({names}), and {given} arrays were given for them")]
    OutputCount {
        /// How many the plan has.
        expected: usize,
        /// How many were given.
        given: usize,
        /// Their names, in order.
        names: String,
    },
    /// An array given for an output does not fit it.
    #[error("the array given for output `{output}` is {given}, and the output is {expected}")]
    OutputType {
        /// The output.
        output: String,
        /// What the output is.
        expected: String,
        /// What was given.
        given: String,
    },
    /// An array given for an output is too long or too short.
    #[error("the array given for output `{output}` has {given} elements, and the output has {expected}")]
    OutputLength {
        /// The output.
        output: String,
        /// The output's elements.
        expected: usize,
        /// The array's.
        given: usize,
    },
    /// An array given for an output cannot be written.
    #[error("the array given for output `{output}` is read-only")]
    ReadOnly {
        /// The output.
        output: String,
    },
    /// Two outputs were given the same memory.
    #[error("the arrays given for outputs `{first}` and `{second}` share memory")]
    SharedOutputs {
        /// One output.
        first: String,
        /// The other.
        second: String,
    },
    /// The plan cannot be run as it is; a verified plan can.
    #[error("{}`{op}` {problem}", place(location))]
    Malformed {
        /// The operation.
        op: String,
        /// What is wrong with it.
        problem: String,
        /// Where it was written.
        location: Option<Location>,
    },
    /// An operation failed, or has no kernel.
    #[error("{}{source}", place(location))]
    Kernel {
        /// What the kernel said.
        source: KernelError,
        /// Where the operation was written.
        location: Option<Location>,
    },
    /// A kernel panicked: a defect of the kernel, not of the plan.
    #[error("{}the kernel of `{op}` panicked: {message}", place(location))]
    Panicked {
        /// The operation.
        op: String,
        /// What it said.
        message: String,
        /// Where the operation was written.
        location: Option<Location>,
    },
    /// The system has no memory for a value.
    #[error("no memory for {bytes} bytes of `{value}`")]
    NoMemory {
        /// How much was asked for.
        bytes: u64,
        /// The name of the value, or of the operation that makes it.
        value: String,
    },
    /// The caller asked to stop.
    #[error("stopped after {done} of at most {total} iterations")]
    Stopped {
        /// Iterations of loops that were done.
        done: u64,
        /// The most there could have been.
        total: u64,
    },
}

fn place(location: &Option<Location>) -> String {
    location
        .as_ref()
        .map_or(String::new(), |at| format!("{}:{}: ", at.file, at.line))
}

impl PlanRunError {
    /// What the user can do next, when we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InputType { input, expected, .. } => Some(format!(
                "convert `{input}`, or build the plan with `{input}` as {expected}"
            )),
            Self::Length { input, other, .. } => Some(format!(
                "give `{input}` and `{other}` the same length, or declare them with different sizes"
            )),
            Self::FixedLength { input, expected, .. } => Some(format!("give `{input}` {expected} elements")),
            Self::UnknownSize { dim } => Some(format!("pass an array of `{dim}` elements, or a graph that has them")),
            Self::OutputType { expected, .. } => Some(format!("give an array of {expected}, or none")),
            Self::OutputLength { output, expected, .. } => {
                Some(format!("give `{output}` an array of {expected} elements, or none"))
            }
            Self::ReadOnly { output } => Some(format!("give `{output}` an array that may be written, or none")),
            Self::SharedOutputs { .. } => Some("give each output an array of its own".to_owned()),
            Self::NoMemory { .. } => Some("use smaller inputs, or narrower types".to_owned()),
            Self::Panicked { .. } => Some("please report it with the plan's text".to_owned()),
            _ => None,
        }
    }
}
