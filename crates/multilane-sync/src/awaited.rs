//! Waits for what this crate does not know, as the ends of threads and of tasks, as part of the graph.

use crate::error::SyncError;
use crate::graph;

/// Something that this crate does not know and a thread waits for, as the end of a task.
pub trait Awaited: Sync {
    /// Its kind and name, for people.
    fn label(&self) -> String;

    /// Puts down the threads of which each can bring it about, by the system's identity; none where others
    /// can, too, or nobody can tell, or it has come about.
    fn threads(&self, into: &mut Vec<u64>);

    /// Where it was asked for, in the terms of [`Lock::mark`](crate::Lock::mark).
    fn asked_at(&self) -> Option<(usize, usize)> {
        None
    }
}

/// The end of the thread with that identity.
struct End(u64);

impl Awaited for End {
    fn label(&self) -> String {
        "the end of a thread".to_owned()
    }

    fn threads(&self, into: &mut Vec<u64>) {
        into.push(self.0);
    }
}

/// Runs `wait`, which returns when the thread with that identity has ended, unless it
/// can never end.
///
/// # Errors
/// [`SyncError::Deadlock`] where that thread waits, in the end, for this one.
pub fn join<T>(ident: u64, endless: bool, wait: impl FnOnce() -> T) -> Result<T, SyncError> {
    graph::wait_for(&End(ident), endless, wait)
}
