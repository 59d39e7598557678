//! Loom tests of the protocol: every interleaving of a few pieces and workers.
//!
//! A sleeper that nobody wakes is a deadlock, which loom reports. Nobody polls here, so
//! that no poll hides a lost wake-up. A piece reads memory of its caller's stack and adds
//! to a counter there: a worker that touched a job too late would read another value.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loom::thread;

use super::crew::{Crew, Job, SLOTS};
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Explores `body` with at most so many forced switches per run, or as many as
/// `LOOM_MAX_PREEMPTIONS` says. One where two take half a minute and more.
fn explore(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(preemptions));
    model.check(body);
}

fn start(crew: &Arc<Crew>, worker: usize) -> thread::JoinHandle<()> {
    let crew = crew.clone();
    crew.enlist();
    thread::spawn(move || {
        while let Some(joined) = crew.next(worker, || false) {
            joined.work(worker + 1);
        }
        crew.discharge();
    })
}

/// Runs a job whose every piece counts itself; checks that each ran once when `run` returns.
fn count(crew: &Crew, pieces: usize) {
    let runs: Vec<_> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
    let body = |piece: usize, _lane: usize| {
        runs[piece].fetch_add(1, Ordering::Relaxed);
    };
    crew.run(Job::new(pieces, &body), || false);
    for piece in runs {
        assert_eq!(piece.load(Ordering::Relaxed), 1);
    }
}

fn end(crew: &Crew, workers: Vec<thread::JoinHandle<()>>) {
    crew.shut_down();
    crew.wait_for_the_end();
    for worker in workers {
        worker.join().unwrap();
    }
}

/// The job ends whether or not the worker comes, and the worker ends too.
#[test]
fn loom_every_piece_runs_once_before_run_returns() {
    explore(3, || {
        let crew = Arc::new(Crew::new(1));
        let workers = vec![start(&crew, 0)];
        count(&crew, 2);
        end(&crew, workers);
    });
}

/// A worker that is late for one job finds the next in the same slot, with its own pieces.
#[test]
fn loom_a_late_worker_sees_the_next_job() {
    explore(2, || {
        let crew = Arc::new(Crew::new(1));
        let workers = vec![start(&crew, 0)];
        count(&crew, 2);
        count(&crew, 1);
        end(&crew, workers);
    });
}

/// Two workers, one of which may have to be woken by the other.
#[test]
fn loom_two_workers_share_a_job() {
    explore(1, || {
        let crew = Arc::new(Crew::new(2));
        let workers = vec![start(&crew, 0), start(&crew, 1)];
        count(&crew, 3);
        end(&crew, workers);
    });
}

/// Two callers have a worker between them.
#[test]
fn loom_two_callers_share_a_worker() {
    explore(1, || {
        let crew = Arc::new(Crew::new(1));
        let workers = vec![start(&crew, 0)];
        let other = {
            let crew = crew.clone();
            thread::spawn(move || count(&crew, 2))
        };
        count(&crew, 2);
        other.join().unwrap();
        end(&crew, workers);
    });
}

/// A worker that has to run does: a sleeper is woken for a job whose first piece waits for the second.
#[test]
fn loom_a_sleeper_is_woken_for_a_job() {
    explore(2, || {
        let crew = Arc::new(Crew::new(1));
        let workers = vec![start(&crew, 0)];
        let meeting = (loom::sync::Mutex::new(0), loom::sync::Condvar::new());
        let body = |_piece: usize, _lane: usize| {
            let mut here = meeting.0.lock().unwrap();
            *here += 1;
            meeting.1.notify_all();
            while *here < 2 {
                here = meeting.1.wait(here).unwrap();
            }
        };
        crew.run(Job::new(2, &body), || false);
        end(&crew, workers);
    });
}

/// A panic reaches the caller when no piece runs any more, and the crew stays usable.
#[test]
fn loom_a_panic_reaches_the_caller() {
    explore(2, || {
        let crew = Arc::new(Crew::new(1));
        let workers = vec![start(&crew, 0)];
        let inside = AtomicUsize::new(0);
        let body = |piece: usize, _lane: usize| {
            inside.fetch_add(1, Ordering::Relaxed);
            if piece == 1 {
                inside.fetch_sub(1, Ordering::Relaxed);
                std::panic::resume_unwind(Box::new("piece"));
            }
            inside.fetch_sub(1, Ordering::Relaxed);
        };
        let job = Job::new(3, &body);
        let panicked = catch_unwind(AssertUnwindSafe(|| crew.run(job, || false)));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"piece"));
        assert_eq!(inside.load(Ordering::Relaxed), 0);
        count(&crew, 1);
        end(&crew, workers);
    });
}

/// Callers that find no slot do not wait for one.
#[test]
fn loom_a_caller_without_a_slot_runs_alone() {
    explore(2, || {
        let crew = Arc::new(Crew::new(0));
        fn nest(crew: &Crew, depth: usize) {
            count(crew, 2);
            if depth > 0 {
                let body = |_piece: usize, _lane: usize| nest(crew, depth - 1);
                crew.run(Job::new(1, &body), || false);
            }
        }
        nest(&crew, SLOTS + 1);
    });
}
