//! Runs verified plans with the kernels of their dialects.
//!
//! [`Program::prepare`] looks up kernels and works out once which memory is free when;
//! [`Program::run`] then binds arrays, has a cost model decide what runs on how many
//! lanes, and calls the kernels in order. Memory of values comes from a [`BufferPool`]
//! and is used again as soon as nobody reads it. Knows no operation by name but
//! `core.constant` and `core.loop`.

mod bind;
mod contest;
mod control;
mod copy;
mod error;
mod finish;
mod pages;
mod pool;
mod program;
mod recording;
mod run;
mod script;
#[cfg(test)]
mod tests;
mod times;
mod workspace;

pub use control::{Control, Progress};
pub use error::PlanRunError;
pub use pool::BufferPool;
pub use program::Program;
pub use recording::{Recorded, Recording};
pub use run::Run;
pub use times::{GroupTime, LaneTime};
