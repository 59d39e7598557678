//! `Condition`, over a lock of ours or of `threading`.

use multilane_sync::{Condition, SyncError};
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::lock::{Held, PyLock, PyRLock};
use super::{PyCaller, raised, report, wait_patience};

/// Threads that wait to be told that something changed, as `threading.Condition`.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "Condition")]
pub(crate) struct PyCondition {
    condition: Condition,
    lock: Py<PyAny>,
}

/// What is known of a lock that was released for a wait.
enum Released {
    /// Ours, with how often it was taken.
    Ours(u32),
    /// Another, with what it wants back.
    Saved(Py<PyAny>),
    Plain,
}

/// A lock of ours.
fn ours<'a>(lock: &'a Bound<'_, PyAny>) -> Option<&'a Held> {
    if let Ok(lock) = lock.cast::<PyLock>() {
        return Some(&lock.get().0);
    }
    lock.cast::<PyRLock>().ok().map(|lock| &lock.get().0)
}

fn is_mine(lock: &Bound<'_, PyAny>) -> PyResult<bool> {
    if let Some(held) = ours(lock) {
        return Ok(held.is_mine());
    }
    let py = lock.py();
    if let Some(is_owned) = lock.getattr_opt(intern!(py, "_is_owned"))? {
        return is_owned.call0()?.is_truthy();
    }
    // A lock that does not say who holds it: it is held by somebody, at least.
    if lock.call_method1(intern!(py, "acquire"), (false,))?.is_truthy()? {
        lock.call_method0(intern!(py, "release"))?;
        return Ok(false);
    }
    Ok(true)
}

fn release(lock: &Bound<'_, PyAny>) -> PyResult<Released> {
    let py = lock.py();
    if let Some(held) = ours(lock) {
        return held
            .release_all()
            .map(Released::Ours)
            .map_err(|error| raised(py, error));
    }
    if let Some(release_save) = lock.getattr_opt(intern!(py, "_release_save"))? {
        return Ok(Released::Saved(release_save.call0()?.unbind()));
    }
    lock.call_method0(intern!(py, "release"))?;
    Ok(Released::Plain)
}

fn take_again(lock: &Bound<'_, PyAny>, released: Released) -> PyResult<()> {
    let py = lock.py();
    match (released, ours(lock)) {
        (Released::Ours(depth), Some(held)) => held.take_again(py, depth),
        (Released::Saved(state), _) => lock.call_method1(intern!(py, "_acquire_restore"), (state,)).map(drop),
        _ => lock.call_method0(intern!(py, "acquire")).map(drop),
    }
}

impl PyCondition {
    fn check_mine(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        if is_mine(self.lock.bind(py))? {
            return Ok(());
        }
        Err(PyRuntimeError::new_err(format!(
            "cannot {what} on un-acquired lock; do it inside of `with condition:`"
        )))
    }
}

#[pymethods]
impl PyCondition {
    #[new]
    #[pyo3(signature = (lock=None))]
    fn new(py: Python<'_>, lock: Option<Py<PyAny>>) -> PyResult<Self> {
        let lock = match lock {
            Some(lock) if !lock.is_none(py) => lock,
            _ => py.get_type::<PyRLock>().call0()?.unbind(),
        };
        Ok(Self {
            condition: Condition::new(),
            lock,
        })
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn acquire<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        self.lock
            .bind(py)
            .call_method(intern!(py, "acquire"), arguments, keywords)
    }

    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.lock.bind(py).call_method0(intern!(py, "release")).map(drop)
    }

    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.lock.bind(py).call_method0(intern!(py, "__enter__"))
    }

    fn __exit__<'py>(
        &self,
        py: Python<'py>,
        kind: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        traceback: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let lock = self.lock.bind(py);
        // A wait that found a deadlock ended without the lock, and its error is the one to see.
        if !kind.is_none()
            && ours(lock).is_some_and(|held| !held.is_mine())
            && value.is_instance(&report(py, "DeadlockError")?)?
        {
            return Ok(());
        }
        lock.call_method1(intern!(py, "__exit__"), (kind, value, traceback))
            .map(drop)
    }

    /// Waits for a notification; False after ``timeout`` seconds.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let patience = wait_patience(timeout)?;
        self.check_mine(py, "wait")?;
        let lock = self.lock.bind(py);
        let place = self.condition.enter();
        let released = match release(lock) {
            Ok(released) => released,
            Err(error) => {
                self.condition.cancel(place);
                return Err(error);
            }
        };
        let mut caller = PyCaller::new(py);
        let notified: Result<bool, SyncError> = self.condition.wait(place, patience, &mut caller);
        take_again(lock, released)?;
        notified.map_err(|error| caller.raise(error))
    }

    #[pyo3(signature = (predicate, timeout=None))]
    fn wait_for<'py>(
        &self,
        py: Python<'py>,
        predicate: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let started = std::time::Instant::now();
        loop {
            let result = predicate.call0()?;
            if result.is_truthy()? {
                return Ok(result);
            }
            let left = timeout.map(|timeout| timeout - started.elapsed().as_secs_f64());
            if left.is_some_and(|left| left <= 0.0) {
                return Ok(result);
            }
            let left = left.into_pyobject(py)?;
            self.wait(py, Some(&left))?;
        }
    }

    #[pyo3(signature = (n=1))]
    fn notify(&self, py: Python<'_>, n: usize) -> PyResult<()> {
        self.check_mine(py, "notify")?;
        self.condition.notify(n);
        Ok(())
    }

    fn notify_all(&self, py: Python<'_>) -> PyResult<()> {
        self.check_mine(py, "notify")?;
        self.condition.notify(usize::MAX);
        Ok(())
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.condition.waiting()
    }

    fn _is_owned(&self, py: Python<'_>) -> PyResult<bool> {
        is_mine(self.lock.bind(py))
    }

    fn _at_fork_reinit(&self, py: Python<'_>) -> PyResult<()> {
        self.condition.reset();
        self.lock
            .bind(py)
            .call_method0(intern!(py, "_at_fork_reinit"))
            .map(drop)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.lock)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let lock = self.lock.bind(py).repr()?;
        Ok(format!("<Condition({lock}, {})>", self.condition.waiting()))
    }
}
