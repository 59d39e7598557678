//! Questions to a circuit: what its passes do, what it should take, expectations and their gradients.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use multilane_engine::lanes;
use multilane_plan::{Array, Lanes};
use multilane_quantum::{Options, Pauli, PauliTerm, Program, QuantumError, Timing, passes};
use pyo3::prelude::*;

use super::circuit::CircuitData;
use super::run::{precision, through};
use super::{machine, raise, raised};
use crate::plans::arrays;

/// A factor and, for some qubits, the letter of a Pauli matrix.
pub(super) type Term = (f64, Vec<(usize, String)>);

/// A pass, what it changed, and how many gates it left.
type Report = (String, usize, usize);

/// Reads a sum of products of Pauli matrices.
pub(super) fn terms(py: Python<'_>, given: Vec<Term>) -> PyResult<Vec<PauliTerm>> {
    let factor = |(qubit, name): (usize, String)| match name.as_str() {
        "X" => Ok((qubit, Pauli::X)),
        "Y" => Ok((qubit, Pauli::Y)),
        "Z" => Ok((qubit, Pauli::Z)),
        _ => Err(raise(
            py,
            format!("there is no Pauli matrix {name:?}; write I, X, Y or Z"),
        )),
    };
    let term = |(coefficient, factors): Term| {
        let factors = factors.into_iter().map(factor).collect::<PyResult<_>>()?;
        Ok(PauliTerm { coefficient, factors })
    };
    given.into_iter().map(term).collect()
}

fn options(py: Python<'_>, name: &str, optimize: bool) -> PyResult<Options> {
    Ok(Options {
        optimize,
        ..Options::with_precision(precision(py, name)?)
    })
}

/// The names of all passes, and of those that run by default.
#[pyfunction]
pub(super) fn quantum_passes() -> (Vec<&'static str>, Vec<&'static str>) {
    let all = passes::all().iter().map(|(name, _)| *name);
    (all.collect(), passes::DEFAULT.to_vec())
}

/// Runs passes over a copy of a circuit; with what each changed, and the gates it left.
#[pyfunction]
pub(super) fn quantum_optimize(
    py: Python<'_>,
    data: &CircuitData,
    names: Option<Vec<String>>,
) -> PyResult<(CircuitData, Vec<Report>)> {
    let mut circuit = data.circuit.clone();
    let names = names.as_ref().map_or(passes::DEFAULT.to_vec(), |names| {
        names.iter().map(String::as_str).collect()
    });
    let done = py.detach(|| passes::optimize(&mut circuit, &names));
    let done = done.map_err(|error| raised(py, &error))?;
    let entries = done
        .into_iter()
        .map(|pass| (pass.name.to_owned(), pass.changed, pass.gates));
    Ok((CircuitData::from(circuit), entries.collect()))
}

/// What becomes of a circuit, and how long it takes; with `analyze` it runs.
#[pyfunction]
pub(super) fn quantum_explain(
    py: Python<'_>,
    data: &CircuitData,
    precision: &str,
    optimize: bool,
    workers: Option<usize>,
    analyze: bool,
) -> PyResult<String> {
    let options = options(py, precision, optimize)?;
    let explained = py.detach(|| multilane_quantum::explain(&data.circuit, &options));
    let (explanation, program) = explained.map_err(|error| raised(py, &error))?;
    let workers = workers.unwrap_or_else(|| lanes::shared(None).count());
    let measured_ns = match analyze {
        true => Some(through(py, Some(workers), |lanes| measured(&program, lanes))?),
        false => None,
    };
    Ok(explanation.text(&Timing {
        workers,
        predicted_ns: explanation.predict_ns(&machine::model(py), workers),
        measured_ns,
    }))
}

/// Nanoseconds of the quickest of a few runs: the first pays for things that later ones have.
fn measured(program: &Program, lanes: &dyn Lanes) -> Result<f64, QuantumError> {
    let (begun, mut best) = (Instant::now(), f64::INFINITY);
    for _ in 0..5 {
        let start = Instant::now();
        match program.run(lanes) {
            Ok(state) => drop(state),
            Err(QuantumError::NoSingleState { .. }) => drop(program.shots(1, 0, lanes)?),
            Err(error) => return Err(error),
        }
        best = best.min(start.elapsed().as_nanos() as f64);
        if begun.elapsed() > Duration::from_millis(500) {
            break;
        }
    }
    Ok(best)
}

/// The expectation value of a sum of products of Pauli matrices, from the part of a circuit that has influence on it.
#[pyfunction]
pub(super) fn quantum_expectation(
    py: Python<'_>,
    data: &CircuitData,
    given: Vec<Term>,
    precision: &str,
    workers: Option<usize>,
) -> PyResult<f64> {
    let (terms, options) = (terms(py, given)?, options(py, precision, true)?);
    through(py, workers, |lanes| {
        multilane_quantum::expectation(&data.circuit, &terms, &options, lanes)
    })
}

/// The probabilities of the values of some qubits, from the part of a circuit that has influence on them.
#[pyfunction]
pub(super) fn quantum_probabilities<'py>(
    py: Python<'py>,
    data: &CircuitData,
    qubits: Vec<usize>,
    precision: &str,
    workers: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = options(py, precision, true)?;
    let found = through(py, workers, |lanes| {
        multilane_quantum::probabilities(&data.circuit, &qubits, &options, lanes)
    })?;
    let len = found.len();
    arrays::to_python(py, Array::from_vec(found), &[len], false)
}

/// The expectation value where the parameters have these values, and its slope along each of them.
#[pyfunction]
pub(super) fn quantum_gradient(
    py: Python<'_>,
    data: &CircuitData,
    given: Vec<Term>,
    values: BTreeMap<String, f64>,
    precision: &str,
    workers: Option<usize>,
) -> PyResult<(f64, Vec<f64>)> {
    let (terms, options) = (terms(py, given)?, options(py, precision, true)?);
    let found = through(py, workers, |lanes| {
        multilane_quantum::gradient(&data.circuit, &terms, &values, &options, lanes)
    })?;
    Ok((found.value, found.slopes))
}
