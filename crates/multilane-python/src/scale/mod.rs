//! Sweeps over worker counts for Python: lanes that run and measure, what is looked at meanwhile, loads of known cause.
//!
//! Measures and hands out numbers; `multilane-lab` judges them.

mod beside;
mod facts;
mod lanes;
mod loads;
mod tree;
mod watch;

use multilane_lab::{Scaling, compare_scalings, judge_scaling, scaling_csv, scaling_html};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::lab::to_python;

/// Adds this folder's classes and functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<lanes::LaneRun>()?;
    module.add_class::<watch::Watch>()?;
    module.add_class::<beside::Beside>()?;
    module.add_function(wrap_pyfunction!(scaling_judge, module)?)?;
    module.add_function(wrap_pyfunction!(scaling_page, module)?)?;
    module.add_function(wrap_pyfunction!(scaling_table, module)?)?;
    module.add_function(wrap_pyfunction!(scaling_changes, module)?)?;
    module.add_function(wrap_pyfunction!(facts::system_use, module)?)?;
    module.add_function(wrap_pyfunction!(watch::threads_doing, module)?)?;
    loads::register(module)
}

/// The judgement on a sweep that is given as JSON.
#[pyfunction]
fn scaling_judge<'py>(py: Python<'py>, data: &str) -> PyResult<Bound<'py, PyAny>> {
    let scaling = read(data)?;
    let value = py.detach(|| serde_json::to_value(judge_scaling(&scaling)));
    to_python(py, &value.map_err(|error| PyValueError::new_err(error.to_string()))?)
}

/// The page on a sweep that is given as JSON.
#[pyfunction]
fn scaling_page(py: Python<'_>, data: &str) -> PyResult<String> {
    let scaling = read(data)?;
    Ok(py.detach(|| scaling_html(&scaling)))
}

/// The samples of a sweep that is given as JSON, as comma-separated values.
#[pyfunction]
fn scaling_table(data: &str) -> PyResult<String> {
    Ok(scaling_csv(&read(data)?))
}

/// How throughput changed from one sweep to another.
#[pyfunction]
fn scaling_changes<'py>(py: Python<'py>, first: &str, second: &str) -> PyResult<Bound<'py, PyAny>> {
    let (first, second) = (read(first)?, read(second)?);
    let value = py.detach(|| serde_json::to_value(compare_scalings(&first, &second)));
    to_python(py, &value.map_err(|error| PyValueError::new_err(error.to_string()))?)
}

fn read(data: &str) -> PyResult<Scaling> {
    serde_json::from_str(data)
        .map_err(|error| PyValueError::new_err(format!("these are no samples of a sweep: {error}")))
}
