//! The protocol of a team: jobs in slots, workers that join them, sleepers that are woken.
//!
//! Reads and writes atomics and sleeps on futexes; starts no thread and reads no clock.
//! Nobody here holds a lock, so a worker that the system does not run holds up nobody
//! but who waits for the piece it is in. `README.md` beside this file has the cases, and
//! the models explore their interleavings.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use crate::futex::{self, Scope};
use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence};

/// Jobs that can share the workers at one time. A caller beyond runs its pieces alone.
pub(super) const SLOTS: usize = 4;

/// Sleepers one thread wakes for a job; each of them wakes as many again. A wake-up
/// costs the waker some microseconds, which it had better spend on a piece.
const WAKES: usize = 2;

/// Workers may join the slot's job.
const OPEN: u32 = 1 << 31;
/// The slot's caller sleeps, or is about to.
const WAITED: u32 = 1 << 30;
/// The workers in the slot's job.
const JOINED: u32 = WAITED - 1;

const AWAKE: u32 = 0;
const SLEEPING: u32 = 1;

/// What [`super::Team`] is asked to do: `body(piece, lane)` for every piece.
type Body<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// A value on cache lines of its own.
#[repr(align(128))]
pub(super) struct Alone<T>(pub(super) T);

/// One call of `run`, on the stack of its caller.
pub(super) struct Job<'a> {
    body: &'a Body<'a>,
    pieces: usize,
    /// The next piece nobody has taken.
    next: Alone<AtomicUsize>,
    /// The first panic of a piece.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl<'a> Job<'a> {
    pub(super) fn new(pieces: usize, body: &'a Body<'a>) -> Self {
        Self {
            body,
            pieces,
            next: Alone(AtomicUsize::new(0)),
            panic: Mutex::new(None),
        }
    }

    /// Runs pieces until all are taken; calls `shut` as soon as nobody will find one.
    fn work(&self, lane: usize, shut: impl Fn()) {
        let taken = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let piece = self.next.0.fetch_add(1, Ordering::Relaxed);
                if piece + 1 >= self.pieces {
                    shut();
                }
                if piece >= self.pieces {
                    return;
                }
                (self.body)(piece, lane);
            }
        }));
        if let Err(panic) = taken {
            // Nobody starts another piece; those that run come to their ends.
            self.next.0.store(self.pieces, Ordering::Relaxed);
            shut();
            let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(panic);
        }
    }

    fn left(&self) -> usize {
        self.pieces.saturating_sub(self.next.0.load(Ordering::Relaxed))
    }

    /// Hands a panic of a piece to the caller, once every piece has ended.
    fn end(self) {
        if let Some(panic) = self.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(panic);
        }
    }
}

struct Slot {
    /// `OPEN`, `WAITED` and the number of workers that joined.
    state: AtomicU32,
    /// Valid while the slot is open or joined.
    job: AtomicPtr<Job<'static>>,
}

/// What the threads of a team share.
pub(super) struct Crew {
    slots: [Alone<Slot>; SLOTS],
    /// Slots that a caller has, as bits.
    claimed: Alone<AtomicU32>,
    /// Slots whose job has pieces that nobody took, as bits: where workers look.
    open: Alone<AtomicU32>,
    /// Workers that sleep, or are about to.
    sleeping: Alone<AtomicU32>,
    closing: AtomicU32,
    /// Worker threads that have not ended.
    alive: AtomicU32,
    /// Of each worker, `AWAKE` or `SLEEPING`: what it sleeps on.
    statuses: Box<[Alone<AtomicU32>]>,
}

/// A job that a worker is part of; dropping it leaves the job.
pub(super) struct Joined<'a> {
    crew: &'a Crew,
    index: usize,
}

impl Crew {
    /// For so many workers besides the callers.
    pub(super) fn new(workers: usize) -> Self {
        let slot = || {
            Alone(Slot {
                state: AtomicU32::new(0),
                job: AtomicPtr::new(std::ptr::null_mut()),
            })
        };
        Self {
            slots: std::array::from_fn(|_| slot()),
            claimed: Alone(AtomicU32::new(0)),
            open: Alone(AtomicU32::new(0)),
            sleeping: Alone(AtomicU32::new(0)),
            closing: AtomicU32::new(0),
            alive: AtomicU32::new(0),
            statuses: (0..workers).map(|_| Alone(AtomicU32::new(AWAKE))).collect(),
        }
    }

    /// Runs a job with the help of the workers that are there, and returns, or panics as a
    /// piece did, when every piece has ended. The caller is lane 0; it polls for the last
    /// pieces of others while `patience` says so, and sleeps then.
    pub(super) fn run(&self, job: Job<'_>, patience: impl FnMut() -> bool) {
        match self.claim() {
            None => job.work(0, || {}),
            Some(index) => {
                self.open(index, &job);
                job.work(0, || self.shut(index));
                self.close(index, patience);
            }
        }
        job.end();
    }

    /// Takes a slot that no caller has.
    fn claim(&self) -> Option<usize> {
        let mut claimed = self.claimed.0.load(Ordering::Relaxed);
        loop {
            let index = claimed.trailing_ones();
            if index as usize >= SLOTS {
                return None;
            }
            // The caller before has read all it wants to of the slot.
            let claim = self.claimed.0.compare_exchange_weak(
                claimed,
                claimed | 1 << index,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            match claim {
                Ok(_) => return Some(index as usize),
                Err(now) => claimed = now,
            }
        }
    }

    /// Offers a job to the workers.
    fn open(&self, index: usize, job: &Job<'_>) {
        let slot = &self.slots[index].0;
        slot.job
            .store(std::ptr::from_ref(job).cast_mut().cast(), Ordering::Relaxed);
        slot.state.store(OPEN, Ordering::Release);
        self.open.0.fetch_or(1 << index, Ordering::Release);
        // Either this sees the sleeper, or the sleeper sees the open slot.
        fence(Ordering::SeqCst);
        let sleeping = self.sleeping.0.load(Ordering::Relaxed) as usize;
        if sleeping > 0 {
            let awake = self.statuses.len().saturating_sub(sleeping + self.busy(index));
            self.wake(job.pieces.saturating_sub(1 + awake).min(WAKES));
        }
    }

    /// Workers that are in other jobs.
    fn busy(&self, index: usize) -> usize {
        let claimed = self.claimed.0.load(Ordering::Relaxed) & !(1 << index);
        (0..SLOTS)
            .filter(|other| claimed & 1 << other != 0)
            .map(|other| (self.slots[other].0.state.load(Ordering::Relaxed) & JOINED) as usize)
            .sum()
    }

    /// Says that a job has no more pieces to take. Only its caller and who joined call this,
    /// so the slot cannot carry another job yet. Whoever finds no piece does it, too: else it
    /// would look at this slot again until whoever took the last one has come this far.
    fn shut(&self, index: usize) {
        if self.open.0.load(Ordering::Relaxed) & 1 << index != 0 {
            self.open.0.fetch_and(!(1 << index), Ordering::Relaxed);
        }
    }

    /// Waits until every worker left the job, and gives the slot back.
    fn close(&self, index: usize, mut patience: impl FnMut() -> bool) {
        let state = &self.slots[index].0.state;
        // Nobody joins from here on.
        let mut seen = state.fetch_and(!OPEN, Ordering::AcqRel) & !OPEN;
        let mut polls = true;
        while seen & JOINED != 0 {
            polls = polls && patience();
            if polls {
                seen = state.load(Ordering::Acquire);
            } else if seen & WAITED == 0 {
                let announced = seen | WAITED;
                seen = match state.compare_exchange(seen, announced, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => announced,
                    Err(now) => now,
                };
            } else {
                futex::wait(state, seen, None, Scope::Private);
                seen = state.load(Ordering::Acquire);
            }
        }
        self.claimed.0.fetch_and(!(1 << index), Ordering::Release);
    }

    /// A job with pieces left, for a worker; `None` when the crew closes. Looks while
    /// `patience` says so, and sleeps then.
    pub(super) fn next(&self, worker: usize, mut patience: impl FnMut() -> bool) -> Option<Joined<'_>> {
        let mut woken = false;
        loop {
            if let Some(joined) = self.look(worker) {
                // Whoever was woken passes it on, so that no single thread wakes them all.
                if woken && self.sleeping.0.load(Ordering::Relaxed) > 0 {
                    self.wake(joined.job().left().saturating_sub(1).min(WAKES));
                }
                return Some(joined);
            }
            if self.closing.load(Ordering::Acquire) != 0 {
                return None;
            }
            if !patience() {
                self.sleep(worker);
                woken = true;
            }
        }
    }

    /// Joins an open job. Workers start to look at different slots, so that they spread over the jobs.
    fn look(&self, worker: usize) -> Option<Joined<'_>> {
        let open = self.open.0.load(Ordering::Acquire);
        if open == 0 {
            return None;
        }
        (0..SLOTS)
            .map(|step| (worker + step) % SLOTS)
            .filter(|index| open & 1 << index != 0)
            .find_map(|index| self.join(index))
    }

    fn join(&self, index: usize) -> Option<Joined<'_>> {
        let state = &self.slots[index].0.state;
        // Who sees the slot closed sees its bit cleared, too, and does not look here again.
        let mut seen = state.load(Ordering::Acquire);
        while seen & OPEN != 0 {
            // From here on the caller waits for this worker, and what it wrote before it opened is seen.
            match state.compare_exchange_weak(seen, seen + 1, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(Joined { crew: self, index }),
                Err(now) => seen = now,
            }
        }
        None
    }

    /// Sleeps until somebody wakes this worker.
    fn sleep(&self, worker: usize) {
        let status = &self.statuses[worker].0;
        // Counted before it can be woken, so that the count never falls below zero.
        self.sleeping.0.fetch_add(1, Ordering::Relaxed);
        status.store(SLEEPING, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.open.0.load(Ordering::Relaxed) != 0 || self.closing.load(Ordering::Relaxed) != 0 {
            self.rouse(worker);
            return;
        }
        while status.load(Ordering::Acquire) == SLEEPING {
            futex::wait(status, SLEEPING, None, Scope::Private);
        }
    }

    /// Ends a worker's sleep; whether it slept. The waker, not the sleeper, lowers the count:
    /// the next job then sees it without waiting for the system to run the sleeper.
    fn rouse(&self, worker: usize) -> bool {
        let status = &self.statuses[worker].0;
        let slept = status
            .compare_exchange(SLEEPING, AWAKE, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
        if slept {
            self.sleeping.0.fetch_sub(1, Ordering::Relaxed);
        }
        slept
    }

    /// Wakes at most so many sleepers.
    fn wake(&self, count: usize) {
        let mut left = count;
        for (worker, status) in self.statuses.iter().enumerate() {
            if left == 0 {
                return;
            }
            if status.0.load(Ordering::Relaxed) == SLEEPING && self.rouse(worker) {
                futex::wake(&status.0, 1, Scope::Private);
                left -= 1;
            }
        }
    }

    /// Tells the workers to end, after the jobs they are in.
    pub(super) fn shut_down(&self) {
        self.closing.store(1, Ordering::Release);
        fence(Ordering::SeqCst);
        self.wake(self.statuses.len());
    }

    /// Counts a worker thread that is about to start.
    pub(super) fn enlist(&self) {
        self.alive.fetch_add(1, Ordering::Relaxed);
    }

    /// Says that a worker thread has ended.
    pub(super) fn discharge(&self) {
        if self.alive.fetch_sub(1, Ordering::Release) == 1 {
            futex::wake(&self.alive, u32::MAX >> 1, Scope::Private);
        }
    }

    /// Sleeps until every worker thread has ended.
    pub(super) fn wait_for_the_end(&self) {
        loop {
            let alive = self.alive.load(Ordering::Acquire);
            if alive == 0 {
                return;
            }
            futex::wait(&self.alive, alive, None, Scope::Private);
        }
    }
}

impl Joined<'_> {
    fn job(&self) -> &Job<'_> {
        // SAFETY: the slot was open when this worker joined, so the pointer is that of its job,
        // and the caller keeps the job until every worker that joined has left.
        unsafe { &*self.crew.slots[self.index].0.job.load(Ordering::Relaxed) }
    }

    /// Takes part until all pieces are taken.
    pub(super) fn work(&self, lane: usize) {
        self.job().work(lane, || self.crew.shut(self.index));
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        let state = &self.crew.slots[self.index].0.state;
        // The crew outlives the job: its caller may be gone before it is woken.
        if state.fetch_sub(1, Ordering::AcqRel) == WAITED | 1 {
            futex::wake(state, 1, Scope::Private);
        }
    }
}
