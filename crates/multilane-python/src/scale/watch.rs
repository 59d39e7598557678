//! Looks at the threads of a run from outside, to see what those that do not run wait for.
//!
//! A native thread that never takes the interpreter lock. It looks at a few threads at a time, in turns, so that a look
//! costs the same at any number of workers; and it pauses for a hundred times as long as a look takes.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs::File,
    os::unix::fs::FileExt,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use multilane_engine::clock;
use multilane_lab::signals::{Doing, Runtime, doing};
use pyo3::{prelude::*, types::PyDict};

use super::tree;
use crate::probe::wait::runtime;

/// Threads seen in one look.
const AT_ONCE: usize = 2;

/// A look may take one part in so many of the time.
pub(super) const PAUSES: u64 = 100;

/// Two looks are at least so far apart: waking up for one costs more than the look, as `make bench-lab` measured.
pub(super) const LEAST_PAUSE: Duration = Duration::from_millis(2);

/// What threads were seen to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) running: u64,
    pub(super) interpreter: u64,
    pub(super) allocator: u64,
    pub(super) lock: u64,
    pub(super) sleep: u64,
    pub(super) memory: u64,
    pub(super) other: u64,
}

impl Seen {
    pub(super) fn add(&mut self, doing: Doing, weight: u64) {
        let place = match doing {
            Doing::Running => &mut self.running,
            Doing::Interpreter => &mut self.interpreter,
            Doing::Allocator => &mut self.allocator,
            Doing::Lock => &mut self.lock,
            Doing::Sleep => &mut self.sleep,
            Doing::Memory => &mut self.memory,
            Doing::Other => &mut self.other,
        };
        *place += weight;
    }

    fn to_dict<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, value) in [
            ("running", self.running),
            ("interpreter", self.interpreter),
            ("allocator", self.allocator),
            ("lock", self.lock),
            ("sleep", self.sleep),
            ("memory", self.memory),
            ("other", self.other),
        ] {
            dict.set_item(name, value)?;
        }
        Ok(dict)
    }
}

/// Looks until it is stopped.
#[pyclass(module = "multilane._multilane", frozen)]
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<Outcome>>>,
    owner: u32,
}

/// What a watch saw.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) seen: Seen,
    pub(super) tree: Option<tree::Totals>,
    pub(super) looking_ns: u64,
    /// CPU time of the thread that looked, waking up included.
    pub(super) cpu_ns: u64,
}

#[pymethods]
impl Watch {
    /// Looks at these threads of this process.
    #[new]
    fn new(threads: Vec<u32>) -> PyResult<Self> {
        Self::start(move |stop| watch(&threads, stop))
    }

    /// Looks at all threads of a program and of its children, which has so many workers.
    #[staticmethod]
    fn program(process: u32, workers: u32) -> PyResult<Self> {
        Self::start(move |stop| tree::watch(process, workers, stop))
    }

    /// Stops looking; how often threads were seen to do what.
    fn stop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let outcome = match thread {
            Some(thread) if self.owner == process::id() => {
                thread.thread().unpark();
                py.detach(|| thread.join().unwrap_or_default())
            }
            // A forked child has the handle, but not the thread.
            Some(thread) => {
                std::mem::forget(thread);
                Outcome::default()
            }
            None => Outcome::default(),
        };
        let dict = outcome.seen.to_dict(py)?;
        dict.set_item("looking_ns", outcome.looking_ns)?;
        dict.set_item("watch_cpu_ns", outcome.cpu_ns)?;
        if let Some(totals) = outcome.tree {
            totals.fill(&dict)?;
        }
        Ok(dict)
    }
}

impl Watch {
    fn start(look: impl FnOnce(&AtomicBool) -> Outcome + Send + 'static) -> PyResult<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("multilane-watch".to_owned())
            .spawn(move || {
                let mut outcome = look(&stopped);
                outcome.cpu_ns = clock::thread_cpu_ns();
                outcome
            })?;
        Ok(Self {
            stop,
            thread: Mutex::new(Some(thread)),
            owner: process::id(),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What each of these threads of this process does now; nothing where that cannot be told.
#[pyfunction]
pub(super) fn threads_doing(threads: Vec<u32>) -> Vec<Option<&'static str>> {
    let runtime = runtime();
    let mut files = HashMap::new();
    let named = threads.into_iter().map(|thread| {
        look(&mut files, thread, runtime).map(|doing| match doing {
            Doing::Running => "running",
            Doing::Interpreter => "interpreter",
            Doing::Allocator => "allocator",
            Doing::Lock => "lock",
            Doing::Sleep => "sleep",
            Doing::Memory => "memory",
            Doing::Other => "other",
        })
    });
    named.collect()
}

fn watch(threads: &[u32], stop: &AtomicBool) -> Outcome {
    let runtime = runtime();
    let mut outcome = Outcome::default();
    let mut files: HashMap<u32, File> = HashMap::new();
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) && !threads.is_empty() {
        let began_ns = clock::now_ns();
        for _ in 0..AT_ONCE.min(threads.len()) {
            let thread = threads[turn % threads.len()];
            turn += 1;
            if let Some(doing) = look(&mut files, thread, runtime) {
                outcome.seen.add(doing, 1);
            }
        }
        let took_ns = clock::now_ns() - began_ns;
        outcome.looking_ns += took_ns;
        thread::park_timeout(LEAST_PAUSE.max(Duration::from_nanos(took_ns * PAUSES)));
    }
    outcome
}

fn look(files: &mut HashMap<u32, File>, thread: u32, runtime: Option<Runtime>) -> Option<Doing> {
    let file = match files.entry(thread) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => place.insert(File::open(format!("/proc/self/task/{thread}/syscall")).ok()?),
    };
    let mut line = [0; 256];
    // Nothing is read of a thread that has ended.
    let length = file.read_at(&mut line, 0).ok().filter(|length| *length > 0)?;
    doing(std::str::from_utf8(&line[..length]).ok()?, runtime)
}
