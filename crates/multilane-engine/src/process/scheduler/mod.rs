//! Which task goes where: the parent's side of the slots, under one lock.
//!
//! Holds what is queued beyond the shared queue (by priority), what every slot
//! carries, and the timers. Never blocks, calls no front end and wakes nobody
//! but workers.

mod deaths;
mod results;
mod stops;
mod timers;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use super::control::Control;
use super::layout::{EVERY_COMPLETION, Phase, SLOTS, SlotState};
use super::nested::Nested;
use super::pool::{Arguments, Work};
use super::store::{Region, Store};
use crate::backend::Progress;
use crate::clock;
use crate::record;
use crate::task::{Callback, Task};
use crate::timers::Timers;

/// Tasks of lower priority that may stand before an urgent one in the queue: what a
/// more urgent task has to take back when it arrives.
const MIXED_DEPTH: u64 = 64;
/// `Task::place` of a task that is in no slot.
pub(in crate::process) const NOWHERE: u64 = u64::MAX;

/// Why the parent stops a worker.
pub(in crate::process) enum Stop {
    Cancelled,
    TimedOut(Duration),
    Memory { used: u64, limit: u64 },
}

struct Entry {
    task: Arc<Task>,
    work: Work,
    stop: Option<Stop>,
    progress_seen: u32,
}

struct Waiting {
    priority: i32,
    order: Reverse<u64>,
    task: Arc<Task>,
    work: Work,
    attempt: u16,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        (self.priority, self.order) == (other.priority, other.order)
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.priority, self.order).cmp(&(other.priority, other.order))
    }
}

enum Due {
    /// Look whether the task in this slot has run for too long.
    Timeout { slot: u32, generation: u32 },
    /// Queue this task again.
    Retry(Box<Waiting>),
}

impl Due {
    fn retry(self) -> Result<Box<Waiting>, Self> {
        match self {
            Self::Retry(waiting) => Ok(waiting),
            Self::Timeout { .. } => Err(self),
        }
    }
}

/// What is to be done once the lock is released.
#[derive(Default)]
pub(in crate::process) struct After {
    /// Callbacks of tasks that ended.
    pub(in crate::process) callbacks: Vec<(Arc<Task>, Vec<Callback>)>,
    /// Workers to end now, with the region that tells each from its successor.
    pub(in crate::process) kill: Vec<(usize, u32)>,
    /// A timer was set that the service thread does not know of.
    pub(in crate::process) timer: bool,
    /// Dropped outside the lock, since it may free memory.
    work: Vec<Entry>,
    /// The same: memory of dead workers.
    regions: Vec<Arc<Region>>,
}

pub(in crate::process) struct Scheduler {
    pub(in crate::process) control: Control,
    pub(in crate::process) store: Arc<Store>,
    free: Vec<u32>,
    generation: Vec<u32>,
    entries: Vec<Option<Entry>>,
    backlog: BinaryHeap<Waiting>,
    timers: Timers<Due>,
    order: u64,
    /// The lowest priority in the shared queue.
    level: i32,
    /// Tasks that were admitted and have not ended.
    pub(in crate::process) active: usize,
    /// Memory of each worker's region, mapped when its first large result comes.
    pub(in crate::process) regions: Vec<Option<Arc<Region>>>,
    pub(in crate::process) closing: bool,
    /// Threads that wait until fewer tasks are active.
    pub(in crate::process) room_waiters: usize,
    /// Threads that wait until the workers are up.
    pub(in crate::process) ready_waiters: usize,
    pub(in crate::process) broken: Option<String>,
    pub(in crate::process) nested: Nested,
    /// Number of the first worker among all workers of this process.
    pub(in crate::process) first_worker: u32,
}

impl Scheduler {
    pub(in crate::process) fn new(control: Control, store: Arc<Store>) -> Self {
        Self {
            control,
            store,
            free: (0..SLOTS as u32).rev().collect(),
            generation: vec![0; SLOTS],
            entries: (0..SLOTS).map(|_| None).collect(),
            backlog: BinaryHeap::new(),
            timers: Timers::default(),
            order: 0,
            level: i32::MIN,
            active: 0,
            regions: vec![None; control.workers()],
            closing: false,
            room_waiters: 0,
            ready_waiters: 0,
            broken: None,
            nested: Nested::default(),
            first_worker: record::new_workers(control.workers()),
        }
    }

    /// Whether the next task would have to wait for a slot.
    pub(in crate::process) fn out_of_slots(&self) -> bool {
        self.free.is_empty()
    }

    /// The last progress of every running task that reported any.
    pub(in crate::process) fn running_progress(&mut self) -> Vec<(u64, Progress)> {
        let control = self.control;
        let running = self
            .entries
            .iter_mut()
            .enumerate()
            .filter_map(|(i, e)| Some((i, e.as_mut()?)));
        running
            .filter_map(|(index, entry)| {
                let slot = control.slot(index);
                let count = slot.progress.load(Ordering::Acquire);
                (count > entry.progress_seen).then(|| {
                    entry.progress_seen = count;
                    let done = slot.progress_done.load(Ordering::Relaxed);
                    let total = slot.progress_total.load(Ordering::Relaxed);
                    let at_ns = slot.progress_ns.load(Ordering::Relaxed);
                    (
                        entry.task.id,
                        Progress {
                            count,
                            done,
                            total,
                            at_ns,
                        },
                    )
                })
            })
            .collect()
    }

    /// Queues a task that was counted as active.
    pub(in crate::process) fn enqueue(&mut self, task: Arc<Task>, work: Work) {
        self.order += 1;
        let waiting = Waiting {
            priority: task.options.priority,
            order: Reverse(self.order),
            task,
            work,
            attempt: 1,
        };
        self.queue(waiting);
    }

    fn queue(&mut self, waiting: Waiting) {
        let priority = waiting.priority;
        let queued = self.control.queued();
        if queued == 0 && self.backlog.is_empty() && !self.free.is_empty() {
            self.level = priority;
            return self.place_or_compact(waiting);
        }
        if priority > self.level && queued > 0 {
            self.revoke_all();
            self.backlog.push(waiting);
            return self.refill();
        }
        let in_line = self.backlog.peek().is_none_or(|first| first.priority < priority);
        let deep = priority != self.level && queued >= MIXED_DEPTH;
        if in_line && !deep && !self.free.is_empty() {
            self.level = priority;
            return self.place_or_compact(waiting);
        }
        self.backlog.push(waiting);
        self.refill()
    }

    fn place_or_compact(&mut self, waiting: Waiting) {
        if !self.place(waiting) {
            self.revoke_all();
            self.refill();
        }
    }

    /// Moves waiting tasks into the shared queue as far as they fit.
    pub(in crate::process) fn refill(&mut self) {
        let mut placed = false;
        while let Some(first) = self.backlog.peek() {
            if first.task.is_done() {
                self.backlog.pop();
                continue;
            }
            let queued = self.control.queued();
            let mixed = queued > 0 && first.priority != self.level;
            if self.free.is_empty() || (mixed && queued >= MIXED_DEPTH) {
                break;
            }
            let Some(first) = self.backlog.pop() else { break };
            self.level = first.priority;
            placed = true;
            if !self.place(first) {
                // Taking everything back leaves an empty queue, so this ends.
                self.revoke_all();
            }
        }
        if placed {
            // Workers may have run out of tasks and gone to sleep meanwhile.
            self.control.wake_worker();
        }
        let queued = self.control.queued();
        let low_water = if self.backlog.is_empty() {
            0
        } else {
            // Never more than there is: what does not fit now would be tried without end.
            (queued / 2).max((self.control.workers() as u64 + 1).min(queued.max(1)))
        };
        let every = self.closing || self.room_waiters > 0;
        self.control
            .want_refill(if every { EVERY_COMPLETION } else { low_water });
        if self.control.queued() < low_water {
            // The workers were faster than the wish: the service thread looks again.
            self.control.ring_doorbell();
        }
    }

    /// Takes every unclaimed task back out of the shared queue.
    fn revoke_all(&mut self) {
        for index in 0..SLOTS {
            if self.entries[index].is_some() && self.revoke(index) {
                let attempt = self.control.slot(index).attempt.load(Ordering::Relaxed);
                if let Some(entry) = self.vacate(index) {
                    self.backlog.push(Waiting {
                        priority: entry.task.options.priority,
                        order: Reverse(entry.work.order),
                        task: entry.task,
                        work: entry.work,
                        attempt,
                    });
                }
            }
        }
        self.control.skip_spent();
    }

    /// Whether the slot was unclaimed and is the parent's again.
    fn revoke(&self, index: usize) -> bool {
        let generation = self.generation[index];
        let ready = SlotState {
            generation,
            phase: Phase::Ready,
            worker: 0,
        };
        self.control.slot(index).advance(
            ready,
            SlotState {
                phase: Phase::Free,
                ..ready
            },
        )
    }

    /// Puts a task into the shared queue; false when the queue is full of entries that
    /// were taken back behind one that waits. Then, as without a free slot, the task is
    /// in the backlog.
    fn place(&mut self, mut waiting: Waiting) -> bool {
        let Some(index) = self.free.pop() else {
            self.backlog.push(waiting);
            return true;
        };
        let at = index as usize;
        let work = &mut waiting.work;
        work.order = waiting.order.0;
        let slot = self.control.slot(at);
        let (offset, len) = match &work.arguments {
            Arguments::Short(bytes) => {
                // SAFETY: the slot came from the free list, so it is the parent's.
                unsafe { self.control.write_inline(at, bytes) };
                (u64::MAX, bytes.len() as u64)
            }
            Arguments::Long(block) => (block.offset(), block.len()),
        };
        let task = &waiting.task;
        slot.at.store(offset, Ordering::Relaxed);
        slot.len.store(len, Ordering::Relaxed);
        slot.code_at.store(work.code.offset(), Ordering::Relaxed);
        slot.code_len.store(work.code.len(), Ordering::Relaxed);
        slot.task.store(task.id, Ordering::Relaxed);
        slot.function.store(task.options.function, Ordering::Relaxed);
        slot.attempt.store(waiting.attempt, Ordering::Relaxed);
        slot.progress.store(0, Ordering::Relaxed);
        slot.progress_total.store(-1, Ordering::Relaxed);
        // Until its worker has read the clock, nobody may take the last task's start for
        // this one's.
        slot.started_ns.store(0, Ordering::Relaxed);
        self.generation[at] = self.generation[at].wrapping_add(1);
        let generation = self.generation[at];
        slot.watched.store(0, Ordering::Relaxed);
        task.place
            .store(u64::from(generation) << 32 | u64::from(index), Ordering::Relaxed);
        // Pairs with the fence in `Task::watch`: either this sees the watcher, or the
        // watcher sees the place and marks the slot.
        fence(Ordering::SeqCst);
        // A failure that is followed by another attempt is news, whoever waits.
        let watched = task.watched().max(u32::from(task.options.retries > 0));
        if watched > 0 {
            slot.watched.fetch_max(watched, Ordering::Relaxed);
        }
        if let Some(limit) = task.options.timeout {
            let at_ns = clock::now_ns().saturating_add(clock::nanoseconds_of(limit));
            let slot = index;
            self.timers.set(at_ns, Due::Timeout { slot, generation });
        }
        self.entries[at] = Some(Entry {
            task: waiting.task,
            work: waiting.work,
            stop: None,
            progress_seen: 0,
        });
        if !self.control.push(at, generation) {
            // The queue is full of revoked entries that no worker has skipped yet.
            self.control.skip_spent();
            if !self.control.push(at, generation) {
                if let Some(entry) = self.vacate(at) {
                    self.backlog.push(Waiting {
                        priority: entry.task.options.priority,
                        order: Reverse(entry.work.order),
                        task: entry.task,
                        work: entry.work,
                        attempt: waiting.attempt,
                    });
                }
                return false;
            }
        }
        true
    }

    /// Empties a slot that is the parent's.
    fn vacate(&mut self, index: usize) -> Option<Entry> {
        let entry = self.entries[index].take()?;
        entry.task.place.store(NOWHERE, Ordering::Release);
        let generation = self.generation[index];
        let free = SlotState {
            generation,
            phase: Phase::Free,
            worker: 0,
        };
        self.control.slot(index).state.store(free.pack(), Ordering::Release);
        self.free.push(index as u32);
        Some(entry)
    }
}
