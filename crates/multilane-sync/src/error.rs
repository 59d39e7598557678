//! Everything that can go wrong, and the description of a deadlock.

use std::fmt;

/// Why a primitive did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Nobody holds what was to be released.
    #[error("{what} is released, but nobody holds it")]
    NotHeld {
        /// Kind and name.
        what: String,
    },
    /// Another thread holds what was to be released.
    #[error("{what} is released by a thread that does not hold it; thread {holder} does")]
    HeldByOther {
        /// Kind and name.
        what: String,
        /// The system's identity of the thread that holds it.
        holder: u64,
    },
    /// The wait closed a cycle.
    #[error("{0}")]
    Deadlock(Box<Deadlock>),
    /// The thread that holds it has ended.
    #[error("{what} is held by a thread that ended without releasing it")]
    Abandoned {
        /// Kind and name.
        what: String,
    },
    /// The caller stopped the wait.
    #[error("the wait was interrupted")]
    Interrupted,
    /// The barrier was aborted or reset, or somebody gave up waiting at it.
    #[error("the barrier is broken")]
    Broken,
    /// The channel was shut down.
    #[error("the channel is shut down")]
    Closed,
    /// More was released than was acquired.
    #[error("{what} is released more often than it was acquired; its bound is {bound}")]
    AboveBound {
        /// Kind and name.
        what: String,
        /// The greatest value it may have.
        bound: u64,
    },
    /// More items were reported as done than were put in.
    #[error("more items are reported as done than were put in")]
    NothingUnfinished,
    /// A counter left its 64 bits.
    #[error("the counter leaves the range of 64 bits")]
    Overflow,
}

impl SyncError {
    /// What the user can do next, when we know.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotHeld { .. } => Some("acquire it first, or use `with`"),
            Self::HeldByOther { .. } => {
                Some("let the thread that acquired it release it, or signal with a Semaphore or an Event")
            }
            Self::Deadlock(_) => Some("take the locks in one order everywhere, or wait with a timeout"),
            Self::Abandoned { .. } => Some("check what it protects, then call `recover()`"),
            _ => None,
        }
    }
}

/// A cycle of waits, from the thread that closed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    /// Who waits for what; each is held by the thread of the next step, the last by the first.
    pub steps: Vec<Step>,
}

/// One thread of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The system's identity of the thread.
    pub thread: u64,
    /// What it waits for.
    pub waits_for: String,
    /// Where the thread of the next step took it, if it left a mark.
    pub taken_at: Option<(usize, usize)>,
}

/// A thread that waits, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitSeen {
    /// The system's identity of the thread.
    pub thread: u64,
    /// What it waits for.
    pub waits_for: String,
    /// The threads that hold it.
    pub holders: Vec<u64>,
    /// Where its holder took it, if it left a mark.
    pub taken_at: Option<(usize, usize)>,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadlock")?;
        for (index, step) in self.steps.iter().enumerate() {
            let holder = self.steps[(index + 1) % self.steps.len()].thread;
            let comma = if index == 0 { ":" } else { "," };
            write!(
                f,
                "{comma} thread {} waits for {}, which thread {holder} holds",
                step.thread, step.waits_for
            )?;
        }
        Ok(())
    }
}
