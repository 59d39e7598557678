//! Errors of plans and graphs as Python exceptions.

use multilane_plan::{Location, PlanError};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// `multilane.errors.PlanError` with a message of our own.
pub(crate) fn raise(py: Python<'_>, message: impl AsRef<str>) -> PyErr {
    made(py, message.as_ref(), None)
}

fn made(py: Python<'_>, message: &str, place: Option<(&str, u32)>) -> PyErr {
    let error = py
        .import("multilane.errors")
        .and_then(|errors| errors.getattr("PlanError"))
        .and_then(|class| match place {
            Some((file, line)) => class.call1((message, file, line)),
            None => class.call1((message,)),
        });
    match error {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// An error at the user's line, when that is known and the message starts with it.
pub(crate) fn at(py: Python<'_>, message: &str, location: Option<&Location>) -> PyErr {
    let Some(Location { file, line }) = location else {
        return raise(py, message);
    };
    let rest = message.strip_prefix(&format!("{file}:{line}: ")).unwrap_or(message);
    made(py, rest, Some((file, *line)))
}

/// One error of a plan, at the user's line when that is known.
pub(crate) fn plan(py: Python<'_>, error: &PlanError) -> PyErr {
    plans(py, std::slice::from_ref(error))
}

/// All errors of a plan in one exception, which stands at the line of the first.
pub(crate) fn plans(py: Python<'_>, errors: &[PlanError]) -> PyErr {
    let Some(first) = errors.first() else {
        return PyRuntimeError::new_err("a plan was refused without a reason");
    };
    let mut message = described(first);
    let place = first.location().map(|at| (at.file.as_str(), at.line));
    if let Some((file, line)) = place
        && let Some(rest) = message.strip_prefix(&format!("{file}:{line}: "))
    {
        message = rest.to_owned();
    }
    for error in &errors[1..] {
        message = format!("{message}\n{}", described(error));
    }
    made(py, &message, place)
}

fn described(error: &PlanError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}
