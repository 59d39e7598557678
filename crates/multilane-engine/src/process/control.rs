//! Safe access to a pool's shared memory, and the protocol of its queue.

use std::sync::atomic::{Ordering, fence};

use super::layout::{Head, INLINE, Phase, QUEUE, SLOTS, Slot, SlotState, WorkerRecord, size, status};
use crate::futex::{self, Scope};

/// A pool's shared memory, mapped in this process.
#[derive(Clone, Copy)]
pub struct Control {
    base: *mut u8,
    workers: usize,
}

// SAFETY: everything behind the pointer is atomic but `Slot::inline`, which only
// the side that owns the slot's phase touches.
unsafe impl Send for Control {}
// SAFETY: see `Send`.
unsafe impl Sync for Control {}

impl Control {
    /// Looks at `workers` workers' worth of shared memory at `base`.
    ///
    /// # Safety
    /// `base` is 64-byte aligned, mapped shared and readable and writable for
    /// [`size`]`(workers)` bytes as long as any copy of the result is used, and was
    /// zero before the first use.
    pub unsafe fn new(base: *mut u8, workers: usize) -> Self {
        Self { base, workers }
    }

    /// Bytes behind it.
    pub fn len(&self) -> usize {
        size(self.workers)
    }

    /// Whether it holds nothing; it never is.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The head.
    pub fn head(&self) -> &Head {
        // SAFETY: `new` promises a mapped, aligned `Head`; all of it is atomic.
        unsafe { &*self.base.cast::<Head>() }
    }

    /// How many workers the table holds.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// One worker's record.
    pub fn worker(&self, index: usize) -> &WorkerRecord {
        assert!(index < self.workers, "worker {index} of {}", self.workers);
        // SAFETY: in bounds by the assertion, after the head, aligned by its size.
        unsafe {
            &*self
                .base
                .add(size_of::<Head>() + index * size_of::<WorkerRecord>())
                .cast::<WorkerRecord>()
        }
    }

    fn slot_pointer(&self, index: usize) -> *mut Slot {
        assert!(index < SLOTS, "slot {index} of {SLOTS}");
        let before = size_of::<Head>() + self.workers * size_of::<WorkerRecord>();
        // SAFETY: in bounds by the assertion.
        unsafe { self.base.add(before + index * size_of::<Slot>()).cast::<Slot>() }
    }

    /// One slot.
    pub fn slot(&self, index: usize) -> &Slot {
        // SAFETY: mapped and aligned; the part that is not atomic is only touched
        // through `inline` and `write_inline`.
        unsafe { &*self.slot_pointer(index) }
    }

    /// The first `len` bytes in the slot.
    ///
    /// # Safety
    /// The caller owns the slot's phase, and the bytes are not written while the
    /// result lives.
    pub unsafe fn inline(&self, index: usize, len: usize) -> &[u8] {
        assert!(len <= INLINE);
        let slot = self.slot_pointer(index);
        // SAFETY: inside the slot by the assertion; ownership by the contract.
        unsafe { std::slice::from_raw_parts((&raw const (*slot).inline).cast::<u8>(), len) }
    }

    /// Writes `bytes` into the slot.
    ///
    /// # Safety
    /// The caller owns the slot's phase, and no slice of `inline` is alive.
    pub unsafe fn write_inline(&self, index: usize, bytes: &[u8]) {
        assert!(bytes.len() <= INLINE);
        let slot = self.slot_pointer(index);
        // SAFETY: inside the slot by the assertion; ownership by the contract.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut (*slot).inline).cast::<u8>(), bytes.len());
        }
    }

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

    /// Pushes a finished slot to the parent. Only worker `worker` calls this.
    pub fn complete(&self, worker: usize, index: usize) {
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
        (0..self.workers).any(|worker| {
            let ring = &self.worker(worker).completions;
            ring.tail.load(Ordering::Acquire) > ring.head.load(Ordering::Acquire) || self.worker(worker).to_parent.any()
        })
    }

    /// Wakes the parent's service thread if it sleeps.
    ///
    /// Called after the caller published what the thread is to see; the fence pairs
    /// with the one in [`Control::sleep_on_doorbell`]: either the sleeper sees the
    /// news, or this sees the sleeper.
    pub fn ring_doorbell(&self) {
        fence(Ordering::SeqCst);
        let bell = &self.head().doorbell;
        if bell.load(Ordering::Relaxed) == 1 && bell.swap(0, Ordering::AcqRel) == 1 {
            futex::wake(bell, 1, Scope::Shared);
        }
    }

    /// Sleeps until the doorbell rings, unless `news` says there is work already.
    pub fn sleep_on_doorbell(&self, limit: Option<std::time::Duration>, news: impl Fn() -> bool) {
        let bell = &self.head().doorbell;
        bell.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !news() {
            futex::wait(bell, 1, limit, Scope::Shared);
        }
        bell.store(0, Ordering::Relaxed);
    }

    /// Wakes one sleeping worker, unless another is looking for work already.
    ///
    /// The waker, not the sleeper, ends the sleeping status: the next caller then
    /// wakes another worker instead of the same one twice.
    pub fn wake_worker(&self) {
        fence(Ordering::SeqCst);
        let mut sleeper = None;
        for index in 0..self.workers {
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
        fence(Ordering::SeqCst);
        for index in 0..self.workers {
            let word = &self.worker(index).status;
            let _ = word.compare_exchange(status::SLEEPING, status::SEARCHING, Ordering::AcqRel, Ordering::Relaxed);
            futex::wake(word, 1, Scope::Shared);
        }
    }
}
