//! `Latch`, `AtomicInt` and `Once`.

use multilane_sync::{AtomicInt, Entry, Latch, Once};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use super::{PyCaller, name_of, raised, represent, wait_patience};

/// Opens once it was counted down to 0, and stays open.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "Latch")]
pub(crate) struct PyLatch(Latch);

#[pymethods]
impl PyLatch {
    #[new]
    fn new(count: u64) -> Self {
        Self(Latch::new(count))
    }

    #[getter]
    fn count(&self) -> u64 {
        self.0.count()
    }

    #[pyo3(signature = (n=1))]
    fn count_down(&self, py: Python<'_>, n: u64) -> PyResult<u64> {
        self.0.count_down(n).map_err(|error| raised(py, error))
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let mut caller = PyCaller::new(py);
        match self.0.wait(wait_patience(timeout)?, &mut caller) {
            Ok(open) => Ok(open),
            Err(error) => Err(caller.raise(error)),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        represent(slf, &format!("count={}", slf.get().0.count()))
    }
}

/// A whole number of 64 bits that threads change at once without a lock.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "AtomicInt")]
pub(crate) struct PyAtomicInt(AtomicInt);

#[pymethods]
impl PyAtomicInt {
    #[new]
    #[pyo3(signature = (value=0))]
    fn new(value: i64) -> Self {
        Self(AtomicInt::new(value))
    }

    fn load(&self) -> i64 {
        self.0.load()
    }

    fn store(&self, value: i64) {
        self.0.store(value);
    }

    #[pyo3(signature = (n=1))]
    fn add(&self, py: Python<'_>, n: i64) -> PyResult<i64> {
        match self.0.add(n) {
            Ok(before) => Ok(before.wrapping_add(n)),
            Err(error) => Err(raised(py, error)),
        }
    }

    fn exchange(&self, value: i64) -> i64 {
        self.0.swap(value)
    }

    fn compare_exchange(&self, expected: i64, value: i64) -> bool {
        self.0.compare_and_set(expected, value)
    }

    fn __int__(&self) -> i64 {
        self.0.load()
    }

    fn __index__(&self) -> i64 {
        self.0.load()
    }

    fn __repr__(&self) -> String {
        format!("AtomicInt({})", self.0.load())
    }
}

/// Something that one thread does while the others wait for it.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "Once")]
pub(crate) struct PyOnce {
    once: Once,
    value: PyOnceLock<Py<PyAny>>,
}

#[pymethods]
impl PyOnce {
    #[new]
    #[pyo3(signature = (*, name=None))]
    fn new(name: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self {
            once: Once::new(name_of(name)?.as_deref()),
            value: PyOnceLock::new(),
        })
    }

    #[getter]
    fn done(&self) -> bool {
        self.once.is_done()
    }

    #[pyo3(signature = (function, /, *arguments, **keywords))]
    fn call<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = function.py();
        if let Some(value) = self.value.get(py) {
            return Ok(value.bind(py).clone());
        }
        let mut caller = PyCaller::new(py);
        match self.once.enter(&mut caller) {
            Err(error) => return Err(caller.raise(error)),
            Ok(Entry::Done) => {}
            Ok(Entry::Mine) => {
                let made = function.call(arguments, keywords);
                if let Ok(value) = &made {
                    let _ = self.value.set(py, value.clone().unbind());
                }
                self.once.leave(made.is_ok()).map_err(|error| raised(py, error))?;
                return made;
            }
        }
        let value = self.value.get(py).map(|value| value.bind(py).clone());
        Ok(value.unwrap_or_else(|| py.None().into_bound(py)))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector runs with the interpreter attached.
        let py = unsafe { Python::assume_attached() };
        self.value.get(py).map_or(Ok(()), |value| visit.call(value))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        represent(slf, if slf.get().once.is_done() { "done" } else { "not done" })
    }
}
