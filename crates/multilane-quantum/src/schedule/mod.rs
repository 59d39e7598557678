//! From a circuit's gates to batches: what is done in each pass over the state.
//!
//! `lower` makes actions of gates, `fuse` merges them, `batch` chooses which actions share
//! a pass, `place` gives each its place in scratch, and `single` finds gates that need none. Everything here is
//! decided before the first amplitude exists; the result runs any number of times.

mod action;
mod batch;
mod fuse;
mod lower;
mod place;
mod single;
mod sweep;

pub(crate) use action::Action;
pub(crate) use batch::Shape;
pub(crate) use fuse::fuse;
pub(crate) use lower::lower;
pub(crate) use place::{Chunks, Compiled, Pass, compile};
pub(crate) use single::per_value;
pub use sweep::Sweep;
