//! A block of slots for items, from the writing of each to its taking.
//!
//! The swaps on the ends of [`Items`](super::items::Items) give each slot to one thread that writes
//! and one that takes; the taker waits here for the writer. Never frees a block: `Items` does.

use std::array;
use std::mem::MaybeUninit;
use std::ptr;

use crate::backoff::Backoff;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

/// Slots of a block: few in a model, so that it comes to their end.
pub(super) const SLOTS: usize = if cfg!(loom) { 2 } else { 31 };

const EMPTY: u8 = 0;
const WRITTEN: u8 = 1;
const TAKEN: u8 = 2;

pub(super) struct Block<T> {
    /// The block after; of one that has been used up, another such block.
    pub(super) next: AtomicPtr<Self>,
    slots: [Slot<T>; SLOTS],
}

struct Slot<T> {
    item: UnsafeCell<MaybeUninit<T>>,
    state: AtomicU8,
}

impl<T> Block<T> {
    /// A block that nothing is in.
    pub(super) fn new() -> *mut Self {
        Box::into_raw(Box::new(Self {
            next: AtomicPtr::new(ptr::null_mut()),
            slots: array::from_fn(|_| Slot {
                item: UnsafeCell::new(MaybeUninit::uninit()),
                state: AtomicU8::new(EMPTY),
            }),
        }))
    }

    /// The block after, which another thread is about to link.
    pub(super) fn await_next(&self) -> *mut Self {
        let mut backoff = Backoff::new();
        loop {
            let next = self.next.load(Ordering::Acquire);
            if !next.is_null() {
                return next;
            }
            backoff.pause();
        }
    }

    /// Puts an item into a slot.
    ///
    /// # Safety
    /// The block is there until the slot is taken, and the slot is this thread's to write, once.
    #[inline]
    pub(super) unsafe fn write(block: *const Self, slot: usize, item: T) {
        // SAFETY: the caller's. The reference is not used after the last line, when the block may be freed.
        let slot = unsafe { &(&(*block).slots)[slot] };
        // SAFETY: nobody else uses it before it is written.
        slot.item
            .with_mut(|place| unsafe { place.write(MaybeUninit::new(item)) });
        slot.state.store(WRITTEN, Ordering::Release);
    }

    /// Takes the item out of a slot, which may just be being written.
    ///
    /// # Safety
    /// The block is there until the slot is taken, and the slot is this thread's to take, once.
    #[inline]
    pub(super) unsafe fn take(block: *const Self, slot: usize) -> T {
        // SAFETY: as in `write`.
        let slot = unsafe { &(&(*block).slots)[slot] };
        let mut backoff = Backoff::new();
        while slot.state.load(Ordering::Acquire) != WRITTEN {
            backoff.pause();
        }
        // SAFETY: it is written, and only this thread takes it.
        let item = slot.item.with(|place| unsafe { place.read().assume_init() });
        slot.state.store(TAKEN, Ordering::Release);
        item
    }

    /// Whether every item was taken out; then no thread uses the block any more.
    pub(super) fn is_used_up(&self) -> bool {
        self.slots
            .iter()
            .all(|slot| slot.state.load(Ordering::Acquire) == TAKEN)
    }

    /// Whether a slot has an item to take.
    #[cfg(not(loom))]
    pub(super) fn is_written(&self, slot: usize) -> bool {
        self.slots[slot].state.load(Ordering::Acquire) == WRITTEN
    }

    /// Calls `look` with an item.
    ///
    /// # Safety
    /// The slot is written, and nobody takes it meanwhile.
    pub(super) unsafe fn look(&self, slot: usize, look: impl FnOnce(&T)) {
        // SAFETY: the caller's.
        self.slots[slot]
            .item
            .with(|place| look(unsafe { (*place).assume_init_ref() }));
    }
}
