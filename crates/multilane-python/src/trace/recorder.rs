//! Records what Python callables do in the threads that call them.
//!
//! No lock is held while a callable runs. The cost of a recorded call is two
//! readings of two clocks and one push; the kernel's scheduling statistics are
//! read only after calls that lost more time than reading them takes.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use multilane_engine::clock;
use multilane_trace::{Meta, Progress, Recorder, Status, Task, Worker};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyDict, PyString, PyTuple},
};

use super::PyTrace;
use crate::probe::{
    self,
    machine::machine,
    sampler::{Sampler, Threads, Watched, thread_id},
};

/// Records calls from any number of threads.
#[pyclass(module = "multilane._multilane", frozen)]
pub(crate) struct TraceRecorder {
    /// Tells recorders apart in a thread's memory; never used twice.
    number: u64,
    next_task: AtomicU64,
    open: Mutex<Option<Open>>,
    threads: Threads,
    sampler: Mutex<Option<Sampler>>,
}

/// What is recorded so far.
struct Open {
    recorder: Recorder,
    queued_ns: HashMap<u64, u64>,
}

/// What a thread remembers between calls.
struct Remembered {
    recorder: u64,
    watched: Arc<Watched>,
    /// The task that runs now; 0 between tasks.
    task: u64,
    delay: clock::RunDelay,
}

thread_local! {
    static REMEMBERED: RefCell<Option<Remembered>> = const { RefCell::new(None) };
}

#[pymethods]
impl TraceRecorder {
    #[new]
    #[pyo3(signature = (label, backend, workers, *, backend_reason = String::new(), versions = None))]
    fn new(
        py: Python<'_>,
        label: String,
        backend: String,
        workers: u32,
        backend_reason: String,
        versions: Option<BTreeMap<String, String>>,
    ) -> PyResult<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let recorder = Recorder::new(Meta {
            label,
            backend,
            backend_reason,
            workers,
            created_unix_ns: u64::try_from(created.as_nanos()).unwrap_or(u64::MAX),
            start_ns: clock::now_ns(),
            end_ns: 0,
            machine: machine(),
            versions: versions.map_or_else(|| probe::versions(py), Ok)?,
        });
        Ok(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            next_task: AtomicU64::new(1),
            open: Mutex::new(Some(Open {
                recorder,
                queued_ns: HashMap::new(),
            })),
            threads: Threads::default(),
            sampler: Mutex::new(None),
        })
    }

    /// Notes that a call of `function` was queued now; `run` takes the number.
    fn task(&self, function: &str) -> u64 {
        let id = self.next_task.fetch_add(1, Ordering::Relaxed);
        if let Some(open) = self.open().as_mut() {
            open.recorder.function(function);
            open.queued_ns.insert(id, clock::now_ns());
        }
        id
    }

    /// Calls `callable` in this thread and records the call; returns what it returns.
    #[pyo3(signature = (worker, function, callable, args = None, kwargs = None, *, task = 0))]
    fn run<'py>(
        &self,
        worker: u32,
        function: &Bound<'py, PyString>,
        callable: &Bound<'py, PyAny>,
        args: Option<&Bound<'py, PyTuple>>,
        kwargs: Option<&Bound<'py, PyDict>>,
        task: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let name = function.to_str()?;
        let id = if task > 0 {
            task
        } else {
            self.next_task.fetch_add(1, Ordering::Relaxed)
        };
        let outer = self.enter(worker, id);
        let (core_start, started_cpu_ns, started_ns) = (clock::core(), clock::thread_cpu_ns(), clock::now_ns());
        if outer == 0 {
            with_remembered(|own| own.watched.busy_since_ns.store(started_ns, Ordering::Release));
        }
        let result = match args {
            Some(args) => callable.call(args, kwargs),
            None => callable.call((), kwargs),
        };
        let ended_ns = clock::now_ns();
        let cpu_ns = clock::thread_cpu_ns().saturating_sub(started_cpu_ns);
        let lost_ns = ended_ns.saturating_sub(started_ns).saturating_sub(cpu_ns);
        let (interpreter_wait_ns, run_queue_ns) = self.leave(worker, outer, lost_ns);
        if let Some(open) = self.open().as_mut() {
            let queued_ns = if task > 0 {
                open.queued_ns.remove(&task).unwrap_or(started_ns)
            } else {
                started_ns
            };
            let function = open.recorder.function(name);
            open.recorder.push_task(Task {
                id,
                function,
                worker,
                status: if result.is_ok() { Status::Done } else { Status::Failed },
                queued_ns,
                ready_ns: queued_ns,
                started_ns,
                ended_ns,
                collected_ns: ended_ns,
                cpu_ns,
                interpreter_wait_ns,
                run_queue_ns,
                core_start,
                core_end: clock::core(),
                parent: outer,
                ..Task::default()
            });
        }
        result
    }

    /// Notes how far the call is that this thread is in; does nothing outside one.
    #[pyo3(signature = (done, total = 0))]
    fn report_progress(&self, done: u64, total: u64) {
        let task = with_remembered(|own| if own.recorder == self.number { own.task } else { 0 }).unwrap_or(0);
        if task > 0
            && let Some(open) = self.open().as_mut()
        {
            open.recorder.push_progress(Progress {
                task,
                at_ns: clock::now_ns(),
                done,
                total,
            });
        }
    }

    /// Starts to look at the recorded threads from outside; false where that is not possible.
    #[pyo3(signature = (interval_ms = 1.0))]
    fn start_sampler(&self, interval_ms: f64) -> PyResult<bool> {
        let interval = Duration::try_from_secs_f64(interval_ms / 1e3)
            .ok()
            .filter(|interval| !interval.is_zero());
        let Some(interval) = interval else {
            return Err(PyValueError::new_err(format!(
                "`interval_ms` is {interval_ms}; give a number above 0"
            )));
        };
        let mut sampler = self.sampler.lock().unwrap_or_else(PoisonError::into_inner);
        if sampler.is_none() && self.open().is_some() {
            *sampler = Sampler::start(Arc::clone(&self.threads), interval);
        }
        Ok(sampler.is_some())
    }

    /// Ends the recording and hands out the trace.
    fn finish(&self, py: Python<'_>) -> PyResult<PyTrace> {
        let ended_ns = clock::now_ns();
        let sampler = self.sampler.lock().unwrap_or_else(PoisonError::into_inner).take();
        let samples = py.detach(|| sampler.map(Sampler::finish)).unwrap_or_default();
        let Some(Open { mut recorder, .. }) = self.open().take() else {
            return Err(PyValueError::new_err(
                "this recorder is finished; make a new one for another run",
            ));
        };
        for sample in samples {
            recorder.push_sample(sample);
        }
        Ok(PyTrace::new(recorder.finish(ended_ns)))
    }
}

impl TraceRecorder {
    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `task` this thread's current one; returns the one that it runs inside of, 0 when none.
    fn enter(&self, worker: u32, task: u64) -> u64 {
        let known = with_remembered(|own| {
            let same = own.recorder == self.number && own.watched.worker == worker;
            same.then(|| std::mem::replace(&mut own.task, task))
        });
        if let Some(outer) = known.flatten() {
            return outer;
        }
        let watched = self.watch(worker);
        REMEMBERED.with_borrow_mut(|own| {
            *own = Some(Remembered {
                recorder: self.number,
                watched,
                task,
                delay: clock::RunDelay::of_this_thread(),
            });
        });
        0
    }

    /// Makes `outer` current again; returns the waits for the interpreter lock and for a processor.
    fn leave(&self, worker: u32, outer: u64, lost_ns: u64) -> (u64, u64) {
        let waits = with_remembered(|own| {
            // The callable may have run another recorder in this thread.
            if own.recorder != self.number || own.watched.worker != worker {
                return (0, 0);
            }
            own.task = outer;
            if outer == 0 {
                own.watched.busy_since_ns.store(0, Ordering::Release);
            }
            let interpreter_wait_ns = own.watched.interpreter_wait_ns.swap(0, Ordering::Relaxed).min(lost_ns);
            if lost_ns < clock::NOTABLE_LOSS_NS {
                return (interpreter_wait_ns, 0);
            }
            let before_ns = own.delay.seen();
            let run_queue_ns = own
                .delay
                .read()
                .saturating_sub(before_ns)
                .min(lost_ns - interpreter_wait_ns);
            (interpreter_wait_ns, run_queue_ns)
        });
        waits.unwrap_or((0, 0))
    }

    /// Adds this thread to those that are recorded, unless it is one of them.
    fn watch(&self, worker: u32) -> Arc<Watched> {
        let thread = thread_id();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = threads.iter().find(|one| one.thread == thread && one.worker == worker) {
            return Arc::clone(known);
        }
        let watched = Arc::new(Watched {
            worker,
            thread,
            ..Watched::default()
        });
        threads.push(Arc::clone(&watched));
        drop(threads);
        if let Some(open) = self.open().as_mut() {
            let now_ns = clock::now_ns();
            let kind = if thread == process::id() { "main" } else { "thread" };
            open.recorder.push_worker(Worker {
                index: worker,
                kind: kind.to_owned(),
                os_id: thread,
                started_ns: now_ns,
                ready_ns: now_ns,
                ended_ns: 0,
            });
        }
        watched
    }
}

impl Drop for TraceRecorder {
    fn drop(&mut self) {
        if let Some(sampler) = self.sampler.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            sampler.abandon();
        }
    }
}

fn with_remembered<T>(with: impl FnOnce(&mut Remembered) -> T) -> Option<T> {
    REMEMBERED.with_borrow_mut(|own| own.as_mut().map(with))
}
