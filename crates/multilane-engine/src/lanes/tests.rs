//! What a team does, seen from outside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use multilane_plan::Lanes;

use super::{Team, shared};

/// Runs a job and checks that each piece ran once and that no lane ran two at a time.
fn check(team: &dyn Lanes, pieces: usize) {
    let runs: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
    let busy: Vec<AtomicBool> = (0..team.count()).map(|_| AtomicBool::new(false)).collect();
    team.run(pieces, &|piece, lane| {
        assert!(!busy[lane].swap(true, Ordering::Acquire), "lane {lane} runs two pieces");
        runs[piece].fetch_add(1, Ordering::Relaxed);
        busy[lane].store(false, Ordering::Release);
    });
    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1));
}

#[test]
fn every_piece_runs_once() {
    for lanes in [1, 2, 3, 5] {
        let team = Team::new(lanes);
        for pieces in [0, 1, 2, 3, 7, 100] {
            check(&team, pieces);
        }
        for _ in 0..if cfg!(miri) { 10 } else { 2000 } {
            check(&team, lanes);
        }
    }
}

#[test]
fn all_lanes_can_run_at_the_same_time() {
    let team = Team::new(3);
    for _ in 0..10 {
        // Nobody passes before all are there, however the threads are scheduled.
        let all_here = Barrier::new(3);
        let lanes = Mutex::new(Vec::new());
        team.run(3, &|_piece, lane| {
            all_here.wait();
            lanes.lock().unwrap().push(lane);
        });
        let mut lanes = lanes.into_inner().unwrap();
        lanes.sort_unstable();
        assert_eq!(lanes, [0, 1, 2]);
    }
}

#[test]
fn a_job_inside_a_piece_runs_on_its_lane() {
    let (team, other) = (Team::new(3), Team::new(2));
    let inner = AtomicUsize::new(0);
    team.run(6, &|_piece, lane| {
        team.run(5, &|_piece, inner_lane| {
            assert_eq!(lane, inner_lane);
            inner.fetch_add(1, Ordering::Relaxed);
        });
        // Also with another team between the two.
        other.run(2, &|_piece, _lane| check(&team, 2));
    });
    assert_eq!(inner.into_inner(), 30);
}

#[test]
fn several_callers_share_the_workers() {
    let team = Team::new(2);
    let start = Barrier::new(7);
    std::thread::scope(|scope| {
        for _ in 0..7 {
            scope.spawn(|| {
                start.wait();
                for pieces in 0..if cfg!(miri) { 3 } else { 200 } {
                    check(&team, pieces);
                }
            });
        }
    });
}

#[test]
fn a_panic_reaches_the_caller_after_the_pieces_that_ran() {
    for lanes in [1, 2, 3] {
        let team = Team::new(lanes);
        let (started, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            team.run(50, &|piece, _lane| {
                started.fetch_add(1, Ordering::SeqCst);
                if piece == 10 {
                    // Not `panic!`, whose message would stand in the tests' output.
                    std::panic::resume_unwind(Box::new(piece));
                }
                ended.fetch_add(1, Ordering::SeqCst);
            });
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&10_usize));
        assert_eq!(started.into_inner(), ended.into_inner() + 1);
        check(&team, 20);
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads /proc")]
fn dropping_a_team_ends_its_threads() {
    let team = Team::new(4);
    let (threads, all_here) = (Mutex::new(Vec::new()), Barrier::new(4));
    team.run(4, &|_piece, lane| {
        all_here.wait();
        if lane > 0 {
            threads.lock().unwrap().push(rustix::thread::gettid());
        }
    });
    drop(team);
    for thread in threads.into_inner().unwrap() {
        let path = format!("/proc/self/task/{}", thread.as_raw_nonzero());
        // What is left of it is the system's part.
        while std::path::Path::new(&path).exists() {
            std::thread::yield_now();
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "forks")]
fn a_child_of_a_fork_starts_threads_of_its_own() {
    let team = Team::new(3);
    check(&team, 10);
    let all_here = Barrier::new(3);
    // SAFETY: the child only allocates, starts threads and ends itself; the C library allows that.
    let child = unsafe { libc::fork() };
    if child == 0 {
        crate::fork::note_fork();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            team.run(3, &|_piece, _lane| {
                all_here.wait();
            });
            check(&team, 10);
            check(shared(Some(2)), 10);
            drop(team);
        }));
        // SAFETY: ends this process at once, without what the test harness would do.
        unsafe { libc::_exit(i32::from(ran.is_err())) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the child failed");
    check(&team, 10);
}
