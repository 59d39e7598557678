//! Says who held the lock that workers waited for, as far as it was seen.
//!
//! A lock that knows its holder names it. Of any other lock, the worker that ran while the others waited is taken for
//! the holder, and the sentence says so.

use super::{
    LockSeen,
    points::Point,
    rules::Case,
    words::{self, Facts},
};

/// Places that are worth a line.
const PLACES: usize = 2;

impl Case<'_> {
    /// Adds where workers waited, for what, and where the holder was.
    pub(super) fn holders(&self, point: &Point<'_>, facts: Facts) -> Facts {
        let mut seen: Vec<&LockSeen> = self
            .scaling
            .locks
            .iter()
            .filter(|lock| (lock.workload.as_str(), lock.size.as_str(), lock.strategy.as_str()) == self.key)
            .filter(|lock| lock.looks > 0 && lock.seen > 0 && lock.workers >= 2)
            .collect();
        // Of several worker counts that were looked at, the one that the verdict is read at.
        if seen.iter().any(|lock| lock.workers == point.workers) {
            seen.retain(|lock| lock.workers == point.workers);
        }
        seen.sort_by_key(|lock| std::cmp::Reverse(lock.seen));
        seen.iter()
            .take(PLACES)
            .fold(facts, |facts, lock| facts.and(sentence(lock)))
    }
}

fn sentence(lock: &LockSeen) -> String {
    let share = words::percent((lock.seen as f64 / lock.looks as f64).min(1.0));
    let what = if lock.lock.is_empty() {
        "a lock".to_owned()
    } else {
        lock.lock.clone()
    };
    let place = |text: &str| {
        if text.is_empty() {
            "a place that is not known".to_owned()
        } else {
            text.to_owned()
        }
    };
    let held = if lock.named {
        format!("its holder took it at {}", place(&lock.held_at))
    } else {
        format!("the worker that ran meanwhile was at {}", place(&lock.held_at))
    };
    format!(
        "in {share} of {} looks a worker waited for {what} at {}; {held}",
        lock.looks,
        place(&lock.waits_at)
    )
}
