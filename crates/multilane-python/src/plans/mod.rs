//! Plans, expressions and graphs for Python.
//!
//! `build` writes plans, `plan` reads, optimises, predicts and runs them, `evaluate` is the
//! short way from an expression to its result, `graph` holds graphs. `gate` is how all of
//! them enter native work, `arrays` how data goes in and out.

pub(crate) mod arrays;
mod arrow;
mod ask;
mod bounded;
mod build;
mod errors;
mod evaluate;
pub(crate) mod gate;
mod graph;
mod inline;
pub(crate) mod machine;
mod optimize;
pub(crate) mod plan;
mod read;
mod run;

use std::sync::LazyLock;

use multilane_plan::{Registry, analysis};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Adds the classes and functions of this folder to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<build::PlanBuilder>()?;
    module.add_class::<build::PlanValue>()?;
    module.add_class::<plan::Plan>()?;
    module.add_class::<run::PlanRun>()?;
    module.add_class::<arrays::PlanBuffer>()?;
    module.add_class::<graph::GraphData>()?;
    evaluate::register(module)?;
    module.add_function(wrap_pyfunction!(plan_operation, module)?)?;
    module.add_function(wrap_pyfunction!(plan_array_type, module)?)
}

/// The operations of all dialects.
fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
        Registry::core()
            .with(multilane_graph::dialect())
            .with(multilane_quantum::dialect())
    });
    &REGISTRY
}

/// The facts of an operation, by its name with or without the dialect's; None where there is none.
#[pyfunction]
fn plan_operation<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
    let data_parallel = analysis::is_data_parallel_op(registry(), name);
    let thread_safe = analysis::is_thread_safe_op(registry(), name);
    if !data_parallel && !thread_safe && registry().get(name).is_none() {
        return Ok(None);
    }
    let facts = PyDict::new(py);
    facts.set_item("data_parallel", data_parallel)?;
    facts.set_item("thread_safe", thread_safe)?;
    Ok(Some(facts))
}

/// The element type and the shape an array has for plans.
#[pyfunction]
fn plan_array_type<'py>(py: Python<'py>, array: &Bound<'py, PyAny>) -> PyResult<(&'static str, Bound<'py, PyAny>)> {
    use pyo3::types::PyTuple;
    let found = match arrays::view(array)? {
        Some((view, _)) => view,
        None => {
            let made = as_array(array, None, "the array")?;
            let Some((view, _)) = arrays::view(&made)? else {
                return Err(errors::raise(py, "this is no array of numbers"));
            };
            view
        }
    };
    Ok((found.dtype.name(), PyTuple::new(py, &found.shape)?.into_any()))
}

/// An array that can be read in place, copied where it must be.
fn as_array<'py>(thing: &Bound<'py, PyAny>, dtype: Option<&str>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let inputs = thing.py().import("multilane._inputs")?;
    inputs.call_method1("as_array", (thing, dtype, name))
}
