//! What the workers published: collect it, read it, end or repeat the task.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use multilane_trace::Status;

use super::{After, Due, Entry, Scheduler, Waiting};
use crate::error::EngineError;
use crate::process::control::Control;
use crate::process::frame;
use crate::process::layout::{INLINE, Phase, SlotState, Verdict};
use crate::process::store::{Block, Region, Store};
use crate::task::{Callback, Failure, Measured, Message, Outcome, Task, Value};
use crate::{clock, record};

impl Scheduler {
    /// Takes every result the workers have published.
    pub(in crate::process) fn drain(&mut self, after: &mut After) {
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
    pub(super) fn collect(&mut self, index: usize, after: &mut After) {
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

    pub(super) fn read(&mut self, index: usize, worker: usize) -> Result<Message, EngineError> {
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

    pub(in crate::process) fn region(&mut self, worker: usize) -> Result<Arc<Region>, EngineError> {
        if let Some(region) = &self.regions[worker] {
            return Ok(region.clone());
        }
        let number = self.control.worker(worker).region.load(Ordering::Relaxed);
        let region = self.store.region(number)?;
        self.regions[worker] = Some(region.clone());
        Ok(region)
    }

    pub(super) fn unframe(&mut self, bytes: &[u8], worker: usize) -> Result<Message, EngineError> {
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

    pub(super) fn retry(&mut self, entry: Entry, attempt: u16, after: &mut After) {
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
        self.timers.set(at_ns, Due::Retry(Box::new(waiting)));
    }

    /// Ends a task that is in no slot any more.
    pub(in crate::process) fn end(
        &mut self,
        task: Arc<Task>,
        outcome: Outcome,
        measured: Option<Measured>,
        after: &mut After,
    ) {
        if let Some(callbacks) = task.finish(outcome, measured) {
            self.ended(&task, callbacks, after);
        }
    }

    /// Counts out a task that was ended just now.
    pub(in crate::process) fn ended(&mut self, task: &Arc<Task>, callbacks: Vec<Callback>, after: &mut After) {
        self.active -= 1;
        if !self.nested.is_idle() {
            let (control, store) = (self.control, self.store.clone());
            self.nested.announce(&control, &store, task);
        }
        if !callbacks.is_empty() {
            after.callbacks.push((task.clone(), callbacks));
        }
    }
}

pub(super) fn measure(control: &Control, first_worker: u32, index: usize, entry: &Entry, state: SlotState) -> Measured {
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
