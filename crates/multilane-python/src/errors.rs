//! The one place where errors of the engine become Python exceptions.

use multilane_engine::EngineError;
use multilane_engine::task::Failure;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError};
use pyo3::prelude::*;

fn exception(py: Python<'_>, name: &str, message: &str) -> PyErr {
    let made = py
        .import("multilane.errors")
        .and_then(|errors| errors.getattr(name))
        .and_then(|class| class.call1((message,)));
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// An error of the engine as the exception Python's users expect for it.
pub(crate) fn engine(error: EngineError) -> PyErr {
    let mut message = error.to_string();
    if let Some(hint) = error.hint() {
        message = format!("{message}; {hint}");
    }
    match error {
        EngineError::System { source, .. } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, message)),
            None => PyOSError::new_err(message),
        },
        EngineError::OutOfSharedMemory { .. } => PyMemoryError::new_err(message),
        EngineError::Broken { .. } => Python::attach(|py| exception(py, "BrokenPool", &message)),
        _ => PyRuntimeError::new_err(message),
    }
}

/// Logs where `concurrent.futures` does why a worker cannot start.
pub(crate) fn log_start_failure(text: &str, error: Option<PyErr>) {
    Python::attach(|py| {
        let logged = py.import("multilane._errors_codec").and_then(|errors| {
            errors.call_method1("report_start_failure", (text, error.map(|error| error.into_value(py))))
        });
        if let Err(error) = logged {
            error.write_unraisable(py, None);
        }
    });
}

/// A failure that no callable raised, for the task called `name`.
pub(crate) fn failure(py: Python<'_>, failure: &Failure, name: &str) -> PyErr {
    match failure {
        Failure::Raised(_) => PyRuntimeError::new_err("the error is encoded"),
        Failure::WorkerDied { pid, how } => {
            let message = format!("task `{name}` was lost with its worker (process {pid}): {how}");
            exception(py, "WorkerDied", &message)
        }
        Failure::MemoryExceeded { pid, used, limit } => {
            let message = format!(
                "task `{name}` was stopped: its worker (process {pid}) used {} MiB of private memory and may use {} MiB; raise `memory_limit` or split the task",
                used >> 20,
                limit >> 20
            );
            exception(py, "WorkerMemoryExceeded", &message)
        }
        Failure::TimedOut { after, stopped } => {
            let end = if *stopped {
                "was stopped"
            } else {
                "goes on, since code in a thread of this process cannot be stopped"
            };
            let message = format!(
                "task `{name}` ran longer than its timeout of {} s and {end}",
                after.as_secs_f64()
            );
            exception(py, "TaskTimeout", &message)
        }
        Failure::Abandoned { reason } => exception(py, "BrokenPool", &format!("task `{name}` cannot run: {reason}")),
    }
}
