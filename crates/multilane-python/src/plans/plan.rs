//! `Plan`: a verified plan for Python. Reads, optimises, analyses and predicts it, and hands it to `run`.

use std::sync::{Arc, OnceLock};

use multilane_engine::plans::Program;
use multilane_plan::{DimId, Region, dot, json, passes, text};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use super::bounded::Watched;
use super::optimize::{self, Refused};
use super::{ask, bounded, build, errors, registry, run};
use crate::lab::to_python;
use crate::quantum;

/// A program over arrays and graphs; never changes.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct Plan {
    pub(crate) plan: Arc<multilane_plan::Plan>,
    /// Made when it first runs.
    program: OnceLock<(Program, Vec<Watched>)>,
    names: PyOnceLock<Names>,
}

/// Names of a plan as Python's dictionaries find them quickest.
pub(super) struct Names {
    pub(super) inputs: Vec<Py<PyString>>,
    pub(super) outputs: Vec<Py<PyString>>,
    pub(super) dims: Vec<Py<PyString>>,
}

impl Plan {
    pub(crate) fn new(plan: Arc<multilane_plan::Plan>) -> Self {
        Self {
            plan,
            program: OnceLock::new(),
            names: PyOnceLock::new(),
        }
    }

    pub(super) fn names(&self, py: Python<'_>) -> &Names {
        let interned = |names: &[String]| {
            let interned = names.iter().map(|name| PyString::intern(py, name).unbind());
            interned.collect()
        };
        self.names.get_or_init(py, || Names {
            inputs: interned(&self.plan.inputs),
            outputs: interned(&self.plan.outputs),
            dims: interned(&self.plan.dims),
        })
    }

    /// The plan with its kernels, and the loops whose end it puts out behind its own outputs.
    pub(super) fn program(&self, py: Python<'_>) -> PyResult<&(Program, Vec<Watched>)> {
        match self.program.get() {
            Some(program) => Ok(program),
            None => {
                let mut plan = (*self.plan).clone();
                let watched = bounded::watch(&mut plan);
                let made = (run::program_of(py, &plan)?, watched);
                Ok(self.program.get_or_init(|| made))
            }
        }
    }
}

/// Operations of a region and of those inside; numbers are none.
fn operations(region: &Region) -> usize {
    let inside = |op: &multilane_plan::Op| op.regions.iter().map(operations).sum::<usize>();
    let counted = region.ops.iter().filter(|op| op.name != "core.constant");
    counted.map(|op| 1 + inside(op)).sum()
}

#[pymethods]
impl Plan {
    /// Reads a plan from its text form.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Self> {
        let read = py.detach(|| text::parse(text, registry()));
        read.map(|plan| Self::new(Arc::new(plan)))
            .map_err(|found| errors::plans(py, &found))
    }

    /// Reads a plan from JSON.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        let read = py.detach(|| json::from_json(text, registry()));
        read.map(|plan| Self::new(Arc::new(plan)))
            .map_err(|found| errors::plans(py, &found))
    }

    /// The schema of the JSON form.
    #[staticmethod]
    fn schema() -> String {
        json::schema()
    }

    /// The JSON form.
    fn to_json(&self) -> String {
        json::to_json(&self.plan)
    }

    /// The plan in Graphviz's DOT language.
    fn to_dot(&self) -> String {
        dot::to_dot(&self.plan)
    }

    #[getter]
    fn name(&self) -> &str {
        &self.plan.name
    }

    /// Types of the inputs by name.
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.types(py, &self.plan.inputs, &self.plan.body.parameters)
    }

    /// Types of the outputs by name.
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.types(py, &self.plan.outputs, &self.plan.body.yields)
    }

    /// Names of the sizes that inputs bring.
    fn sizes(&self) -> Vec<String> {
        let fixed = |dim: usize| self.plan.fixed_size(DimId(dim as u32)).is_some();
        let named = self.plan.dims.iter().enumerate().filter(|(dim, _)| !fixed(*dim));
        named.map(|(_, name)| name.clone()).collect()
    }

    /// The text form.
    fn text(&self) -> String {
        text::print(&self.plan)
    }

    /// How many operations there are, those inside of loops and fused ones included.
    fn operations(&self) -> usize {
        operations(&self.plan.body)
    }

    /// Whether another plan has the same text.
    fn same(&self, other: &Bound<'_, Plan>) -> bool {
        let other = other.get();
        Arc::ptr_eq(&self.plan, &other.plan) || self.text() == other.text()
    }

    /// The plan after passes, what each of them did, and all of it in words.
    #[pyo3(signature = (passes))]
    fn optimize<'py>(
        &self,
        py: Python<'py>,
        passes: Option<Vec<String>>,
    ) -> PyResult<(Plan, Bound<'py, PyAny>, String)> {
        let names: Vec<&str> = match &passes {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => optimize::default_names(&self.plan),
        };
        let mut plan = (*self.plan).clone();
        let report = py
            .detach(|| optimize::optimize(&mut plan, &names))
            .map_err(|refused| match refused {
                Refused::Plan(error) => errors::plan(py, &error),
                Refused::Circuit(error) => quantum::raised(py, &error),
            })?;
        let data = serde_json::to_value(&report).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let words = passes::explain(&self.plan, &plan, &report);
        Ok((Self::new(Arc::new(plan)), to_python(py, &data)?, words))
    }

    /// The analysis of what can run in parallel, as data and as a report.
    fn analyze<'py>(
        &self,
        py: Python<'py>,
        estimator: &str,
        threshold: f64,
        workers: Option<usize>,
        sizes: ask::Named,
    ) -> PyResult<(Bound<'py, PyAny>, String)> {
        ask::analyze(py, self, estimator, threshold, workers, &sizes)
    }

    /// How long the plan would take, as data.
    fn predict<'py>(&self, py: Python<'py>, workers: Option<usize>, sizes: ask::Named) -> PyResult<Bound<'py, PyAny>> {
        ask::predict(py, self, workers, &sizes)
    }

    /// Bytes of the buffers that a run takes at most, beside its inputs.
    fn peak_bytes(&self, sizes: ask::Named) -> u64 {
        ask::peak_bytes(self, &sizes)
    }

    /// Runs the plan: outputs by name, what ran, and the sizes there were.
    #[pyo3(signature = (inputs, out, workers, timeout, report, lanes_recorded))]
    fn run<'py>(
        slf: &Bound<'py, Self>,
        inputs: &Bound<'py, PyDict>,
        out: &Bound<'py, PyDict>,
        workers: Option<usize>,
        timeout: Option<f64>,
        report: Option<Py<PyAny>>,
        lanes_recorded: bool,
    ) -> PyResult<run::Ran<'py>> {
        run::run(slf, inputs, out, workers, timeout, report, lanes_recorded)
    }
}

impl Plan {
    fn types<'py>(
        &self,
        py: Python<'py>,
        names: &[String],
        values: &[multilane_plan::ValueId],
    ) -> PyResult<Bound<'py, PyDict>> {
        let types = PyDict::new(py);
        for (name, value) in names.iter().zip(values) {
            types.set_item(name, build::type_text(&self.plan, self.plan.ty(*value)))?;
        }
        Ok(types)
    }
}
