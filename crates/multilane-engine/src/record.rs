//! What every pool of this process keeps of its tasks: names, metrics, recordings.
//!
//! Metrics are always on and cost a few nanoseconds a task. A recording keeps one
//! [`multilane_trace::Task`] per attempt while it is open.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use multilane_trace as trace;

use crate::clock;
use crate::task::{Measured, Task};

/// Sub-buckets per power of two: a percentile is off by at most 1 part in 8.
const STEPS: usize = 8;

/// Counts and durations of one function.
#[derive(Clone)]
pub struct Metrics {
    /// Attempts that ended.
    pub count: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Sum of durations.
    pub total_ns: u64,
    /// Sum of CPU times.
    pub cpu_ns: u64,
    /// Longest duration.
    pub max_ns: u64,
    buckets: Box<[u32; 64 * STEPS]>,
    /// Running mean of the duration, recent tasks weighing more.
    pub recent_ns: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            count: 0,
            failures: 0,
            total_ns: 0,
            cpu_ns: 0,
            max_ns: 0,
            buckets: Box::new([0; 64 * STEPS]),
            recent_ns: 0,
        }
    }
}

fn bucket(ns: u64) -> usize {
    if ns < STEPS as u64 {
        return ns as usize;
    }
    let log = 63 - ns.leading_zeros() as usize;
    let step = (ns >> (log - 3)) as usize & (STEPS - 1);
    (log - 2) * STEPS + step
}

fn bucket_middle(index: usize) -> u64 {
    if index < STEPS {
        return index as u64;
    }
    let (log, step) = (index / STEPS + 2, index % STEPS);
    let width = 1u64 << (log - 3);
    (STEPS as u64 + step as u64) * width + width / 2
}

impl Metrics {
    fn add(&mut self, duration_ns: u64, cpu_ns: u64, failed: bool) {
        self.count += 1;
        self.failures += u64::from(failed);
        self.total_ns += duration_ns;
        self.cpu_ns += cpu_ns;
        self.max_ns = self.max_ns.max(duration_ns);
        let bucket = &mut self.buckets[bucket(duration_ns).min(64 * STEPS - 1)];
        *bucket = bucket.saturating_add(1);
        self.recent_ns = if self.count == 1 {
            duration_ns
        } else {
            self.recent_ns - self.recent_ns / 8 + duration_ns / 8
        };
    }

    /// The duration that a share `quantile` of all attempts did not exceed.
    pub fn quantile_ns(&self, quantile: f64) -> u64 {
        let all: u64 = self.buckets.iter().map(|&n| u64::from(n)).sum();
        let target = (quantile.clamp(0.0, 1.0) * all as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, &n) in self.buckets.iter().enumerate() {
            seen += u64::from(n);
            if seen >= target && n > 0 {
                return bucket_middle(index).min(self.max_ns);
            }
        }
        0
    }
}

#[derive(Default)]
struct Names {
    list: Vec<String>,
    index: HashMap<String, u32>,
}

fn names() -> &'static Mutex<Names> {
    static NAMES: OnceLock<Mutex<Names>> = OnceLock::new();
    NAMES.get_or_init(Mutex::default)
}

fn metrics_table() -> &'static Mutex<Vec<Metrics>> {
    static METRICS: OnceLock<Mutex<Vec<Metrics>>> = OnceLock::new();
    METRICS.get_or_init(Mutex::default)
}

/// The index of a function's name.
pub fn intern(name: &str) -> u32 {
    let mut names = names().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(&index) = names.index.get(name) {
        return index;
    }
    let index = names.list.len() as u32;
    names.list.push(name.to_owned());
    names.index.insert(name.to_owned(), index);
    index
}

/// The name behind an index.
pub fn name(index: u32) -> String {
    let names = names().lock().unwrap_or_else(PoisonError::into_inner);
    names.list.get(index as usize).cloned().unwrap_or_default()
}

/// Metrics of every function that ran.
pub fn metrics() -> Vec<(String, Metrics)> {
    let table = metrics_table().lock().unwrap_or_else(PoisonError::into_inner).clone();
    let rows = table.into_iter().enumerate();
    rows.filter(|(_, m)| m.count > 0)
        .map(|(i, m)| (name(i as u32), m))
        .collect()
}

/// The running mean of a function's duration; `None` before the first.
pub fn recent_ns(function: u32) -> Option<u64> {
    let table = metrics_table().lock().unwrap_or_else(PoisonError::into_inner);
    table
        .get(function as usize)
        .filter(|m| m.count > 0)
        .map(|m| m.recent_ns)
}

/// An open recording.
pub struct Recording {
    trace: Mutex<trace::Trace>,
    start_ns: u64,
}

static OPEN: AtomicBool = AtomicBool::new(false);
static RECORDINGS: RwLock<Vec<Arc<Recording>>> = RwLock::new(Vec::new());

/// Whether any recording is open.
pub fn recording() -> bool {
    OPEN.load(Ordering::Relaxed)
}

fn each(with: impl Fn(&mut trace::Trace)) {
    if recording() {
        for recording in RECORDINGS.read().unwrap_or_else(PoisonError::into_inner).iter() {
            with(&mut recording.trace.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Recording {
    /// Opens a recording of everything that ends from now on.
    pub fn open() -> Arc<Self> {
        let recording = Arc::new(Self {
            trace: Mutex::default(),
            start_ns: clock::now_ns(),
        });
        let mut all = RECORDINGS.write().unwrap_or_else(PoisonError::into_inner);
        all.push(recording.clone());
        OPEN.store(true, Ordering::Relaxed);
        recording
    }

    /// Closes it and names the workers of every pool that ran a task. The caller fills
    /// in the facts of the machine.
    pub fn close(self: &Arc<Self>, pools: &[Vec<trace::Worker>]) -> trace::Trace {
        let mut all = RECORDINGS.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| !Arc::ptr_eq(other, self));
        OPEN.store(!all.is_empty(), Ordering::Relaxed);
        drop(all);
        let mut trace = std::mem::take(&mut *self.trace.lock().unwrap_or_else(PoisonError::into_inner));
        trace.format = trace::FORMAT;
        trace.meta.start_ns = self.start_ns;
        trace.meta.end_ns = clock::now_ns();
        name_workers(&mut trace, pools);
        trace.functions = names().lock().unwrap_or_else(PoisonError::into_inner).list.clone();
        trace
    }
}

/// Notes the end of an attempt.
pub fn note_attempt(task: &Task, measured: &Measured, status: trace::Status) {
    let duration_ns = measured.ended_ns.saturating_sub(measured.started_ns);
    {
        let mut table = metrics_table().lock().unwrap_or_else(PoisonError::into_inner);
        let index = task.options.function as usize;
        if table.len() <= index {
            table.resize_with(index + 1, Metrics::default);
        }
        table[index].add(duration_ns, measured.cpu_ns, status != trace::Status::Done);
    }
    if !recording() {
        return;
    }
    each(|trace| {
        make_room(&mut trace.tasks);
        trace.tasks.push(trace::Task {
            id: task.id,
            function: task.options.function,
            worker: measured.worker,
            attempt: measured.attempt,
            status,
            queued_ns: task.queued_ns,
            ready_ns: task.ready_ns.load(Ordering::Relaxed),
            started_ns: measured.started_ns,
            ended_ns: measured.ended_ns,
            collected_ns: measured.collected_ns,
            cpu_ns: measured.cpu_ns,
            encode_ns: task.encode_ns.load(Ordering::Relaxed),
            decode_ns: measured.decode_ns,
            result_encode_ns: measured.result_encode_ns,
            interpreter_wait_ns: measured.interpreter_wait_ns,
            run_queue_ns: measured.run_queue_ns,
            core_start: measured.core_start,
            core_end: measured.core_end,
            bytes_in: measured.bytes_in,
            bytes_out: measured.bytes_out,
            parent: task.options.parent,
            ..trace::Task::default()
        });
    });
}

/// Grows a full list, and asks for huge pages: touching small ones costs as much as writing to them.
fn make_room(tasks: &mut Vec<trace::Task>) {
    /// 2.6 MB.
    const FIRST: usize = 1 << 14;
    const HUGE_PAGE: usize = 2 << 20;

    if tasks.len() < tasks.capacity() {
        return;
    }
    tasks.reserve(tasks.len().max(FIRST));
    let free = tasks.spare_capacity_mut();
    let (start, len) = (free.as_mut_ptr(), size_of_val(free));
    let skipped = start.addr().next_multiple_of(HUGE_PAGE) - start.addr();
    if let Some(len) = len.checked_sub(skipped).filter(|len| *len >= HUGE_PAGE) {
        // SAFETY: an advice on memory of our own, which stays as it is; from a page's start on.
        let _ = unsafe {
            let aligned = start.cast::<u8>().add(skipped);
            rustix::mm::madvise(aligned.cast(), len, rustix::mm::Advice::LinuxHugepage)
        };
    }
}

/// Notes that `task` waited for `other`.
pub fn note_edge(task: u64, other: u64) {
    each(|trace| trace.edges.push((task, other)));
}

/// Notes a progress report.
pub fn note_progress(task: u64, at_ns: u64, done: u64, total: u64) {
    each(|trace| {
        trace.progress.push(trace::Progress {
            task,
            at_ns,
            done,
            total,
        })
    });
}

/// Notes a worker that has ended.
pub fn note_worker(worker: &trace::Worker) {
    each(|trace| trace.workers.push(worker.clone()));
}

static NEXT_WORKER: AtomicU32 = AtomicU32::new(0);

/// The first of `count` worker numbers that no other pool of this process has.
pub fn new_workers(count: usize) -> u32 {
    NEXT_WORKER.fetch_add(count as u32, Ordering::Relaxed)
}

/// Keeps the workers of pools that ran a task, and numbers them from 0.
fn name_workers(trace: &mut trace::Trace, pools: &[Vec<trace::Worker>]) {
    let mut used: BTreeSet<u32> = BTreeSet::new();
    let mut last = None;
    for task in &trace.tasks {
        if last.replace(task.worker) != Some(task.worker) {
            used.insert(task.worker);
        }
    }
    // A dead worker's successor has its number: both stand in the trace.
    let mut workers: Vec<trace::Worker> = trace
        .workers
        .drain(..)
        .filter(|worker| used.contains(&worker.index))
        .collect();
    for pool in pools {
        if pool.iter().any(|worker| used.contains(&worker.index)) {
            workers.extend(pool.iter().cloned());
        }
    }
    let known: BTreeSet<u32> = workers.iter().map(|worker| worker.index).chain(used).collect();
    // In order: a worker's number is its place. Few workers, many tasks.
    let known: Vec<u32> = known.into_iter().collect();
    let number = |index: u32| known.partition_point(|other| *other < index) as u32;
    for worker in &mut workers {
        worker.index = number(worker.index);
    }
    for task in &mut trace.tasks {
        task.worker = number(task.worker);
    }
    workers.sort_by_key(|worker| (worker.index, worker.started_ns));
    trace.meta.workers = known.len() as u32;
    trace.workers = workers;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_own_middle() {
        for ns in [0, 1, 7, 8, 9, 15, 16, 1000, 123_456_789, u64::MAX / 3] {
            let middle = bucket_middle(bucket(ns));
            assert_eq!(bucket(middle), bucket(ns), "{ns} -> {middle}");
            assert!(middle.abs_diff(ns) <= ns / 8 + 1, "{ns} -> {middle}");
        }
    }

    #[test]
    fn quantiles_of_known_durations() {
        let mut metrics = Metrics::default();
        for us in 1..=100 {
            metrics.add(us * 1000, 0, us == 1);
        }
        assert_eq!((metrics.count, metrics.failures), (100, 1));
        assert!(metrics.quantile_ns(0.5).abs_diff(50_000) < 8_000);
        assert_eq!(metrics.quantile_ns(1.0).max(96_000), metrics.quantile_ns(1.0));
    }
}
