//! A number of units to take and give back.
//!
//! Units go to whoever waited longest: one that is given back is handed over, so that
//! nobody who comes later can take it. An owned semaphore knows who has its units.

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::graph;
use crate::guarded::{Guarded, Inherit};
use crate::queue::Queue;
use crate::resource::{self, Needs, Resource};
use crate::thread::{Kept, Me, me};
use crate::wait::{Turn, Woken};

/// The turn is to take a unit, which is the waiter's already.
const UNIT: u32 = 0;
/// The turn is to look who holds the units.
const LOOK: u32 = 1;

/// Units that threads take and give back.
pub struct Semaphore {
    core: Kept<Core>,
}

struct Core {
    bound: Option<u64>,
    owned: bool,
    serial: u64,
    name: Option<Box<str>>,
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    free: u64,
    queue: Queue,
    /// The thread of each unit taken, where units have owners.
    holders: Vec<u32>,
}

impl Inherit for State {
    fn inherit(&mut self) {
        self.queue.inherit();
    }
}

impl Resource for Core {
    fn label(&self) -> String {
        resource::label("Semaphore", self.name.as_deref(), self.serial)
    }

    fn serial(&self) -> u64 {
        self.serial
    }

    fn holders(&self, into: &mut Vec<u32>) -> Needs {
        into.extend_from_slice(&self.state.lock().holders);
        Needs::Any
    }

    fn recall(&self) {
        self.state.lock().queue.grant_all(LOOK);
    }
}

impl Semaphore {
    /// A semaphore with so many free units, and never more than `bound`. One that is
    /// `owned` takes a unit back only from the thread that has it.
    pub fn new(free: u64, bound: Option<u64>, owned: bool, name: Option<&str>) -> Self {
        let state = State {
            free,
            ..State::default()
        };
        Self {
            core: Kept::new(Core {
                bound,
                owned,
                serial: resource::serial(),
                name: name.map(Into::into),
                state: Guarded::new(state),
            }),
        }
    }

    /// Takes a unit; false when the time ran out.
    ///
    /// # Errors
    /// The caller stopped the wait, or, where units have owners, none can ever come back.
    pub fn acquire(&self, patience: Patience, caller: &mut impl Caller) -> Result<bool, SyncError> {
        let me = me();
        let core = &*self.core;
        loop {
            let turn = Turn::new();
            {
                let mut state = core.state.lock();
                if state.free > 0 {
                    state.free -= 1;
                    core.taken(&mut state, &me);
                    return Ok(true);
                }
                if patience == Patience::None {
                    return Ok(false);
                }
                state.queue.join(turn.place(&me, 0));
            }
            match turn.sleep(&me, core, patience, caller) {
                Woken::Granted(LOOK) => {}
                Woken::Granted(_) => {
                    if core.owned {
                        me.note_taken(std::ptr::from_ref(core));
                    }
                    return Ok(true);
                }
                Woken::TimedOut => {
                    core.state.lock().queue.leave(&turn);
                    return Ok(false);
                }
                Woken::Failed(error) => {
                    core.state.lock().queue.leave(&turn);
                    return Err(error);
                }
                Woken::GrantedAndFailed(LOOK, error) => return Err(error),
                Woken::GrantedAndFailed(_, error) => {
                    let mut state = core.state.lock();
                    if core.owned {
                        state.let_go(me.id);
                    }
                    state.give_back(core.owned);
                    return Err(error);
                }
            }
        }
    }

    /// Gives units back.
    ///
    /// # Errors
    /// There would be more than the bound, or the running thread does not have them.
    pub fn release(&self, units: u64) -> Result<(), SyncError> {
        let core = &*self.core;
        let mut state = core.state.lock();
        if let Some(bound) = core.bound
            && state.free.saturating_add(units) > bound
        {
            return Err(SyncError::AboveBound {
                what: core.label(),
                bound,
            });
        }
        if core.owned {
            let me = me();
            let mine = state.holders.iter().filter(|holder| **holder == me.id).count() as u64;
            if mine < units {
                let other = state.holders.iter().copied().find(|holder| *holder != me.id);
                drop(state);
                return Err(core.not_mine(other));
            }
            for _ in 0..units {
                state.let_go(me.id);
                me.note_released(std::ptr::from_ref(core));
            }
        }
        for _ in 0..units {
            state.give_back(core.owned);
        }
        Ok(())
    }

    /// Units that nobody has.
    pub fn free(&self) -> u64 {
        self.core.state.lock().free
    }

    /// The greatest number of free units.
    pub fn bound(&self) -> Option<u64> {
        self.core.bound
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.core.state.lock().queue.len()
    }

    /// Kind and name, for people.
    pub fn label(&self) -> String {
        self.core.label()
    }
}

impl State {
    /// Hands a unit to who waited longest.
    fn give_back(&mut self, owned: bool) {
        match self.queue.claim_first() {
            Some(waiter) => {
                if owned {
                    self.holders.push(waiter.thread);
                }
                waiter.turn.grant(UNIT);
            }
            None => self.free += 1,
        }
    }

    fn let_go(&mut self, id: u32) {
        if let Some(index) = self.holders.iter().position(|holder| *holder == id) {
            self.holders.swap_remove(index);
        }
    }
}

impl Core {
    fn taken(&self, state: &mut State, me: &Me) {
        if self.owned {
            state.holders.push(me.id);
            me.note_taken(std::ptr::from_ref(self));
        }
    }

    fn not_mine(&self, other: Option<u32>) -> SyncError {
        let what = self.label();
        match other {
            Some(other) => SyncError::HeldByOther {
                what,
                holder: graph::ident(other),
            },
            None => SyncError::NotHeld { what },
        }
    }
}
