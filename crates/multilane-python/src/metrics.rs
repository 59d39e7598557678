//! Recordings and metrics of every pool of this process, for Python.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use multilane_engine::{cpus, record};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::process_pool::ProcessPool;
use crate::thread_pool::ThreadPool;
use crate::trace::PyTrace;

/// An open recording of every task of this process.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct Recording {
    open: Mutex<Option<Arc<record::Recording>>>,
}

#[pymethods]
impl Recording {
    #[new]
    fn new() -> Self {
        Self {
            open: Mutex::new(Some(record::Recording::open())),
        }
    }

    /// Closes the recording; its trace.
    #[pyo3(signature = (label, versions, backend_reason, pools))]
    fn finish(
        &self,
        label: String,
        versions: std::collections::BTreeMap<String, String>,
        backend_reason: String,
        pools: &Bound<'_, PyAny>,
    ) -> PyResult<PyTrace> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let open = open.ok_or_else(|| PyValueError::new_err("this recording is finished"))?;
        let mut described = Vec::new();
        for pool in pools.try_iter()? {
            let pool = pool?;
            if let Ok(pool) = pool.cast::<ProcessPool>() {
                described.push(pool.get().describe_workers());
            } else if let Ok(pool) = pool.cast::<ThreadPool>() {
                described.push(pool.get().describe_workers());
            }
        }
        let mut trace = open.close(&described);
        let kinds: BTreeSet<&str> = trace.workers.iter().map(|w| backend_of(&w.kind)).collect();
        trace.meta.backend = kinds.into_iter().collect::<Vec<_>>().join(" and ");
        trace.meta.label = label;
        trace.meta.versions = versions;
        trace.meta.backend_reason = backend_reason;
        trace.meta.machine = crate::probe::machine::machine();
        trace.meta.created_unix_ns = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        Ok(PyTrace::new(trace))
    }
}

fn backend_of(kind: &str) -> &str {
    match kind {
        "process" => "processes",
        "thread" => "threads",
        _ => "serial",
    }
}

/// Per function: (count, failures, total, cpu, p50, p90, p99, max), times in seconds.
#[pyfunction]
pub(crate) fn metrics(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let table = PyDict::new(py);
    for (name, m) in record::metrics() {
        let seconds = |ns: u64| ns as f64 / 1e9;
        let quantile = |q: f64| seconds(m.quantile_ns(q));
        let row = (
            m.count,
            m.failures,
            seconds(m.total_ns),
            seconds(m.cpu_ns),
            quantile(0.5),
            quantile(0.9),
            quantile(0.99),
            seconds(m.max_ns),
        );
        table.set_item(name, row)?;
    }
    Ok(table)
}

/// The worker count that fills this process's share of the machine.
#[pyfunction]
pub(crate) fn cpus_usable() -> u32 {
    cpus::usable()
}
