//! Protocols and Petri nets for Python: read, checked with the interpreter released, worded and
//! drawn.

use multilane_petri::protocol::Protocol;
use multilane_petri::{Limits, Net, PetriError, Report, as_json, check, describe, dot, parse_net, svg};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;

/// What was checked, and what was found.
#[pyclass(frozen, module = "multilane._multilane", name = "CheckedNet")]
pub(crate) struct PyChecked {
    net: Net,
    report: Report,
}

#[pymethods]
impl PyChecked {
    /// What was found, as JSON.
    fn json(&self) -> String {
        as_json(&self.net, &self.report).to_string()
    }

    /// What was found, for people.
    fn text(&self) -> String {
        describe(&self.net, &self.report)
    }

    /// The run of a failure as lanes of threads.
    fn svg(&self, failure: usize) -> PyResult<String> {
        let failure = self.report.failures.get(failure).ok_or_else(|| missing(failure))?;
        Ok(svg(&self.net, failure))
    }

    /// The net in Graphviz' language, with the run of a failure in red.
    #[pyo3(signature = (failure=None))]
    fn dot(&self, failure: Option<usize>) -> PyResult<String> {
        let run = match failure {
            None => None,
            Some(index) => Some(&self.report.failures.get(index).ok_or_else(|| missing(index))?.run),
        };
        Ok(dot(&self.net, run))
    }
}

fn missing(failure: usize) -> PyErr {
    PyIndexError::new_err(format!("there is no failure {failure}"))
}

/// Check a protocol, or a net, given as text.
#[pyfunction]
pub(super) fn petri_check(
    py: Python<'_>,
    text: &str,
    is_protocol: bool,
    max_states: usize,
    starvation: bool,
) -> PyResult<PyChecked> {
    let net = read(py, text, is_protocol)?;
    let mut interrupted = None;
    let found = py.detach(|| {
        let mut go_on = || match Python::attach(|py| py.check_signals()) {
            Ok(()) => true,
            Err(error) => {
                interrupted = Some(error);
                false
            }
        };
        let limits = Limits {
            markings: max_states,
            starvation,
            go_on: &mut go_on,
        };
        check(&net, limits)
    });
    match (found, interrupted) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(raised(py, &error)),
        (Ok(report), None) => Ok(PyChecked { net, report }),
    }
}

/// Draw a protocol, or a net, given as text, in Graphviz' language.
#[pyfunction]
pub(super) fn petri_dot(py: Python<'_>, text: &str, is_protocol: bool) -> PyResult<String> {
    Ok(dot(&read(py, text, is_protocol)?, None))
}

fn read(py: Python<'_>, text: &str, is_protocol: bool) -> PyResult<Net> {
    let net = if is_protocol {
        Protocol::parse(text).and_then(|protocol| protocol.net())
    } else {
        parse_net(text)
    };
    net.map_err(|error| raised(py, &error))
}

fn raised(py: Python<'_>, error: &PetriError) -> PyErr {
    let mut message = error.to_string();
    if let Some(hint) = error.hint() {
        message = format!("{message}; {hint}");
    }
    let made = py
        .import("multilane.errors")
        .and_then(|errors| errors.getattr("ProtocolError")?.call1((message, error.line())));
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}
