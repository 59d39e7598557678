//! Which task goes where: the parent's side of the slots, under one lock.
//!
//! Holds what is queued beyond the shared queue (by priority), what every slot
//! carries, and the timers. Never blocks, calls no front end and wakes nobody
//! but workers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use multilane_trace::Status;

use super::control::Control;
use super::frame;
use super::layout::{EVERY_COMPLETION, INLINE, Phase, SLOTS, SlotState, Verdict};
use super::nested::Nested;
use super::pool::{Arguments, Work};
use super::store::{Block, Region, Store};
use crate::backend::{Cancelled, Progress};
use crate::clock;
use crate::error::EngineError;
use crate::record;
use crate::task::{Callback, Failure, Measured, Message, Outcome, Task, Value};

/// Tasks of lower priority that may stand before an urgent one in the queue: what a
/// more urgent task has to take back when it arrives.
const MIXED_DEPTH: u64 = 64;
/// `Task::place` of a task that is in no slot.
pub(super) const NOWHERE: u64 = u64::MAX;

/// Why the parent stops a worker.
pub(super) enum Stop {
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

struct Timer {
    at_ns: u64,
    due: Due,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.at_ns == other.at_ns
    }
}
impl Eq for Timer {}
impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.at_ns.cmp(&self.at_ns)
    }
}

/// What is to be done once the lock is released.
#[derive(Default)]
pub(super) struct After {
    /// Callbacks of tasks that ended.
    pub(super) callbacks: Vec<(Arc<Task>, Vec<Callback>)>,
    /// Workers to end now, with the region that tells each from its successor.
    pub(super) kill: Vec<(usize, u32)>,
    /// A timer was set that the service thread does not know of.
    pub(super) timer: bool,
    /// Dropped outside the lock, since it may free memory.
    work: Vec<Entry>,
    /// The same: memory of dead workers.
    regions: Vec<Arc<Region>>,
}

pub(super) struct Scheduler {
    pub(super) control: Control,
    pub(super) store: Arc<Store>,
    free: Vec<u32>,
    generation: Vec<u32>,
    entries: Vec<Option<Entry>>,
    backlog: BinaryHeap<Waiting>,
    timers: BinaryHeap<Timer>,
    order: u64,
    /// The lowest priority in the shared queue.
    level: i32,
    /// Tasks that were admitted and have not ended.
    pub(super) active: usize,
    /// Memory of each worker's region, mapped when its first large result comes.
    pub(super) regions: Vec<Option<Arc<Region>>>,
    pub(super) closing: bool,
    /// Threads that wait until fewer tasks are active.
    pub(super) room_waiters: usize,
    /// Threads that wait until the workers are up.
    pub(super) ready_waiters: usize,
    pub(super) broken: Option<String>,
    pub(super) nested: Nested,
    /// Number of the first worker among all workers of this process.
    pub(super) first_worker: u32,
}

impl Scheduler {
    pub(super) fn new(control: Control, store: Arc<Store>) -> Self {
        Self {
            control,
            store,
            free: (0..SLOTS as u32).rev().collect(),
            generation: vec![0; SLOTS],
            entries: (0..SLOTS).map(|_| None).collect(),
            backlog: BinaryHeap::new(),
            timers: BinaryHeap::new(),
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
    pub(super) fn out_of_slots(&self) -> bool {
        self.free.is_empty()
    }

    /// The last progress of every running task that reported any.
    pub(super) fn running_progress(&mut self) -> Vec<(u64, Progress)> {
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
    pub(super) fn enqueue(&mut self, task: Arc<Task>, work: Work) {
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
    pub(super) fn refill(&mut self) {
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
            self.timers.push(Timer {
                at_ns,
                due: Due::Timeout {
                    slot: index,
                    generation,
                },
            });
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

    /// Takes every result the workers have published.
    pub(super) fn drain(&mut self, after: &mut After) {
        for worker in 0..self.control.workers() {
            if self.control.worker(worker).to_parent.any() {
                self.take_mail(worker, after);
            }
            while let Some(index) = self.control.next_completed(worker) {
                self.collect(index, after);
            }
        }
        if !self.backlog.is_empty() {
            self.refill();
        }
    }

    /// Takes the result in one slot.
    fn collect(&mut self, index: usize, after: &mut After) {
        let control = self.control;
        let slot = control.slot(index);
        let state = slot.state();
        if state.phase != Phase::Done {
            return;
        }
        let Some(entry) = self.entries[index].as_mut() else {
            return;
        };
        let measured = measure(&self.control, self.first_worker, index, entry, state);
        let failed = slot.verdict.load(Ordering::Relaxed) != Verdict::Returned as u8;
        let message = self.read(index, state.worker as usize);
        let retriable = message.is_ok() && failed;
        let outcome = match message {
            Ok(message) if failed => Outcome::Failed(Failure::Raised(Value::Message(message))),
            Ok(message) => Outcome::Done(Value::Message(message)),
            Err(error) => Outcome::Failed(Failure::Abandoned {
                reason: format!("its result is lost: {error}"),
            }),
        };
        let attempt = slot.attempt.load(Ordering::Relaxed);
        let status = if failed { Status::Failed } else { Status::Done };
        let Some(entry) = self.vacate(index) else { return };
        record::note_attempt(&entry.task, &measured, status);
        if retriable && attempt <= entry.task.options.retries {
            self.retry(entry, attempt, after);
        } else {
            let task = entry.task.clone();
            after.work.push(entry);
            self.end(task, outcome, Some(measured), after);
        }
    }

    fn read(&mut self, index: usize, worker: usize) -> Result<Message, EngineError> {
        let slot = self.control.slot(index);
        let (at, len) = (
            slot.at.load(Ordering::Relaxed),
            slot.len.load(Ordering::Relaxed) as usize,
        );
        if at == u64::MAX {
            // SAFETY: the phase is Done, so the slot is the parent's.
            let bytes = unsafe { self.control.inline(index, len.min(INLINE)) };
            if bytes.first_chunk() == Some(&[0; 4]) {
                return Ok(Message {
                    bytes: bytes[4..].to_vec(),
                    blocks: Vec::new(),
                });
            }
            let bytes = bytes.to_vec();
            return self.unframe(&bytes, worker);
        }
        let region = self.region(worker)?;
        region.give_back_rest();
        let block = Store::adopt(&region, at, len as u64);
        // SAFETY: the worker wrote `len` bytes there and gave them away with the slot.
        let bytes = unsafe { std::slice::from_raw_parts(block.address(), len) };
        self.unframe(bytes, worker)
    }

    pub(super) fn region(&mut self, worker: usize) -> Result<Arc<Region>, EngineError> {
        if let Some(region) = &self.regions[worker] {
            return Ok(region.clone());
        }
        let number = self.control.worker(worker).region.load(Ordering::Relaxed);
        let region = self.store.region(number)?;
        self.regions[worker] = Some(region.clone());
        Ok(region)
    }

    fn unframe(&mut self, bytes: &[u8], worker: usize) -> Result<Message, EngineError> {
        let broken = || EngineError::Broken {
            reason: "a worker wrote an unreadable result".into(),
        };
        let (references, value) = frame::parse(bytes).ok_or_else(broken)?;
        let region = self.region(worker)?;
        let number = self.control.worker(worker).region.load(Ordering::Relaxed);
        let blocks = references
            .iter()
            .map(|r| {
                let inside = r.region == number
                    && r.offset
                        .checked_add(r.len)
                        .is_some_and(|end| end <= self.store.region_len());
                inside
                    .then(|| Store::adopt(&region, r.offset, r.len))
                    .ok_or_else(broken)
            })
            .collect::<Result<Vec<Block>, _>>()?;
        Ok(Message {
            bytes: value.to_vec(),
            blocks,
        })
    }

    fn retry(&mut self, entry: Entry, attempt: u16, after: &mut After) {
        let pause = entry.task.options.backoff.saturating_mul(1 << (attempt - 1).min(20));
        let waiting = Waiting {
            priority: entry.task.options.priority,
            order: Reverse(entry.work.order),
            task: entry.task,
            work: entry.work,
            attempt: attempt.saturating_add(1),
        };
        let at_ns = clock::now_ns().saturating_add(clock::nanoseconds_of(pause));
        after.timer = true;
        self.timers.push(Timer {
            at_ns,
            due: Due::Retry(Box::new(waiting)),
        });
    }

    /// Ends a task that is in no slot any more.
    pub(super) fn end(&mut self, task: Arc<Task>, outcome: Outcome, measured: Option<Measured>, after: &mut After) {
        if let Some(callbacks) = task.finish(outcome, measured) {
            self.ended(&task, callbacks, after);
        }
    }

    /// Counts out a task that was ended just now.
    pub(super) fn ended(&mut self, task: &Arc<Task>, callbacks: Vec<Callback>, after: &mut After) {
        self.active -= 1;
        if !self.nested.is_idle() {
            let (control, store) = (self.control, self.store.clone());
            self.nested.announce(&control, &store, task);
        }
        if !callbacks.is_empty() {
            after.callbacks.push((task.clone(), callbacks));
        }
    }

    /// Runs the timers that are due; the time of the next one.
    pub(super) fn run_timers(&mut self, after: &mut After) -> Option<u64> {
        loop {
            let now_ns = clock::now_ns();
            let first = self.timers.peek()?;
            if first.at_ns > now_ns {
                return Some(first.at_ns);
            }
            match self.timers.pop()?.due {
                Due::Retry(waiting) if !waiting.task.is_done() => {
                    self.queue(*waiting);
                    self.control.wake_worker();
                }
                Due::Retry(_) => {}
                Due::Timeout { slot, generation } => self.check_timeout(slot, generation, after),
            }
        }
    }

    fn check_timeout(&mut self, index: u32, generation: u32, after: &mut After) {
        let at = index as usize;
        let state = self.control.slot(at).state();
        let Some(entry) = &self.entries[at] else { return };
        let Some(limit) = entry.task.options.timeout else {
            return;
        };
        if state.generation != generation {
            return;
        }
        let now_ns = clock::now_ns();
        let due_ns = match state.phase {
            Phase::Ready => now_ns.saturating_add(clock::nanoseconds_of(limit)),
            Phase::Taken => {
                let started_ns = match self.control.slot(at).started_ns.load(Ordering::Acquire) {
                    // Claimed, but the worker has not read the clock yet.
                    0 => now_ns,
                    started_ns => started_ns,
                };
                started_ns.saturating_add(clock::nanoseconds_of(limit))
            }
            _ => return,
        };
        if due_ns > now_ns {
            self.timers.push(Timer {
                at_ns: due_ns,
                due: Due::Timeout {
                    slot: index,
                    generation,
                },
            });
        } else {
            self.stop(at, Stop::TimedOut(limit), after);
        }
    }

    /// Decides that the worker running the task in `index` is to end; false when the
    /// task was faster.
    pub(super) fn stop(&mut self, index: usize, why: Stop, after: &mut After) -> bool {
        let slot = self.control.slot(index);
        let state = slot.state();
        if state.phase != Phase::Taken
            || !slot.advance(
                state,
                SlotState {
                    phase: Phase::Stopping,
                    ..state
                },
            )
        {
            return false;
        }
        if let Some(entry) = self.entries[index].as_mut() {
            entry.stop = Some(why);
        }
        after.kill.push(self.incarnation(state.worker.into()));
        true
    }

    /// A worker and what tells it from the one that takes its place.
    fn incarnation(&self, worker: usize) -> (usize, u32) {
        (worker, self.control.worker(worker).region.load(Ordering::Relaxed))
    }

    /// Stops whatever `worker` runs now.
    pub(super) fn stop_worker(&mut self, worker: usize, used: u64, limit: u64, after: &mut After) {
        for index in 0..SLOTS {
            if self.entries[index].is_some() {
                let state = self.control.slot(index).state();
                if state.phase == Phase::Taken && usize::from(state.worker) == worker {
                    self.stop(index, Stop::Memory { used, limit }, after);
                    return;
                }
            }
        }
    }

    /// Takes a task back, or stops it where `running` allows.
    pub(super) fn cancel(&mut self, task: &Arc<Task>, running: bool, after: &mut After) -> Cancelled {
        self.drain(after);
        self.cancel_now(task, running, after)
    }

    /// The same without looking for results first.
    pub(super) fn cancel_now(&mut self, task: &Arc<Task>, running: bool, after: &mut After) -> Cancelled {
        if task.is_done() {
            return Cancelled::No;
        }
        let place = task.place.load(Ordering::Acquire);
        if place != NOWHERE {
            let index = place as u32 as usize;
            if self.revoke(index) {
                after.work.extend(self.vacate(index));
                self.control.skip_spent();
                if !self.backlog.is_empty() {
                    self.refill();
                }
            } else {
                if !running || !self.stop(index, Stop::Cancelled, after) {
                    return Cancelled::No;
                }
                self.end(task.clone(), Outcome::Cancelled, None, after);
                return Cancelled::Stopped;
            }
        }
        self.end(task.clone(), Outcome::Cancelled, None, after);
        Cancelled::Removed
    }

    /// Cancels everything that has not started.
    pub(super) fn cancel_pending(&mut self, after: &mut After) {
        self.drain(after);
        for index in 0..SLOTS {
            if self.entries[index].is_some()
                && self.revoke(index)
                && let Some(entry) = self.vacate(index)
            {
                let task = entry.task.clone();
                after.work.push(entry);
                self.end(task, Outcome::Cancelled, None, after);
            }
        }
        for waiting in std::mem::take(&mut self.backlog) {
            self.end(waiting.task, Outcome::Cancelled, None, after);
        }
        for timer in std::mem::take(&mut self.timers) {
            match timer.due {
                Due::Retry(waiting) => self.end(waiting.task, Outcome::Cancelled, None, after),
                Due::Timeout { .. } => self.timers.push(timer),
            }
        }
        self.refill();
    }

    /// Fails everything, since nothing can run any more.
    pub(super) fn abandon(&mut self, reason: &str, after: &mut After) {
        let outcome = || {
            Outcome::Failed(Failure::Abandoned {
                reason: reason.to_owned(),
            })
        };
        for index in 0..SLOTS {
            if self.entries[index].is_some() {
                let state = self.control.slot(index).state();
                if !self.revoke(index) && state.phase == Phase::Taken {
                    // Its result has nowhere to go, and the worker would wait for its
                    // end for ever once it finds that out.
                    after.kill.push(self.incarnation(state.worker.into()));
                }
                if let Some(entry) = self.vacate(index) {
                    let task = entry.task.clone();
                    after.work.push(entry);
                    self.end(task, outcome(), None, after);
                }
            }
        }
        for waiting in std::mem::take(&mut self.backlog) {
            self.end(waiting.task, outcome(), None, after);
        }
        for timer in std::mem::take(&mut self.timers) {
            if let Due::Retry(waiting) = timer.due {
                self.end(waiting.task, outcome(), None, after);
            }
        }
    }

    /// Settles what a dead worker left: finished results count, its running task is lost.
    pub(super) fn bury(&mut self, worker: usize, pid: u32, how: &str, after: &mut After) {
        while let Some(index) = self.control.next_completed(worker) {
            self.collect(index, after);
        }
        for index in 0..SLOTS {
            if self.entries[index].is_none() {
                continue;
            }
            let state = self.control.slot(index).state();
            if usize::from(state.worker) != worker {
                continue;
            }
            match state.phase {
                Phase::Done => self.collect(index, after),
                Phase::Taken | Phase::Stopping => self.lose(index, state, pid, how, after),
                Phase::Free | Phase::Ready => {}
            }
        }
        self.orphan(worker, after);
        // Here and not at the start of the successor: threads that drain read these rings
        // under the same lock.
        self.control.worker(worker).to_parent.clear();
        self.control.worker(worker).from_parent.clear();
        // A region that was never mapped here is mapped now: the last mapping frees what
        // the dead worker had not handed over.
        after.regions.extend(self.region(worker));
        self.regions[worker] = None;
        if self.control.queued() > 0 {
            self.control.wake_worker();
        }
    }

    fn lose(&mut self, index: usize, state: SlotState, pid: u32, how: &str, after: &mut After) {
        let Some(entry) = self.entries[index].as_mut() else {
            return;
        };
        let mut measured = measure(&self.control, self.first_worker, index, entry, state);
        measured.ended_ns = clock::now_ns();
        measured.cpu_ns = 0;
        let attempt = measured.attempt;
        let stop = entry.stop.take();
        let Some(entry) = self.vacate(index) else { return };
        let status = match stop {
            Some(Stop::Cancelled) => Status::Cancelled,
            Some(Stop::TimedOut(_)) => Status::TimedOut,
            _ => Status::Lost,
        };
        record::note_attempt(&entry.task, &measured, status);
        if attempt <= entry.task.options.retries && !entry.task.is_done() {
            return self.retry(entry, attempt, after);
        }
        let failure = match stop {
            Some(Stop::TimedOut(after)) => Failure::TimedOut { after, stopped: true },
            Some(Stop::Memory { used, limit }) => Failure::MemoryExceeded { pid, used, limit },
            _ => Failure::WorkerDied {
                pid,
                how: how.to_owned(),
            },
        };
        let task = entry.task.clone();
        after.work.push(entry);
        self.end(task, Outcome::Failed(failure), Some(measured), after);
    }
}

fn measure(control: &Control, first_worker: u32, index: usize, entry: &Entry, state: SlotState) -> Measured {
    let slot = control.slot(index);
    Measured {
        worker: first_worker + u32::from(state.worker),
        attempt: slot.attempt.load(Ordering::Relaxed),
        started_ns: slot.started_ns.load(Ordering::Relaxed),
        ended_ns: slot.ended_ns.load(Ordering::Relaxed),
        collected_ns: clock::now_ns(),
        cpu_ns: slot.cpu_ns.load(Ordering::Relaxed),
        decode_ns: slot.decode_ns.load(Ordering::Relaxed),
        result_encode_ns: slot.encode_ns.load(Ordering::Relaxed),
        interpreter_wait_ns: 0,
        run_queue_ns: slot.run_queue_ns.load(Ordering::Relaxed),
        core_start: slot.core_start.load(Ordering::Relaxed),
        core_end: slot.core_end.load(Ordering::Relaxed),
        bytes_in: entry.work.bytes_in,
        bytes_out: slot.bytes_out.load(Ordering::Relaxed),
    }
}
