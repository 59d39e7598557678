//! What if there were more workers, or fewer: replays the tasks of a trace on so many.
//!
//! Tasks keep their measured costs, their dependencies and the moments they were submitted. The processors are shared
//! among the tasks that want one; where the trace shows threads taking turns with the interpreter lock, they have one
//! processor together. Of tasks whose traffic with memory is known, no more is moved than the machine was measured to move.
//! What tasks do to each other's caches is not in a trace and not in the answer.

mod replay;

use std::collections::{BTreeMap, HashMap};

use multilane_trace::{Task, Trace};
use serde::{Deserialize, Serialize};

use crate::{analyse, median, thresholds::INTERPRETER_WAIT_SHARE};

use replay::{Machine, Need, chain, replay};

/// What a run is replayed on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WhatIf {
    /// Workers.
    pub workers: u32,
    /// Processors that they share.
    pub processors: f64,
    /// Bytes a nanosecond that all processors together move to and from memory; 0 when it is not known.
    pub bandwidth: f64,
    /// Bytes that a task moves, by the name of its function.
    pub bytes_per_task: BTreeMap<String, f64>,
}

/// A run that was not made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Simulation {
    /// Workers.
    pub workers: u32,
    /// Processors that they share.
    pub processors: f64,
    /// From the first task's arrival to the last task's end.
    pub makespan_ns: f64,
    /// The trace's own makespan over it.
    pub speedup: f64,
    /// Share of the workers' time in tasks.
    pub busy: f64,
    /// What bounds it: `workers`, `processors`, `memory_bandwidth`, `interpreter_lock`, `critical_path`, `arrivals`, or
    /// `nothing` without tasks.
    pub bound_by: String,
}

/// Replays a trace on other workers.
///
/// ```
/// use multilane_lab::WhatIf;
/// use multilane_trace::{Task, Trace};
/// let task = |number: u64| Task {
///     id: number + 1,
///     queued_ns: 1,
///     started_ns: 1 + 100 * number,
///     ended_ns: 101 + 100 * number,
///     cpu_ns: 100,
///     ..Task::default()
/// };
/// let trace = Trace { tasks: (0..4).map(task).collect(), ..Trace::default() };
/// let two = WhatIf { workers: 2, processors: 2.0, ..WhatIf::default() };
/// let simulation = multilane_lab::simulate(&trace, &two);
/// assert_eq!((simulation.makespan_ns, simulation.speedup), (200.0, 2.0));
/// ```
pub fn simulate(trace: &Trace, on: &WhatIf) -> Simulation {
    let tasks: Vec<&Task> = trace.tasks.iter().filter(|task| task.wall_ns() > 0).collect();
    let analysis = analyse(trace);
    let workers = on.workers.max(1);
    let locked = takes_turns(trace, &tasks);
    let processors = if locked { 1.0 } else { on.processors.max(1.0) };
    if tasks.is_empty() {
        return Simulation {
            workers,
            processors,
            bound_by: "nothing".to_owned(),
            ..Simulation::default()
        };
    }
    let start_ns = tasks.iter().map(|task| arrival(task)).min().unwrap_or(0);
    let hand_over_ns = hand_over(&tasks);
    let bytes_of = |task: &Task| on.bytes_per_task.get(trace.function_name(task.function));
    let mut needs: Vec<Need> = tasks
        .iter()
        .map(|task| Need {
            bytes: bytes_of(task).copied().unwrap_or(0.0).max(0.0),
            ..need(task, start_ns, hand_over_ns)
        })
        .collect();
    let dependents = dependents(trace, &tasks, &mut needs);
    let machine = Machine {
        workers: workers as usize,
        processors,
        bandwidth: if on.bandwidth > 0.0 {
            on.bandwidth
        } else {
            f64::INFINITY
        },
    };
    let makespan_ns = replay(&needs, &dependents, &machine);
    let sum = |of: fn(&Need) -> f64| needs.iter().map(of).sum::<f64>();
    let (cpu_ns, all_ns) = (sum(|need| need.cpu_ns), sum(|need| need.cpu_ns + need.wait_ns));
    let chain_ns = chain(&needs, &dependents);
    let last_ns = needs.iter().map(|need| need.arrives_ns).fold(0.0, f64::max);
    let bounds = [
        (
            if locked { "interpreter_lock" } else { "processors" },
            cpu_ns / processors,
        ),
        ("workers", all_ns / f64::from(workers)),
        ("memory_bandwidth", sum(|need| need.bytes) / machine.bandwidth),
        ("critical_path", chain_ns),
        ("arrivals", last_ns),
    ];
    // Of equal bounds the last: a chain explains more than the workers that wait for it.
    let bound = bounds.into_iter().max_by(|left, right| left.1.total_cmp(&right.1));
    Simulation {
        workers,
        processors,
        makespan_ns,
        speedup: analysis.makespan_ns as f64 / makespan_ns.max(1.0),
        busy: all_ns / (makespan_ns.max(1.0) * f64::from(workers)),
        bound_by: bound.map_or_else(String::new, |bound| bound.0.to_owned()),
    }
}

/// When a task could have been taken by a worker, were there one.
fn arrival(task: &Task) -> u64 {
    if task.queued_ns == 0 {
        task.started_ns
    } else {
        task.queued_ns
    }
}

fn need(task: &Task, start_ns: u64, hand_over_ns: f64) -> Need {
    let wall_ns = task.wall_ns();
    let cpu_ns = task.cpu_ns.min(wall_ns);
    let delayed_ns = task.run_queue_ns.saturating_add(task.interpreter_wait_ns);
    Need {
        arrives_ns: arrival(task).saturating_sub(start_ns) as f64,
        cpu_ns: cpu_ns as f64 + hand_over_ns,
        wait_ns: (wall_ns - cpu_ns).saturating_sub(delayed_ns) as f64,
        bytes: 0.0,
        missing: 0,
    }
}

/// What lies between two tasks of one worker when the second was there already.
fn hand_over(tasks: &[&Task]) -> f64 {
    let mut by_worker: HashMap<u32, Vec<&Task>> = HashMap::new();
    for task in tasks {
        by_worker.entry(task.worker).or_default().push(task);
    }
    let mut gaps = Vec::new();
    for tasks in by_worker.values_mut() {
        tasks.sort_by_key(|task| task.started_ns);
        gaps.extend(tasks.windows(2).filter_map(|pair| {
            let waiting = arrival(pair[1]).max(pair[1].ready_ns) <= pair[0].ended_ns;
            waiting.then(|| pair[1].started_ns.saturating_sub(pair[0].ended_ns) as f64)
        }));
    }
    median(&gaps)
}

/// Whether threads of the trace waited for the interpreter lock for a good part of their time.
fn takes_turns(trace: &Trace, tasks: &[&Task]) -> bool {
    let threads = trace.workers.iter().any(|worker| worker.kind == "thread");
    let sum = |of: fn(&Task) -> u64| tasks.iter().fold(0u64, |sum, task| sum.saturating_add(of(task))) as f64;
    threads && sum(|task| task.interpreter_wait_ns) > INTERPRETER_WAIT_SHARE * sum(Task::wall_ns)
}

/// The tasks that wait for each task; notes how many each waits for.
fn dependents(trace: &Trace, tasks: &[&Task], needs: &mut [Need]) -> Vec<Vec<usize>> {
    let position: HashMap<u64, usize> = tasks.iter().enumerate().map(|(index, task)| (task.id, index)).collect();
    let mut dependents = vec![Vec::new(); tasks.len()];
    for (task, dependency) in &trace.edges {
        if let (Some(task), Some(dependency)) = (position.get(task), position.get(dependency)) {
            dependents[*dependency].push(*task);
            needs[*task].missing += 1;
        }
    }
    dependents
}

#[cfg(test)]
mod tests {
    use multilane_trace::Worker;

    use super::*;

    fn task(id: u64, from: u64, to: u64, cpu_ns: u64) -> Task {
        Task {
            id,
            queued_ns: 1,
            started_ns: 1 + from,
            ended_ns: 1 + to,
            cpu_ns,
            ..Task::default()
        }
    }

    fn trace(tasks: Vec<Task>) -> Trace {
        Trace {
            tasks,
            ..Trace::default()
        }
    }

    #[track_caller]
    fn check(trace: &Trace, workers: u32, processors: f64, makespan_ns: f64, bound_by: &str) {
        let on = WhatIf {
            workers,
            processors,
            ..WhatIf::default()
        };
        check_on(trace, &on, makespan_ns, bound_by);
    }

    #[track_caller]
    fn check_on(trace: &Trace, on: &WhatIf, makespan_ns: f64, bound_by: &str) {
        let found = simulate(trace, on);
        assert!(
            (found.makespan_ns - makespan_ns).abs() <= 1e-3 * makespan_ns,
            "{found:?}"
        );
        assert_eq!(found.bound_by, bound_by, "{found:?}");
    }

    #[test]
    fn independent_work_shares_workers_and_processors() {
        let eight = trace((0..8).map(|n| task(n + 1, 100 * n, 100 * n + 100, 100)).collect());
        check(&eight, 1, 8.0, 800.0, "workers");
        check(&eight, 4, 8.0, 200.0, "workers");
        check(&eight, 8, 2.0, 400.0, "processors");
        // Three workers: two tasks are left for the last turn.
        check(&eight, 3, 8.0, 300.0, "workers");
    }

    #[test]
    fn sleep_needs_no_processor() {
        let eight = trace((0..8).map(|n| task(n + 1, 100 * n, 100 * n + 100, 0)).collect());
        check(&eight, 8, 1.0, 100.0, "critical_path");
        let half = trace((0..2).map(|n| task(n + 1, 100 * n, 100 * n + 100, 50)).collect());
        check(&half, 2, 1.0, 100.0, "critical_path");
    }

    #[test]
    fn a_chain_stays_a_chain_and_a_diamond_a_diamond() {
        let tasks: Vec<Task> = (0..4).map(|n| task(n + 1, 100 * n, 100 * n + 100, 100)).collect();
        let chain = Trace {
            edges: vec![(2, 1), (3, 2), (4, 3)],
            ..trace(tasks.clone())
        };
        check(&chain, 4, 4.0, 400.0, "critical_path");
        let diamond = Trace {
            edges: vec![(2, 1), (3, 1), (4, 2), (4, 3)],
            ..trace(tasks.clone())
        };
        check(&diamond, 4, 4.0, 300.0, "critical_path");
        let cycle = Trace {
            edges: vec![(1, 2), (2, 1)],
            ..trace(tasks)
        };
        let one = WhatIf {
            workers: 1,
            processors: 1.0,
            ..WhatIf::default()
        };
        assert_eq!(simulate(&cycle, &one).makespan_ns, 200.0);
    }

    #[test]
    fn tasks_come_no_sooner_than_they_were_submitted() {
        let mut late = vec![task(1, 0, 100, 100), task(2, 1000, 1100, 100)];
        late[1].queued_ns = 1001;
        check(&trace(late), 8, 8.0, 1100.0, "arrivals");
    }

    #[test]
    fn threads_that_took_turns_share_one_processor() {
        let mut turns: Vec<Task> = (0..2)
            .map(|n| Task {
                worker: n as u32,
                ..task(n + 1, 0, 200, 100)
            })
            .collect();
        turns.iter_mut().for_each(|task| task.interpreter_wait_ns = 100);
        let worker = |index| Worker {
            index,
            kind: "thread".to_owned(),
            ..Worker::default()
        };
        let threads = Trace {
            workers: vec![worker(0), worker(1)],
            ..trace(turns)
        };
        check(&threads, 2, 2.0, 200.0, "interpreter_lock");
    }

    #[test]
    fn what_waited_for_a_processor_need_not_wait_when_there_is_one() {
        let mut delayed = task(1, 0, 300, 100);
        delayed.run_queue_ns = 200;
        check(&trace(vec![delayed]), 1, 1.0, 100.0, "critical_path");
    }

    #[test]
    fn nothing_is_simulated_too() {
        assert_eq!(simulate(&Trace::default(), &WhatIf::default()).bound_by, "nothing");
    }

    /// Eight tasks of 100 ns that move 1000 bytes each, on as many workers and processors as are wanted.
    fn moving(workers: u32, bandwidth: f64) -> (Trace, WhatIf) {
        let on = WhatIf {
            workers,
            processors: 8.0,
            bandwidth,
            bytes_per_task: BTreeMap::from([("copy".to_owned(), 1000.0)]),
        };
        let tasks = (0..8).map(|n| task(n + 1, 100 * n, 100 * n + 100, 100)).collect();
        let trace = Trace {
            functions: vec!["copy".to_owned()],
            ..trace(tasks)
        };
        (trace, on)
    }

    #[test]
    fn memory_moves_no_more_than_it_was_measured_to() {
        // One task moves 10 bytes a nanosecond.
        let (trace, on) = moving(1, 10.0);
        check_on(&trace, &on, 800.0, "memory_bandwidth");
        let (trace, on) = moving(2, 20.0);
        check_on(&trace, &on, 400.0, "memory_bandwidth");
        let (trace, on) = moving(4, 20.0);
        check_on(&trace, &on, 400.0, "memory_bandwidth");
        let (trace, on) = moving(4, 15.0);
        check_on(&trace, &on, 8000.0 / 15.0, "memory_bandwidth");
        // What is not known limits nothing.
        let (trace, on) = moving(4, 0.0);
        check_on(&trace, &on, 200.0, "workers");
    }

    #[test]
    fn a_lack_of_bandwidth_slows_only_those_who_use_it() {
        let (mut mixed, on) = moving(2, 5.0);
        mixed.functions.push("compute".to_owned());
        mixed.tasks.truncate(2);
        mixed.tasks[1].function = 1;
        // The task that moves is twice as slow, the one that computes is not.
        check_on(&mixed, &on, 200.0, "memory_bandwidth");
    }
}
