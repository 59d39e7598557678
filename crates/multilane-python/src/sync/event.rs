//! `Event`.

use multilane_sync::Event;
use pyo3::prelude::*;

use super::{PyCaller, represent, wait_patience};

/// A flag to wait for, as `threading.Event`.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "Event")]
pub(crate) struct PyEvent(Event);

#[pymethods]
impl PyEvent {
    #[new]
    fn new() -> Self {
        Self(Event::new())
    }

    fn is_set(&self) -> bool {
        self.0.is_set()
    }

    fn set(&self) {
        self.0.set();
    }

    fn clear(&self) {
        self.0.clear();
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let mut caller = PyCaller::new(py);
        match self.0.wait(wait_patience(timeout)?, &mut caller) {
            Ok(set) => Ok(set),
            Err(error) => Err(caller.raise(error)),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        represent(slf, if slf.get().0.is_set() { "set" } else { "unset" })
    }
}
