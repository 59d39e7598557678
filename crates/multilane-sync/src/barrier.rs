//! A point that a number of threads pass together.
//!
//! The last to arrive runs the caller's action and then lets the others go, so a round
//! is over for all at once and the next may begin while they wake.

use std::sync::Arc;

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::guarded::{Guarded, Inherit};
use crate::queue::{Queue, Waiter};
use crate::resource::Nobody;
use crate::thread::me;
use crate::wait::{Turn, Woken};

/// The outcome of a turn at a barrier that broke; any other is the order of arrival.
const BROKEN: u32 = u32::MAX;

/// Lets threads go once so many of them are there.
pub struct Barrier {
    parties: u32,
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    broken: bool,
    arrived: u32,
    queue: Queue,
    /// Rounds and resets so far: tells a late complaint from one about this round.
    round: u64,
}

impl Inherit for State {
    fn inherit(&mut self) {
        self.queue.inherit();
        self.arrived = 0;
    }
}

/// How a thread comes out of the barrier.
pub enum Arrival {
    /// It was the last to arrive and lets the others go, after its action.
    Last(Round),
    /// It was let go; it arrived as number so-and-so, from 0.
    Earlier(u32),
}

/// A complete round, whose threads are still waiting.
#[must_use = "the threads of the round wait for `finish`"]
pub struct Round {
    waiters: Vec<Waiter>,
    index: u32,
}

impl Barrier {
    /// A barrier for that many threads, at least one.
    pub fn new(parties: u32) -> Self {
        Self {
            parties: parties.max(1),
            state: Guarded::new(State::default()),
        }
    }

    /// Arrives, and waits for the others.
    ///
    /// # Errors
    /// [`SyncError::Broken`], also for the others when the time ran out here, or the
    /// caller stopped the wait.
    pub fn arrive(&self, patience: Patience, caller: &mut impl Caller) -> Result<Arrival, SyncError> {
        let me = me();
        let turn = Turn::new();
        let round;
        {
            let mut state = self.state.lock();
            if state.broken {
                return Err(SyncError::Broken);
            }
            round = state.round;
            let index = state.arrived;
            state.arrived += 1;
            if state.arrived == self.parties {
                return state.complete(index, self.parties).map(Arrival::Last);
            }
            state.queue.join(turn.place(&me, index));
        }
        match turn.sleep(&me, &Nobody("Barrier"), patience, caller) {
            Woken::Granted(BROKEN) => Err(SyncError::Broken),
            Woken::Granted(index) => Ok(Arrival::Earlier(index)),
            Woken::TimedOut => {
                self.give_up(&turn, round);
                Err(SyncError::Broken)
            }
            Woken::Failed(error) => {
                self.give_up(&turn, round);
                Err(error)
            }
            Woken::GrantedAndFailed(_, error) => Err(error),
        }
    }

    /// Lets the threads of a complete round go; they find the barrier broken unless `good`.
    pub fn finish(&self, round: Round, good: bool) -> Result<u32, SyncError> {
        let mut state = self.state.lock();
        if !good {
            state.broken = true;
            state.queue.grant_all(BROKEN);
            state.arrived = 0;
        }
        for waiter in round.waiters {
            waiter.turn.grant(if good { waiter.tag } else { BROKEN });
        }
        if good { Ok(round.index) } else { Err(SyncError::Broken) }
    }

    /// Breaks the barrier: who waits or comes finds it broken.
    pub fn abort(&self) {
        let mut state = self.state.lock();
        state.shatter();
        state.broken = true;
    }

    /// Makes it whole again; who waits finds it broken.
    pub fn reset(&self) {
        let mut state = self.state.lock();
        state.shatter();
        state.broken = false;
    }

    /// Threads it waits for in all.
    pub fn parties(&self) -> u32 {
        self.parties
    }

    /// Threads that wait.
    pub fn waiting(&self) -> u32 {
        self.state.lock().arrived
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        self.state.lock().broken
    }

    fn give_up(&self, turn: &Arc<Turn>, round: u64) {
        let mut state = self.state.lock();
        state.queue.leave(turn);
        if state.round == round {
            state.shatter();
            state.broken = true;
        }
    }
}

impl State {
    /// Takes the waiters of a complete round out, each still to be let go.
    fn complete(&mut self, index: u32, parties: u32) -> Result<Round, SyncError> {
        let mut waiters = Vec::with_capacity(self.queue.len());
        while let Some(waiter) = self.queue.claim_first() {
            waiters.push(waiter);
        }
        self.arrived = 0;
        self.round += 1;
        if waiters.len() + 1 < parties as usize {
            // One has just given up, and could not say so yet.
            self.broken = true;
            for waiter in waiters {
                waiter.turn.grant(BROKEN);
            }
            return Err(SyncError::Broken);
        }
        Ok(Round { waiters, index })
    }

    fn shatter(&mut self) {
        self.queue.grant_all(BROKEN);
        self.arrived = 0;
        self.round += 1;
    }
}
