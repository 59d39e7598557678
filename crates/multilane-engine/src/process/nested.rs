//! The parent's side of tasks that tasks submit.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::Control;
use super::mail::{Ending, Kind, Reply, Submission};
use super::pool::Work;
use super::scheduler::{After, Scheduler};
use super::store::{Block, Store};
use super::{frame, frame::Reference};
use crate::backend::Cancelled;
use crate::clock;
use crate::error::EngineError;
use crate::futex::{self, Scope};
use crate::record;
use crate::task::{Failure, Message, Options, Outcome, Task, Value};

/// Functions of workers that are kept in shared memory.
const CODES_KEPT: usize = 1024;

/// What the parent keeps for one worker's tasks.
#[derive(Default)]
struct Family {
    /// The worker's numbers for its unfinished tasks.
    tasks: HashMap<u64, Arc<Task>>,
    /// Replies the worker has not read yet, by offset, and what they refer to.
    replies: HashMap<u64, (Block, Option<Arc<Task>>)>,
    /// Entries that found the ring full.
    waiting: Vec<(Kind, u64)>,
}

/// Tasks that tasks submitted.
#[derive(Default)]
pub(super) struct Nested {
    families: HashMap<usize, Family>,
    /// Worker and the worker's number, by task id.
    owners: HashMap<u64, (usize, u64)>,
    codes: HashMap<u64, Block>,
}

impl Nested {
    /// Whether anything is going on at all.
    pub(super) fn is_idle(&self) -> bool {
        self.families.is_empty()
    }

    fn post(&mut self, control: &Control, worker: usize, kind: Kind, number: u64) {
        let family = self.families.entry(worker).or_default();
        family.waiting.push((kind, number));
        self.flush(control, worker);
    }

    /// Posts what found the ring full before.
    fn flush(&mut self, control: &Control, worker: usize) {
        let Some(family) = self.families.get_mut(&worker) else {
            return;
        };
        let record = control.worker(worker);
        let posted = family
            .waiting
            .iter()
            .take_while(|(kind, number)| record.from_parent.post(*kind, *number))
            .count();
        family.waiting.drain(..posted);
        if posted > 0 {
            // The worker reads this word before it looks into the ring and sleeps only
            // while it is unchanged.
            record.bell.fetch_add(1, Ordering::SeqCst);
            futex::wake(&record.bell, u32::MAX >> 1, Scope::Shared);
        }
    }

    /// Says that a task ended, to the worker whose task submitted it.
    pub(super) fn announce(&mut self, control: &Control, store: &Arc<Store>, task: &Arc<Task>) {
        let Some((worker, local)) = self.owners.remove(&task.id) else {
            return;
        };
        let family = self.families.entry(worker).or_default();
        family.tasks.remove(&local);
        let Some(outcome) = task.outcome() else { return };
        let (ending, value) = encode(outcome);
        let bytes = Reply { local, ending, value }.write();
        let placed = store.allocate(bytes.len() as u64).and_then(|block| {
            store.fill(&block, &bytes)?;
            Ok(block)
        });
        // Without memory for the reply there is none for its failure either; the worker
        // is told what little fits into a number.
        let Ok(block) = placed else {
            return self.post(control, worker, Kind::Lost, local);
        };
        let offset = block.offset();
        family.replies.insert(offset, (block, Some(task.clone())));
        self.post(control, worker, Kind::Result, offset);
    }
}

/// A message as the worker reads it, with references to the memory of whoever made it.
fn framed(message: &Message) -> Vec<u8> {
    let references: Vec<Reference> = message
        .blocks
        .iter()
        .map(|block| Reference {
            region: block.region(),
            flags: Reference::FRESH,
            offset: block.offset(),
            len: block.len(),
        })
        .collect();
    let mut bytes = Vec::with_capacity(message.bytes.len() + 8 + references.len() * 24);
    frame::write(&references, &mut bytes);
    bytes.extend_from_slice(&message.bytes);
    bytes
}

fn encode(outcome: &Outcome) -> (Ending, Vec<u8>) {
    match outcome {
        Outcome::Done(Value::Message(message)) => (Ending::Returned, framed(message)),
        Outcome::Failed(Failure::Raised(Value::Message(message))) => (Ending::Raised, framed(message)),
        Outcome::Cancelled => (Ending::Cancelled, Vec::new()),
        Outcome::Failed(Failure::WorkerDied { pid, how }) => (Ending::Died, format!("{pid} {how}").into_bytes()),
        Outcome::Failed(Failure::MemoryExceeded { pid, used, limit }) => {
            let how = format!("{pid} it used {used} bytes of private memory and may use {limit}");
            (Ending::Died, how.into_bytes())
        }
        Outcome::Failed(Failure::TimedOut { after, .. }) => {
            (Ending::TimedOut, (after.as_nanos() as u64).to_le_bytes().to_vec())
        }
        Outcome::Failed(Failure::Abandoned { reason }) => (Ending::Abandoned, reason.clone().into_bytes()),
        Outcome::Done(Value::Local(_)) | Outcome::Failed(Failure::Raised(Value::Local(_))) => {
            (Ending::Abandoned, b"its result stayed in the parent process".to_vec())
        }
    }
}

fn unreadable() -> EngineError {
    EngineError::Broken {
        reason: "a worker posted an unreadable task".into(),
    }
}

impl Scheduler {
    /// Reads what a worker posted.
    pub(super) fn take_mail(&mut self, worker: usize, after: &mut After) {
        let control = self.control;
        while let Some((kind, number)) = control.worker(worker).to_parent.take() {
            match kind {
                Kind::Submit => {
                    // The worker's own number is in the message: one that cannot be read
                    // cannot be answered either.
                    let Ok(submission) = self.read_submission(worker, number) else {
                        continue;
                    };
                    let local = submission.local;
                    if self.adopt_submission(worker, submission).is_err() {
                        self.nested.post(&control, worker, Kind::Lost, local);
                    } else {
                        control.wake_worker();
                    }
                }
                Kind::Take => {
                    let kind = if self.give_back(worker, number, after) {
                        Kind::Taken
                    } else {
                        Kind::Refused
                    };
                    self.nested.post(&control, worker, kind, number);
                }
                Kind::Cancel => {
                    let found = self.nested.families.get(&worker);
                    let task = found.and_then(|family| family.tasks.get(&number)).cloned();
                    if let Some(task) = task {
                        self.cancel_now(&task, true, after);
                    }
                }
                Kind::Read => {
                    let family = self.nested.families.get_mut(&worker);
                    drop(family.and_then(|family| family.replies.remove(&number)));
                }
                Kind::Result | Kind::Taken | Kind::Refused | Kind::Lost => {}
            }
        }
        self.nested.flush(&control, worker);
    }

    fn read_submission(&mut self, worker: usize, offset: u64) -> Result<Submission, EngineError> {
        let region = self.region(worker)?;
        // SAFETY: the worker wrote a length and that many bytes at this offset of its
        // region before it posted the entry, and gave the block away with it.
        let submission = unsafe {
            let start = region.address().add(offset as usize);
            let len = u64::from_le_bytes(start.cast::<[u8; 8]>().read_unaligned());
            let _block = Store::adopt(&region, offset, len + 8);
            Submission::read(std::slice::from_raw_parts(start.add(8), len as usize))
        };
        submission.ok_or_else(unreadable)
    }

    fn adopt_submission(&mut self, worker: usize, submission: Submission) -> Result<(), EngineError> {
        let region = self.region(worker)?;
        let (references, _) = frame::parse(&submission.arguments).ok_or_else(unreadable)?;
        let number = self.control.worker(worker).region.load(Ordering::Relaxed);
        let blocks = references
            .iter()
            .filter(|r| r.region == number)
            .map(|r| Store::adopt(&region, r.offset, r.len))
            .collect();
        let code = self.nested_code(&submission.code)?;
        let work = Work::new(&self.store, code, &submission.arguments, blocks)?;
        let options = Options {
            function: record::intern(&submission.name),
            priority: submission.priority,
            timeout: submission.timeout,
            retries: submission.retries,
            backoff: submission.backoff,
            parent: submission.parent,
        };
        let task = Task::new(options, clock::now_ns());
        // The worker waits for this, so its end is to be noticed at once.
        task.watch(1);
        self.active += 1;
        self.nested.owners.insert(task.id, (worker, submission.local));
        let family = self.nested.families.entry(worker).or_default();
        family.tasks.insert(submission.local, task.clone());
        self.enqueue(task, work);
        Ok(())
    }

    fn nested_code(&mut self, code: &[u8]) -> Result<Block, EngineError> {
        let identity = code.first_chunk::<8>().map_or(0, |id| u64::from_le_bytes(*id));
        if let Some(block) = self.nested.codes.get(&identity) {
            return Ok(block.clone());
        }
        let block = self.store.allocate(code.len() as u64)?;
        self.store.fill(&block, code)?;
        if self.nested.codes.len() >= CODES_KEPT {
            self.nested.codes.clear();
        }
        self.nested.codes.insert(identity, block.clone());
        Ok(block)
    }

    /// Takes a task out of the queue for the worker that submitted it to run.
    fn give_back(&mut self, worker: usize, local: u64, after: &mut After) -> bool {
        let Some(family) = self.nested.families.get_mut(&worker) else {
            return false;
        };
        let Some(task) = family.tasks.get(&local).cloned() else {
            return false;
        };
        // What is taken back ends here without a word: the worker runs it now.
        self.nested.owners.remove(&task.id);
        let removed = self.cancel_now(&task, false, after) == Cancelled::Removed;
        if !removed {
            self.nested.owners.insert(task.id, (worker, local));
        } else if let Some(family) = self.nested.families.get_mut(&worker) {
            family.tasks.remove(&local);
        }
        removed
    }

    /// Forgets a dead worker's tasks: nobody waits for them any more.
    pub(super) fn orphan(&mut self, worker: usize, after: &mut After) {
        let Some(family) = self.nested.families.remove(&worker) else {
            return;
        };
        for task in family.tasks.into_values() {
            self.nested.owners.remove(&task.id);
            self.cancel_now(&task, false, after);
        }
    }
}
