//! What threads can hold and wait for, as the graph of waits sees it.

use crate::guarded::{Guarded, Inherit};
use crate::queue::Queue;

/// Which of its holders must let go before a waiter gets its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Every one: a lock.
    All,
    /// One of them: a unit of a semaphore.
    Any,
}

/// Something that threads hold or wait for.
pub(crate) trait Resource: Sync {
    /// Kind and name, for people.
    fn label(&self) -> String;

    /// A number that nothing else in this process has or had.
    fn serial(&self) -> u64 {
        0
    }

    /// Puts down the ids of the threads that hold it; empty where nobody can tell.
    fn holders(&self, _into: &mut Vec<u32>) -> Needs {
        Needs::All
    }

    /// Whether threads can hold it: a wait for anything else is part of no cycle.
    fn has_holders(&self) -> bool {
        true
    }

    /// What its holder left to say where it was taken.
    fn taken_at(&self) -> Option<(usize, usize)> {
        None
    }

    /// Wakes everybody who waits for it, to look again at who holds it.
    fn recall(&self) {}

    /// Where a holder remembers what it held when it last took this in a known order.
    fn order(&self) -> Option<&crate::order::Mark> {
        None
    }
}

/// A number for a new resource.
pub(crate) fn serial() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Kind and name, or kind and number.
pub(crate) fn label(kind: &str, name: Option<&str>, serial: u64) -> String {
    match name {
        Some(name) => format!("{kind} `{name}`"),
        None => format!("{kind} #{serial}"),
    }
}

/// Something that no thread holds: who waits for it may be woken by anybody.
pub(crate) struct Nobody(pub(crate) &'static str);

impl Resource for Nobody {
    fn label(&self) -> String {
        self.0.to_owned()
    }

    fn has_holders(&self) -> bool {
        false
    }
}

/// A guarded queue and nothing else.
pub(crate) type GuardedQueue = Guarded<Queue>;

impl Inherit for Queue {
    fn inherit(&mut self) {
        Self::inherit(self);
    }
}
