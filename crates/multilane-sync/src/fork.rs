//! What a fork leaves of other threads: nothing.
//!
//! In the child only the thread that forked exists. What others held stays held, and
//! who asks for it learns that its holder is gone; queues are emptied when they are
//! next looked at. See [`crate::guarded`].

use std::sync::atomic::{AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(0);

/// Forks between the first process and this one.
#[cfg(not(loom))]
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Says that this process is the child of a fork. Called right after it, by the only
/// thread there is.
pub fn after_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    crate::guarded::after_fork();
    crate::graph::after_fork();
}
