//! The protocol of a pool's queue, its completions and its sleepers.
//!
//! Lost wake-ups are ruled out by one rule: whoever is about to sleep says so first
//! and looks once more, whoever publishes looks for sleepers afterwards, and a full
//! fence lies between the two steps on both sides. `README.md` beside this file has
//! the cases, the tests below explore their interleavings under loom.

use std::time::Duration;

use super::layout::{EVERY_COMPLETION, Phase, QUEUE, SLOTS, SlotState, bell, status};
pub use super::shared::Control;
use crate::futex::{self, Scope};
use crate::sync::atomic::{Ordering, fence};

/// Looks at the queue between two looks at the clock.
#[cfg(not(loom))]
const POLLS: u32 = 32;
#[cfg(loom)]
const POLLS: u32 = 1;

impl Control {
    /// Tasks in the queue that nobody claimed; may count revoked ones too.
    pub fn queued(&self) -> u64 {
        let head = self.head();
        let first = head.queue_head.load(Ordering::Acquire);
        head.queue_tail.load(Ordering::Acquire).saturating_sub(first)
    }

    /// Puts a filled slot into the queue; false when it is full. Only the parent calls this.
    pub fn push(&self, index: usize, generation: u32) -> bool {
        let head = self.head();
        let tail = head.queue_tail.load(Ordering::Relaxed);
        if tail - head.queue_head.load(Ordering::Acquire) >= QUEUE as u64 {
            return false;
        }
        let entry = u64::from(generation) << 32 | index as u64;
        head.queue[(tail % QUEUE as u64) as usize].store(entry, Ordering::Relaxed);
        self.slot(index).state.store(
            SlotState {
                generation,
                phase: Phase::Ready,
                worker: 0,
            }
            .pack(),
            Ordering::Release,
        );
        head.queue_tail.store(tail + 1, Ordering::Release);
        true
    }

    /// Claims the oldest queued task for `worker`: the slot and its state.
    ///
    /// The compare-and-swap on the slot decides; the head only says where to look,
    /// so a worker that dies between the two loses nothing: the next one sees that
    /// the entry is spent and moves the head on.
    pub fn claim(&self, worker: u16) -> Option<(usize, SlotState)> {
        let head = self.head();
        loop {
            let at = head.queue_head.load(Ordering::Acquire);
            if at >= head.queue_tail.load(Ordering::Acquire) {
                return None;
            }
            let entry = head.queue[(at % QUEUE as u64) as usize].load(Ordering::Acquire);
            let (generation, index) = ((entry >> 32) as u32, entry as u32 as usize);
            let ready = SlotState {
                generation,
                phase: Phase::Ready,
                worker: 0,
            };
            let taken = SlotState {
                generation,
                phase: Phase::Taken,
                worker,
            };
            let mine = index < SLOTS && self.slot(index).advance(ready, taken);
            let _ = head
                .queue_head
                .compare_exchange(at, at + 1, Ordering::AcqRel, Ordering::Acquire);
            if mine {
                return Some((index, taken));
            }
        }
    }

    /// Drops spent entries at the head of the queue. Any side may call this.
    pub fn skip_spent(&self) {
        let head = self.head();
        loop {
            let at = head.queue_head.load(Ordering::Acquire);
            if at >= head.queue_tail.load(Ordering::Acquire) {
                return;
            }
            let entry = head.queue[(at % QUEUE as u64) as usize].load(Ordering::Acquire);
            let state = self.slot((entry as u32 as usize).min(SLOTS - 1)).state();
            if state.generation == (entry >> 32) as u32 && state.phase == Phase::Ready {
                return;
            }
            let _ = head
                .queue_head
                .compare_exchange(at, at + 1, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Only worker `worker` calls this.
    fn push_completed(&self, worker: usize, index: usize) {
        let ring = &self.worker(worker).completions;
        let tail = ring.tail.load(Ordering::Relaxed);
        ring.entries[(tail % SLOTS as u64) as usize].store(index as u32, Ordering::Relaxed);
        ring.tail.store(tail + 1, Ordering::Release);
    }

    /// The next finished slot of `worker`. Only the parent calls this, one thread at a time.
    pub fn next_completed(&self, worker: usize) -> Option<usize> {
        let ring = &self.worker(worker).completions;
        let head = ring.head.load(Ordering::Relaxed);
        if head >= ring.tail.load(Ordering::Acquire) {
            return None;
        }
        let index = ring.entries[(head % SLOTS as u64) as usize].load(Ordering::Relaxed);
        ring.head.store(head + 1, Ordering::Release);
        Some(index as usize)
    }

    /// Whether any worker has finished something the parent has not seen.
    pub fn any_completed(&self) -> bool {
        (0..self.workers()).any(|worker| {
            let ring = &self.worker(worker).completions;
            ring.tail.load(Ordering::Acquire) > ring.head.load(Ordering::Acquire) || self.worker(worker).to_parent.any()
        })
    }

    /// Wakes the parent's service thread, or keeps it from its next sleep.
    ///
    /// Called after the caller published what the thread is to see. A ring is
    /// remembered: one that comes while the thread is awake makes it look again.
    pub fn ring_doorbell(&self) {
        // Either this sees that the last ring was taken, or the thread that took it
        // sees what the caller published.
        fence(Ordering::SeqCst);
        let word = &self.head().doorbell;
        if word.load(Ordering::Relaxed) == bell::RUNG {
            return;
        }
        if word.swap(bell::RUNG, Ordering::AcqRel) == bell::ASLEEP {
            futex::wake(word, 1, Scope::Shared);
        }
    }

    /// Sleeps until the doorbell rings or has rung since the last call. Only the
    /// service thread calls this, and looks at everything afterwards.
    pub fn sleep_on_doorbell(&self, limit: Option<Duration>) {
        let word = &self.head().doorbell;
        let asleep = word.compare_exchange(bell::QUIET, bell::ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        if asleep.is_ok() {
            futex::wait(word, bell::ASLEEP, limit, Scope::Shared);
        }
        word.swap(bell::QUIET, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// Claims a task for `worker` and sees to it that somebody looks after the rest.
    pub fn take(&self, worker: usize) -> Option<(usize, SlotState)> {
        let claimed = self.claim(worker as u16)?;
        let word = &self.worker(worker).status;
        if word.load(Ordering::Relaxed) != status::BUSY {
            // A caller of `wake_worker` that still took this worker for one that
            // searches published before this fence: the next line sees its task.
            word.store(status::BUSY, Ordering::Relaxed);
            fence(Ordering::SeqCst);
        }
        let queued = self.queued();
        if queued > 0 {
            self.wake_worker();
        }
        if queued < self.head().refill_below.load(Ordering::Relaxed) {
            self.ring_doorbell();
        }
        Some(claimed)
    }

    /// Polls the queue as long as `patient` says so; true when there is something to claim.
    pub fn search(&self, worker: usize, mut patient: impl FnMut() -> bool) -> bool {
        let others = (0..self.workers()).filter(|&other| other != worker);
        let searched = others
            .map(|other| self.worker(other).status.load(Ordering::Relaxed))
            .any(|other| other == status::SEARCHING);
        // One poller is enough to meet the next task, and each costs a core.
        if searched {
            return self.queued() > 0;
        }
        self.worker(worker).status.store(status::SEARCHING, Ordering::Release);
        while patient() {
            for _ in 0..POLLS {
                if self.queued() > 0 {
                    return true;
                }
                std::hint::spin_loop();
            }
            if self.head().closing.load(Ordering::Relaxed) != 0 {
                return false;
            }
        }
        false
    }

    /// Sleeps until somebody wakes `worker`, unless there is something to do.
    pub fn sleep(&self, worker: usize, limit: Option<Duration>) {
        let word = &self.worker(worker).status;
        word.store(status::SLEEPING, Ordering::Relaxed);
        // Pairs with the one in `wake_worker`.
        fence(Ordering::SeqCst);
        let head = self.head();
        if self.queued() == 0 && head.closing.load(Ordering::Relaxed) == 0 {
            // The claim that emptied the queue may have skipped entries nobody counted:
            // a parent that has more must not rely on it.
            if head.refill_below.load(Ordering::Relaxed) != 0 {
                self.ring_doorbell();
            }
            futex::wait(word, status::SLEEPING, limit, Scope::Shared);
        }
        // Not a plain store: what this worker says from here on comes after the change
        // that whoever woke it made.
        word.swap(status::SEARCHING, Ordering::AcqRel);
    }

    /// Says that the parent wants to know when fewer than `low` tasks are queued; 0 for
    /// never. The caller looks at the queue and at the results afterwards.
    pub fn want_refill(&self, low: u64) {
        self.head().refill_below.store(low, Ordering::Relaxed);
        // Either a worker that finds the queue short or ends a task sees the wish, or
        // the caller sees what the worker did.
        fence(Ordering::SeqCst);
    }

    /// Pushes a finished slot to the parent and tells it when somebody waits.
    pub fn complete(&self, worker: usize, index: usize) {
        self.push_completed(worker, index);
        // Pairs with the one after `watched` is set.
        fence(Ordering::SeqCst);
        let eager = self.head().refill_below.load(Ordering::Relaxed) == EVERY_COMPLETION;
        if eager || self.slot(index).watched.load(Ordering::Relaxed) != 0 {
            self.ring_doorbell();
        }
    }

    /// Asks for a ring of the doorbell when the task in a slot ends; the caller looks
    /// for results afterwards.
    pub fn watch(&self, index: usize, level: u32) {
        self.slot(index).watched.fetch_max(level, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Wakes one sleeping worker, unless another is looking for work already.
    ///
    /// The waker, not the sleeper, ends the sleeping status: the next caller then
    /// wakes another worker instead of the same one twice.
    pub fn wake_worker(&self) {
        fence(Ordering::SeqCst);
        let mut sleeper = None;
        for index in 0..self.workers() {
            match self.worker(index).status.load(Ordering::Relaxed) {
                status::SEARCHING => return,
                status::SLEEPING if sleeper.is_none() => sleeper = Some(index),
                _ => {}
            }
        }
        if let Some(index) = sleeper {
            let word = &self.worker(index).status;
            let woken = word.compare_exchange(status::SLEEPING, status::SEARCHING, Ordering::AcqRel, Ordering::Relaxed);
            if woken.is_ok() {
                futex::wake(word, 1, Scope::Shared);
            }
        }
    }

    /// Wakes every worker, for the end.
    pub fn wake_all_workers(&self) {
        for index in 0..self.workers() {
            self.wake(index);
        }
    }

    /// Wakes one worker if it sleeps.
    pub fn wake(&self, worker: usize) {
        fence(Ordering::SeqCst);
        let word = &self.worker(worker).status;
        let woken = word.compare_exchange(status::SLEEPING, status::SEARCHING, Ordering::AcqRel, Ordering::Relaxed);
        if woken.is_ok() {
            futex::wake(word, 1, Scope::Shared);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::alloc::{Layout, alloc_zeroed, dealloc};

    use super::super::layout::size;
    use super::*;

    /// A control block on the heap.
    struct Memory(*mut u8, Layout);

    impl Memory {
        fn new(workers: usize) -> (Self, Control) {
            let layout = Layout::from_size_align(size(workers), 64).expect("a power of two");
            // SAFETY: the layout is not empty; the memory is zero, aligned, and outlives
            // the view in each of the tests.
            unsafe {
                let base = alloc_zeroed(layout);
                (Self(base, layout), Control::new(base, workers))
            }
        }
    }

    impl Drop for Memory {
        fn drop(&mut self) {
            // SAFETY: allocated with this layout, and freed once.
            unsafe { dealloc(self.0, self.1) };
        }
    }

    fn state(generation: u32, phase: Phase, worker: u16) -> SlotState {
        SlotState {
            generation,
            phase,
            worker,
        }
    }

    #[test]
    fn a_worker_that_died_between_its_two_steps_stops_nobody() {
        let (_memory, control) = Memory::new(2);
        assert!(control.push(0, 1) && control.push(1, 1));
        // The first step of a claim: the slot, but not the head of the queue.
        let dead = state(1, Phase::Taken, 0);
        assert!(control.slot(0).advance(state(1, Phase::Ready, 0), dead));
        assert_eq!(control.claim(1), Some((1, state(1, Phase::Taken, 1))));
        assert_eq!((control.claim(1), control.slot(0).state()), (None, dead));
    }

    #[test]
    fn an_entry_of_an_earlier_use_claims_nothing() {
        let (_memory, control) = Memory::new(1);
        assert!(control.push(0, 1));
        let free = state(1, Phase::Free, 0);
        assert!(control.slot(0).advance(state(1, Phase::Ready, 0), free));
        assert!(control.push(0, 2));
        assert_eq!(control.claim(0), Some((0, state(2, Phase::Taken, 0))));
        assert_eq!((control.claim(0), control.queued()), (None, 0));
    }

    #[test]
    fn a_full_queue_refuses_until_spent_entries_are_skipped() {
        let (_memory, control) = Memory::new(1);
        let mut generation = 0;
        while control.queued() < QUEUE as u64 {
            generation += 1;
            assert!(control.push(0, generation));
        }
        // Every push but the last was overtaken by the next use of the slot.
        assert!(!control.push(1, 1));
        control.skip_spent();
        assert_eq!(control.queued(), 1);
        assert!(control.push(1, 1));
    }

    /// Arguments and results go through the slot itself; a tool that watches memory
    /// accesses (Miri, Valgrind) sees every hand-over here.
    #[test]
    fn a_slot_carries_arguments_there_and_a_result_back() {
        let (_memory, control) = Memory::new(1);
        let rounds = if cfg!(miri) { 20 } else { 2000 };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut done = 0;
                while done < rounds {
                    let Some((index, taken)) = control.claim(0) else {
                        std::thread::yield_now();
                        continue;
                    };
                    // SAFETY: this thread claimed the slot; the slice ends before the write.
                    unsafe {
                        let doubled: Vec<u8> = control.inline(index, 8).iter().map(|byte| byte * 2).collect();
                        control.write_inline(index, &doubled);
                    }
                    let done_state = SlotState {
                        phase: Phase::Done,
                        ..taken
                    };
                    assert!(control.slot(index).advance(taken, done_state));
                    control.push_completed(0, index);
                    done += 1;
                }
            });
            for round in 1..=rounds {
                // SAFETY: the slot is free: the last round took its result.
                unsafe { control.write_inline(5, &[round as u8 / 2; 8]) };
                assert!(control.push(5, round));
                while control.next_completed(0).is_none() {
                    std::thread::yield_now();
                }
                assert_eq!(control.slot(5).state(), state(round, Phase::Done, 0));
                // SAFETY: the phase is Done, so the slot is the parent's.
                let result = unsafe { control.inline(5, 8) };
                assert_eq!(result, [round as u8 / 2 * 2; 8]);
            }
        });
    }
}
