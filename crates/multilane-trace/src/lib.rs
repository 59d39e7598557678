//! What every worker did: the events of a run, their file and their export.
//!
//! Holds data and moves it. Never interprets it: what a number means is the
//! business of `multilane-lab`.

mod columns;
pub mod container;
mod error;
mod event;
mod load;
mod merge;
mod perfetto;
mod recorder;

pub use error::TraceError;
pub use event::{FORMAT, Machine, Meta, Progress, Sample, Status, Task, Trace, UNKNOWN_CORE, Worker, sample_kind};
pub use load::steps;
pub use recorder::Recorder;
