//! Threads that wait to be told that something changed.
//!
//! The lock that goes with a condition is the caller's: it takes a place, releases the
//! lock, waits, and takes the lock again.

use std::sync::Arc;

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::guarded::Guarded;
use crate::queue::Queue;
use crate::resource::Nobody;
use crate::thread::me;
use crate::wait::{Turn, Woken};

/// Who waits to be told.
pub struct Condition {
    queue: Guarded<Queue>,
}

/// A place among those who wait, taken while the lock is still held.
#[must_use = "a place that nobody waits at swallows a notification"]
pub struct Place(Arc<Turn>);

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

impl Condition {
    /// A condition that nobody waits for.
    pub fn new() -> Self {
        Self {
            queue: Guarded::new(Queue::default()),
        }
    }

    /// Takes a place. Every notification from now on counts for it.
    pub fn enter(&self) -> Place {
        let turn = Turn::new();
        self.queue.lock().join(turn.place(&me(), 0));
        Place(turn)
    }

    /// Waits for a notification; false when the time ran out.
    ///
    /// # Errors
    /// The caller stopped the wait.
    pub fn wait(&self, place: Place, patience: Patience, caller: &mut impl Caller) -> Result<bool, SyncError> {
        let Place(turn) = place;
        match turn.sleep(&me(), &Nobody("Condition"), patience, caller) {
            Woken::Granted(_) => Ok(true),
            Woken::TimedOut => {
                self.queue.lock().leave(&turn);
                Ok(false)
            }
            Woken::Failed(error) => {
                self.queue.lock().leave(&turn);
                Err(error)
            }
            Woken::GrantedAndFailed(_, error) => {
                // It was for somebody who can use it.
                self.notify(1);
                Err(error)
            }
        }
    }

    /// Gives up a place without waiting.
    pub fn cancel(&self, place: Place) {
        let Place(turn) = place;
        if turn.claim() {
            self.queue.lock().leave(&turn);
        } else {
            self.notify(1);
        }
    }

    /// Wakes the first `count` of those who wait; how many there were.
    pub fn notify(&self, count: usize) -> usize {
        let mut queue = self.queue.lock();
        for woken in 0..count {
            match queue.claim_first() {
                Some(waiter) => waiter.turn.grant(0),
                None => return woken,
            }
        }
        count
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.lock().len()
    }

    /// Forgets who waits. For the child of a fork.
    pub fn reset(&self) {
        self.queue.lock().inherit();
    }
}
