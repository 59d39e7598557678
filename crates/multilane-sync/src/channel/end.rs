//! One end of the items of a channel: its word, and those who wait until it moves.
//!
//! `README.md` of this crate has the states of the word, and why no wake-up is lost.

use super::block::{Block, SLOTS};
use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// In the word of the tail: nothing is put in any more.
pub(super) const CLOSED: u64 = 1;
/// In the word of an end: somebody sleeps until this end moves.
pub(super) const AWAITED: u64 = 2;
/// What one position is in a word.
pub(super) const STEP: u64 = 4;
/// Positions of a block: its slots, and one in which the next block is put in place.
pub(super) const LAP: u64 = SLOTS as u64 + 1;

/// The position in a word.
pub(super) fn position(word: u64) -> u64 {
    word / STEP
}

/// The slot of a word's position; [`SLOTS`] while the next block is put in place.
pub(super) fn slot(word: u64) -> usize {
    (position(word) % LAP) as usize
}

/// Items before a position.
pub(super) fn count(position: u64) -> u64 {
    position - position / LAP
}

/// One end of the items, with what the threads that move it need.
pub(super) struct End<T> {
    /// The position, and flags.
    pub(super) word: AtomicU64,
    /// The block of the position.
    pub(super) block: AtomicPtr<Block<T>>,
    /// A position that the other end has reached. It may be further: then it is looked at again.
    pub(super) other: AtomicU64,
    /// Threads that were woken because this end moved and have not looked since.
    woken: AtomicU32,
}

/// Alone in its cache line, and in the one that a processor fetches with it.
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

impl<T> End<T> {
    pub(super) fn new(block: *mut Block<T>) -> Self {
        Self {
            word: AtomicU64::new(0),
            block: AtomicPtr::new(block),
            other: AtomicU64::new(0),
            woken: AtomicU32::new(0),
        }
    }

    #[inline]
    pub(super) fn swap(&self, old: u64, new: u64) -> Result<(), u64> {
        self.word
            .compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
    }

    /// Says that somebody is about to sleep until this end moves. What moved it before is seen from here on.
    pub(super) fn await_move(&self) {
        self.word.fetch_or(AWAITED, Ordering::AcqRel);
    }

    /// Says that nobody does.
    pub(super) fn await_no_more(&self) {
        self.word.fetch_and(!AWAITED, Ordering::AcqRel);
    }

    /// Threads that were woken because this end moved and have not looked since.
    pub(super) fn woken(&self) -> u64 {
        self.woken.load(Ordering::Relaxed).into()
    }

    /// Counts one of those that will look because this end moved.
    pub(super) fn wakes(&self) {
        self.woken.fetch_add(1, Ordering::Relaxed);
    }

    /// It is about to look. Who moved the end counting on that is seen from here on.
    pub(super) fn looks(&self) {
        self.woken.fetch_sub(1, Ordering::Relaxed);
        self.word.fetch_or(0, Ordering::AcqRel);
    }

    /// In the child of a fork nobody waits.
    #[cfg(not(loom))]
    pub(super) fn forget_waiters(&self) {
        self.word.fetch_and(!AWAITED, Ordering::Relaxed);
        self.woken.store(0, Ordering::Relaxed);
    }
}
