//! Tasks that wait for a worker thread, by priority, and timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Call;
use crate::task::Task;
use crate::timers::Timers;

/// A waiting task.
pub(super) struct Entry {
    pub(super) task: Arc<Task>,
    pub(super) call: Call,
    pub(super) attempt: u16,
    pub(super) order: u64,
    pub(super) priority: i32,
}

/// What happens at a time.
pub(super) enum Due {
    /// Queue this again.
    Retry(Entry),
    /// The task of this id has run for too long.
    Timeout(u64),
}

impl Due {
    fn retry(self) -> Result<Entry, Self> {
        match self {
            Self::Retry(entry) => Ok(entry),
            Self::Timeout(_) => Err(self),
        }
    }
}

#[derive(Default)]
pub(super) struct Queue {
    /// By falling priority, then in the order of submission.
    waiting: BTreeMap<(i64, u64), Entry>,
    /// Keys of the waiting tasks by id.
    keys: std::collections::HashMap<u64, (i64, u64)>,
    timers: Timers<Due>,
    order: u64,
}

impl Queue {
    pub(super) fn push(&mut self, mut entry: Entry) {
        self.order += 1;
        entry.order = self.order;
        let key = (-i64::from(entry.priority), entry.order);
        self.keys.insert(entry.task.id, key);
        self.waiting.insert(key, entry);
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        let (_, entry) = self.waiting.pop_first()?;
        self.keys.remove(&entry.task.id);
        Some(entry)
    }

    /// The first task that one of `parents` submitted.
    pub(super) fn pop_child(&mut self, parents: &[u64]) -> Option<Entry> {
        let found = self
            .waiting
            .values()
            .find(|entry| parents.contains(&entry.task.options.parent))?;
        let id = found.task.id;
        self.remove(id)
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Entry> {
        let key = self.keys.remove(&id)?;
        self.waiting.remove(&key)
    }

    pub(super) fn take_all(&mut self) -> Vec<Entry> {
        self.keys.clear();
        let mut all: Vec<Entry> = std::mem::take(&mut self.waiting).into_values().collect();
        all.extend(self.timers.take_all(Due::retry));
        all
    }

    pub(super) fn at(&mut self, at_ns: u64, due: Due) {
        self.timers.set(at_ns, due);
    }

    pub(super) fn next_due(&self) -> Option<u64> {
        self.timers.next_ns()
    }

    pub(super) fn take_due(&mut self, now_ns: u64) -> Option<Due> {
        self.timers.take_due(now_ns)
    }
}
