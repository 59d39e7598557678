//! Dataflow plans: what to compute, as data.
//!
//! A [`Plan`] is built, verified, optimised by passes, analysed and printed here; it is
//! run by an engine with the kernels of its dialects. Nothing here knows threads,
//! clocks, files, Python or the machine.

pub mod analysis;
mod builder;
pub mod core;
pub mod cost;
pub mod dot;
mod error;
pub mod evaluate;
pub mod expression;
pub mod json;
mod kernel;
pub mod memory;
pub mod passes;
mod plan;
#[cfg(any(test, feature = "testing"))]
pub mod random;
mod registry;
pub mod text;
mod types;
mod value;
mod verify;

pub use builder::{Builder, LoopResults, Operand, promoted};
pub use error::{Place, PlanError, Site};
pub use evaluate::evaluate;
pub use kernel::{
    Blocks, BoundBlocks, Buffers, Call, Exercise, Kernel, KernelError, Kernels, Lanes, Measure, Prepared, Serial,
};
pub use plan::{Attribute, Attributes, Location, Op, Plan, Region, ValueId, ValueInfo};
pub use registry::{Cost, CostClass, Fold, Form, OpDef, Registry, Sizes};
pub use types::{DType, DimId, Extent, Scalar, ValueType};
pub use value::{Array, Element, Value};
pub use verify::{MAX_NESTING, verify};
