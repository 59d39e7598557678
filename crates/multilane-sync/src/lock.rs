//! A lock that one thread holds, plain or reentrant.
//!
//! One word holds the holder and whether anybody waits. Taking a free lock and
//! releasing one that nobody waits for is one swap each. See `README.md` beside this
//! file for the states of the word.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::graph;
use crate::order::{self, Inversion, Mark};
use crate::queue::{Queue, Waiter};
use crate::resource::{self, GuardedQueue, Needs, Resource};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::thread::{Kept, Me, me};
use crate::wait::{Turn, Woken};

/// Somebody waits.
const WAITERS: u32 = 1 << 31;
/// A waiter was woken and has not looked yet: no other needs to be.
const WAKING: u32 = 1 << 30;
/// The holder's id.
pub(crate) const OWNER: u32 = WAKING - 1;

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

struct Core {
    word: AtomicU32,
    fair: bool,
    reentrant: bool,
    /// How often the holder took it; used by the holder only.
    depth: Depth,
    since_ns: AtomicU64,
    mark: [AtomicUsize; 2],
    queue: GuardedQueue,
    order: Mark,
    serial: u64,
    name: Option<Box<str>>,
}

struct Depth(Cell<u32>);

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

impl Core {
    /// The queue; in the child of a fork nobody of the parent's waits.
    fn queue(&self) -> crate::sync::MutexGuard<'_, Queue> {
        let mut queue = self.queue.lock();
        if queue.take_inherited() {
            self.word.fetch_and(OWNER, Ordering::Relaxed);
        }
        queue
    }

    /// Notes that the running thread has taken it.
    #[inline]
    fn taken(&self, me: &Me, patience: Patience, caller: &mut impl Caller) -> Taken {
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
    fn acquire_held(&self, me: &Me, patience: Patience, caller: &mut impl Caller) -> Result<Taken, SyncError> {
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
    fn give_up(&self, me: &Me) {
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

    fn recover(&self) -> bool {
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
    fn not_mine(&self) -> SyncError {
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
fn now_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills `now`.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut now) };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
