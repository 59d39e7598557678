//! `RWLock`, and the two sides of it for `with`.

use multilane_sync::{Patience, RwLock, Taken};
use pyo3::prelude::*;

use super::{PyCaller, lock_patience, name_of, raised, represent, warn_order};

/// A lock that many threads hold to read, or one to write; turns come in the order of arrival.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "RWLock")]
pub(crate) struct PyRwLock(RwLock);

/// What `read()` and `write()` of an `RWLock` return: a context manager.
#[pyclass(frozen, module = "multilane.sync", name = "RWLockSide")]
pub(crate) struct PySide {
    lock: Py<PyRwLock>,
    writes: bool,
}

impl PyRwLock {
    fn take(&self, py: Python<'_>, writes: bool, patience: Patience) -> PyResult<bool> {
        let mut caller = PyCaller::new(py);
        let taken = if writes {
            self.0.write(patience, &mut caller)
        } else {
            self.0.read(patience, &mut caller)
        };
        match taken {
            Err(error) => Err(caller.raise(error)),
            Ok(Taken::AgainstOrder(found)) => match warn_order(py, *found) {
                Ok(()) => Ok(true),
                Err(error) => {
                    self.give(py, writes)?;
                    Err(error)
                }
            },
            Ok(taken) => Ok(taken.is_held()),
        }
    }

    fn give(&self, py: Python<'_>, writes: bool) -> PyResult<()> {
        let given = if writes {
            self.0.release_write()
        } else {
            self.0.release_read()
        };
        given.map_err(|error| raised(py, error))
    }
}

#[pymethods]
impl PyRwLock {
    #[new]
    #[pyo3(signature = (*, name=None))]
    fn new(name: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self(RwLock::new(name_of(name)?.as_deref())))
    }

    fn read(slf: &Bound<'_, Self>) -> PySide {
        PySide {
            lock: slf.clone().unbind(),
            writes: false,
        }
    }

    fn write(slf: &Bound<'_, Self>) -> PySide {
        PySide {
            lock: slf.clone().unbind(),
            writes: true,
        }
    }

    #[pyo3(signature = (blocking=None, timeout=None))]
    fn acquire_read(
        &self,
        py: Python<'_>,
        blocking: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        self.take(py, false, lock_patience(blocking, timeout)?)
    }

    #[pyo3(signature = (blocking=None, timeout=None))]
    fn acquire_write(
        &self,
        py: Python<'_>,
        blocking: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        self.take(py, true, lock_patience(blocking, timeout)?)
    }

    fn release_read(&self, py: Python<'_>) -> PyResult<()> {
        self.give(py, false)
    }

    fn release_write(&self, py: Python<'_>) -> PyResult<()> {
        self.give(py, true)
    }

    #[getter]
    fn readers(&self) -> usize {
        self.0.readers()
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.0.waiting()
    }

    fn recover(&self) -> bool {
        self.0.recover()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let lock = &slf.get().0;
        let state = match (lock.writer(), lock.readers()) {
            (Some(_), _) => "writing".to_owned(),
            (None, 0) => "unlocked".to_owned(),
            (None, readers) => format!("readers={readers}"),
        };
        represent(slf, &state)
    }
}

#[pymethods]
impl PySide {
    fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
        self.lock.get().take(py, self.writes, Patience::Forever)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _type: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.lock.get().give(py, self.writes)
    }
}
