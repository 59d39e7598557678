//! A block of slots for items, and who frees it.
//!
//! The swaps on the ends of [`Items`](super::items::Items) give each slot to one thread that writes
//! and one that takes. Here is the rest: the taker waits for the writer, and whoever is last to
//! take frees the block.

use std::array;
use std::mem::MaybeUninit;
use std::ptr;

use crate::backoff::Backoff;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

/// Slots of a block: few in a model, so that it comes to their end.
pub(super) const SLOTS: usize = if cfg!(loom) { 2 } else { 31 };

/// The item was taken out.
const TAKEN: u8 = 1;
/// Who takes the item out goes on freeing the block.
const FREES: u8 = 2;

pub(super) struct Block<T> {
    next: AtomicPtr<Self>,
    slots: [Slot<T>; SLOTS],
}

struct Slot<T> {
    item: UnsafeCell<MaybeUninit<T>>,
    written: AtomicBool,
    state: AtomicU8,
}

impl<T> Block<T> {
    /// A block that nothing is in; the caller frees it, or `take` does.
    pub(super) fn new() -> *mut Self {
        Box::into_raw(Box::new(Self {
            next: AtomicPtr::new(ptr::null_mut()),
            slots: array::from_fn(|_| Slot {
                item: UnsafeCell::new(MaybeUninit::uninit()),
                written: AtomicBool::new(false),
                state: AtomicU8::new(0),
            }),
        }))
    }

    /// Says which block comes after.
    ///
    /// # Safety
    /// The block is there.
    pub(super) unsafe fn link(block: *mut Self, next: *mut Self) {
        // SAFETY: the caller's.
        unsafe { &*block }.next.store(next, Ordering::Release);
    }

    /// The block after, once there is one.
    ///
    /// # Safety
    /// The block is there.
    pub(super) unsafe fn next(block: *mut Self) -> Option<*mut Self> {
        // SAFETY: the caller's.
        let next = unsafe { &*block }.next.load(Ordering::Acquire);
        (!next.is_null()).then_some(next)
    }

    /// The block after, which another thread is about to link.
    ///
    /// # Safety
    /// The block is there.
    pub(super) unsafe fn await_next(block: *mut Self) -> *mut Self {
        let mut backoff = Backoff::new();
        loop {
            // SAFETY: the caller's.
            match unsafe { Self::next(block) } {
                Some(next) => return next,
                None => backoff.pause(),
            }
        }
    }

    /// Puts an item into a slot.
    ///
    /// # Safety
    /// The block is there, and the slot is this thread's to write, once.
    #[inline]
    pub(super) unsafe fn write(block: *mut Self, slot: usize, item: T) {
        // SAFETY: the caller's. The reference is not used after `written`, when the block may be freed.
        let slot = unsafe { &(&(*block).slots)[slot] };
        // SAFETY: nobody else uses it before `written`.
        slot.item.with_mut(|place| unsafe { place.write(MaybeUninit::new(item)) });
        slot.written.store(true, Ordering::Release);
    }

    /// Takes the item out of a slot, which may just be being written. Frees the block after the last.
    ///
    /// # Safety
    /// The block is there, and the slot is this thread's to take, once.
    #[inline]
    pub(super) unsafe fn take(block: *mut Self, index: usize) -> T {
        // SAFETY: the caller's. The block is not freed before this slot is marked as taken.
        let slot = unsafe { &(&(*block).slots)[index] };
        let mut backoff = Backoff::new();
        while !slot.written.load(Ordering::Acquire) {
            backoff.pause();
        }
        // SAFETY: it is written, and only this thread takes it.
        let item = slot.item.with(|place| unsafe { place.read().assume_init() });
        // The last slot is the only one whose taker begins to free the block.
        if index + 1 == SLOTS {
            // SAFETY: all slots before were given to takers, and this one is done with.
            unsafe { Self::free(block, 0) };
        } else if slot.state.fetch_or(TAKEN, Ordering::AcqRel) & FREES != 0 {
            // SAFETY: all slots up to this one are done with.
            unsafe { Self::free(block, index + 1) };
        }
        item
    }

    /// Frees the block, or leaves that to a thread that is still taking.
    ///
    /// # Safety
    /// Every slot was given to a taker, and those before `from` and the last are done with.
    unsafe fn free(block: *mut Self, from: usize) {
        for index in from..SLOTS - 1 {
            // SAFETY: not freed before this thread does so or has left it to another.
            let state = unsafe { &(&(*block).slots)[index].state };
            if state.load(Ordering::Acquire) & TAKEN == 0 && state.fetch_or(FREES, Ordering::AcqRel) & TAKEN == 0 {
                return;
            }
        }
        // SAFETY: made by a box, and no thread is left that uses it.
        drop(unsafe { Box::from_raw(block) });
    }

    /// Whether a slot has an item to take.
    ///
    /// # Safety
    /// The block is there.
    pub(super) unsafe fn is_written(block: *mut Self, slot: usize) -> bool {
        // SAFETY: the caller's.
        unsafe { &(&(*block).slots)[slot] }.written.load(Ordering::Acquire)
    }

    /// Calls `look` with an item.
    ///
    /// # Safety
    /// The slot is written, and nobody takes it meanwhile.
    pub(super) unsafe fn look(block: *mut Self, slot: usize, look: impl FnOnce(&T)) {
        // SAFETY: the caller's.
        let slot = unsafe { &(&(*block).slots)[slot] };
        // SAFETY: the caller's.
        slot.item.with(|place| look(unsafe { (*place).assume_init_ref() }));
    }
}
