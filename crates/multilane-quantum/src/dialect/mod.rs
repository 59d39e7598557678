//! The `quantum` dialect: circuits as plans.
//!
//! The state of all qubits is an opaque value of kind `register` whose type says how many qubits there are. Every
//! operation takes the register and gives the next one, so the order of operations is that of their values. Parameters
//! are inputs of the plan and angles are numbers computed from them; outcomes are truth values, and answers to
//! questions are numbers that every other dialect takes.

mod ask;
mod facts;
mod fuse;
mod fused;
mod gates;
mod read;
mod run;
mod write;

pub use facts::{KIND, dialect, register_type, state_bytes};
pub use fuse::fuse_gates;
pub use read::from_plan;
pub(crate) use read::precision_of;
pub use run::{kernels, state_of};
pub use write::{PlanOptions, to_plan};
