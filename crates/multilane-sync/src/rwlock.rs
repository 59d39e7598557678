//! A lock that many threads hold to read, or one to write.
//!
//! Turns are granted in the order of arrival, readers that stand together at once, so
//! neither side starves. A thread that reads may read again, whoever waits.

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::graph;
use crate::guarded::{Guarded, Inherit};
use crate::lock::Taken;
use crate::order::{self, Mark};
use crate::queue::Queue;
use crate::resource::{self, Needs, Resource};
use crate::thread::{Kept, Me, me};
use crate::wait::{Turn, Woken};

const READ: u32 = 0;
const WRITE: u32 = 1;

/// The turn came: the waiter holds the lock.
const HELD: u32 = 0;
/// The turn is to look who holds the lock.
const LOOK: u32 = 1;

/// A lock for readers and writers.
pub struct RwLock {
    core: Kept<Core>,
}

struct Core {
    order: Mark,
    serial: u64,
    name: Option<Box<str>>,
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    /// The thread that writes, or 0.
    writer: u32,
    /// The threads that read, once for each time.
    readers: Vec<u32>,
    queue: Queue,
}

impl Inherit for State {
    fn inherit(&mut self) {
        self.queue.inherit();
    }
}

impl Resource for Core {
    fn label(&self) -> String {
        resource::label("RWLock", self.name.as_deref(), self.serial)
    }

    fn serial(&self) -> u64 {
        self.serial
    }

    fn holders(&self, into: &mut Vec<u32>) -> Needs {
        let state = self.state.lock();
        if state.writer != 0 {
            into.push(state.writer);
        }
        into.extend_from_slice(&state.readers);
        Needs::All
    }

    fn recall(&self) {
        self.state.lock().queue.grant_all(LOOK);
    }

    fn order(&self) -> Option<&Mark> {
        Some(&self.order)
    }
}

impl RwLock {
    /// A lock that nobody holds.
    pub fn new(name: Option<&str>) -> Self {
        Self {
            core: Kept::new(Core {
                order: Mark::default(),
                serial: resource::serial(),
                name: name.map(Into::into),
                state: Guarded::new(State::default()),
            }),
        }
    }

    /// Takes the lock to read.
    ///
    /// # Errors
    /// The wait would never end, a holder's thread has ended, or the caller stopped it.
    pub fn read(&self, patience: Patience, caller: &mut impl Caller) -> Result<Taken, SyncError> {
        self.core.acquire(READ, patience, caller)
    }

    /// Takes the lock to write.
    ///
    /// # Errors
    /// As [`read`](Self::read); also when the running thread reads.
    pub fn write(&self, patience: Patience, caller: &mut impl Caller) -> Result<Taken, SyncError> {
        self.core.acquire(WRITE, patience, caller)
    }

    /// Gives back what the running thread took to read.
    ///
    /// # Errors
    /// It does not read.
    pub fn release_read(&self) -> Result<(), SyncError> {
        let me = me();
        let mut state = self.core.state.lock();
        let Some(index) = state.readers.iter().position(|reader| *reader == me.id) else {
            let other = state.any_holder();
            drop(state);
            return Err(self.core.not_mine(other));
        };
        state.readers.swap_remove(index);
        me.note_released(std::ptr::from_ref::<Core>(&self.core));
        state.admit();
        Ok(())
    }

    /// Gives back what the running thread took to write.
    ///
    /// # Errors
    /// It does not write.
    pub fn release_write(&self) -> Result<(), SyncError> {
        let me = me();
        let mut state = self.core.state.lock();
        if state.writer != me.id {
            let other = state.any_holder();
            drop(state);
            return Err(self.core.not_mine(other));
        }
        state.writer = 0;
        me.note_released(std::ptr::from_ref::<Core>(&self.core));
        state.admit();
        Ok(())
    }

    /// How often it is held to read.
    pub fn readers(&self) -> usize {
        self.core.state.lock().readers.len()
    }

    /// The system's identity of the thread that writes; 0 if that has ended.
    pub fn writer(&self) -> Option<u64> {
        let writer = self.core.state.lock().writer;
        (writer != 0).then(|| graph::ident(writer))
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.core.state.lock().queue.len()
    }

    /// Takes the lock from threads that have ended; whether there were any.
    pub fn recover(&self) -> bool {
        let mut holders = Vec::new();
        self.core.holders(&mut holders);
        holders.retain(|holder| graph::is_gone(*holder));
        let mut state = self.core.state.lock();
        let before = state.readers.len() + usize::from(state.writer != 0);
        state.readers.retain(|reader| !holders.contains(reader));
        if holders.contains(&state.writer) {
            state.writer = 0;
        }
        state.admit();
        before > state.readers.len() + usize::from(state.writer != 0) || !holders.is_empty()
    }

    /// Kind and name, for people.
    pub fn label(&self) -> String {
        self.core.label()
    }
}

impl Core {
    fn acquire(&self, kind: u32, patience: Patience, caller: &mut impl Caller) -> Result<Taken, SyncError> {
        let me = me();
        loop {
            let turn = Turn::new();
            {
                let mut state = self.state.lock();
                if state.is_open(kind, &me) {
                    state.admit_one(kind, me.id);
                    break;
                }
                if patience == Patience::None {
                    return Ok(Taken::No);
                }
                state.queue.join(turn.place(&me, kind));
            }
            match turn.sleep(&me, self, patience, caller) {
                Woken::Granted(LOOK) => {}
                Woken::Granted(_) => break,
                Woken::TimedOut => {
                    self.state.lock().leave(&turn);
                    return Ok(Taken::No);
                }
                Woken::Failed(error) => {
                    self.state.lock().leave(&turn);
                    return Err(error);
                }
                Woken::GrantedAndFailed(LOOK, error) => return Err(error),
                Woken::GrantedAndFailed(_, error) => {
                    self.state.lock().undo(kind, me.id);
                    return Err(error);
                }
            }
        }
        let inversion = if !me.held().is_empty() && patience.is_endless() && order::watches_order() {
            order::note(&me, self, caller)
        } else {
            None
        };
        me.note_taken(std::ptr::from_ref(self));
        Ok(inversion.map_or(Taken::Yes, Taken::AgainstOrder))
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

impl State {
    /// Whether a thread that comes now may go in.
    fn is_open(&self, kind: u32, me: &Me) -> bool {
        let reads_already = self.readers.contains(&me.id);
        self.fits(kind) && (self.queue.is_empty() || (kind == READ && reads_already))
    }

    fn fits(&self, kind: u32) -> bool {
        self.writer == 0 && (kind == READ || self.readers.is_empty())
    }

    fn admit_one(&mut self, kind: u32, id: u32) {
        if kind == WRITE {
            self.writer = id;
        } else {
            self.readers.push(id);
        }
    }

    /// Grants the turns that fit now.
    fn admit(&mut self) {
        while let Some(kind) = self.queue.first().map(|first| first.tag) {
            if !self.fits(kind) {
                break;
            }
            if let Some(waiter) = self.queue.pop_first() {
                self.admit_one(kind, waiter.thread);
                waiter.turn.grant(HELD);
            }
        }
    }

    /// Takes a place that was given up out of the queue; who stood behind it may fit now.
    fn leave(&mut self, turn: &std::sync::Arc<Turn>) {
        self.queue.leave(turn);
        self.admit();
    }

    /// A turn was granted to a thread that must not use it.
    fn undo(&mut self, kind: u32, id: u32) {
        if kind == WRITE && self.writer == id {
            self.writer = 0;
        } else if kind == READ
            && let Some(index) = self.readers.iter().rposition(|reader| *reader == id)
        {
            self.readers.swap_remove(index);
        }
        self.admit();
    }

    fn any_holder(&self) -> Option<u32> {
        (self.writer != 0)
            .then_some(self.writer)
            .or_else(|| self.readers.first().copied())
    }
}
