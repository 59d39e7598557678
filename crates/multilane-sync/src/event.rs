//! A flag to wait for.

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::gate;
use crate::guarded::{Guarded, Inherit};
use crate::queue::Queue;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A flag that threads wait for.
pub struct Event {
    /// What `state` has, for a look without its mutex.
    flag: AtomicBool,
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    set: bool,
    queue: Queue,
}

impl Inherit for State {
    fn inherit(&mut self) {
        self.queue.inherit();
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl Event {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self {
            flag: AtomicBool::new(false),
            state: Guarded::new(State::default()),
        }
    }

    /// Whether the flag is set.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Sets the flag and lets everybody go who waits.
    pub fn set(&self) {
        let mut state = self.state.lock();
        state.set = true;
        self.flag.store(true, Ordering::Release);
        state.queue.grant_all(0);
    }

    /// Takes the flag back. Who was let go by a `set` before goes all the same.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.set = false;
        self.flag.store(false, Ordering::Release);
    }

    /// Waits until the flag is set; false when the time ran out.
    ///
    /// # Errors
    /// The caller stopped the wait.
    pub fn wait(&self, patience: Patience, caller: &mut impl Caller) -> Result<bool, SyncError> {
        if self.is_set() {
            return Ok(true);
        }
        gate::pass(
            "Event",
            &self.state,
            |state| &mut state.queue,
            |state| state.set,
            patience,
            caller,
        )
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.state.lock().queue.len()
    }
}
