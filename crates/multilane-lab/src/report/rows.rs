//! The tasks of a trace as rows, one per worker: each task where there is room for it, bins where there is not.

use std::collections::BTreeMap;

use multilane_trace::{Status, Task, Worker};

use super::view::Shown;

/// A row with more tasks than this is drawn in bins: below, a task is still about two pixels wide.
const MAX_TASKS_DRAWN: usize = 400;

/// Bins over all rows together; they set the size of the file.
const MAX_BINS: usize = 24_000;

/// Bins of one row at most, more than a screen can show.
const MAX_BINS_PER_ROW: usize = 480;

/// Rows that are drawn.
pub(super) const MAX_ROWS: usize = 256;

/// What one worker did.
pub(super) struct Row<'a> {
    pub(super) index: u32,
    pub(super) worker: Option<&'a Worker>,
    pub(super) totals: Totals,
    pub(super) content: Content<'a>,
}

/// A row's tasks.
pub(super) enum Content<'a> {
    /// In order of their start.
    Tasks(Vec<&'a Task>),
    /// Slices of the time axis, equally long.
    Bins(Vec<Bin>),
}

/// What a worker did in one slice of time.
#[derive(Clone, Copy, Default)]
pub(super) struct Bin {
    /// Tasks that started in it.
    pub(super) started: u32,
    /// Tasks that ended badly in it.
    pub(super) failed: u32,
    /// Share of it spent in tasks.
    pub(super) open: f64,
    /// Share of it spent in tasks on a core, taking each task's CPU time as spread evenly over it.
    pub(super) on_core: f64,
}

/// A worker's tasks in sum.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) tasks: usize,
    pub(super) failed: usize,
    pub(super) open_ns: u64,
    pub(super) cpu_ns: u64,
    pub(super) first_ns: u64,
    pub(super) last_ns: u64,
}

/// Rows in order of the worker's index, and how many more there are than are drawn.
pub(super) fn rows<'a>(shown: &Shown<'a>) -> (Vec<Row<'a>>, usize) {
    let mut tasks: BTreeMap<u32, Vec<&Task>> = BTreeMap::new();
    let workers: BTreeMap<u32, &Worker> = shown
        .trace
        .workers
        .iter()
        .map(|worker| (worker.index, worker))
        .collect();
    for index in workers.keys() {
        tasks.entry(*index).or_default();
    }
    for task in shown
        .trace
        .tasks
        .iter()
        .filter(|task| task.started_ns > 0 && task.ended_ns >= task.started_ns)
    {
        tasks.entry(task.worker).or_default().push(task);
    }
    let hidden = tasks.len().saturating_sub(MAX_ROWS);
    let bins = (MAX_BINS / tasks.len().clamp(1, MAX_ROWS)).min(MAX_BINS_PER_ROW);
    let rows = tasks
        .into_iter()
        .take(MAX_ROWS)
        .map(|(index, mut tasks)| {
            tasks.sort_by_key(|task| (task.started_ns, task.id));
            let totals = totals(&tasks, shown.origin_ns);
            let content = if tasks.len() > MAX_TASKS_DRAWN {
                Content::Bins(sort_into_bins(
                    &tasks,
                    shown.origin_ns,
                    shown.analysis.makespan_ns,
                    bins,
                ))
            } else {
                Content::Tasks(tasks)
            };
            Row {
                index,
                worker: workers.get(&index).copied(),
                totals,
                content,
            }
        })
        .collect();
    (rows, hidden)
}

impl Row<'_> {
    /// What the row is called: the main thread by its kind, others by number.
    pub(super) fn name(&self) -> String {
        match self.worker {
            Some(worker) if worker.kind == "main" => "main".to_owned(),
            _ => format!("worker {}", self.index),
        }
    }

    /// What the operating system calls it, such as `process 4242`; empty when unknown.
    pub(super) fn identity(&self) -> String {
        match self.worker {
            Some(worker) if worker.os_id > 0 => format!("{} {}", worker.kind, worker.os_id),
            Some(worker) => worker.kind.clone(),
            None => String::new(),
        }
    }
}

/// The share of a task that it was on a core.
pub(super) fn on_core(task: &Task) -> f64 {
    let wall = task.wall_ns();
    if wall == 0 {
        0.0
    } else {
        (task.cpu_ns as f64 / wall as f64).min(1.0)
    }
}

fn totals(tasks: &[&Task], origin_ns: u64) -> Totals {
    let mut totals = Totals {
        first_ns: u64::MAX,
        ..Totals::default()
    };
    for task in tasks {
        totals.tasks += 1;
        totals.failed += usize::from(task.status != Status::Done);
        totals.open_ns = totals.open_ns.saturating_add(task.wall_ns());
        totals.cpu_ns = totals.cpu_ns.saturating_add(task.cpu_ns);
        totals.first_ns = totals.first_ns.min(task.started_ns.saturating_sub(origin_ns));
        totals.last_ns = totals.last_ns.max(task.ended_ns.saturating_sub(origin_ns));
    }
    totals
}

fn sort_into_bins(tasks: &[&Task], origin_ns: u64, makespan_ns: u64, count: usize) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); count];
    let width = makespan_ns as f64 / count as f64;
    let last = count - 1;
    for task in tasks {
        let start = task.started_ns.saturating_sub(origin_ns) as f64;
        let end = task.ended_ns.saturating_sub(origin_ns) as f64;
        let (from, to) = (((start / width) as usize).min(last), ((end / width) as usize).min(last));
        bins[from].started = bins[from].started.saturating_add(1);
        bins[to].failed += u32::from(task.status != Status::Done);
        let core = on_core(task);
        for (index, bin) in bins.iter_mut().enumerate().take(to + 1).skip(from) {
            let (left, right) = (index as f64 * width, (index + 1) as f64 * width);
            let inside = ((end.min(right) - start.max(left)) / width).clamp(0.0, 1.0);
            bin.open = (bin.open + inside).min(1.0);
            bin.on_core = (bin.on_core + inside * core).min(1.0);
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(started_ns: u64, ended_ns: u64, cpu_ns: u64) -> Task {
        Task {
            started_ns,
            ended_ns,
            cpu_ns,
            ..Task::default()
        }
    }

    #[test]
    fn bins_keep_the_time_in_tasks_and_on_cores() {
        let tasks: Vec<Task> = (0..1_000)
            .map(|index| task(1_000 + index * 10, 1_008 + index * 10, 4))
            .collect();
        let bins = sort_into_bins(&tasks.iter().collect::<Vec<_>>(), 1_000, 10_000, 64);
        let sum = |pick: fn(&Bin) -> f64| bins.iter().map(pick).sum::<f64>() / bins.len() as f64;
        assert!((sum(|bin| bin.open) - 0.8).abs() < 1e-6);
        assert!((sum(|bin| bin.on_core) - 0.4).abs() < 1e-6);
        assert_eq!(bins.iter().map(|bin| bin.started).sum::<u32>(), 1_000);
    }

    #[test]
    fn a_task_outside_the_axis_does_not_panic() {
        let stray = task(5, 90_000, u64::MAX);
        let bins = sort_into_bins(&[&stray], 1_000, 10_000, 8);
        assert!(bins.iter().all(|bin| bin.on_core <= 1.0));
    }
}
