//! Looks at a whole program: all threads of a process and of its children, which come and go.
//!
//! Where fewer threads run than the program has workers, those that are blocked say what for. Where one and the same
//! thread runs alone for long, a part of the work is not shared.

use std::{
    collections::HashMap,
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use multilane_engine::clock;
use multilane_lab::signals::{Doing, Stretch, doing, run_delay_ns};
use pyo3::{prelude::*, types::PyDict};

use super::watch::{LEAST_PAUSE, Outcome, PAUSES};

/// Looks after which threads that have come are found, and delays are read; in the first looks every time.
const REFRESH: u64 = 4;
const FIRST_LOOKS: u64 = 8;

/// What the threads of a program used, as far as it was seen.
#[derive(Debug, Default)]
pub(super) struct Totals {
    run_delay_ns: u64,
    alone_ns: u64,
    watched_ns: u64,
}

impl Totals {
    pub(super) fn fill(&self, dict: &Bound<'_, PyDict>) -> PyResult<()> {
        dict.set_item("run_delay_ns", self.run_delay_ns)?;
        dict.set_item("alone_ns", self.alone_ns)?;
        dict.set_item("watched_ns", self.watched_ns)
    }
}

pub(super) fn watch(process: u32, workers: u32, stop: &AtomicBool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut totals = Totals::default();
    let mut delays: HashMap<u32, u64> = HashMap::new();
    let mut stretch = Stretch::default();
    let mut threads: Vec<(u32, u32)> = Vec::new();
    let mut looks = 0;
    let first_ns = clock::now_ns();
    let mut last_ns = first_ns;
    while !stop.load(Ordering::Relaxed) {
        let began_ns = clock::now_ns();
        let refresh = looks < FIRST_LOOKS || looks % REFRESH == 0;
        looks += 1;
        if refresh {
            threads = threads_of(process);
        }
        let mut running = Vec::new();
        let mut blocked = Vec::new();
        for (owner, thread) in &threads {
            let folder = format!("/proc/{owner}/task/{thread}");
            if refresh
                && let Some(delay_ns) =
                    run_delay_ns(&fs::read_to_string(format!("{folder}/schedstat")).unwrap_or_default())
            {
                delays.insert(*thread, delay_ns);
            }
            match fs::read_to_string(format!("{folder}/syscall"))
                .ok()
                .and_then(|line| doing(&line, None))
            {
                Some(Doing::Running) => running.push(*thread),
                // A first thread that only waits for the others is no worker.
                Some(Doing::Lock | Doing::Other) if owner == thread && threads.len() > 1 => {}
                Some(what) => blocked.push(what),
                None => {}
            }
        }
        let now_ns = clock::now_ns();
        let missing = u64::from(workers).saturating_sub(running.len() as u64);
        let weight = (now_ns - last_ns) * missing;
        outcome
            .seen
            .add(Doing::Running, (now_ns - last_ns) * running.len() as u64);
        for what in &blocked {
            outcome.seen.add(*what, weight / blocked.len() as u64);
        }
        let alone = (workers > 1 && running.len() == 1).then(|| running[0]);
        totals.alone_ns += stretch.note(alone, now_ns);
        last_ns = now_ns;
        let took_ns = clock::now_ns() - began_ns;
        outcome.looking_ns += took_ns;
        thread::park_timeout(LEAST_PAUSE.max(Duration::from_nanos(took_ns * PAUSES)));
    }
    totals.alone_ns += stretch.note(None, clock::now_ns());
    totals.run_delay_ns = delays.values().sum();
    totals.watched_ns = last_ns - first_ns;
    outcome.tree = Some(totals);
    outcome
}

/// Process and thread of every thread of a process and its descendants.
fn threads_of(process: u32) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    let mut open = vec![process];
    while let Some(process) = open.pop() {
        let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
            continue;
        };
        for thread in tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()) {
            found.push((process, thread));
            let children = fs::read_to_string(format!("/proc/{process}/task/{thread}/children")).unwrap_or_default();
            open.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
    }
    found
}
