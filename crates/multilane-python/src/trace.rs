//! Traces for Python: reading, writing, analysing, recording.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use multilane_lab::{Analysis, WhatIf, analyse};
use multilane_trace::{Trace, TraceError, container};
use pyo3::{
    exceptions::{PyOSError, PyValueError},
    prelude::*,
    types::{PyDict, PyList},
};

use crate::{lab::to_python, probe};

mod recorder;

/// Adds this file's classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTrace>()?;
    module.add_class::<recorder::TraceRecorder>()
}

/// What every worker did in one run. Made by `multilane.record`, or read from a file.
///
/// Times are nanoseconds of one monotonic clock, comparable between the processes of one
/// boot. The length of a trace is the number of attempts at tasks in it.
#[pyclass(name = "Trace", module = "multilane._multilane", frozen)]
#[derive(Clone)]
pub(crate) struct PyTrace {
    pub(crate) inner: Arc<Trace>,
    analysis: Arc<OnceLock<Analysis>>,
}

impl PyTrace {
    /// Hands a trace to Python.
    pub(crate) fn new(trace: Trace) -> Self {
        Self {
            inner: Arc::new(trace),
            analysis: Arc::default(),
        }
    }

    fn analysis(&self) -> &Analysis {
        self.analysis.get_or_init(|| analyse(&self.inner))
    }
}

#[pymethods]
impl PyTrace {
    #[getter]
    fn label(&self) -> &str {
        &self.inner.meta.label
    }

    #[getter]
    fn backend(&self) -> &str {
        &self.inner.meta.backend
    }

    #[getter]
    fn backend_reason(&self) -> &str {
        &self.inner.meta.backend_reason
    }

    #[getter]
    fn workers(&self) -> u32 {
        self.inner.meta.workers
    }

    #[getter]
    fn start_ns(&self) -> u64 {
        self.inner.meta.start_ns
    }

    #[getter]
    fn end_ns(&self) -> u64 {
        self.inner.meta.end_ns
    }

    #[getter]
    fn created_unix_ns(&self) -> u64 {
        self.inner.meta.created_unix_ns
    }

    #[getter]
    fn machine<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        probe::to_dict(py, &self.inner.meta.machine)
    }

    #[getter]
    fn versions(&self) -> std::collections::BTreeMap<String, String> {
        self.inner.meta.versions.clone()
    }

    #[getter]
    fn makespan_ns(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.analysis().makespan_ns)
    }

    #[getter]
    fn cpu_ns(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.analysis().cpu_ns)
    }

    #[getter]
    fn cores_used(&self, py: Python<'_>) -> f64 {
        py.detach(|| self.analysis().cores_used)
    }

    /// Share of the workers' cores that tasks used.
    #[getter]
    fn efficiency(&self, py: Python<'_>) -> f64 {
        py.detach(|| self.analysis().efficiency)
    }

    /// Where the worker time went, as shares that sum to 1.
    #[getter]
    fn decomposition<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.analyse(py)?.get_item("decomposition")
    }

    /// Ids of the tasks that decided when the run ended, in order.
    #[getter]
    fn critical_path(&self, py: Python<'_>) -> Vec<u64> {
        py.detach(|| self.analysis().critical_path.clone())
    }

    fn __str__(slf: &Bound<'_, Self>) -> PyResult<String> {
        slf.py()
            .import("multilane._trace_text")?
            .call_method1("as_text", (slf,))?
            .extract()
    }

    fn __rich__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py()
            .import("multilane._trace_text")?
            .call_method1("renderable", (slf,))
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        slf.py()
            .import("multilane._trace_text")?
            .call_method1("as_html", (slf,))?
            .extract()
    }

    /// Reads a trace from a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| Trace::load(path)).map(Self::new).map_err(to_error)
    }

    /// Reads a trace from the text that `to_json` gave.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        py.detach(|| container::from_json(text.as_bytes()))
            .map(Self::new)
            .map_err(|error| not_json("trace", &error))
    }

    /// One trace of everything in `traces`, which were recorded during the same boot.
    #[staticmethod]
    #[pyo3(signature = (traces, label = None))]
    fn merge(py: Python<'_>, traces: Vec<PyRef<'_, Self>>, label: Option<String>) -> Self {
        let traces: Vec<Trace> = traces.iter().map(|trace| (*trace.inner).clone()).collect();
        let mut merged = py.detach(|| Trace::merge(&traces));
        merged.meta.label = label.unwrap_or(merged.meta.label);
        Self::new(merged)
    }

    /// Writes the trace to a file; `.mltrace` is the usual ending.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.inner.save(path)).map_err(to_error)
    }

    /// The trace as JSON, events as columns.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| serde_json::to_string(&*self.inner))
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The trace as Chrome JSON, which Perfetto opens.
    fn to_perfetto(&self, py: Python<'_>) -> String {
        py.detach(|| self.inner.to_perfetto())
    }

    /// Cores used, where the time went, and the critical path.
    fn analyse<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = py.detach(|| serde_json::to_value(self.analysis()));
        to_python(py, &value.map_err(|error| PyValueError::new_err(error.to_string()))?)
    }

    /// The run that so many workers would have made of the same tasks.
    #[pyo3(signature = (workers, processors = None, *, bytes_per_task = None, bandwidth = None))]
    fn simulate<'py>(
        &self,
        py: Python<'py>,
        workers: u32,
        processors: Option<f64>,
        bytes_per_task: Option<BTreeMap<String, f64>>,
        bandwidth: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if workers == 0 || processors.is_some_and(|processors| processors.is_nan() || processors < 1.0) {
            return Err(PyValueError::new_err("`workers` and `processors` are at least 1"));
        }
        let usable = self.inner.meta.machine.cpus_usable();
        let processors = processors.unwrap_or(if usable > 0.0 { usable } else { f64::from(workers) });
        let bytes_per_task = bytes_per_task.unwrap_or_default();
        for (name, bytes) in &bytes_per_task {
            if !bytes.is_finite() || *bytes < 0.0 {
                return Err(PyValueError::new_err(format!(
                    "`bytes_per_task` has {bytes} for `{name}`; bytes are a number from 0 on"
                )));
            }
            if !self.inner.functions.contains(name) {
                let known = self.inner.functions.join("`, `");
                return Err(PyValueError::new_err(format!(
                    "`bytes_per_task` names `{name}`, which this trace does not have; it has `{known}`"
                )));
            }
        }
        if bandwidth.is_some_and(|bandwidth| !bandwidth.is_finite() || bandwidth <= 0.0) {
            return Err(PyValueError::new_err("`bandwidth` is more than 0 GB/s"));
        }
        if bandwidth.is_none() && bytes_per_task.values().any(|bytes| *bytes > 0.0) {
            return Err(PyValueError::new_err(
                "`bytes_per_task` needs `bandwidth`; `multilane.memory_bandwidth()` measures it",
            ));
        }
        let on = WhatIf {
            workers,
            processors,
            // GB/s are bytes a nanosecond.
            bandwidth: bandwidth.unwrap_or(0.0),
            bytes_per_task,
        };
        let value = py.detach(|| serde_json::to_value(multilane_lab::simulate(&self.inner, &on)));
        to_python(py, &value.map_err(|error| PyValueError::new_err(error.to_string()))?)
    }

    /// One dictionary per attempt at a task.
    fn tasks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let tasks = PyList::empty(py);
        for task in &self.inner.tasks {
            let dict = PyDict::new(py);
            dict.set_item("function", self.inner.function_name(task.function))?;
            dict.set_item("status", task.status.name())?;
            for (name, value) in [
                ("id", task.id),
                ("worker", task.worker.into()),
                ("attempt", task.attempt.into()),
                ("queued_ns", task.queued_ns),
                ("ready_ns", task.ready_ns),
                ("started_ns", task.started_ns),
                ("ended_ns", task.ended_ns),
                ("collected_ns", task.collected_ns),
                ("cpu_ns", task.cpu_ns),
                ("encode_ns", task.encode_ns),
                ("decode_ns", task.decode_ns),
                ("result_encode_ns", task.result_encode_ns),
                ("result_decode_ns", task.result_decode_ns),
                ("interpreter_wait_ns", task.interpreter_wait_ns),
                ("run_queue_ns", task.run_queue_ns),
                ("core_start", task.core_start.into()),
                ("core_end", task.core_end.into()),
                ("bytes_in", task.bytes_in),
                ("bytes_out", task.bytes_out),
                ("parent", task.parent),
            ] {
                dict.set_item(name, value)?;
            }
            tasks.append(dict)?;
        }
        Ok(tasks)
    }

    /// One dictionary per worker.
    fn worker_list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let workers = PyList::empty(py);
        for worker in &self.inner.workers {
            let dict = PyDict::new(py);
            dict.set_item("index", worker.index)?;
            dict.set_item("kind", &worker.kind)?;
            dict.set_item("os_id", worker.os_id)?;
            dict.set_item("started_ns", worker.started_ns)?;
            dict.set_item("ready_ns", worker.ready_ns)?;
            dict.set_item("ended_ns", worker.ended_ns)?;
            workers.append(dict)?;
        }
        Ok(workers)
    }

    /// What tasks said about their progress: task, time, done, total.
    fn progress_events(&self) -> Vec<(u64, u64, u64, u64)> {
        let progress = self.inner.progress.iter();
        progress
            .map(|event| (event.task, event.at_ns, event.done, event.total))
            .collect()
    }

    fn __len__(&self) -> usize {
        self.inner.tasks.len()
    }

    fn __repr__(&self) -> String {
        let Trace { meta, tasks, .. } = &*self.inner;
        format!(
            "<Trace {:?}: {} attempts, {} workers, {}>",
            meta.label,
            tasks.len(),
            meta.workers,
            meta.backend
        )
    }
}

/// The Python exception for a file that could not be read or written.
pub(crate) fn to_error(error: TraceError) -> PyErr {
    if let TraceError::Io { source, path, .. } = &error
        && let Some(number) = source.raw_os_error()
    {
        // With an error number Python picks the fitting subclass.
        return PyOSError::new_err((number, error.to_string(), path.clone().into_os_string()));
    }
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    PyValueError::new_err(format!("{error}{hint}"))
}

/// The Python exception for text that is not what it should be.
pub(crate) fn not_json(expected: &str, error: &serde_json::Error) -> PyErr {
    PyValueError::new_err(format!("the text is not a {expected}: {error}"))
}
