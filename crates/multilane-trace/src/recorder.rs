//! A trace under construction.
//!
//! Adds events to vectors and names to a table. Reads no clock.

use std::collections::HashMap;

use crate::{Meta, Progress, Sample, Task, Trace, Worker};

/// Collects the events of one run.
#[derive(Debug, Default)]
pub struct Recorder {
    trace: Trace,
    functions: HashMap<String, u32>,
}

impl Recorder {
    /// An empty trace of the run that `meta` describes.
    pub fn new(meta: Meta) -> Self {
        Self {
            trace: Trace {
                meta,
                ..Trace::default()
            },
            functions: HashMap::new(),
        }
    }

    /// The index of a function's name, added on first use.
    pub fn function(&mut self, name: &str) -> u32 {
        if let Some(index) = self.functions.get(name) {
            return *index;
        }
        let index = u32::try_from(self.trace.functions.len()).unwrap_or(u32::MAX);
        self.trace.functions.push(name.to_owned());
        self.functions.insert(name.to_owned(), index);
        index
    }

    /// Adds an attempt at a task.
    pub fn push_task(&mut self, task: Task) {
        self.trace.tasks.push(task);
    }

    /// Notes that `task` waited for `dependency`.
    pub fn push_edge(&mut self, task: u64, dependency: u64) {
        self.trace.edges.push((task, dependency));
    }

    /// Adds a task's word on its progress.
    pub fn push_progress(&mut self, progress: Progress) {
        self.trace.progress.push(progress);
    }

    /// Adds what a thread was seen doing.
    pub fn push_sample(&mut self, sample: Sample) {
        self.trace.samples.push(sample);
    }

    /// Adds a worker; returns its position in [`Recorder::workers_mut`].
    pub fn push_worker(&mut self, worker: Worker) -> usize {
        self.trace.workers.push(worker);
        self.trace.workers.len() - 1
    }

    /// The workers so far, to note when one is ready or has ended.
    pub fn workers_mut(&mut self) -> &mut [Worker] {
        &mut self.trace.workers
    }

    /// Attempts recorded so far.
    pub fn tasks(&self) -> usize {
        self.trace.tasks.len()
    }

    /// What ran where, to complete it before the end.
    pub fn meta_mut(&mut self) -> &mut Meta {
        &mut self.trace.meta
    }

    /// Ends the observed window and hands out the trace.
    pub fn finish(mut self, end_ns: u64) -> Trace {
        self.trace.meta.end_ns = end_ns;
        self.trace
    }
}
