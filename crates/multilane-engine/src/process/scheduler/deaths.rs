//! Settle what a dead worker left.

use multilane_trace::Status;

use super::results::measure;
use super::{After, Scheduler, Stop};
use crate::process::layout::{Phase, SLOTS, SlotState};
use crate::task::{Failure, Outcome};
use crate::{clock, record};

impl Scheduler {
    /// Settles what a dead worker left: finished results count, its running task is lost.
    pub(in crate::process) fn bury(&mut self, worker: usize, pid: u32, how: &str, after: &mut After) {
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

    pub(super) fn lose(&mut self, index: usize, state: SlotState, pid: u32, how: &str, after: &mut After) {
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
