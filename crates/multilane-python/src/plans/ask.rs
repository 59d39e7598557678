//! What can be asked of a plan without running it: its analysis, predictions, memory.

use std::collections::BTreeMap;

use multilane_engine::cpus;
use multilane_plan::analysis::{Estimator, analyze_with_threshold};
use multilane_plan::{DimId, cost, memory};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::{Value, json};

use super::plan::Plan;
use super::{machine, registry};
use crate::lab::to_python;

/// Sizes by name, as Python gives them.
pub(super) type Named = BTreeMap<String, u64>;

fn sizes_of(plan: &multilane_plan::Plan, named: &Named) -> Vec<f64> {
    let known = |dim: u32| plan.fixed_size(DimId(dim)).map(|size| size as f64);
    let size = |(dim, name): (usize, &String)| {
        let given = || named.get(name).map_or(0.0, |&size| size as f64);
        known(dim as u32).unwrap_or_else(given)
    };
    plan.dims.iter().enumerate().map(size).collect()
}

fn data(made: serde_json::Result<Value>) -> PyResult<Value> {
    made.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The analysis as data and as a report.
pub(super) fn analyze<'py>(
    py: Python<'py>,
    plan: &Plan,
    estimator: &str,
    threshold: f64,
    workers: Option<usize>,
    sizes: &Named,
) -> PyResult<(Bound<'py, PyAny>, String)> {
    let plan = &plan.plan;
    let sizes = sizes_of(plan, sizes);
    let model;
    let chosen = match estimator {
        "static" => Estimator::Static,
        _ => Estimator::Calibrated {
            model: {
                model = machine::model(py);
                &model
            },
            sizes: &sizes,
            workers: workers.unwrap_or_else(|| cpus::usable() as usize),
        },
    };
    let found = analyze_with_threshold(plan, registry(), chosen, threshold);
    let value = data(serde_json::to_value(&found))?;
    Ok((to_python(py, &value)?, found.report_text()))
}

/// The prediction as data.
pub(super) fn predict<'py>(
    py: Python<'py>,
    plan: &Plan,
    workers: Option<usize>,
    named: &Named,
) -> PyResult<Bound<'py, PyAny>> {
    let workers = workers.unwrap_or_else(|| cpus::usable() as usize);
    let sizes = sizes_of(&plan.plan, named);
    let found = cost::predict(&plan.plan, registry(), &machine::model(py), &sizes, workers);
    let mut value = data(serde_json::to_value(&found))?;
    value["sizes"] = json!(named);
    to_python(py, &value)
}

/// Bytes of the buffers that a run takes at most, beside its inputs.
pub(super) fn peak_bytes(plan: &Plan, named: &Named) -> u64 {
    let arrays = memory::assign(&plan.plan, registry(), &sizes_of(&plan.plan, named)).peak_bytes;
    arrays.saturating_add(multilane_quantum::state_bytes(&plan.plan))
}
