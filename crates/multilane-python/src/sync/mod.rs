//! Locks, semaphores, barriers and channels for Python.
//!
//! A wait lets go of the interpreter while it sleeps and looks for signals after it,
//! so Ctrl-C ends it. The code of a primitive runs attached: where there is an
//! interpreter lock, none of their own mutexes is ever held at a fork.

mod barrier;
mod channel;
mod condition;
mod event;
mod latch;
mod lock;
mod protocol;
mod rwlock;
mod semaphore;
mod site;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use multilane_sync::{Caller, Inversion, Patience, Stop, SyncError};
use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

pub(crate) use self::site::mark;

/// The greatest timeout in seconds, as `threading.TIMEOUT_MAX`.
const TIMEOUT_MAX_S: f64 = 9_223_372_036.0;

/// How long the main thread sleeps before it looks for a signal that came just before it slept.
const SLICE: Duration = Duration::from_millis(100);

static MAIN_THREAD: AtomicU64 = AtomicU64::new(0);
static CLOSING: AtomicBool = AtomicBool::new(false);

/// Adds the classes of this folder to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let main = module.py().import("threading")?.call_method0("main_thread")?;
    MAIN_THREAD.store(main.getattr("ident")?.extract()?, Ordering::Relaxed);
    module.add_class::<lock::PyLock>()?;
    module.add_class::<lock::PyRLock>()?;
    module.add_class::<rwlock::PyRwLock>()?;
    module.add_class::<rwlock::PySide>()?;
    module.add_class::<semaphore::PySemaphore>()?;
    module.add_class::<semaphore::PyBoundedSemaphore>()?;
    module.add_class::<condition::PyCondition>()?;
    module.add_class::<event::PyEvent>()?;
    module.add_class::<barrier::PyBarrier>()?;
    module.add_class::<latch::PyLatch>()?;
    module.add_class::<latch::PyAtomicInt>()?;
    module.add_class::<latch::PyOnce>()?;
    module.add_class::<channel::PyChannel>()?;
    module.add_class::<protocol::PyChecked>()?;
    module.add_function(wrap_pyfunction!(protocol::petri_check, module)?)?;
    module.add_function(wrap_pyfunction!(protocol::petri_dot, module)?)?;
    module.add_function(wrap_pyfunction!(channel::sync_select, module)?)?;
    module.add_function(wrap_pyfunction!(site::sync_calibrate, module)?)?;
    module.add_function(wrap_pyfunction!(sync_join, module)?)?;
    module.add_function(wrap_pyfunction!(sync_waits, module)?)?;
    module.add_function(wrap_pyfunction!(sync_after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(sync_closing, module)?)?;
    module.add_function(wrap_pyfunction!(sync_settings, module)?)
}

/// Note that this is the child of a fork: what other threads held is held by nobody.
#[pyfunction]
fn sync_after_fork() {
    multilane_sync::after_fork();
    MAIN_THREAD.store(thread_ident(), Ordering::Relaxed);
}

fn thread_ident() -> u64 {
    // SAFETY: reads the identity of the calling thread.
    unsafe { pyo3::ffi::PyThread_get_thread_ident() as u64 }
}

/// Note that the interpreter is about to end: a thread that wakes must not touch it.
#[pyfunction]
fn sync_closing() {
    CLOSING.store(true, Ordering::Release);
}

/// Set what is watched, and return what was.
#[pyfunction]
#[pyo3(signature = (deadlocks=None, order=None))]
fn sync_settings(deadlocks: Option<bool>, order: Option<bool>) -> (bool, bool) {
    let before = (multilane_sync::detects(), multilane_sync::watches_order());
    if let Some(on) = deadlocks {
        multilane_sync::set_detects(on);
    }
    if let Some(on) = order {
        multilane_sync::set_watches_order(on);
    }
    before
}

/// Call ``wait``, which returns when the thread ``ident`` has ended, unless it never can.
#[pyfunction]
fn sync_join(py: Python<'_>, ident: u64, endless: bool, wait: &Bound<'_, PyAny>) -> PyResult<()> {
    match multilane_sync::join(ident, endless, || wait.call0()) {
        Ok(returned) => returned.map(drop),
        Err(error) => Err(raised(py, error)),
    }
}

/// Every thread that waits for something with a holder: its identity, what it waits for, who holds that, where it was taken.
#[pyfunction]
fn sync_waits(py: Python<'_>) -> Vec<(u64, String, Vec<u64>, Option<site::Site<'_>>)> {
    let waits = multilane_sync::waits();
    let described = waits.into_iter().map(|wait| {
        let taken_at = wait.taken_at.and_then(|at| site::resolve(py, at));
        (wait.thread, wait.waits_for, wait.holders, taken_at)
    });
    described.collect()
}

/// The Python thread that waits.
struct PyCaller<'py> {
    py: Python<'py>,
    /// What a signal handler raised.
    interrupted: Option<PyErr>,
    /// Whether that ends the wait, or is kept for later.
    stops: bool,
}

impl<'py> PyCaller<'py> {
    fn new(py: Python<'py>) -> Self {
        Self {
            py,
            interrupted: None,
            stops: true,
        }
    }

    /// One that waits on whatever signals arrive.
    fn stubborn(py: Python<'py>) -> Self {
        Self {
            stops: false,
            ..Self::new(py)
        }
    }

    /// The exception for an error of this wait.
    #[cold]
    fn raise(self, error: SyncError) -> PyErr {
        match (error, self.interrupted) {
            (SyncError::Interrupted, Some(interrupted)) => interrupted,
            (error, _) => raised(self.py, error),
        }
    }
}

impl Caller for PyCaller<'_> {
    fn sleep(&mut self, asleep: &mut (dyn FnMut() + Send)) -> Result<(), Stop> {
        self.py.detach(|| {
            asleep();
            // Python ends threads that come back now; ours would be cut off in the middle.
            while CLOSING.load(Ordering::Acquire) && thread_ident() != MAIN_THREAD.load(Ordering::Relaxed) {
                std::thread::park();
            }
        });
        match self.py.check_signals() {
            Err(error) if self.interrupted.is_none() => self.interrupted = Some(error),
            _ => {}
        }
        if self.stops && self.interrupted.is_some() {
            return Err(Stop);
        }
        Ok(())
    }

    fn slice(&self) -> Option<Duration> {
        (thread_ident() == MAIN_THREAD.load(Ordering::Relaxed)).then_some(SLICE)
    }

    fn stack(&mut self) -> String {
        report(self.py, "stack")
            .and_then(|stack| stack.call0()?.extract())
            .unwrap_or_default()
    }
}

/// A function of the module that words what Python's users read.
fn report<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("multilane.sync._report")?.getattr(name)
}

/// An error of a primitive as the exception Python's users expect for it.
#[cold]
pub(crate) fn raised(py: Python<'_>, error: SyncError) -> PyErr {
    let mut message = error.to_string();
    if let Some(hint) = error.hint() {
        message = format!("{message}; {hint}");
    }
    let made = match &error {
        SyncError::Deadlock(deadlock) => report(py, "deadlock").and_then(|make| {
            let steps = deadlock.steps.iter().map(|step| {
                let site = step.taken_at.and_then(|at| site::resolve(py, at));
                (step.thread, step.waits_for.clone(), site)
            });
            make.call1((steps.collect::<Vec<_>>(),))
        }),
        SyncError::Abandoned { .. } => report(py, "abandoned").and_then(|make| make.call1((message,))),
        SyncError::Broken => py
            .import("threading")
            .and_then(|threading| threading.getattr("BrokenBarrierError")?.call0()),
        SyncError::Closed => report(py, "ShutDown").and_then(|class| class.call0()),
        SyncError::HeldByOther { what, holder } => {
            report(py, "held_by_other").and_then(|make| make.call1((what, *holder)))
        }
        SyncError::AboveBound { .. } | SyncError::NothingUnfinished => return PyValueError::new_err(message),
        SyncError::Overflow => return PyOverflowError::new_err(message),
        _ => return PyRuntimeError::new_err(message),
    };
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// Warns of locks taken in two orders.
#[cold]
fn warn_order(py: Python<'_>, found: Inversion) -> PyResult<()> {
    let Inversion {
        held,
        taken,
        path,
        stack,
        stack_before,
    } = found;
    report(py, "inverted")?.call1((held, taken, path, stack, stack_before))?;
    Ok(())
}

/// Seconds as `threading.Lock.acquire` takes them.
fn lock_patience(blocking: Option<&Bound<'_, PyAny>>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Patience> {
    let blocking = blocking.map_or(Ok(true), |blocking| blocking.is_truthy())?;
    let seconds: f64 = match timeout {
        Some(timeout) if !timeout.is_none() => timeout.extract()?,
        _ => -1.0,
    };
    #[expect(clippy::float_cmp, reason = "-1 is a sign, not a measurement")]
    let endless = seconds == -1.0;
    match (blocking, endless) {
        (false, true) => Ok(Patience::None),
        (false, false) => Err(PyValueError::new_err("can't specify a timeout for a non-blocking call")),
        (true, true) => Ok(Patience::Forever),
        (true, false) if seconds < 0.0 => Err(PyValueError::new_err("timeout value must be a non-negative number")),
        (true, false) => seconds_patience(seconds),
    }
}

/// Seconds as most waits take them: none is for ever, and no time is left when negative.
fn wait_patience(timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Patience> {
    match timeout {
        Some(timeout) if !timeout.is_none() => seconds_patience(timeout.extract()?),
        _ => Ok(Patience::Forever),
    }
}

/// The two together, as `threading.Semaphore.acquire` takes them.
fn acquire_patience(blocking: Option<&Bound<'_, PyAny>>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Patience> {
    let blocking = blocking.map_or(Ok(true), |blocking| blocking.is_truthy())?;
    match (blocking, timeout) {
        (false, Some(timeout)) if !timeout.is_none() => {
            Err(PyValueError::new_err("can't specify timeout for non-blocking acquire"))
        }
        (false, _) => Ok(Patience::None),
        (true, timeout) => wait_patience(timeout),
    }
}

fn seconds_patience(seconds: f64) -> PyResult<Patience> {
    if seconds.is_nan() {
        return Err(PyValueError::new_err("a timeout must be a number of seconds, not NaN"));
    }
    if seconds == f64::INFINITY {
        return Ok(Patience::Forever);
    }
    if seconds > TIMEOUT_MAX_S {
        return Err(PyOverflowError::new_err(
            "timeout value is too large; leave it out to wait without a limit",
        ));
    }
    Ok(Patience::of(Duration::from_secs_f64(seconds.max(0.0))))
}

/// The name of a primitive, which has to be text.
fn name_of(name: Option<&Bound<'_, PyAny>>) -> PyResult<Option<String>> {
    match name {
        Some(name) if !name.is_none() => name
            .extract()
            .map(Some)
            .map_err(|_| PyTypeError::new_err("`name` must be a str")),
        _ => Ok(None),
    }
}

/// `<sync.Class at 0x...: state>`.
fn represent(object: &Bound<'_, PyAny>, state: &str) -> PyResult<String> {
    let class = object.get_type().name()?;
    Ok(format!("<sync.{class} at {:#x}: {state}>", object.as_ptr().addr()))
}
