//! Where the shared structures lie, and safe access to them.
//!
//! A [`Control`] is a view of mapped memory. Under `cfg(loom)` the same structures
//! lie on the heap of the test, since loom's atomics are not plain memory.

use super::layout::{Head, SLOTS, Slot, WorkerRecord};
#[cfg(not(loom))]
use super::layout::{INLINE, size};

/// A pool's shared memory, mapped in this process.
#[cfg(not(loom))]
#[derive(Clone, Copy)]
pub struct Control {
    base: *mut u8,
    workers: usize,
}

// SAFETY: everything behind the pointer is atomic but `Slot::inline`, which only
// the side that owns the slot's phase touches.
#[cfg(not(loom))]
unsafe impl Send for Control {}
// SAFETY: see `Send`.
#[cfg(not(loom))]
unsafe impl Sync for Control {}

#[cfg(not(loom))]
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
        // SAFETY: mapped and aligned; the part that is not atomic lies in a cell and is
        // only touched through `inline` and `write_inline`.
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
}

/// The same structures where loom can watch them.
#[cfg(loom)]
pub struct Control {
    head: Head,
    workers: Vec<WorkerRecord>,
    slots: Vec<Slot>,
}

// SAFETY: the part of a slot that is not atomic is never touched in loom tests.
#[cfg(loom)]
unsafe impl Sync for Control {}

#[cfg(loom)]
impl Control {
    pub(crate) fn of(workers: usize) -> Self {
        Self {
            head: Head::default(),
            workers: (0..workers).map(|_| WorkerRecord::default()).collect(),
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
        }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers.len()
    }

    pub(crate) fn worker(&self, index: usize) -> &WorkerRecord {
        &self.workers[index]
    }

    pub(crate) fn slot(&self, index: usize) -> &Slot {
        &self.slots[index]
    }
}
