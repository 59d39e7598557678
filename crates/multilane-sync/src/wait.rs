//! One wait of one thread: a turn that somebody grants or its thread gives up.
//!
//! Exactly one of the two happens, since both start from the same state of one word. A
//! turn belongs to one wait, so that no wake-up is left over for a later one, and a
//! thread may wait inside of a wait, in the handler of a signal.

use std::sync::Arc;
use std::time::Duration;

use crate::caller::{Caller, Left, Patience};
use crate::error::SyncError;
use crate::graph;
use crate::queue::Waiter;
use crate::resource::Resource;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::thread::Me;

const WAITING: u32 = 0;
/// Somebody will grant it in a moment.
const CLAIMED: u32 = 1;
const GRANTED: u32 = 2;
const GIVEN_UP: u32 = 3;

/// The state of a wait; its thread sleeps on it.
pub(crate) struct Turn {
    state: AtomicU32,
    outcome: AtomicU32,
}

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Woken {
    /// Somebody granted it, with this outcome.
    Granted(u32),
    /// The time ran out; the place in the queue is still there.
    TimedOut,
    /// It must end with an error; the place in the queue is still there.
    Failed(SyncError),
    /// The same, but the turn was granted in that moment and has to be passed on.
    GrantedAndFailed(u32, SyncError),
}

impl Turn {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU32::new(WAITING),
            outcome: AtomicU32::new(0),
        })
    }

    /// A place of this wait for a queue.
    pub(crate) fn place(self: &Arc<Self>, me: &Me, tag: u32) -> Waiter {
        Waiter {
            turn: self.clone(),
            thread: me.id,
            tag,
        }
    }

    /// Takes the right to grant it; false when its thread gave up, or another was first.
    pub(crate) fn claim(&self) -> bool {
        self.leave_waiting(CLAIMED)
    }

    /// Wakes the thread; the turn is claimed.
    pub(crate) fn grant(&self, outcome: u32) {
        self.outcome.store(outcome, Ordering::Relaxed);
        self.state.store(GRANTED, Ordering::Release);
        crate::futex::wake(&self.state);
    }

    /// Whether it is neither granted, nor about to be, nor given up.
    #[cfg(not(loom))]
    pub(crate) fn is_waiting(&self) -> bool {
        self.state.load(Ordering::Acquire) == WAITING
    }

    fn give_up(&self) -> bool {
        self.leave_waiting(GIVEN_UP)
    }

    fn leave_waiting(&self, to: u32) -> bool {
        self.state
            .compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Sleeps until the turn is granted, the time runs out, the caller stops it, or it
    /// would never end.
    pub(crate) fn sleep(&self, me: &Me, on: &dyn Resource, patience: Patience, caller: &mut impl Caller) -> Woken {
        // The graph follows the innermost wait of a thread, so one inside of a wait it knows counts in any case.
        if !on.has_holders() && me.waits.get() == 0 {
            return self.sleep_until_over(patience, caller);
        }
        if let Err(error) = graph::begin_wait(me, on, self, patience.is_endless()) {
            // Granted since: then there is nothing to wait for, and no error.
            return match self.give_up() {
                true => Woken::Failed(error),
                false => Woken::Granted(self.await_grant()),
            };
        }
        let woken = self.sleep_until_over(patience, caller);
        graph::end_wait(me);
        woken
    }

    fn sleep_until_over(&self, patience: Patience, caller: &mut impl Caller) -> Woken {
        loop {
            let state = self.state.load(Ordering::Acquire);
            if state == GRANTED {
                return Woken::Granted(self.outcome.load(Ordering::Relaxed));
            }
            let limit = match patience.left() {
                Left::Nothing if self.give_up() => return Woken::TimedOut,
                Left::Nothing => return Woken::Granted(self.await_grant()),
                Left::Time(left) => Some(caller.slice().map_or(left, |slice| slice.min(left))),
                Left::Endless => caller.slice(),
            };
            if caller.sleep(&mut || self.doze(state, limit)).is_err() {
                return self.fail(SyncError::Interrupted);
            }
        }
    }

    fn fail(&self, error: SyncError) -> Woken {
        if self.give_up() {
            return Woken::Failed(error);
        }
        Woken::GrantedAndFailed(self.await_grant(), error)
    }

    /// Waits for who has claimed it and is about to grant it.
    fn await_grant(&self) -> u32 {
        while self.state.load(Ordering::Acquire) != GRANTED {
            self.doze(CLAIMED, None);
        }
        self.outcome.load(Ordering::Relaxed)
    }

    fn doze(&self, state: u32, limit: Option<Duration>) {
        crate::futex::wait(&self.state, state, limit);
    }
}
