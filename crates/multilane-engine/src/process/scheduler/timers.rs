//! What is due at a time: limits of running tasks, and repeats after a pause.

use std::sync::atomic::Ordering;

use super::{After, Due, Scheduler, Stop};
use crate::clock;
use crate::process::layout::Phase;

impl Scheduler {
    /// Runs the timers that are due; the time of the next one.
    pub(in crate::process) fn run_timers(&mut self, after: &mut After) -> Option<u64> {
        loop {
            let Some(due) = self.timers.take_due(clock::now_ns()) else {
                return self.timers.next_ns();
            };
            match due {
                Due::Retry(waiting) if !waiting.task.is_done() => {
                    self.queue(*waiting);
                    self.control.wake_worker();
                }
                Due::Retry(_) => {}
                Due::Timeout { slot, generation } => self.check_timeout(slot, generation, after),
            }
        }
    }

    pub(super) fn check_timeout(&mut self, index: u32, generation: u32, after: &mut After) {
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
            let slot = index;
            self.timers.set(due_ns, Due::Timeout { slot, generation });
        } else {
            self.stop(at, Stop::TimedOut(limit), after);
        }
    }
}
