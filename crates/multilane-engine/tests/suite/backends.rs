//! One suite for every backend: what a task does, whatever its worker is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{AnyPool, Folder, PATIENCE, eventually, open_gate, processes, threads};
use multilane_engine::EngineError;
use multilane_engine::backend::Cancelled;
use multilane_engine::task::Options;
use proptest::prelude::*;

/// Writes each test once for processes and once for threads.
macro_rules! on_every_backend {
    ($($name:ident)*) => {
        mod on_processes { $(#[test] fn $name() { super::$name(super::processes); })* }
        mod on_threads { $(#[test] fn $name() { super::$name(super::threads); })* }
    };
}

on_every_backend! {
    results_come_back
    a_large_result_comes_back_whole
    errors_come_back
    two_workers_run_at_once
    a_burst_is_run_completely
    callbacks_run_once
    a_waiting_task_can_be_cancelled
    urgent_tasks_come_first
    any_priorities_and_cancellations_keep_the_order
    a_failed_task_is_tried_again
    a_retry_without_a_waiter_happens
    a_task_that_fails_too_often_fails
    progress_is_seen
    a_closed_pool_takes_nothing_and_finishes
    closing_can_cancel_what_waits
    workers_end_after_the_last_task_without_a_waiter
    waiting_for_room_sees_the_end_of_tasks
    two_can_wait_for_room
}

fn results_come_back(make: fn(usize) -> AnyPool) {
    let pool = make(2);
    let tasks: Vec<_> = (0..50).map(|i| pool.submit(&format!("echo {i}"))).collect();
    for (i, task) in tasks.iter().enumerate() {
        assert_eq!(pool.end_of(task), i.to_string());
    }
    pool.close();
}

fn a_large_result_comes_back_whole(make: fn(usize) -> AnyPool) {
    let pool = make(1);
    for len in [379, 380, 381, 385, 100_000, 9 << 20] {
        let task = pool.submit(&format!("bytes {len}"));
        assert_eq!(pool.end_of(&task).len(), len);
    }
    let long = format!("echo {}", "y".repeat(5000));
    assert_eq!(pool.end_of(&pool.submit(&long)).len(), 5000);
    pool.close();
}

fn errors_come_back(make: fn(usize) -> AnyPool) {
    let pool = make(1);
    assert_eq!(pool.end_of(&pool.submit("fail badly")), "raised badly");
    pool.close();
}

fn two_workers_run_at_once(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(2), Folder::new());
    // Each of a pair waits for the other: one after the other would never end. A worker
    // that sleeps a second before it notices makes this slow, which the count shows.
    for round in 0..100 {
        let gate = folder.gate(&format!("{round}"));
        let first = pool.submit(&format!("await {gate}"));
        let second = pool.submit(&format!("arrive {gate}"));
        assert_eq!(pool.end_of(&second), "");
        assert_eq!(pool.end_of(&first), "");
    }
    pool.close();
}

fn a_burst_is_run_completely(make: fn(usize) -> AnyPool) {
    let pool = make(2);
    let tasks: Vec<_> = (0..20_000).map(|i| pool.submit(&format!("echo {i}"))).collect();
    for (i, task) in tasks.iter().enumerate() {
        assert_eq!(pool.end_of(task), i.to_string());
    }
    eventually("ended tasks still count", || pool.backend().active() == 0);
    pool.close();
}

fn callbacks_run_once(make: fn(usize) -> AnyPool) {
    let (pool, count) = (make(2), Arc::new(AtomicUsize::new(0)));
    for _ in 0..200 {
        let task = pool.submit("echo");
        let counted = count.clone();
        let added = task.on_done(Box::new(move |task| {
            assert!(task.is_done());
            counted.fetch_add(1, Ordering::Relaxed);
        }));
        match added {
            Ok(()) => {
                pool.backend().watch(&task, 1);
                pool.backend().poll();
            }
            Err(callback) => callback(&task),
        }
    }
    eventually("a callback is missing", || count.load(Ordering::Relaxed) == 200);
    pool.close();
    assert_eq!(count.load(Ordering::Relaxed), 200);
}

fn a_waiting_task_can_be_cancelled(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(1), Folder::new());
    let (gate, log) = (folder.gate("gate"), folder.path("log"));
    let blocking = pool.submit(&format!("await {gate}"));
    pool.running(&blocking);
    let waiting = pool.submit(&format!("append {log} x"));
    assert_eq!(pool.backend().cancel(&waiting, false), Cancelled::Removed);
    assert_eq!(pool.backend().cancel(&waiting, false), Cancelled::No);
    assert_eq!(pool.backend().cancel(&blocking, false), Cancelled::No);
    open_gate(&gate);
    assert_eq!(pool.end_of(&blocking), "");
    assert_eq!(pool.end_of(&waiting), "cancelled");
    pool.close();
    assert!(!std::path::Path::new(&log).exists());
}

fn urgent_tasks_come_first(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(1), Folder::new());
    let (gate, log) = (folder.gate("gate"), folder.path("log"));
    let blocking = pool.submit(&format!("await {gate}"));
    pool.running(&blocking);
    let tasks: Vec<_> = [(0, "a"), (5, "b"), (0, "c"), (-3, "d"), (9, "e"), (5, "f")]
        .into_iter()
        .map(|(priority, letter)| {
            let options = Options {
                priority,
                ..Options::default()
            };
            pool.submit_with(&format!("append {log} {letter}"), options)
        })
        .collect();
    open_gate(&gate);
    for task in &tasks {
        pool.end_of(task);
    }
    assert_eq!(std::fs::read_to_string(log).unwrap(), "ebfacd");
    pool.close();
}

/// Among tasks that wait, the most urgent is first, then the oldest, whatever is cancelled.
fn any_priorities_and_cancellations_keep_the_order(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(1), Folder::new());
    // More tasks than stand beside less urgent ones in the shared queue.
    let plans = prop::collection::vec((-1i32..3, prop::bool::weighted(0.2)), 1..300);
    proptest!(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() }, |(plan in plans)| {
        let (gate, log) = (folder.gate("gate"), folder.path("log"));
        let blocking = pool.submit(&format!("await {gate}"));
        pool.running(&blocking);
        let mut expected = Vec::new();
        let mut tasks = Vec::new();
        for (number, &(priority, cancel)) in plan.iter().enumerate() {
            let options = Options { priority, ..Options::default() };
            let task = pool.submit_with(&format!("append {log} {number}\n"), options);
            if cancel {
                // Not always the newest: the middle of what waits now.
                let victim: usize = expected.len() / 2;
                tasks.push((number, task));
                expected.push((-priority, number));
                let (_, number) = expected.remove(victim);
                let at = tasks.iter().position(|(other, _)| *other == number).unwrap();
                prop_assert_eq!(pool.backend().cancel(&tasks.remove(at).1, false), Cancelled::Removed);
            } else {
                tasks.push((number, task));
                expected.push((-priority, number));
            }
        }
        open_gate(&gate);
        for (_, task) in &tasks {
            prop_assert_eq!(pool.end_of(task), "");
        }
        expected.sort_unstable();
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let ran: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
        prop_assert_eq!(ran, expected.into_iter().map(|(_, number)| number).collect::<Vec<_>>());
        std::fs::remove_file(&gate).unwrap();
        let _ = std::fs::remove_file(&log);
    });
    pool.close();
}

fn retrying(retries: u16) -> Options {
    Options {
        retries,
        backoff: Duration::from_millis(1),
        ..Options::default()
    }
}

fn a_failed_task_is_tried_again(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(2), Folder::new());
    // Many, since a result may be seen by the waiter or by the pool's own thread.
    for round in 0..50 {
        let task = pool.submit_with(&format!("until 3 {}", folder.path(&format!("{round}"))), retrying(2));
        assert_eq!(pool.end_of(&task), "3");
    }
    pool.close();
}

fn a_retry_without_a_waiter_happens(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(1), Folder::new());
    let task = pool.submit_with(&format!("until 3 {}", folder.path("count")), retrying(2));
    eventually("it was not tried again", || {
        pool.backend().poll();
        task.is_done()
    });
    assert_eq!(pool.end_of(&task), "3");
    pool.close();
}

fn a_task_that_fails_too_often_fails(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(1), Folder::new());
    let task = pool.submit_with(&format!("until 3 {}", folder.path("count")), retrying(1));
    assert_eq!(pool.end_of(&task), "raised attempt 2");
    assert_eq!(task.measured().unwrap().attempt, 2);
    pool.close();
}

fn progress_is_seen(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(1), Folder::new());
    let gate = folder.gate("gate");
    let task = pool.submit(&format!("progress 4 {gate}"));
    eventually("no progress came", || {
        pool.backend()
            .progress(&task)
            .is_some_and(|p| (p.done, p.total) == (4, 10))
    });
    open_gate(&gate);
    pool.end_of(&task);
    assert!(pool.backend().progress(&task).is_none());
    pool.close();
}

fn a_closed_pool_takes_nothing_and_finishes(make: fn(usize) -> AnyPool) {
    let pool = make(2);
    let tasks: Vec<_> = (0..100).map(|i| pool.submit(&format!("echo {i}"))).collect();
    pool.backend().close(false);
    assert!(matches!(pool.backend().admit(), Err(EngineError::Closed)));
    assert!(pool.backend().wait_closed(PATIENCE));
    assert!(tasks.iter().all(|task| task.is_done()));
}

fn closing_can_cancel_what_waits(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(1), Folder::new());
    let gate = folder.gate("gate");
    let blocking = pool.submit(&format!("await {gate}"));
    pool.running(&blocking);
    let waiting: Vec<_> = (0..10).map(|_| pool.submit("echo")).collect();
    pool.backend().close(true);
    assert!(waiting.iter().all(|task| pool.end_of(task) == "cancelled"));
    open_gate(&gate);
    assert!(pool.backend().wait_closed(PATIENCE));
    assert_eq!(pool.end_of(&blocking), "");
}

fn workers_end_after_the_last_task_without_a_waiter(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(2), Folder::new());
    let gate = folder.gate("gate");
    let blocking = pool.submit(&format!("await {gate}"));
    pool.running(&blocking);
    pool.backend().close(false);
    open_gate(&gate);
    assert!(pool.backend().wait_closed(PATIENCE), "nobody noticed the last result");
    assert!(blocking.is_done());
}

fn waiting_for_room_sees_the_end_of_tasks(make: fn(usize) -> AnyPool) {
    let pool = make(2);
    for i in 0..2000 {
        pool.submit(&format!("echo {i}"));
        eventually("there never was room", || pool.backend().wait_for_room(4, PATIENCE));
    }
    pool.close();
}

fn two_can_wait_for_room(make: fn(usize) -> AnyPool) {
    let (pool, folder) = (make(2), Folder::new());
    let (one, two) = (folder.gate("one"), folder.gate("two"));
    let first = pool.submit(&format!("await {one}"));
    let second = pool.submit(&format!("await {two}"));
    pool.running(&first);
    pool.running(&second);
    std::thread::scope(|scope| {
        let all = scope.spawn(|| eventually("there never was room", || pool.backend().wait_for_room(1, PATIENCE)));
        scope.spawn(|| eventually("there never was room", || pool.backend().wait_for_room(2, PATIENCE)));
        open_gate(&one);
        eventually("the first never ended", || {
            pool.backend().poll();
            first.is_done()
        });
        open_gate(&two);
        all.join().unwrap();
    });
    pool.close();
}
