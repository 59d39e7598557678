//! What belongs to this process and what it inherited by a fork.
//!
//! The child of a fork has copies of its parent's pools: their threads do not exist
//! here, any of their locks may be held for ever, and the memory behind them is still
//! the parent's. So everything that gives something back when it is dropped carries a
//! [`Birth`] and does nothing in a child.

use std::sync::atomic::{AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(0);

/// Says that this process is the child of a fork. Called right after it, by the only
/// thread there is.
pub fn note_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// In which process something was made.
#[derive(Clone, Copy, Debug)]
pub struct Birth(u32);

impl Birth {
    /// In this one.
    pub fn here() -> Self {
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Whether this is still that process.
    pub fn is_here(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }
}
