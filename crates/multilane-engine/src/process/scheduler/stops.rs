//! Ending tasks early: cancelled, out of time, over the memory limit, or all of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{After, Due, NOWHERE, Scheduler, Stop};
use crate::backend::Cancelled;
use crate::process::layout::{Phase, SLOTS, SlotState};
use crate::task::{Failure, Outcome, Task};

impl Scheduler {
    /// Decides that the worker running the task in `index` is to end; false when the
    /// task was faster.
    pub(in crate::process) fn stop(&mut self, index: usize, why: Stop, after: &mut After) -> bool {
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
    pub(super) fn incarnation(&self, worker: usize) -> (usize, u32) {
        (worker, self.control.worker(worker).region.load(Ordering::Relaxed))
    }

    /// Stops whatever `worker` runs now.
    pub(in crate::process) fn stop_worker(&mut self, worker: usize, used: u64, limit: u64, after: &mut After) {
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
    pub(in crate::process) fn cancel(&mut self, task: &Arc<Task>, running: bool, after: &mut After) -> Cancelled {
        self.drain(after);
        self.cancel_now(task, running, after)
    }

    /// The same without looking for results first.
    pub(in crate::process) fn cancel_now(&mut self, task: &Arc<Task>, running: bool, after: &mut After) -> Cancelled {
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
    pub(in crate::process) fn cancel_pending(&mut self, after: &mut After) {
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
        for waiting in self.timers.take_all(Due::retry) {
            self.end(waiting.task, Outcome::Cancelled, None, after);
        }
        self.refill();
    }

    /// Fails everything, since nothing can run any more.
    pub(in crate::process) fn abandon(&mut self, reason: &str, after: &mut After) {
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
        for waiting in self.timers.take_all(Due::retry) {
            self.end(waiting.task, outcome(), None, after);
        }
    }
}
