//! The worker's side of tasks that tasks submit.
//!
//! [`Remote`] is the backend a task sees: it posts to the parent and reads what the
//! parent posts back, in whichever thread of the worker waits. No thread of its own.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::control::Control;
use super::mail::{Ending, Kind, Reply, Submission};
use super::store::{Block, Region, Store};
use super::{frame, layout::WorkerRecord};
use crate::backend::{Backend, Cancelled, Progress, ProgressCallback};
use crate::error::EngineError;
use crate::futex::{self, Scope, Woken};
use crate::task::{Failure, Message, Outcome, State, Task, Value};

/// Longest sleep between two looks at the ring.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Inside {
    next: u64,
    tasks: HashMap<u64, Arc<Task>>,
    /// Tasks the parent gave back, for this worker to run.
    taken: HashSet<u64>,
    /// Tasks that run elsewhere.
    refused: HashSet<u64>,
    /// Entries that found the ring full.
    waiting: Vec<(Kind, u64)>,
}

/// The parent's pool, from inside one of its workers.
pub struct Remote {
    control: Control,
    index: usize,
    store: Arc<Store>,
    parent_region: Arc<Region>,
    inside: Mutex<Inside>,
}

impl Remote {
    pub(super) fn new(control: Control, index: usize, store: Arc<Store>, parent_region: Arc<Region>) -> Self {
        Self {
            control,
            index,
            store,
            parent_region,
            inside: Mutex::default(),
        }
    }

    /// How many workers the pool has.
    pub fn workers(&self) -> usize {
        self.control.workers()
    }

    fn record(&self) -> &WorkerRecord {
        self.control.worker(self.index)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, inside: &mut Inside, kind: Kind, number: u64) {
        inside.waiting.push((kind, number));
        self.flush(inside);
    }

    /// Posts what found the ring full before.
    fn flush(&self, inside: &mut Inside) {
        if inside.waiting.is_empty() {
            return;
        }
        let ring = &self.record().to_parent;
        let posted = inside
            .waiting
            .iter()
            .take_while(|(kind, n)| ring.post(*kind, *n))
            .count();
        inside.waiting.drain(..posted);
        self.control.ring_doorbell();
    }

    /// Posts a task; `blocks` are the pieces of memory its arguments refer to.
    pub fn submit(&self, task: &Arc<Task>, mut submission: Submission, blocks: Vec<Block>) -> Result<(), EngineError> {
        let mut inside = self.lock();
        inside.next += 1;
        let local = inside.next;
        submission.local = local;
        let bytes = submission.write();
        let block = self.store.allocate(bytes.len() as u64 + 8)?;
        // SAFETY: a fresh block of this process, 8 bytes longer than the message.
        unsafe {
            let len = (bytes.len() as u64).to_le_bytes();
            std::ptr::copy_nonoverlapping(len.as_ptr(), block.address(), 8);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), block.address().add(8), bytes.len());
        }
        let offset = block.offset();
        block.hand_over();
        for block in blocks {
            block.hand_over();
        }
        task.place.store(local, Ordering::Release);
        inside.tasks.insert(local, task.clone());
        self.post(&mut inside, Kind::Submit, offset);
        Ok(())
    }

    /// Asks for a task back, to run it in this worker; false when it runs elsewhere or
    /// has ended.
    pub fn take(&self, task: &Task) -> bool {
        let local = task.place.load(Ordering::Acquire);
        {
            let mut inside = self.lock();
            if task.is_done() || inside.refused.contains(&local) || !inside.tasks.contains_key(&local) {
                return false;
            }
            self.post(&mut inside, Kind::Take, local);
        }
        loop {
            let bell = self.record().bell.load(Ordering::SeqCst);
            self.poll();
            let mut inside = self.lock();
            if inside.taken.remove(&local) {
                return true;
            }
            if task.is_done() || inside.refused.contains(&local) {
                return false;
            }
            drop(inside);
            futex::wait(&self.record().bell, bell, Some(LOOK_AGAIN), Scope::Shared);
        }
    }

    fn end(&self, task: &Arc<Task>, outcome: Outcome) {
        self.lock().tasks.remove(&task.place.load(Ordering::Acquire));
        for callback in task.finish(outcome, None).into_iter().flatten() {
            callback(task);
        }
    }

    /// Reads the reply at `offset`.
    fn reply(&self, offset: u64) -> Option<(u64, Outcome)> {
        // SAFETY: the parent wrote a reply there, whose third word is the length of what
        // follows, and keeps it until it is told that it was read.
        let reply = unsafe {
            let start = self.parent_region.address().add(offset as usize);
            let len = u64::from_le_bytes(start.add(16).cast::<[u8; 8]>().read_unaligned());
            Reply::read(std::slice::from_raw_parts(start, 24 + len as usize))?
        };
        let text = || String::from_utf8_lossy(&reply.value).into_owned();
        let outcome = match reply.ending {
            Ending::Returned => Outcome::Done(self.value(&reply.value)?),
            Ending::Raised => Outcome::Failed(Failure::Raised(self.value(&reply.value)?)),
            Ending::Cancelled => Outcome::Cancelled,
            Ending::Died => {
                let text = text();
                let (pid, how) = text.split_once(' ').unwrap_or(("0", &text));
                let (pid, how) = (pid.parse().unwrap_or(0), how.to_owned());
                Outcome::Failed(Failure::WorkerDied { pid, how })
            }
            Ending::TimedOut => {
                let ns = u64::from_le_bytes(*reply.value.first_chunk::<8>()?);
                let after = Duration::from_nanos(ns);
                Outcome::Failed(Failure::TimedOut { after, stopped: true })
            }
            Ending::Abandoned => Outcome::Failed(Failure::Abandoned { reason: text() }),
        };
        Some((reply.local, outcome))
    }

    /// Copies a value into this worker's own memory: what it refers to is given back as
    /// soon as the reply is read.
    fn value(&self, bytes: &[u8]) -> Option<Value> {
        let (references, value) = frame::parse(bytes)?;
        let mut blocks = Vec::with_capacity(references.len());
        for r in references {
            let block = self.store.allocate(r.len).ok()?;
            let region = self.store.region(r.region).ok()?;
            // SAFETY: the worker that made the value wrote `len` bytes there, and the
            // parent holds them until the reply is read.
            let source = unsafe { std::slice::from_raw_parts(region.address().add(r.offset as usize), r.len as usize) };
            self.store.fill(&block, source).ok()?;
            blocks.push(block);
        }
        Some(Value::Message(Message {
            bytes: value.to_vec(),
            blocks,
        }))
    }
}

impl Backend for Remote {
    fn admit(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn finish(&self, task: &Arc<Task>, outcome: Outcome) {
        self.end(task, outcome);
    }

    fn poll(&self) {
        self.flush(&mut self.lock());
        if !self.record().from_parent.any() {
            return;
        }
        let mut ended = Vec::new();
        {
            let mut inside = self.lock();
            while let Some((kind, number)) = self.record().from_parent.take() {
                match kind {
                    Kind::Result => {
                        let lost = || {
                            let reason = "its result cannot be read".to_owned();
                            Outcome::Failed(Failure::Abandoned { reason })
                        };
                        if let Some((local, outcome)) = self.reply(number) {
                            ended.push((local, outcome));
                        } else {
                            ended.push((number, lost()));
                        }
                        self.post(&mut inside, Kind::Read, number);
                    }
                    Kind::Taken => drop(inside.taken.insert(number)),
                    Kind::Refused => drop(inside.refused.insert(number)),
                    Kind::Lost => {
                        let reason = "no shared memory was left for it or its result".to_owned();
                        ended.push((number, Outcome::Failed(Failure::Abandoned { reason })));
                    }
                    Kind::Submit | Kind::Take | Kind::Cancel | Kind::Read => {}
                }
            }
        }
        for (local, outcome) in ended {
            let task = {
                let mut inside = self.lock();
                inside.refused.remove(&local);
                inside.tasks.get(&local).cloned()
            };
            if let Some(task) = task {
                self.end(&task, outcome);
            }
        }
    }

    fn wait(&self, task: &Task, limit: Option<Duration>) -> Woken {
        let until = limit.map(|limit| Instant::now() + limit);
        loop {
            let bell = self.record().bell.load(Ordering::SeqCst);
            self.poll();
            if task.is_done() {
                return Woken::Changed;
            }
            let left = until.map_or(LOOK_AGAIN, |until| {
                until.saturating_duration_since(Instant::now()).min(LOOK_AGAIN)
            });
            if left.is_zero() {
                return Woken::TimedOut;
            }
            if futex::wait(&self.record().bell, bell, Some(left), Scope::Shared) == Woken::Interrupted {
                return Woken::Interrupted;
            }
        }
    }

    fn watch(&self, _task: &Task, _level: u32) {}

    fn cancel(&self, task: &Arc<Task>, running: bool) -> Cancelled {
        if task.is_done() {
            return Cancelled::No;
        }
        if self.take(task) {
            self.end(task, Outcome::Cancelled);
            return Cancelled::Removed;
        }
        if !running || task.is_done() {
            return Cancelled::No;
        }
        self.post(&mut self.lock(), Kind::Cancel, task.place.load(Ordering::Acquire));
        // Either the task ends first, or the parent stops it: an answer comes.
        while !task.is_done() {
            self.wait(task, None);
        }
        if task.state() == State::Cancelled {
            Cancelled::Stopped
        } else {
            Cancelled::No
        }
    }

    fn running_since(&self, _task: &Task) -> Option<u64> {
        None
    }

    fn progress(&self, _task: &Task) -> Option<Progress> {
        None
    }

    fn on_progress(&self, _task: &Arc<Task>, _callback: ProgressCallback) {}

    fn active(&self) -> usize {
        self.lock().tasks.len()
    }

    fn wait_for_room(&self, limit: usize, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            let bell = self.record().bell.load(Ordering::SeqCst);
            self.poll();
            if self.active() < limit {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            futex::wait(&self.record().bell, bell, Some(left), Scope::Shared);
        }
    }

    fn broken(&self) -> Option<String> {
        None
    }

    fn close(&self, cancel_pending: bool) {
        if cancel_pending {
            let tasks: Vec<Arc<Task>> = self.lock().tasks.values().cloned().collect();
            for task in tasks {
                self.cancel(&task, false);
            }
        }
    }

    fn kill(&self, _reason: &str) {
        self.close(true);
    }

    fn wait_closed(&self, patience: Duration) -> bool {
        self.wait_for_room(1, patience)
    }
}
