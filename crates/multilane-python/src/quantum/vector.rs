//! States as vectors for Python: drawn from, added, multiplied and compared.

use std::sync::Arc;

use multilane_plan::Array;
use multilane_quantum::{Complex64, QuantumError, State};
use pyo3::prelude::*;

use super::raised;
use super::run::{StateData, through};
use crate::plans::arrays;

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(quantum_sample, module)?)?;
    module.add_function(wrap_pyfunction!(quantum_sum, module)?)?;
    module.add_function(wrap_pyfunction!(quantum_scaled, module)?)?;
    module.add_function(wrap_pyfunction!(quantum_tensor, module)?)?;
    module.add_function(wrap_pyfunction!(quantum_distance, module)?)?;
    module.add_function(wrap_pyfunction!(quantum_weight, module)?)
}

fn made(py: Python<'_>, state: impl FnOnce() -> Result<State, QuantumError> + Send) -> PyResult<StateData> {
    let state = py.detach(state).map_err(|error| raised(py, &error))?;
    Ok(StateData { state: Arc::new(state) })
}

/// The numbers of basis states drawn with their probabilities.
#[pyfunction]
fn quantum_sample<'py>(
    py: Python<'py>,
    state: &StateData,
    shots: usize,
    seed: u64,
    workers: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let drawn = through(py, workers, |lanes| Ok(state.state.sample(shots, seed, lanes)))?;
    let numbers: Vec<i64> = drawn.into_iter().map(u64::cast_signed).collect();
    let len = numbers.len();
    arrays::to_python(py, Array::from_vec(numbers), &[len], false)
}

/// The sum of two states, each multiplied by a number.
#[pyfunction]
fn quantum_sum(
    py: Python<'_>,
    factor: Complex64,
    first: &StateData,
    by: Complex64,
    second: &StateData,
) -> PyResult<StateData> {
    made(py, || first.state.sum(factor, &second.state, by))
}

/// A state multiplied by a number.
#[pyfunction]
fn quantum_scaled(py: Python<'_>, factor: Complex64, state: &StateData) -> PyResult<StateData> {
    made(py, || state.state.scaled(factor))
}

/// Both states side by side, the qubits of `low` numbered first.
#[pyfunction]
fn quantum_tensor(py: Python<'_>, high: &StateData, low: &StateData) -> PyResult<StateData> {
    made(py, || high.state.tensor(&low.state))
}

/// The largest distance of two amplitudes of the same number.
#[pyfunction]
fn quantum_distance(py: Python<'_>, first: &StateData, second: &StateData) -> PyResult<f64> {
    let found = py.detach(|| first.state.distance(&second.state));
    found.map_err(|error| raised(py, &error))
}

/// The sum of the squares of all amplitudes.
#[pyfunction]
fn quantum_weight(py: Python<'_>, state: &StateData, workers: Option<usize>) -> PyResult<f64> {
    through(py, workers, |lanes| Ok(state.state.norm(lanes)))
}
