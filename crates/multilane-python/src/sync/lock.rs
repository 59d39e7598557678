//! `Lock` and `RLock`.

use multilane_sync::{Lock, Patience, SyncError, Taken};
use pyo3::prelude::*;

use super::{PyCaller, lock_patience, name_of, raised, report, site, warn_order};

/// A lock that one thread holds, as `threading.Lock`; only that thread can release it.
///
/// With ``fair`` it goes to whoever waited longest; ``name`` is what errors and warnings call it.
#[pyclass(frozen, weakref, module = "multilane.sync", name = "Lock")]
pub(crate) struct PyLock(pub(super) Held);

/// A lock that its holder may take again, as `threading.RLock`.
#[pyclass(frozen, weakref, module = "multilane.sync", name = "RLock")]
pub(crate) struct PyRLock(pub(super) Held);

/// What both are made of.
pub(super) struct Held {
    lock: Lock,
}

impl Drop for Held {
    fn drop(&mut self) {
        let before = self.lock.mark(0, 0);
        if before != 0 {
            Python::attach(|py| site::keep(py, 0, before));
        }
    }
}

impl Held {
    fn new(reentrant: bool, fair: bool, name: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let name = name_of(name)?;
        Ok(Self {
            lock: Lock::new(reentrant, fair, name.as_deref()),
        })
    }

    #[inline]
    pub(super) fn acquire(&self, py: Python<'_>, patience: Patience) -> PyResult<bool> {
        self.acquire_as(PyCaller::new(py), patience)
    }

    #[inline]
    fn acquire_as(&self, mut caller: PyCaller<'_>, patience: Patience) -> PyResult<bool> {
        let py = caller.py;
        match self.lock.acquire(patience, &mut caller) {
            Ok(Taken::Yes) => {
                self.mark(py);
                Ok(true)
            }
            Ok(taken) => self.taken(py, taken),
            Err(error) => Err(caller.raise(error)),
        }
    }

    /// Leaves a mark that says where the lock was taken.
    #[inline]
    fn mark(&self, py: Python<'_>) {
        if let Some((code, instruction)) = site::here(py) {
            let before = self.lock.mark(code, instruction);
            if before != code {
                site::keep(py, code, before);
            }
        }
    }

    #[cold]
    fn taken(&self, py: Python<'_>, taken: Taken) -> PyResult<bool> {
        let held = taken.is_held();
        if held {
            self.mark(py);
        }
        if let Taken::AgainstOrder(found) = taken
            && let Err(error) = warn_order(py, *found)
        {
            // The warning is an error here; the caller does not get the lock.
            self.release(py)?;
            return Err(error);
        }
        Ok(held)
    }

    #[inline]
    pub(super) fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.lock.release().map_err(|error| raised(py, error))
    }

    /// Gives it back entirely; how often it was taken.
    pub(super) fn release_all(&self) -> Result<u32, SyncError> {
        self.lock.release_all()
    }

    /// Takes it again as often, whatever signals arrive; what their handlers raised comes after.
    pub(super) fn take_again(&self, py: Python<'_>, depth: u32) -> PyResult<()> {
        let mut caller = PyCaller::stubborn(py);
        match self.lock.acquire(Patience::Forever, &mut caller) {
            Ok(_) => {
                self.lock.set_depth(depth).map_err(|error| raised(py, error))?;
                self.mark(py);
                caller.interrupted.map_or(Ok(()), Err)
            }
            Err(error) => Err(caller.raise(error)),
        }
    }

    pub(super) fn is_mine(&self) -> bool {
        self.lock.is_mine()
    }

    fn holder(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let Some(holder) = self.lock.holder() else {
            return Ok(None);
        };
        let site = holder.taken_at.and_then(|at| site::resolve(py, at));
        let made = report(py, "holder")?.call1((holder.thread, holder.held_for.as_secs_f64(), site))?;
        Ok(Some(made.unbind()))
    }

    fn represent(&self, object: &Bound<'_, PyAny>) -> PyResult<String> {
        let state = if self.lock.is_held() { "locked" } else { "unlocked" };
        let class = object.get_type().name()?;
        let label = self.lock.label();
        let label = label.split_once(' ').map_or(label.as_str(), |(_, name)| name);
        let address = object.as_ptr().addr();
        Ok(format!("<{state} sync.{class} object {label} at {address:#x}>"))
    }
}

/// The methods that both kinds of lock have, and those of one.
macro_rules! lock_methods {
    ($class:ident, reentrant: $reentrant:literal, { $($own:tt)* }) => {
        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = (*, fair=false, name=None))]
            fn new(fair: bool, name: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
                Held::new($reentrant, fair, name).map(Self)
            }

            #[pyo3(signature = (blocking=None, timeout=None))]
            fn acquire(
                &self,
                py: Python<'_>,
                blocking: Option<&Bound<'_, PyAny>>,
                timeout: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<bool> {
                let patience = match (blocking, timeout) {
                    (None, None) => Patience::Forever,
                    _ => lock_patience(blocking, timeout)?,
                };
                self.0.acquire(py, patience)
            }

            fn release(&self, py: Python<'_>) -> PyResult<()> {
                self.0.release(py)
            }

            fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
                self.0.acquire(py, Patience::Forever)
            }

            fn __exit__(
                &self,
                py: Python<'_>,
                _type: &Bound<'_, PyAny>,
                _value: &Bound<'_, PyAny>,
                _traceback: &Bound<'_, PyAny>,
            ) -> PyResult<()> {
                self.0.release(py)
            }

            fn locked(&self) -> bool {
                self.0.lock.is_held()
            }

            #[getter]
            fn holder(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
                self.0.holder(py)
            }

            #[getter]
            fn waiting(&self) -> usize {
                self.0.lock.waiting()
            }

            fn recover(&self) -> bool {
                self.0.lock.recover()
            }

            fn _is_owned(&self) -> bool {
                self.0.is_mine()
            }

            fn _at_fork_reinit(&self) {
                self.0.lock.reset();
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                slf.get().0.represent(slf)
            }

            $($own)*
        }
    };
}

lock_methods!(PyLock, reentrant: false, {});

lock_methods!(PyRLock, reentrant: true, {
    fn _recursion_count(&self) -> u32 {
        self.0.lock.depth()
    }

    fn _release_save(&self, py: Python<'_>) -> PyResult<u32> {
        self.0.release_all().map_err(|error| raised(py, error))
    }

    fn _acquire_restore(&self, py: Python<'_>, state: u32) -> PyResult<()> {
        self.0.take_again(py, state)
    }
});
