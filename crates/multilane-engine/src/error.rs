//! The one error type of this crate.

use std::io;

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The operating system refused something a backend stands on.
    #[error("{what} failed: {source}")]
    System {
        /// What was tried, in words.
        what: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A worker did not come up.
    #[error("worker {index} did not start: {reason}")]
    Start {
        /// The worker's index in its pool.
        index: u32,
        /// What it said or how it ended.
        reason: String,
    },
    /// No room is left in the shared memory of one process.
    #[error("no {bytes} bytes are left in the shared memory of {capacity} bytes")]
    OutOfSharedMemory {
        /// What was asked for.
        bytes: u64,
        /// The size of the region.
        capacity: u64,
    },
    /// The pool takes no more tasks.
    #[error("cannot schedule new futures after shutdown")]
    Closed,
    /// The pool cannot run anything any more.
    #[error("{reason}")]
    Broken {
        /// What broke it.
        reason: String,
    },
    /// The process forked and this is the child.
    #[error("this pool belongs to process {owner}, which forked process {child}")]
    Forked {
        /// The process that made the pool.
        owner: u32,
        /// This process.
        child: u32,
    },
}

impl EngineError {
    /// What the user can do next, when we know.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OutOfSharedMemory { .. } => Some("pass smaller pieces, or drop results that are no longer needed"),
            Self::Forked { .. } => Some("make a new executor in the child process"),
            Self::Closed => Some("submit before `shutdown`, or make a new executor"),
            _ => None,
        }
    }
}

/// Turns an error number of a system call into an [`EngineError`].
#[cfg(not(loom))]
pub(crate) fn system(what: &'static str) -> impl Fn(rustix::io::Errno) -> EngineError {
    move |errno| EngineError::System {
        what,
        source: errno.into(),
    }
}
