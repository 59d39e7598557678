//! OpenQASM for Python: read into circuits, written from them.

use multilane_quantum::qasm::{Reader, to_qasm2, to_qasm3};
use pyo3::prelude::*;

use super::circuit::CircuitData;
use super::raise;

/// Reads OpenQASM 2 or 3.
#[pyfunction]
pub(super) fn quantum_read_qasm(py: Python<'_>, text: &str) -> PyResult<CircuitData> {
    let read = py.detach(|| Reader::default().read(text));
    match read {
        Ok(program) => Ok(CircuitData::from(program.circuit)),
        Err(error) => Err(raise(py, format!("{error}; {}", error.hint()))),
    }
}

/// Writes a circuit in version 2 or 3.
pub(super) fn write(py: Python<'_>, data: &CircuitData, version: u32) -> PyResult<String> {
    let written = match version {
        2 => to_qasm2(&data.circuit),
        3 => to_qasm3(&data.circuit),
        _ => {
            return Err(raise(
                py,
                format!("there is no OpenQASM {version} to write; choose 2 or 3"),
            ));
        }
    };
    written.map_err(|error| raise(py, format!("{error}; {}", error.hint())))
}
