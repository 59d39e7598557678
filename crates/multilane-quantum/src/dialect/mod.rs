//! The `quantum` dialect: circuits as plans.
//!
//! The state of all qubits is an opaque value of kind `register` that brings one size
//! along, `amplitudes`. Every operation takes the register and gives the next one, so the
//! order of operations is that of their values. Parameters are inputs of the plan and
//! angles are numbers computed from them; outcomes are truth values.

mod facts;
mod read;
mod write;

pub use facts::{KIND, dialect, register_type};
pub use read::from_plan;
pub use write::to_plan;
