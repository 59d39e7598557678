//! Handles as arguments: a task that starts when other tasks are done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use multilane_engine::clock;
use multilane_engine::record;
use multilane_engine::task::{Failure, Outcome, Task, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::handle::Handle;

/// A call whose arguments are all there.
pub(crate) struct Call<'py> {
    pub(crate) function: Bound<'py, PyAny>,
    pub(crate) arguments: Bound<'py, PyTuple>,
    pub(crate) keywords: Option<Bound<'py, PyDict>>,
}

/// Starts the task with its complete call.
pub(crate) type Start = Box<dyn FnOnce(&Arc<Task>, Call<'_>) + Send>;

struct Waiting {
    handle: Py<PyAny>,
    function: Py<PyAny>,
    arguments: Py<PyTuple>,
    keywords: Option<Py<PyDict>>,
    start: Mutex<Option<Start>>,
    missing: AtomicUsize,
}

/// Whether any argument is a handle.
pub(crate) fn any(arguments: &Bound<'_, PyTuple>, keywords: Option<&Bound<'_, PyDict>>) -> bool {
    arguments.iter_borrowed().any(|value| value.cast::<Handle>().is_ok())
        || keywords.is_some_and(|keywords| keywords.values().iter().any(|value| value.cast::<Handle>().is_ok()))
}

/// Starts the task of `handle` once every handle among its arguments is done.
pub(crate) fn defer(
    handle: &Bound<'_, PyAny>,
    function: &Bound<'_, PyAny>,
    arguments: &Bound<'_, PyTuple>,
    keywords: Option<&Bound<'_, PyDict>>,
    start: Start,
) -> PyResult<()> {
    let named = keywords.map(|keywords| keywords.values());
    let all = arguments.iter().chain(named.iter().flatten());
    let dependencies: Vec<Bound<'_, Handle>> = all.filter_map(|value| value.cast_into::<Handle>().ok()).collect();
    let this = handle.cast::<Handle>()?.get();
    let waiting = Arc::new(Waiting {
        handle: handle.clone().unbind(),
        function: function.clone().unbind(),
        arguments: arguments.clone().unbind(),
        keywords: keywords.map(|keywords| keywords.clone().unbind()),
        start: Mutex::new(Some(start)),
        missing: AtomicUsize::new(dependencies.len()),
    });
    for dependency in &dependencies {
        record::note_edge(this.task.id, dependency.get().task.id);
    }
    for dependency in dependencies {
        let waiting = waiting.clone();
        dependency.get().when_done(Box::new(move |_| waiting.one_less()));
    }
    Ok(())
}

impl Waiting {
    fn one_less(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(start) = start else { return };
        Python::attach(|py| {
            let Ok(handle) = self.handle.bind(py).cast::<Handle>() else {
                return;
            };
            let this = handle.get();
            this.task.ready_ns.store(clock::now_ns(), Ordering::Relaxed);
            match self.call(py) {
                Ok(call) => start(&this.task, call),
                Err(error) => {
                    let error: Py<PyAny> = error.into_value(py).into_any();
                    let failure = Failure::Raised(Value::Local(Box::new(error)));
                    this.lane.finish(&this.task, Outcome::Failed(failure));
                }
            }
        });
    }

    /// The call with results in place of handles; an error names the chain.
    fn call<'py>(&self, py: Python<'py>) -> PyResult<Call<'py>> {
        let value = |argument: Bound<'py, PyAny>| -> PyResult<Bound<'py, PyAny>> {
            match argument.cast::<Handle>() {
                Err(_) => Ok(argument),
                Ok(dependency) => Handle::result(dependency, None)
                    .map(|value| value.into_bound(py))
                    .map_err(|error| self.chain(py, dependency, error)),
            }
        };
        let arguments: Vec<Bound<'py, PyAny>> = self.arguments.bind(py).iter().map(value).collect::<PyResult<_>>()?;
        let keywords = match &self.keywords {
            None => None,
            Some(keywords) => {
                let complete = PyDict::new(py);
                for (name, argument) in keywords.bind(py).iter() {
                    complete.set_item(name, value(argument)?)?;
                }
                Some(complete)
            }
        };
        let arguments = PyTuple::new(py, arguments)?;
        Ok(Call {
            function: self.function.bind(py).clone(),
            arguments,
            keywords,
        })
    }

    fn chain(&self, py: Python<'_>, dependency: &Bound<'_, Handle>, error: PyErr) -> PyErr {
        let name = self.handle.bind(py).cast::<Handle>().map(|h| h.get().name());
        let made = py.import("multilane._errors_codec").and_then(|errors| {
            let names = (name.unwrap_or_default(), dependency.get().name(), error.value(py));
            errors.call_method1("dependency_failed", names)
        });
        match made {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
    }
}
