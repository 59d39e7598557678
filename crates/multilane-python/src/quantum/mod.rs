//! Quantum circuits for Python: data, angles, runs and their results.
//!
//! Circuits are checked where they are built, in Rust; runs enter native work through the
//! gate that plans use.

mod anatomy;
mod angle;
mod ask;
mod circuit;
mod machine;
mod places;
mod qasm;
mod record;
mod register;
mod run;
mod vector;

use std::sync::Arc;

use multilane_quantum::{QuantumError, State};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

/// Adds the classes of this folder to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<angle::Angle>()?;
    module.add_class::<circuit::CircuitData>()?;
    module.add_class::<record::CircuitRun>()?;
    module.add_class::<register::RegisterData>()?;
    module.add_class::<run::ShotsData>()?;
    module.add_class::<run::StateData>()?;
    vector::register(module)?;
    module.add_function(wrap_pyfunction!(run::quantum_most_qubits, module)?)?;
    module.add_function(wrap_pyfunction!(anatomy::quantum_anatomy, module)?)?;
    module.add_function(wrap_pyfunction!(anatomy::quantum_native_runs, module)?)?;
    module.add_function(wrap_pyfunction!(anatomy::quantum_in_place_bandwidth, module)?)?;
    module.add_function(wrap_pyfunction!(ask::quantum_passes, module)?)?;
    module.add_function(wrap_pyfunction!(ask::quantum_optimize, module)?)?;
    module.add_function(wrap_pyfunction!(ask::quantum_explain, module)?)?;
    module.add_function(wrap_pyfunction!(ask::quantum_expectation, module)?)?;
    module.add_function(wrap_pyfunction!(ask::quantum_probabilities, module)?)?;
    module.add_function(wrap_pyfunction!(ask::quantum_gradient, module)?)?;
    module.add_function(wrap_pyfunction!(qasm::quantum_read_qasm, module)?)
}

/// The amplitudes of a state, as NumPy's array over its memory.
pub(crate) fn amplitudes(py: Python<'_>, state: Arc<State>) -> PyResult<Bound<'_, PyAny>> {
    let result = py.import("multilane.quantum._result")?;
    result.call_method1("amplitudes_of", (run::StateData { state },))
}

/// `multilane.errors.CircuitError` with a message of our own.
fn raise(py: Python<'_>, message: impl AsRef<str>) -> PyErr {
    let error = py
        .import("multilane.errors")
        .and_then(|errors| errors.getattr("CircuitError"))
        .and_then(|class| class.call1((message.as_ref(),)));
    match error {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// `multilane.errors.RegisterBusy`.
fn busy(py: Python<'_>) -> PyErr {
    let message = "another thread is using this register; give each thread a register of its own (`copy()` makes one), \
                   or a lock around what belongs together";
    let error = py
        .import("multilane.errors")
        .and_then(|errors| errors.getattr("RegisterBusy"))
        .and_then(|class| class.call1((message,)));
    match error {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// An error of circuits as Python's users expect it.
pub(crate) fn raised(py: Python<'_>, error: &QuantumError) -> PyErr {
    let message = match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    match error {
        QuantumError::OutOfMemory { .. } => PyMemoryError::new_err(message),
        _ => raise(py, message),
    }
}
