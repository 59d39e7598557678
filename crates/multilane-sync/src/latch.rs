//! A counter to wait for until it is down to nothing.

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::gate;
use crate::guarded::{Guarded, Inherit};
use crate::queue::Queue;

/// Opens once it was counted down to 0, and stays open.
pub struct Latch {
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    count: u64,
    queue: Queue,
}

impl Inherit for State {
    fn inherit(&mut self) {
        self.queue.inherit();
    }
}

impl Latch {
    /// A latch that opens after `count`.
    pub fn new(count: u64) -> Self {
        Self {
            state: Guarded::new(State {
                count,
                queue: Queue::default(),
            }),
        }
    }

    /// What is left to count.
    pub fn count(&self) -> u64 {
        self.state.lock().count
    }

    /// Counts down; what is left.
    ///
    /// # Errors
    /// [`SyncError::AboveBound`] when less than `by` is left; nothing is counted then.
    pub fn count_down(&self, by: u64) -> Result<u64, SyncError> {
        let mut state = self.state.lock();
        let Some(left) = state.count.checked_sub(by) else {
            return Err(SyncError::AboveBound {
                what: "Latch".to_owned(),
                bound: state.count,
            });
        };
        state.count = left;
        if left == 0 {
            state.queue.grant_all(0);
        }
        Ok(left)
    }

    /// Waits until it is open; false when the time ran out.
    ///
    /// # Errors
    /// The caller stopped the wait.
    pub fn wait(&self, patience: Patience, caller: &mut impl Caller) -> Result<bool, SyncError> {
        gate::pass(
            "Latch",
            &self.state,
            |state| &mut state.queue,
            |state| state.count == 0,
            patience,
            caller,
        )
    }
}
