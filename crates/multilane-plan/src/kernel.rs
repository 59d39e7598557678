//! How operations run: the traits that kernels and engines meet in.
//!
//! A kernel is prepared once for an operation of a plan and then run as often as
//! wanted. It never starts threads: it cuts its work into pieces and hands them to the
//! [`Lanes`] it is given.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::plan::{Op, Plan};
use crate::registry::CostClass;
use crate::value::{Array, Value};

/// Workers that run the pieces of one piece of work side by side.
pub trait Lanes: Sync {
    /// How many pieces can run at the same time; at least 1.
    fn count(&self) -> usize;

    /// Calls `body(piece, lane)` once for every piece, and returns when all are done.
    ///
    /// `lane` is below [`Lanes::count`], and no two calls run with the same lane at the
    /// same time. Pieces start in order but may end in any. A panic in `body` reaches the caller.
    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync));

    /// Whether the caller asked to stop; long kernels look between pieces and return early.
    fn stopped(&self) -> bool {
        false
    }
}

/// The one lane of the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Lanes for Serial {
    fn count(&self) -> usize {
        1
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        for piece in 0..pieces {
            body(piece, 0);
        }
    }
}

/// Why an operation could not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// No kernel is registered for the operation.
    #[error("no kernel runs `{op}`")]
    Missing {
        /// The operation's name.
        op: String,
    },
    /// The values do not fit the operation.
    #[error("`{op}`: {problem}")]
    Invalid {
        /// The operation's name.
        op: String,
        /// What does not fit.
        problem: String,
    },
    /// The caller asked to stop.
    #[error("stopped before it was done")]
    Stopped,
}

/// One execution of an operation.
pub struct Call<'a> {
    /// Values of the operands, in order.
    pub operands: &'a [Value],
    /// Values of the results, in order. Arrays are there already, to be written, and may
    /// be the memory of an operand where [`crate::OpDef::in_place`] says so. Scalars are placeholders
    /// of the right type, to be replaced.
    pub results: &'a mut [Value],
    /// Who runs the pieces.
    pub lanes: &'a dyn Lanes,
}

/// Knows how to run one kind of operation.
pub trait Kernel: Send + Sync {
    /// Makes ready to run an operation of a verified plan.
    fn prepare(&self, plan: &Plan, op: &Op, kernels: &Kernels) -> Result<Box<dyn Prepared>, KernelError>;

    /// Makes ready to compute blocks of the result, for [`crate::Form::Blockwise`] operations.
    fn prepare_blocks(&self, _plan: &Plan, op: &Op) -> Result<Box<dyn Blocks>, KernelError> {
        Err(KernelError::Missing { op: op.name.clone() })
    }
}

/// An operation that is ready to run.
pub trait Prepared: Send + Sync {
    /// Runs it.
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError>;
}

/// An operation of which any block of the result can be computed by itself.
pub trait Blocks: Send + Sync {
    /// Looks at the operands once before an execution; what it finds out is handed to every block.
    fn bind(&self, operands: &[Value]) -> Result<Box<dyn BoundBlocks>, KernelError>;

    /// As [`Blocks::bind`], with workers for what is worth sharing. Executions that have lanes call this one.
    fn bind_on(&self, operands: &[Value], lanes: &dyn Lanes) -> Result<Box<dyn BoundBlocks>, KernelError> {
        let _ = lanes;
        self.bind(operands)
    }
}

/// A blockwise operation with its operands.
pub trait BoundBlocks: Send + Sync {
    /// Writes elements `range` of the result to the first `range.len()` elements at `out`,
    /// which are of the result's type.
    ///
    /// # Safety
    /// `out` is valid for that many elements and nobody else uses them meanwhile.
    unsafe fn fill(&self, range: Range<usize>, out: *mut u8);

    /// Blocks are cheapest when they start at a multiple of this and are a multiple of it long.
    fn grain(&self) -> usize {
        1
    }

    /// Bounds of pieces of about equal work, from 0 to the length, when even lengths are not even work.
    fn bounds(&self, pieces: usize) -> Option<Vec<usize>> {
        let _ = pieces;
        None
    }
}

/// Measures an opaque value: the sizes of the dimensions its type brings along, in order,
/// or nothing when the value is of another kind.
pub type Measure = fn(&Value) -> Option<Vec<usize>>;

/// Makes a plan of one operation, with inputs for it, whose time tells what a class of work takes.
pub type Exercise = fn(&dyn Lanes) -> Option<(Plan, Vec<Value>)>;

/// The kernels that exist, by the names of their operations.
#[derive(Clone, Default)]
pub struct Kernels {
    by_name: BTreeMap<String, Arc<dyn Kernel>>,
    measures: BTreeMap<String, Measure>,
    exercises: BTreeMap<CostClass, Exercise>,
}

impl Kernels {
    /// Adds a kernel for an operation; a later one replaces an earlier one.
    pub fn insert(&mut self, op: impl Into<String>, kernel: Arc<dyn Kernel>) {
        self.by_name.insert(op.into(), kernel);
    }

    /// The kernel for an operation.
    pub fn get(&self, op: &str) -> Result<&Arc<dyn Kernel>, KernelError> {
        self.by_name
            .get(op)
            .ok_or_else(|| KernelError::Missing { op: op.to_owned() })
    }

    /// Says how opaque values of a kind (`graph`) are measured.
    pub fn insert_measure(&mut self, kind: impl Into<String>, measure: Measure) {
        self.measures.insert(kind.into(), measure);
    }

    /// The sizes that an opaque value of a kind brings along; nothing when it is not of that kind.
    pub fn measure(&self, kind: &str, value: &Value) -> Option<Vec<usize>> {
        self.measures.get(kind).and_then(|measure| measure(value))
    }

    /// Says on what a calibration sees the time of a class of work that no operation of `core` has.
    pub fn insert_exercise(&mut self, class: CostClass, exercise: Exercise) {
        self.exercises.insert(class, exercise);
    }

    /// What a calibration exercises beside the operations of `core`.
    pub fn exercises(&self) -> impl Iterator<Item = (CostClass, Exercise)> + '_ {
        self.exercises.iter().map(|(class, exercise)| (*class, *exercise))
    }
}

/// Where result arrays come from: an engine keeps and reuses them.
pub trait Buffers: Send + Sync {
    /// Memory for an array; its contents are arbitrary but valid elements of the type
    /// are written before any is read.
    fn take(&self, dtype: crate::DType, len: usize) -> Array;
}
