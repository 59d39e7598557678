//! `Semaphore` and `BoundedSemaphore`.

use multilane_sync::{Patience, Semaphore};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::{PyCaller, acquire_patience, name_of, raised, represent};

/// A number of units to take and give back, as `threading.Semaphore`.
///
/// With ``owned``, only the thread that took a unit can give it back, and deadlocks are detected.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "Semaphore")]
pub(crate) struct PySemaphore {
    semaphore: Semaphore,
}

/// A semaphore that never has more units than at first.
#[pyclass(frozen, extends = PySemaphore, subclass, module = "multilane.sync", name = "BoundedSemaphore")]
pub(crate) struct PyBoundedSemaphore;

fn checked(value: i64) -> PyResult<u64> {
    u64::try_from(value).map_err(|_| PyValueError::new_err("semaphore initial value must be >= 0"))
}

impl PySemaphore {
    fn take(&self, py: Python<'_>, patience: Patience) -> PyResult<bool> {
        let mut caller = PyCaller::new(py);
        match self.semaphore.acquire(patience, &mut caller) {
            Ok(taken) => Ok(taken),
            Err(error) => Err(caller.raise(error)),
        }
    }

    fn give(&self, py: Python<'_>, n: u64) -> PyResult<()> {
        self.semaphore.release(n).map_err(|error| raised(py, error))
    }
}

#[pymethods]
impl PySemaphore {
    #[new]
    #[pyo3(signature = (value=1, *, owned=false, name=None))]
    fn new(value: i64, owned: bool, name: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let name = name_of(name)?;
        Ok(Self {
            semaphore: Semaphore::new(checked(value)?, None, owned, name.as_deref()),
        })
    }

    #[pyo3(signature = (blocking=None, timeout=None))]
    fn acquire(
        &self,
        py: Python<'_>,
        blocking: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        self.take(py, acquire_patience(blocking, timeout)?)
    }

    #[pyo3(signature = (n=1))]
    fn release(&self, py: Python<'_>, n: i64) -> PyResult<()> {
        match u64::try_from(n) {
            Ok(n) if n > 0 => self.give(py, n),
            _ => Err(PyValueError::new_err("n must be one or more")),
        }
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
        self.take(py, Patience::Forever)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _type: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.give(py, 1)
    }

    #[getter]
    fn value(&self) -> u64 {
        self.semaphore.free()
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.semaphore.waiting()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let semaphore = &slf.get().semaphore;
        let state = match semaphore.bound() {
            Some(bound) => format!("value={}/{bound}", semaphore.free()),
            None => format!("value={}", semaphore.free()),
        };
        represent(slf, &state)
    }
}

#[pymethods]
impl PyBoundedSemaphore {
    #[new]
    #[pyo3(signature = (value=1, *, owned=false, name=None))]
    fn new(value: i64, owned: bool, name: Option<&Bound<'_, PyAny>>) -> PyResult<PyClassInitializer<Self>> {
        let name = name_of(name)?;
        let value = checked(value)?;
        let semaphore = Semaphore::new(value, Some(value), owned, name.as_deref());
        Ok(PyClassInitializer::from(PySemaphore { semaphore }).add_subclass(Self))
    }
}
