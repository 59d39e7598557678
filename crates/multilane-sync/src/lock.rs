//! A lock that one thread holds, plain or reentrant.
//!
//! One word holds the holder and whether anybody waits. Taking a free lock and
//! releasing one that nobody waits for is one swap each.

mod state;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use self::state::{Core, Depth, now_ns};
use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::graph;
use crate::order::{Inversion, Mark};
use crate::queue::Queue;
use crate::resource::{self, GuardedQueue, Resource};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::thread::{Kept, me};

pub(crate) use self::state::OWNER;

/// How an attempt to take a lock ended.
#[derive(Debug)]
pub enum Taken {
    /// The lock is held.
    Yes,
    /// It is held, and was taken before in another order.
    AgainstOrder(Box<Inversion>),
    /// The time ran out.
    No,
}

impl Taken {
    /// Whether the lock is held now.
    pub fn is_held(&self) -> bool {
        !matches!(self, Self::No)
    }
}

/// Who holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The system's identity of the thread; 0 when it has ended.
    pub thread: u64,
    /// For how long, to a few milliseconds.
    pub held_for: Duration,
    /// What the holder left to say where it took the lock.
    pub taken_at: Option<(usize, usize)>,
}

/// A lock. Only the thread that took it may release it.
pub struct Lock {
    core: Kept<Core>,
}

impl Lock {
    /// A lock that nobody holds. A fair one goes to whoever waited longest; others to
    /// whoever comes first, which is faster.
    pub fn new(reentrant: bool, fair: bool, name: Option<&str>) -> Self {
        let core = Core {
            word: AtomicU32::new(0),
            fair,
            reentrant,
            depth: Depth(Cell::new(0)),
            since_ns: AtomicU64::new(0),
            mark: [AtomicUsize::new(0), AtomicUsize::new(0)],
            queue: GuardedQueue::new(Queue::default()),
            order: Mark::default(),
            serial: resource::serial(),
            name: name.map(Into::into),
        };
        Self { core: Kept::new(core) }
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// The wait would never end, the holder's thread has ended, or the caller stopped it.
    #[inline]
    pub fn acquire(&self, patience: Patience, caller: &mut impl Caller) -> Result<Taken, SyncError> {
        let me = me();
        let core = &*self.core;
        let free = core
            .word
            .compare_exchange(0, me.id, Ordering::Acquire, Ordering::Relaxed)
            .is_ok();
        if free {
            return Ok(core.taken(&me, patience, caller));
        }
        core.acquire_held(&me, patience, caller)
    }

    /// Gives the lock back, once for each time it was taken.
    ///
    /// # Errors
    /// The running thread does not hold it.
    #[inline]
    pub fn release(&self) -> Result<(), SyncError> {
        let me = me();
        let core = &*self.core;
        if core.word.load(Ordering::Relaxed) & OWNER != me.id {
            return Err(core.not_mine());
        }
        let depth = core.depth.0.get();
        if depth > 1 {
            core.depth.0.set(depth - 1);
            return Ok(());
        }
        core.give_up(&me);
        Ok(())
    }

    /// Gives a reentrant lock back entirely; how often it was taken.
    ///
    /// # Errors
    /// The running thread does not hold it.
    pub fn release_all(&self) -> Result<u32, SyncError> {
        let me = me();
        if self.core.word.load(Ordering::Relaxed) & OWNER != me.id {
            return Err(self.core.not_mine());
        }
        let depth = self.core.depth.0.get();
        self.core.give_up(&me);
        Ok(depth)
    }

    /// Sets how often the running thread, which holds it, took it.
    ///
    /// # Errors
    /// The running thread does not hold it.
    pub fn set_depth(&self, depth: u32) -> Result<(), SyncError> {
        if !self.is_mine() {
            return Err(self.core.not_mine());
        }
        self.core.depth.0.set(depth);
        Ok(())
    }

    /// How often the running thread took it.
    pub fn depth(&self) -> u32 {
        if self.is_mine() { self.core.depth.0.get() } else { 0 }
    }

    /// Whether anybody holds it.
    pub fn is_held(&self) -> bool {
        self.core.word.load(Ordering::Relaxed) & OWNER != 0
    }

    /// Whether the running thread holds it.
    pub fn is_mine(&self) -> bool {
        self.core.word.load(Ordering::Relaxed) & OWNER == me().id
    }

    /// Who holds it.
    pub fn holder(&self) -> Option<Holder> {
        let owner = self.core.word.load(Ordering::Acquire) & OWNER;
        (owner != 0).then(|| Holder {
            thread: graph::ident(owner),
            held_for: Duration::from_nanos(now_ns().saturating_sub(self.core.since_ns.load(Ordering::Relaxed))),
            taken_at: self.core.taken_at(),
        })
    }

    /// Leaves a mark that says where the holder, which calls this, took it; the one before.
    #[inline]
    pub fn mark(&self, code: usize, at: usize) -> usize {
        self.core.mark[1].store(at, Ordering::Relaxed);
        let before = self.core.mark[0].load(Ordering::Relaxed);
        if before != code {
            self.core.mark[0].store(code, Ordering::Relaxed);
        }
        before
    }

    /// How many wait for it.
    pub fn waiting(&self) -> usize {
        self.core.queue().len()
    }

    /// Kind and name, for people.
    pub fn label(&self) -> String {
        self.core.label()
    }

    /// Frees the lock of a thread that has ended; whether there was anything to do.
    pub fn recover(&self) -> bool {
        self.core.recover()
    }

    /// Frees the lock whoever holds it. For the child of a fork, before it starts threads.
    pub fn reset(&self) {
        let me = me();
        me.note_released(std::ptr::from_ref::<Core>(&self.core));
        self.core.queue().inherit();
        self.core.word.store(0, Ordering::Release);
    }
}
