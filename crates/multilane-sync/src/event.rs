//! A flag to wait for.

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::guarded::{Guarded, Inherit};
use crate::queue::Queue;
use crate::resource::Nobody;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::thread::me;
use crate::wait::{Turn, Woken};

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
        if patience == Patience::None {
            return Ok(false);
        }
        let me = me();
        let turn = Turn::new();
        {
            let mut state = self.state.lock();
            if state.set {
                return Ok(true);
            }
            state.queue.join(turn.place(&me, 0));
        }
        match turn.sleep(&me, &Nobody("Event"), patience, caller) {
            Woken::Granted(_) => Ok(true),
            Woken::TimedOut => {
                self.state.lock().queue.leave(&turn);
                Ok(false)
            }
            Woken::Failed(error) => {
                self.state.lock().queue.leave(&turn);
                Err(error)
            }
            Woken::GrantedAndFailed(_, error) => Err(error),
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.state.lock().queue.len()
    }
}
