//! What only worker processes do: they die, are stopped, and are replaced.

use std::time::Duration;

use crate::common::{AnyPool, Folder, PATIENCE, Setting, eventually, open_gate, processes, processes_with};
use multilane_engine::EngineError;
use multilane_engine::backend::Cancelled;
use multilane_engine::task::Options;
use rustix::process::{Pid, Signal, kill_process};

fn kill(pid: u32) {
    // Gone already is as good.
    let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL);
}

#[test]
fn a_task_whose_worker_ends_says_how() {
    let pool = processes(1);
    assert_eq!(pool.end_of(&pool.submit("exit 3")), "died: it exited with status 3");
    assert!(pool.end_of(&pool.submit("abort")).contains("SIGABRT"));
    assert_eq!(pool.end_of(&pool.submit("echo on")), "on");
    pool.close();
}

#[test]
fn a_task_whose_worker_died_is_tried_again() {
    let (pool, folder) = (processes(1), Folder::new());
    let options = Options {
        retries: 1,
        ..Options::default()
    };
    let task = pool.submit_with(&format!("die-once {}", folder.path("mark")), options);
    assert_eq!(pool.end_of(&task), "survived");
    pool.close();
}

#[test]
fn a_timeout_ends_the_worker() {
    let (pool, folder) = (processes(1), Folder::new());
    let before = pool.process_pool().worker_pids();
    let options = Options {
        timeout: Some(Duration::from_millis(5)),
        ..Options::default()
    };
    // Many, since the pool's thread may be anywhere when the task comes.
    for round in 0..20 {
        let gate = folder.gate(&format!("{round}"));
        let task = pool.submit_with(&format!("await {gate}"), options.clone());
        assert_eq!(pool.end_of(&task), "timed out, stopped: true");
    }
    assert_eq!(pool.end_of(&pool.submit("echo on")), "on");
    assert_ne!(pool.process_pool().worker_pids(), before);
    pool.close();
}

#[test]
fn a_running_task_can_be_stopped() {
    let (pool, folder) = (processes(2), Folder::new());
    let gate = folder.gate("gate");
    let task = pool.submit(&format!("await {gate}"));
    pool.running(&task);
    assert_eq!(pool.backend().cancel(&task, true), Cancelled::Stopped);
    assert_eq!(pool.end_of(&task), "cancelled");
    assert_eq!(pool.end_of(&pool.submit("echo on")), "on");
    pool.close();
}

/// Kills land on the worker that ran the task, never on its successor or its neighbour.
#[test]
fn stopping_one_task_harms_no_other() {
    let (pool, folder) = (processes(2), Folder::new());
    for round in 0..30 {
        let gate = folder.gate(&format!("{round}"));
        let stopped = pool.submit(&format!("await {gate}"));
        pool.running(&stopped);
        let others: Vec<_> = (0..50).map(|i| pool.submit(&format!("echo {i}"))).collect();
        pool.backend().cancel(&stopped, true);
        for (i, task) in others.iter().enumerate() {
            assert_eq!(pool.end_of(task), i.to_string());
        }
    }
    pool.close();
}

#[test]
fn killed_workers_lose_no_task() {
    let (pool, folder) = (processes(3), Folder::new());
    let log = folder.path("log");
    let options = Options {
        retries: 100,
        ..Options::default()
    };
    let tasks: Vec<_> = (0..5000)
        .map(|i| pool.submit_with(&format!("append {log} {i}\n"), options.clone()))
        .collect();
    for step in 0..50 {
        eventually("the tasks stand still", || {
            pool.backend().poll();
            tasks.iter().filter(|task| task.is_done()).count() >= step * 90
        });
        let pids = pool.process_pool().worker_pids();
        if let Some(&pid) = pids.get(step % pids.len().max(1)) {
            kill(pid);
        }
    }
    for task in &tasks {
        assert_eq!(pool.end_of(task), "");
    }
    let text = std::fs::read_to_string(log).unwrap();
    let mut ran: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
    ran.sort_unstable();
    ran.dedup();
    assert_eq!(ran.len(), 5000);
    pool.close();
}

#[test]
fn a_worker_makes_room_after_so_many_tasks() {
    let pool = processes_with(
        1,
        Setting {
            recycle_after: Some(3),
            ..Setting::default()
        },
    );
    let tasks: Vec<_> = (0..10).map(|_| pool.submit("pid")).collect();
    let mut pids: Vec<String> = tasks.iter().map(|task| pool.end_of(task)).collect();
    pids.dedup();
    assert_eq!(pids.len(), 4);
    pool.close();
}

#[test]
fn a_worker_that_refuses_breaks_the_pool_with_its_reason() {
    let pool = processes_with(
        2,
        Setting {
            setup: "refuse no licence",
            ..Setting::default()
        },
    );
    eventually("the pool never broke", || pool.backend().broken().is_some());
    assert_eq!(pool.backend().broken().as_deref(), Some("no licence"));
    assert!(matches!(pool.backend().admit(), Err(EngineError::Broken { .. })));
    pool.close();
}

#[test]
fn workers_that_never_come_up_break_the_pool() {
    let pool = processes_with(
        1,
        Setting {
            setup: "vanish",
            ..Setting::default()
        },
    );
    eventually("the pool never broke", || pool.backend().broken().is_some());
    pool.close();
}

#[test]
fn killing_a_pool_ends_everything() {
    let (pool, folder) = (processes(2), Folder::new());
    let running = pool.submit(&format!("await {}", folder.gate("gate")));
    pool.running(&running);
    let waiting: Vec<_> = (0..5)
        .map(|_| pool.submit(&format!("await {}", folder.path("gate"))))
        .collect();
    pool.backend().kill("enough");
    assert!(pool.backend().wait_closed(PATIENCE));
    for task in waiting.iter().chain([&running]) {
        assert_eq!(pool.end_of(task), "abandoned: enough");
    }
}

#[test]
fn closing_while_workers_start_ends_them() {
    for _ in 0..10 {
        let pool = processes_with(3, Setting::default());
        pool.close();
    }
}

#[test]
fn dropping_a_pool_ends_its_workers_after_the_last_task() {
    let (pool, folder) = (processes(2), Folder::new());
    let (gate, log) = (folder.gate("gate"), folder.path("log"));
    let pids = pool.process_pool().worker_pids();
    let blocking = pool.submit(&format!("await {gate}"));
    pool.running(&blocking);
    let last = pool.submit(&format!("append {log} done"));
    drop(pool);
    open_gate(&gate);
    eventually("the workers never ended", || {
        pids.iter()
            .all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    });
    eventually("the last task has no result", || last.is_done());
    assert_eq!(std::fs::read_to_string(log).unwrap(), "done");
}

/// The thread that starts successors blocks all signals; its children must not.
#[test]
fn a_successor_receives_signals() {
    let pool = processes(1);
    pool.end_of(&pool.submit("exit 1"));
    let pid = pool.end_of(&pool.submit("pid"));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    assert_eq!(u64::from_str_radix(blocked.trim(), 16), Ok(0));
    pool.close();
}

/// Cancelled tasks stay in the shared queue behind one that waits.
#[test]
fn cancelling_more_than_the_queue_holds_leaves_the_pool_alive() {
    let (pool, folder) = (processes(1), Folder::new());
    let gate = folder.gate("gate");
    let blocking = pool.submit(&format!("await {gate}"));
    pool.running(&blocking);
    let first = pool.submit("echo first");
    for _ in 0..20_000 {
        let task = pool.submit("echo never");
        assert_eq!(pool.backend().cancel(&task, false), Cancelled::Removed);
    }
    let last: Vec<_> = (0..20).map(|i| pool.submit(&format!("echo {i}"))).collect();
    open_gate(&gate);
    assert_eq!(pool.end_of(&first), "first");
    for (i, task) in last.iter().enumerate() {
        assert_eq!(pool.end_of(task), i.to_string());
    }
    pool.close();
}

/// What waits behind urgent tasks runs although the urgent ones were all cancelled.
#[test]
fn cancelling_what_was_queued_lets_the_rest_run() {
    let (pool, folder) = (processes(1), Folder::new());
    let gate = folder.gate("gate");
    let blocking = pool.submit(&format!("await {gate}"));
    pool.running(&blocking);
    let urgent = Options {
        priority: 5,
        ..Options::default()
    };
    let urgent: Vec<_> = (0..100)
        .map(|_| pool.submit_with("echo never", urgent.clone()))
        .collect();
    let log = folder.path("log");
    let rest: Vec<_> = (0..10).map(|_| pool.submit(&format!("append {log} x"))).collect();
    for task in urgent.iter().rev() {
        assert_eq!(pool.backend().cancel(task, false), Cancelled::Removed);
    }
    open_gate(&gate);
    // Nobody waits for a result: the pool has to move by itself.
    eventually("the rest never ran", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.len() == 10)
    });
    for task in &rest {
        assert_eq!(pool.end_of(task), "");
    }
    pool.close();
}

fn memory_of(pool: &AnyPool) -> u64 {
    let pid = pool.process_pool().worker_pids()[0];
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// A worker above its limit between two tasks is replaced, not killed in the next one.
#[test]
fn a_worker_above_its_limit_fails_only_what_it_ran() {
    let pool = processes_with(
        1,
        Setting {
            memory_limit: Some(1),
            ..Setting::default()
        },
    );
    assert!(pool.wait_ready());
    assert!(memory_of(&pool) > 1);
    for _ in 0..5 {
        let end = pool.end_of(&pool.submit("echo on"));
        assert!(end == "on" || end == "too much memory", "{end}");
    }
    pool.close();
}
