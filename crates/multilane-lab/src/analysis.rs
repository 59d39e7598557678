//! What one trace shows: cores used, where the time went, the critical path.
//!
//! Reads the trace alone, so that the answer can be computed again from a file.

use std::collections::{BTreeMap, HashSet};

use multilane_trace::{Status, Task, Trace, steps};
use serde::{Deserialize, Serialize};

use crate::{
    budget::{self, Own},
    path::critical_path,
    statistics::percentile,
};

/// A chain of tasks that takes nearly all of the run leaves only dispatch between them.
const CHAINED_SHARE: f64 = 0.9;

/// Points of the curve of cores used: as many as a picture can show.
const CURVE_POINTS: usize = 200;

/// What one trace shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// From the first task's arrival in the queue to the last task's end.
    pub makespan_ns: u64,
    /// CPU time of all tasks.
    pub cpu_ns: u64,
    /// CPU time of all tasks over the makespan.
    pub cores_used: f64,
    /// Time that workers spent in tasks over the makespan.
    pub busy_cores: f64,
    /// Attempts at tasks.
    pub tasks: usize,
    /// Attempts that did not end well.
    pub failed: usize,
    /// Worker slots: as asked for, or as many as were busy at once.
    pub workers: usize,
    /// Workers that ran at least one task.
    pub workers_used: usize,
    /// Cores used over the cores that could have been: workers or processors, whichever is fewer.
    pub efficiency: f64,
    /// Where the workers' time went.
    pub decomposition: Decomposition,
    /// The chain of dependent tasks that took longest, first task first.
    pub critical_path: Vec<u64>,
    /// How long that chain ran.
    pub critical_path_ns: u64,
    /// Cores used over time: nanoseconds since the start, and cores.
    pub cores_over_time: Vec<(u64, f64)>,
    /// The largest part of the decomposition that is not useful, by field name; empty when there is none.
    pub largest_loss: String,
    /// What each function's tasks took.
    pub functions: BTreeMap<String, FunctionSummary>,
}

/// Where the workers' time went: fractions of workers times makespan that sum to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decomposition {
    /// On a processor, doing the tasks' work.
    pub useful: f64,
    /// Idle at the end, while other workers still worked.
    pub load_imbalance: f64,
    /// Idle because too few tasks were there to be run: dependencies, or not yet submitted.
    pub serial_fraction: f64,
    /// Between tasks while tasks were waiting.
    pub dispatch: f64,
    /// Reading arguments and writing results.
    pub serialisation: f64,
    /// In a task, waiting for the interpreter lock.
    pub interpreter_wait: f64,
    /// In a task, runnable but not on a processor.
    pub run_queue: f64,
    /// In a task, not on a processor for another reason: sleep, files, network, locks.
    pub waiting: f64,
    /// Workers not yet ready.
    pub start_up: f64,
    /// Nothing to do anywhere, or more workers than tasks.
    pub idle: f64,
}

/// What the tasks of one function took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionSummary {
    /// Attempts.
    pub count: usize,
    /// Attempts that did not end well.
    pub failures: usize,
    /// CPU time in all.
    pub cpu_ns: u64,
    /// Median duration.
    pub p50_ns: u64,
    /// 90 of 100 took at most this.
    pub p90_ns: u64,
    /// 99 of 100 took at most this.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl Decomposition {
    /// The parts by name, largest first among the losses, `useful` before them.
    pub fn parts(&self) -> [(&'static str, f64); 10] {
        let mut parts = [
            ("useful", self.useful),
            ("load_imbalance", self.load_imbalance),
            ("serial_fraction", self.serial_fraction),
            ("dispatch", self.dispatch),
            ("serialisation", self.serialisation),
            ("interpreter_wait", self.interpreter_wait),
            ("run_queue", self.run_queue),
            ("waiting", self.waiting),
            ("start_up", self.start_up),
            ("idle", self.idle),
        ];
        parts[1..].sort_by(|left, right| right.1.total_cmp(&left.1));
        parts
    }
}

/// Says what a trace shows.
///
/// ```
/// use multilane_trace::{Task, Trace};
/// let task = |worker| Task { worker, started_ns: 100, ended_ns: 200, cpu_ns: 100, ..Task::default() };
/// let trace = Trace { tasks: vec![task(0), task(1)], ..Trace::default() };
/// let analysis = multilane_lab::analyse(&trace);
/// assert_eq!(analysis.cores_used, 2.0);
/// assert_eq!(analysis.decomposition.useful, 1.0);
/// ```
pub fn analyse(trace: &Trace) -> Analysis {
    let ran: Vec<&Task> = trace.tasks.iter().filter(|task| task.wall_ns() > 0).collect();
    let start_ns = ran.iter().map(|task| budget::queued_ns(task)).min().unwrap_or(0);
    let end_ns = ran.iter().map(|task| task.ended_ns).max().unwrap_or(0);
    let makespan_ns = end_ns.saturating_sub(start_ns);
    let owned = budget::own(&ran);
    let cpu_ns = owned.iter().fold(0, |sum: u64, own| sum.saturating_add(own.cpu_ns));
    let wall_ns = owned.iter().fold(0, |sum: u64, own| sum.saturating_add(own.wall_ns));
    let (critical_path, critical_path_ns) = critical_path(&ran, &trace.edges);
    let chained = critical_path.len() >= 2 && critical_path_ns as f64 >= CHAINED_SHARE * makespan_ns as f64;
    let (decomposition, slots) = budget::decompose(trace, &ran, &owned, (start_ns, end_ns), chained);
    let workers = if ran.is_empty() {
        trace.meta.workers as usize
    } else {
        slots
    };
    let per_makespan = |time_ns: u64| {
        if makespan_ns == 0 {
            0.0
        } else {
            time_ns as f64 / makespan_ns as f64
        }
    };
    let cores_used = per_makespan(cpu_ns);
    let (largest, share) = decomposition.parts()[1];
    Analysis {
        makespan_ns,
        cpu_ns,
        cores_used,
        busy_cores: per_makespan(wall_ns),
        tasks: trace.tasks.len(),
        failed: trace.tasks.iter().filter(|task| task.status != Status::Done).count(),
        workers,
        workers_used: ran.iter().map(|task| task.worker).collect::<HashSet<_>>().len(),
        efficiency: cores_used / reachable_cores(trace, workers),
        decomposition,
        critical_path,
        critical_path_ns,
        cores_over_time: curve(&ran, &owned, (start_ns, end_ns)),
        largest_loss: if share > 0.0 { largest.to_owned() } else { String::new() },
        functions: summaries(trace),
    }
}

/// The cores that this many workers could have used.
fn reachable_cores(trace: &Trace, workers: usize) -> f64 {
    let cpus = trace.meta.machine.cpus_usable();
    let workers = workers.max(1) as f64;
    if cpus > 0.0 { workers.min(cpus) } else { workers }
}

fn curve(tasks: &[&Task], owned: &[Own], window: (u64, u64)) -> Vec<(u64, f64)> {
    let intervals = tasks.iter().zip(owned).map(|(task, own)| {
        (
            task.started_ns,
            task.ended_ns,
            own.cpu_ns as f64 / task.wall_ns() as f64,
        )
    });
    let curve = steps(window, CURVE_POINTS, intervals);
    curve.into_iter().map(|(at, cores)| (at - window.0, cores)).collect()
}

fn summaries(trace: &Trace) -> BTreeMap<String, FunctionSummary> {
    let mut durations: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let mut functions: BTreeMap<u32, FunctionSummary> = BTreeMap::new();
    for task in &trace.tasks {
        let summary = functions.entry(task.function).or_default();
        summary.count += 1;
        summary.failures += usize::from(task.status != Status::Done);
        summary.cpu_ns = summary.cpu_ns.saturating_add(task.cpu_ns);
        if task.wall_ns() > 0 {
            durations.entry(task.function).or_default().push(task.wall_ns());
        }
    }
    for (function, durations) in &mut durations {
        durations.sort_unstable();
        if let Some(summary) = functions.get_mut(function) {
            summary.p50_ns = percentile(durations, 0.50);
            summary.p90_ns = percentile(durations, 0.90);
            summary.p99_ns = percentile(durations, 0.99);
            summary.max_ns = percentile(durations, 1.0);
        }
    }
    functions
        .into_iter()
        .map(|(function, summary)| (trace.function_name(function).to_owned(), summary))
        .collect()
}
