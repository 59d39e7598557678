//! Something that one thread does once while the others wait for it.

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::lock::{Lock, Taken};
use crate::sync::atomic::{AtomicBool, Ordering};

/// Lets one thread in at a time until one of them is done.
pub struct Once {
    done: AtomicBool,
    /// Held by the thread that is at it: a thread that waits for itself, or for one that
    /// waits for it, is found.
    at_it: Lock,
}

/// What a thread finds.
pub enum Entry {
    /// It is done.
    Done,
    /// It is this thread's to do: it calls [`Once::leave`] in the end.
    Mine,
}

impl Once {
    /// Nothing is done yet.
    pub fn new(name: Option<&str>) -> Self {
        Self {
            done: AtomicBool::new(false),
            at_it: Lock::new(false, true, Some(name.unwrap_or("once"))),
        }
    }

    /// Whether it is done.
    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Waits until it is done, or this thread's to do.
    ///
    /// # Errors
    /// The thread that is at it waits for this one, or is this one; the thread has ended; the
    /// caller stopped the wait.
    pub fn enter(&self, caller: &mut impl Caller) -> Result<Entry, SyncError> {
        if self.is_done() {
            return Ok(Entry::Done);
        }
        let taken = self.at_it.acquire(Patience::Forever, caller)?;
        debug_assert!(!matches!(taken, Taken::No));
        if self.is_done() {
            self.at_it.release()?;
            return Ok(Entry::Done);
        }
        Ok(Entry::Mine)
    }

    /// Ends the turn of the thread that was let in.
    ///
    /// # Errors
    /// It was not let in.
    pub fn leave(&self, done: bool) -> Result<(), SyncError> {
        if done {
            self.done.store(true, Ordering::Release);
        }
        self.at_it.release()
    }
}
