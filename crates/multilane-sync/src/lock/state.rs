//! What a lock is made of: its word, its queue, and how they change together.
//!
//! `README.md` of this crate has the states of the word.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use super::Taken;
use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::graph;
use crate::order::{self, Mark};
use crate::queue::{Queue, Waiter};
use crate::resource::{self, GuardedQueue, Needs, Resource};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::thread::Me;
use crate::wait::{Turn, Woken};

/// Somebody waits.
const WAITERS: u32 = 1 << 31;
/// A waiter was woken and has not looked yet: no other needs to be.
const WAKING: u32 = 1 << 30;
/// The holder's id.
pub(crate) const OWNER: u32 = WAKING - 1;

/// The state of a lock.
pub(super) struct Core {
    pub(super) word: AtomicU32,
    pub(super) fair: bool,
    pub(super) reentrant: bool,
    /// How often the holder took it; used by the holder only.
    pub(super) depth: Depth,
    pub(super) since_ns: AtomicU64,
    pub(super) mark: [AtomicUsize; 2],
    pub(super) queue: GuardedQueue,
    pub(super) order: Mark,
    pub(super) serial: u64,
    pub(super) name: Option<Box<str>>,
}

/// How often the holder took it.
pub(super) struct Depth(pub(super) Cell<u32>);

// SAFETY: the cell is used by the holder of the lock only; a change of holder is ordered
// by the word of the lock.
unsafe impl Sync for Depth {}

impl Resource for Core {
    fn label(&self) -> String {
        let kind = if self.reentrant { "RLock" } else { "Lock" };
        resource::label(kind, self.name.as_deref(), self.serial)
    }

    fn serial(&self) -> u64 {
        self.serial
    }

    fn holders(&self, into: &mut Vec<u32>) -> Needs {
        let owner = self.word.load(Ordering::Acquire) & OWNER;
        if owner != 0 {
            into.push(owner);
        }
        Needs::All
    }

    fn taken_at(&self) -> Option<(usize, usize)> {
        let [code, at] = &self.mark;
        let code = code.load(Ordering::Relaxed);
        (code != 0).then(|| (code, at.load(Ordering::Relaxed)))
    }

    fn recall(&self) {
        self.queue().grant_all(0);
    }

    fn order(&self) -> Option<&Mark> {
        Some(&self.order)
    }
}

impl Core {
    /// The queue; in the child of a fork nobody of the parent's waits.
    pub(super) fn queue(&self) -> crate::sync::MutexGuard<'_, Queue> {
        let mut queue = self.queue.lock();
        if queue.take_inherited() {
            self.word.fetch_and(OWNER, Ordering::Relaxed);
        }
        queue
    }

    /// Notes that the running thread has taken it.
    #[inline]
    pub(super) fn taken(&self, me: &Me, patience: Patience, caller: &mut impl Caller) -> Taken {
        self.depth.0.set(1);
        self.since_ns.store(now_ns(), Ordering::Relaxed);
        let inversion = if !me.held().is_empty() && patience.is_endless() && order::watches_order() {
            order::note(me, self, caller)
        } else {
            None
        };
        me.note_taken(std::ptr::from_ref(self));
        inversion.map_or(Taken::Yes, Taken::AgainstOrder)
    }

    #[cold]
    pub(super) fn acquire_held(
        &self,
        me: &Me,
        patience: Patience,
        caller: &mut impl Caller,
    ) -> Result<Taken, SyncError> {
        if self.reentrant && self.word.load(Ordering::Relaxed) & OWNER == me.id {
            self.depth.0.set(self.depth.0.get() + 1);
            return Ok(Taken::Yes);
        }
        // Whether this thread is the one that was woken.
        let mut woken = false;
        loop {
            let word = self.word.load(Ordering::Relaxed);
            if word & OWNER == 0 {
                let rest = if woken { word & !WAKING } else { word };
                if self.swap(word, rest | me.id) {
                    return Ok(self.taken(me, patience, caller));
                }
                continue;
            }
            if patience == Patience::None {
                return Ok(Taken::No);
            }
            let turn = Turn::new();
            if !self.enqueue(turn.place(me, 0), &mut woken) {
                continue;
            }
            match turn.sleep(me, self, patience, caller) {
                Woken::Granted(_) if self.fair && self.word.load(Ordering::Acquire) & OWNER == me.id => {
                    return Ok(self.taken(me, patience, caller));
                }
                Woken::Granted(_) => woken = true,
                Woken::TimedOut => {
                    self.leave(&turn);
                    return Ok(Taken::No);
                }
                Woken::Failed(error) => {
                    self.leave(&turn);
                    return Err(error);
                }
                Woken::GrantedAndFailed(_, error) => {
                    self.pass_on(me);
                    return Err(error);
                }
            }
        }
    }

    fn swap(&self, old: u32, new: u32) -> bool {
        self.word
            .compare_exchange(old, new, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Puts a wait into the queue, unless the lock is free by now.
    fn enqueue(&self, place: Waiter, woken: &mut bool) -> bool {
        let mut queue = self.queue();
        loop {
            let word = self.word.load(Ordering::Relaxed);
            if word & OWNER == 0 {
                return false;
            }
            let kept = if *woken { word & !WAKING } else { word };
            if self.swap(word, kept | WAITERS) {
                break;
            }
        }
        if *woken {
            queue.rejoin(place);
        } else {
            queue.join(place);
        }
        *woken = false;
        true
    }

    /// Takes a place that was given up out of the queue.
    fn leave(&self, turn: &Arc<Turn>) {
        let mut queue = self.queue();
        queue.leave(turn);
        if queue.is_empty() {
            self.word.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }

    /// A thread was granted its turn and must not use it.
    fn pass_on(&self, me: &Me) {
        let mut queue = self.queue();
        let word = self.word.load(Ordering::Relaxed);
        if self.fair && word & OWNER == me.id {
            self.hand_over(queue);
            return;
        }
        let word = self.word.fetch_and(!WAKING, Ordering::Relaxed);
        if word & OWNER == 0 {
            self.wake_one(&mut queue);
        }
    }

    /// Releases what the running thread holds once.
    #[inline]
    pub(super) fn give_up(&self, me: &Me) {
        me.note_released(std::ptr::from_ref(self));
        let alone = self
            .word
            .compare_exchange(me.id, 0, Ordering::Release, Ordering::Relaxed)
            .is_ok();
        if !alone {
            self.give_to_waiters();
        }
    }

    #[cold]
    fn give_to_waiters(&self) {
        let mut queue = self.queue();
        if self.fair {
            self.hand_over(queue);
            return;
        }
        let word = self.word.fetch_and(!OWNER, Ordering::Release);
        // The one that was woken before will look, and wakes another when it cannot.
        if word & WAKING == 0 {
            self.wake_one(&mut queue);
        }
    }

    /// Wakes the first waiter of a free lock.
    fn wake_one(&self, queue: &mut Queue) {
        match queue.claim_first() {
            Some(waiter) => {
                self.word.fetch_or(WAKING, Ordering::Relaxed);
                if queue.is_empty() {
                    self.word.fetch_and(!WAITERS, Ordering::Relaxed);
                }
                waiter.turn.grant(0);
            }
            None => {
                self.word.fetch_and(!WAITERS, Ordering::Relaxed);
            }
        }
    }

    /// Makes the first waiter the holder.
    fn hand_over(&self, mut queue: crate::sync::MutexGuard<'_, Queue>) {
        match queue.claim_first() {
            Some(waiter) => {
                let rest = if queue.is_empty() { 0 } else { WAITERS };
                self.word.store(waiter.thread | rest, Ordering::Release);
                drop(queue);
                waiter.turn.grant(0);
            }
            None => self.word.store(0, Ordering::Release),
        }
    }

    pub(super) fn recover(&self) -> bool {
        let owner = self.word.load(Ordering::Relaxed) & OWNER;
        if owner == 0 || !graph::is_gone(owner) {
            return false;
        }
        let queue = self.queue();
        // Others may recover it at the same time; one does.
        let mine = self.word.load(Ordering::Relaxed) & OWNER == owner;
        if mine {
            self.word.store(0, Ordering::Release);
            drop(queue);
            self.recall();
        }
        mine
    }

    #[cold]
    pub(super) fn not_mine(&self) -> SyncError {
        let what = self.label();
        match self.word.load(Ordering::Relaxed) & OWNER {
            0 => SyncError::NotHeld { what },
            owner => match graph::ident(owner) {
                0 => SyncError::Abandoned { what },
                holder => SyncError::HeldByOther { what, holder },
            },
        }
    }
}

/// Now, to a few milliseconds; the clock of one process.
#[inline]
pub(super) fn now_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills `now`.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut now) };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
