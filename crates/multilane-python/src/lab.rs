//! Proofs for Python: collecting runs, judging them, keeping them, reporting them.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use multilane_lab::{Check, Part, PartKind, PlanReport, Proof, Run, judge, report_html};
use multilane_trace::container;
use pyo3::{
    IntoPyObjectExt,
    exceptions::PyValueError,
    prelude::*,
    types::{PyDict, PyList},
};
use serde_json::Value;

use crate::{
    probe,
    trace::{PyTrace, not_json, to_error},
};

/// Adds this file's class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ProofData>()?;
    module.add_function(wrap_pyfunction!(plans_html, module)?)
}

/// The page on plans that ran, from its data as JSON.
#[pyfunction]
fn plans_html(py: Python<'_>, data: &str) -> PyResult<String> {
    let report: PlanReport = serde_json::from_str(data).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(py.detach(|| multilane_lab::plans_html(&report)))
}

/// The same work, run in several ways, several times.
#[pyclass(module = "multilane._multilane", frozen)]
pub(crate) struct ProofData {
    proof: Mutex<Proof>,
}

impl ProofData {
    fn new_from(proof: Proof) -> Self {
        Self {
            proof: Mutex::new(proof),
        }
    }

    fn proof(&self) -> MutexGuard<'_, Proof> {
        self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl ProofData {
    #[new]
    #[pyo3(signature = (name, function, tasks, workers, *, machine = None, versions = None, control_must_fail = false))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the signature is Python's, with names and defaults"
    )]
    fn new(
        py: Python<'_>,
        name: String,
        function: String,
        tasks: u32,
        workers: u32,
        machine: Option<&Bound<'_, PyDict>>,
        versions: Option<BTreeMap<String, String>>,
        control_must_fail: bool,
    ) -> PyResult<Self> {
        Ok(Self::new_from(Proof {
            name,
            function,
            tasks,
            workers,
            control_must_fail,
            machine: machine.map_or_else(|| Ok(probe::machine::machine()), probe::from_dict)?,
            versions: versions.map_or_else(|| probe::versions(py), Ok)?,
            ..Proof::default()
        }))
    }

    #[getter]
    fn name(&self) -> String {
        self.proof().name.clone()
    }

    #[getter]
    fn function(&self) -> String {
        self.proof().function.clone()
    }

    #[getter]
    fn tasks(&self) -> u32 {
        self.proof().tasks
    }

    #[getter]
    fn workers(&self) -> u32 {
        self.proof().workers
    }

    #[getter]
    fn control_must_fail(&self) -> bool {
        self.proof().control_must_fail
    }

    #[getter]
    fn machine<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let machine = self.proof().machine.clone();
        probe::to_dict(py, &machine)
    }

    #[getter]
    fn versions(&self) -> BTreeMap<String, String> {
        self.proof().versions.clone()
    }

    /// One dictionary per run, without its trace.
    #[getter]
    fn runs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        // Making objects may run other Python code: the lock is not held meanwhile.
        let copies: Vec<(Run, bool)> = self.proof().runs.iter().map(without_trace).collect();
        let runs = PyList::empty(py);
        for (run, has_trace) in &copies {
            let dict = PyDict::new(py);
            dict.set_item("strategy", &run.strategy)?;
            dict.set_item("repeat", run.repeat)?;
            dict.set_item("tasks", run.tasks)?;
            dict.set_item("workers", run.workers)?;
            dict.set_item("wall_ns", run.wall_ns)?;
            dict.set_item("cpu_ns", run.cpu_ns)?;
            dict.set_item("steal_ns", run.steal_ns)?;
            dict.set_item("has_trace", has_trace)?;
            runs.append(dict)?;
        }
        Ok(runs)
    }

    /// One dictionary per check.
    #[getter]
    fn checks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let copies = self.proof().checks.clone();
        let checks = PyList::empty(py);
        for check in &copies {
            let dict = PyDict::new(py);
            dict.set_item("name", &check.name)?;
            dict.set_item("passed", check.passed)?;
            dict.set_item("detail", &check.detail)?;
            checks.append(dict)?;
        }
        Ok(checks)
    }

    /// Kind, claim and measurements of every part.
    #[getter]
    fn parts(&self) -> Vec<(String, String, ProofData)> {
        let proof = self.proof();
        let parts = proof.parts.iter();
        parts
            .map(|part| {
                (
                    part.kind.name().to_owned(),
                    part.claim.clone(),
                    Self::new_from(part.proof.clone()),
                )
            })
            .collect()
    }

    /// Adds a run of all tasks by one strategy.
    #[pyo3(signature = (strategy, repeat, tasks, workers, wall_ns, cpu_ns, trace = None, *, steal_ns = 0))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the signature is Python's, with names and defaults"
    )]
    fn add_run(
        &self,
        strategy: String,
        repeat: u32,
        tasks: u32,
        workers: u32,
        wall_ns: u64,
        cpu_ns: u64,
        trace: Option<&Bound<'_, PyTrace>>,
        steal_ns: u64,
    ) {
        let trace = trace.map(|trace| (*trace.get().inner).clone());
        self.proof().runs.push(Run {
            strategy,
            repeat,
            tasks,
            workers,
            wall_ns,
            cpu_ns,
            steal_ns,
            trace,
        });
    }

    /// Adds something that was checked beside the time.
    #[pyo3(signature = (name, passed, detail = String::new()))]
    fn add_check(&self, name: String, passed: bool, detail: String) {
        self.proof().checks.push(Check { name, passed, detail });
    }

    /// Adds a proof that this one is made of.
    fn add_part(&self, kind: &str, claim: String, proof: &Bound<'_, ProofData>) -> PyResult<()> {
        let Some(kind) = PartKind::from_name(kind) else {
            let known = PartKind::ALL.map(PartKind::name).join("`, `");
            return Err(PyValueError::new_err(format!(
                "`{kind}` is not a kind of proof; choose one of `{known}`"
            )));
        };
        // Copied before this proof is locked: a proof may be added to itself.
        let proof = proof.get().proof().clone();
        self.proof().parts.push(Part { kind, claim, proof });
        Ok(())
    }

    /// The trace of a run, when it has one.
    fn trace(&self, strategy: &str, repeat: u32) -> Option<PyTrace> {
        let proof = self.proof();
        let run = proof
            .runs
            .iter()
            .find(|run| run.strategy == strategy && run.repeat == repeat && run.trace.is_some());
        run.and_then(|run| run.trace.clone()).map(PyTrace::new)
    }

    /// The verdict.
    fn judge<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = py.detach(|| serde_json::to_value(judge(&self.proof())));
        to_python(py, &value.map_err(|error| PyValueError::new_err(error.to_string()))?)
    }

    /// The proof as JSON, traces included.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| serde_json::to_string(&*self.proof()))
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Reads a proof from the text that `to_json` gave.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        py.detach(|| container::from_json(text.as_bytes()))
            .map(Self::new_from)
            .map_err(|error| not_json("proof", &error))
    }

    /// Writes the proof to a file; `.mlproof` is the usual ending.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.proof().save(path)).map_err(to_error)
    }

    /// Reads a proof from a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| Proof::load(path)).map(Self::new_from).map_err(to_error)
    }

    /// The report as one HTML page.
    fn report_html(&self, py: Python<'_>) -> String {
        py.detach(|| report_html(&self.proof()))
    }
}

/// A run without its trace, and whether it has one.
fn without_trace(run: &Run) -> (Run, bool) {
    let strategy = run.strategy.clone();
    (
        Run {
            strategy,
            trace: None,
            ..*run
        },
        run.trace.is_some(),
    )
}

/// JSON as Python objects.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(value) => value.into_bound_py_any(py),
        Value::Number(number) => match number.as_u64() {
            Some(whole) => whole.into_bound_py_any(py),
            None => match number.as_i64() {
                Some(whole) => whole.into_bound_py_any(py),
                None => number.as_f64().into_bound_py_any(py),
            },
        },
        Value::String(text) => text.into_bound_py_any(py),
        Value::Array(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(to_python(py, value)?)?;
            }
            Ok(list.into_any())
        }
        Value::Object(fields) => {
            let dict = PyDict::new(py);
            for (name, value) in fields {
                dict.set_item(name, to_python(py, value)?)?;
            }
            Ok(dict.into_any())
        }
    }
}
