//! Kernels of the `core` dialect: fused element-wise chains and reductions, on SIMD.
//!
//! [`kernels`] registers them for an engine; [`Compiled`] is the same below the engine, for callers that have
//! pointers in their hands and a microsecond to spend. An operation or fused region is taken
//! apart (`lower`), ordered for one of two machines (`strip`, `block`) and run over spans of its
//! elements (`span`), which `drive` cuts for the lanes it is given. Never starts threads and never
//! keeps memory from one run to the next.

mod block;
mod body;
mod compiled;
mod drive;
mod error;
mod kernel;
mod lower;
mod math;
mod place;
mod scratch;
mod simd;
mod span;
mod strip;

pub use compiled::{Compiled, Operand, Output};
pub use error::ArrayError;
pub use kernel::kernels;
pub use simd::Level;
