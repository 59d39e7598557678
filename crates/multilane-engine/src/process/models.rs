//! Loom tests of the protocol: every interleaving of a few steps.
//!
//! A sleeper that nobody wakes is a deadlock, which loom reports. Limits of sleeps do
//! not exist here, so that none of them hides a lost wake-up.

use std::sync::Arc;

use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::control::Control;
use super::layout::{Phase, SlotState, status};
use crate::sync::atomic::Ordering;

/// Explores `body` with at most so many forced switches per run, or as many as
/// `LOOM_MAX_PREEMPTIONS` says. One where two take half a minute and more.
fn explore(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(preemptions));
    model.check(body);
}

/// What the parent does for one task: fill the slot, queue it, wake somebody.
fn submit(control: &Control, index: usize, generation: u32) {
    control
        .slot(index)
        .task
        .store(mark(index, generation), Ordering::Relaxed);
    assert!(control.push(index, generation));
    control.wake_worker();
}

/// Tells what a slot was filled with for this use of it.
fn mark(index: usize, generation: u32) -> u64 {
    u64::from(generation) << 8 | index as u64
}

fn ready(generation: u32) -> SlotState {
    SlotState {
        generation,
        phase: Phase::Ready,
        worker: 0,
    }
}

/// The loop of a worker, as in `worker.rs`: the next task, or `None` at the end.
fn next(control: &Control, worker: usize, searches: bool) -> Option<(usize, SlotState)> {
    loop {
        if let Some((index, state)) = control.take(worker) {
            let filled = control.slot(index).task.load(Ordering::Relaxed);
            assert_eq!(
                filled,
                mark(index, state.generation),
                "a slot was claimed before it was filled"
            );
            return Some((index, state));
        }
        if control.head().closing.load(Ordering::Acquire) != 0 {
            return None;
        }
        let mut patience = 2_u32;
        let found = searches
            && control.search(worker, || {
                patience = patience.saturating_sub(1);
                patience > 0
            });
        if !found {
            control.sleep(worker, None);
        }
    }
}

/// A point that `count` threads have to reach before any goes on.
struct Meeting {
    here: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            here: Mutex::new(0),
            changed: Condvar::new(),
        })
    }

    fn arrive(&self, count: usize) {
        let mut here = self.here.lock().unwrap();
        *here += 1;
        self.changed.notify_all();
        while *here < count {
            here = self.changed.wait(here).unwrap();
        }
    }
}

/// A worker that sleeps, or is about to, is woken for a task.
#[test]
fn loom_a_submitted_task_wakes_its_worker() {
    explore(3, || {
        let control = Arc::new(Control::of(1));
        let worker = {
            let control = control.clone();
            thread::spawn(move || assert!(next(&control, 0, true).is_some()))
        };
        submit(&control, 0, 1);
        worker.join().unwrap();
    });
}

/// Two tasks get two workers at once: neither waits until the other's worker is free.
#[test]
fn loom_two_tasks_run_at_once() {
    for searches in [false, true] {
        explore(1, move || {
            let (control, meeting) = (Arc::new(Control::of(2)), Meeting::new());
            let workers: Vec<_> = (0..2)
                .map(|worker| {
                    let (control, meeting) = (control.clone(), meeting.clone());
                    thread::spawn(move || {
                        assert!(next(&control, worker, searches).is_some());
                        // The task ends when the other runs.
                        meeting.arrive(2);
                    })
                })
                .collect();
            submit(&control, 0, 1);
            submit(&control, 1, 1);
            for worker in workers {
                worker.join().unwrap();
            }
        });
    }
}

/// What is taken back runs nowhere, what is not runs once, and the slot's next use is
/// not mistaken for the one before.
#[test]
fn loom_a_task_is_claimed_or_taken_back() {
    explore(3, || {
        let control = Arc::new(Control::of(1));
        control.slot(0).task.store(mark(0, 1), Ordering::Relaxed);
        assert!(control.push(0, 1));
        let worker = {
            let control = control.clone();
            thread::spawn(move || {
                let claimed = control.take(0);
                if let Some((index, state)) = claimed {
                    let filled = control.slot(index).task.load(Ordering::Relaxed);
                    assert_eq!(filled, mark(index, state.generation));
                }
                claimed
            })
        };
        let free = SlotState {
            phase: Phase::Free,
            ..ready(1)
        };
        let taken_back = control.slot(0).advance(ready(1), free);
        if taken_back {
            control.skip_spent();
            submit(&control, 0, 2);
        }
        let claimed = worker.join().unwrap().map(|(_, state)| state.generation);
        match claimed {
            Some(generation) => assert_eq!(generation, if taken_back { 2 } else { 1 }),
            // Only what was queued late may be left.
            None => assert_eq!(control.take(0).map(|(_, state)| state.generation), Some(2)),
        }
        assert!(control.take(0).is_none());
    });
}

/// The ring of entries wraps around while two workers claim from it.
#[test]
fn loom_every_task_is_claimed_once() {
    explore(1, || {
        let control = Arc::new(Control::of(2));
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let control = control.clone();
                thread::spawn(move || {
                    let mut claimed = Vec::new();
                    for _ in 0..2 {
                        claimed.extend(control.claim(worker));
                    }
                    claimed
                })
            })
            .collect();
        for generation in 1..=3 {
            // Four entries: the third pair stands where the first did.
            for index in 0..2 {
                let state = control.slot(index).state();
                if matches!(state.phase, Phase::Free | Phase::Taken) && state.generation < generation {
                    control.push(index, generation);
                }
            }
        }
        let mut claimed: Vec<_> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
        claimed.extend(std::iter::from_fn(|| control.claim(0)));
        let mut uses: Vec<_> = claimed
            .iter()
            .map(|(index, state)| (*index, state.generation))
            .collect();
        let all = uses.len();
        uses.sort_unstable();
        uses.dedup();
        assert_eq!(uses.len(), all, "a task was claimed twice");
        assert_eq!(control.queued(), 0);
    });
}

/// A result that somebody watches reaches the thread that sleeps on the doorbell.
#[test]
fn loom_a_watched_result_is_noticed() {
    explore(3, || {
        let control = Arc::new(Control::of(1));
        let worker = {
            let control = control.clone();
            thread::spawn(move || control.complete(0, 1))
        };
        // As a waiter does: say so, look, and leave the rest to the service thread.
        control.watch(1, 1);
        while control.next_completed(0).is_none() {
            control.sleep_on_doorbell(None);
        }
        worker.join().unwrap();
    });
}

/// A ring that comes while the service thread looks around is not lost.
#[test]
fn loom_a_ring_is_remembered() {
    explore(3, || {
        let control = Arc::new(Control::of(1));
        let news = Arc::new(loom::sync::atomic::AtomicU32::new(0));
        let ringers: Vec<_> = (0..2)
            .map(|_| {
                let (control, news) = (control.clone(), news.clone());
                thread::spawn(move || {
                    news.fetch_add(1, Ordering::Relaxed);
                    control.ring_doorbell();
                })
            })
            .collect();
        while news.load(Ordering::Relaxed) < 2 {
            control.sleep_on_doorbell(None);
        }
        for ringer in ringers {
            ringer.join().unwrap();
        }
    });
}

/// A worker that runs out of tasks tells a parent that has more, whichever moves first.
#[test]
fn loom_a_short_queue_is_refilled() {
    explore(3, || {
        let control = Arc::new(Control::of(1));
        let worker = {
            let control = control.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    assert!(next(&control, 0, false).is_some());
                }
            })
        };
        submit(&control, 0, 1);
        // The second task has to wait, until the first has left the queue.
        control.want_refill(1);
        while control.queued() > 0 {
            control.sleep_on_doorbell(None);
        }
        submit(&control, 1, 1);
        worker.join().unwrap();
    });
}

/// The same when the last claim cannot tell: an entry that was taken back still counts.
#[test]
fn loom_spent_entries_hide_no_short_queue() {
    explore(3, || {
        let control = Arc::new(Control::of(1));
        submit(&control, 0, 1);
        submit(&control, 1, 1);
        let free = SlotState {
            phase: Phase::Free,
            ..ready(1)
        };
        assert!(control.slot(1).advance(ready(1), free));
        let worker = {
            let control = control.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    assert!(next(&control, 0, false).is_some());
                }
            })
        };
        control.want_refill(1);
        while control.queued() > 0 {
            control.sleep_on_doorbell(None);
        }
        submit(&control, 1, 2);
        worker.join().unwrap();
    });
}

/// Idle workers see the end of the pool.
#[test]
fn loom_closing_ends_idle_workers() {
    explore(3, || {
        let control = Arc::new(Control::of(1));
        let worker = {
            let control = control.clone();
            thread::spawn(move || assert!(next(&control, 0, true).is_none()))
        };
        control.head().closing.store(1, Ordering::Release);
        control.wake_all_workers();
        worker.join().unwrap();
    });
}

/// A worker that was killed right after it was woken leaves its task to the other.
#[test]
fn loom_a_worker_that_dies_when_woken_loses_nothing() {
    explore(3, || {
        let control = Arc::new(Control::of(2));
        // Chosen by a waker, it looks for work for ever, for all the others can see.
        control.worker(0).status.store(status::SEARCHING, Ordering::Relaxed);
        let survivor = {
            let control = control.clone();
            thread::spawn(move || assert!(next(&control, 1, true).is_some()))
        };
        submit(&control, 0, 1);
        // What the reaper does once the process is gone.
        control.worker(0).status.store(status::GONE, Ordering::Release);
        if control.queued() > 0 {
            control.wake_worker();
        }
        survivor.join().unwrap();
    });
}

/// The decision to stop a worker and its result exclude each other.
#[test]
fn loom_a_task_is_stopped_or_done() {
    explore(3, || {
        let control = Arc::new(Control::of(1));
        submit(&control, 0, 1);
        let (_, taken) = control.take(0).unwrap();
        let to = move |phase| SlotState { phase, ..taken };
        let worker = {
            let control = control.clone();
            thread::spawn(move || {
                let slot = control.slot(0);
                slot.len.store(7, Ordering::Relaxed);
                slot.advance(taken, to(Phase::Done))
            })
        };
        let stopped = control.slot(0).advance(taken, to(Phase::Stopping));
        if control.slot(0).state().phase == Phase::Done {
            assert_eq!(control.slot(0).len.load(Ordering::Relaxed), 7);
        }
        assert_ne!(worker.join().unwrap(), stopped);
    });
}
