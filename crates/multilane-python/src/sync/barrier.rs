//! `Barrier`.

use multilane_sync::{Arrival, Barrier};
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::{PyCaller, raised, represent, wait_patience};

/// A point that a number of threads pass together, as `threading.Barrier`.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "Barrier")]
pub(crate) struct PyBarrier {
    barrier: Barrier,
    action: Option<Py<PyAny>>,
    timeout: Option<Py<PyAny>>,
}

#[pymethods]
impl PyBarrier {
    #[new]
    #[pyo3(signature = (parties, action=None, timeout=None))]
    fn new(parties: i64, action: Option<Py<PyAny>>, timeout: Option<Py<PyAny>>) -> PyResult<Self> {
        match u32::try_from(parties) {
            Ok(parties) if parties > 0 => Ok(Self {
                barrier: Barrier::new(parties),
                action,
                timeout,
            }),
            _ => Err(PyValueError::new_err("parties must be greater than zero")),
        }
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<u32> {
        let default = self.timeout.as_ref().map(|timeout| timeout.bind(py));
        let patience = wait_patience(timeout.or(default))?;
        let mut caller = PyCaller::new(py);
        match self.barrier.arrive(patience, &mut caller) {
            Err(error) => Err(caller.raise(error)),
            Ok(Arrival::Earlier(index)) => Ok(index),
            Ok(Arrival::Last(round)) => {
                let acted = self.action.as_ref().map_or(Ok(()), |action| action.call0(py).map(drop));
                let index = self.barrier.finish(round, acted.is_ok());
                acted?;
                index.map_err(|error| raised(py, error))
            }
        }
    }

    fn reset(&self) {
        self.barrier.reset();
    }

    fn abort(&self) {
        self.barrier.abort();
    }

    #[getter]
    fn parties(&self) -> u32 {
        self.barrier.parties()
    }

    #[getter]
    fn n_waiting(&self) -> u32 {
        self.barrier.waiting()
    }

    #[getter]
    fn broken(&self) -> bool {
        self.barrier.is_broken()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.action)?;
        visit.call(&self.timeout)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let barrier = &slf.get().barrier;
        if barrier.is_broken() {
            return represent(slf, "broken");
        }
        let state = format!("waiters={}/{}", barrier.waiting(), barrier.parties());
        represent(slf, &state)
    }
}
