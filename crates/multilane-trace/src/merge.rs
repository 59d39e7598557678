//! Joins the traces of several pools into one.

use std::collections::HashMap;

use crate::{Recorder, Trace};

impl Trace {
    /// One trace of everything in `traces`, which were recorded during the same boot.
    ///
    /// Workers and tasks get new numbers, so that those of different pools stay apart; what ran
    /// where is taken from the first trace, and the window covers all of them.
    pub fn merge(traces: &[Trace]) -> Trace {
        let mut merged = Recorder::new(traces.first().map(|trace| trace.meta.clone()).unwrap_or_default());
        let mut first_worker = 0u32;
        let mut first_task = 0u64;
        for trace in traces {
            let functions: Vec<u32> = trace.functions.iter().map(|name| merged.function(name)).collect();
            let mut workers = Renumbered::new(u64::from(first_worker));
            let mut tasks = Renumbered::new(first_task + 1);
            for worker in &trace.workers {
                merged.push_worker(crate::Worker {
                    index: workers.narrow(worker.index),
                    ..worker.clone()
                });
            }
            for task in &trace.tasks {
                merged.push_task(crate::Task {
                    id: tasks.of(task.id),
                    worker: workers.narrow(task.worker),
                    function: functions.get(task.function as usize).copied().unwrap_or(u32::MAX),
                    parent: if task.parent == 0 { 0 } else { tasks.of(task.parent) },
                    ..*task
                });
            }
            for (task, dependency) in &trace.edges {
                merged.push_edge(tasks.of(*task), tasks.of(*dependency));
            }
            for progress in &trace.progress {
                merged.push_progress(crate::Progress {
                    task: tasks.of(progress.task),
                    ..*progress
                });
            }
            for sample in &trace.samples {
                merged.push_sample(crate::Sample {
                    worker: workers.narrow(sample.worker),
                    ..*sample
                });
            }
            first_worker = first_worker.saturating_add(u32::try_from(workers.known.len()).unwrap_or(u32::MAX));
            first_task += tasks.known.len() as u64;
        }
        let meta = merged.meta_mut();
        meta.workers = traces
            .iter()
            .fold(0, |sum, trace| sum.saturating_add(trace.meta.workers));
        meta.start_ns = traces
            .iter()
            .map(|trace| trace.meta.start_ns)
            .filter(|at| *at > 0)
            .min()
            .unwrap_or(0);
        merged.finish(traces.iter().map(|trace| trace.meta.end_ns).max().unwrap_or(0))
    }
}

/// New numbers in order of first appearance.
struct Renumbered {
    first: u64,
    known: HashMap<u64, u64>,
}

impl Renumbered {
    fn new(first: u64) -> Self {
        Self {
            first,
            known: HashMap::new(),
        }
    }

    fn of(&mut self, old: u64) -> u64 {
        let next = self.first + self.known.len() as u64;
        *self.known.entry(old).or_insert(next)
    }

    fn narrow(&mut self, old: u32) -> u32 {
        u32::try_from(self.of(u64::from(old))).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Meta, Task, Trace, Worker};

    #[test]
    fn equal_numbers_of_two_pools_stay_apart() {
        let pool = |name: &str, start_ns| Trace {
            meta: Meta {
                label: name.to_owned(),
                workers: 1,
                start_ns,
                end_ns: start_ns + 5,
                ..Meta::default()
            },
            functions: vec![name.to_owned()],
            workers: vec![Worker {
                index: 0,
                ..Worker::default()
            }],
            tasks: vec![
                Task {
                    id: 7,
                    ..Task::default()
                },
                Task {
                    id: 8,
                    parent: 7,
                    ..Task::default()
                },
            ],
            edges: vec![(8, 7)],
            ..Trace::default()
        };
        let merged = Trace::merge(&[pool("first", 10), pool("second", 2)]);
        let ids: Vec<u64> = merged.tasks.iter().map(|task| task.id).collect();
        let workers: Vec<u32> = merged.tasks.iter().map(|task| task.worker).collect();
        assert_eq!(ids, [1, 2, 3, 4]);
        assert_eq!(workers, [0, 0, 1, 1]);
        assert_eq!(merged.edges, [(2, 1), (4, 3)]);
        assert_eq!(merged.tasks[3].parent, 3);
        assert_eq!(merged.function_name(merged.tasks[2].function), "second");
        assert_eq!((merged.meta.label.as_str(), merged.meta.workers), ("first", 2));
        assert_eq!((merged.meta.start_ns, merged.meta.end_ns), (2, 15));
    }

    #[test]
    fn nothing_merges_to_nothing() {
        assert_eq!(Trace::merge(&[]), Trace::default());
    }
}
