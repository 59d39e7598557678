//! What a run of a circuit took: its passes over memory, as they were predicted and as they were measured.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use multilane_engine::plans::{GroupTime, Recorded};
use multilane_plan::cost::Mode;
use multilane_quantum::{Program, Sweep};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::machine;
use crate::trace::PyTrace;

/// What a circuit is that has no passes one after the other.
pub(super) const SHOT_BY_SHOT: &str = "the circuit once for each shot";

/// What a run took. Predictions are made when they are asked for.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct CircuitRun {
    program: Arc<Program>,
    recorded: Recorded,
    workers: usize,
    /// What the last group is, when it is no pass over memory.
    last: Option<&'static str>,
}

impl CircuitRun {
    pub(super) fn new(program: Arc<Program>, recorded: Recorded, workers: usize, last: Option<&'static str>) -> Self {
        Self {
            program,
            recorded,
            workers,
            last,
        }
    }

    /// Every pass over memory, and what was done besides.
    fn times(&self, py: Python<'_>) -> Vec<GroupTime> {
        let model = machine::model(py);
        let sweeps = self.program.sweeps();
        let precision = self.program.precision();
        let count = self.recorded.ends_ns.len();
        // One that runs once for each shot has no passes that ran one after the other.
        let passes = count - usize::from(self.last.is_some());
        let group = |(index, end_ns): (usize, &u64)| {
            let sweep = (index < passes).then(|| sweeps.get(index)).flatten();
            let label = match (sweep, self.last) {
                (Some(sweep), _) => format!("pass {}: {}", index + 1, sweep.words()),
                (None, last) => last.unwrap_or("circuit").to_owned(),
            };
            let start_ns = self.recorded.start_of(index);
            let moved = |sweep: &Sweep| sweep.read_bytes + sweep.written_bytes;
            GroupTime {
                label,
                region: Vec::new(),
                indices: vec![index],
                level: index,
                mode: if self.workers > 1 { Mode::Wide } else { Mode::Serial },
                lanes: self.workers,
                start_ns,
                end_ns: *end_ns,
                busy_ns: end_ns.saturating_sub(start_ns),
                iterations: 1,
                bytes: sweep.map_or(0, moved),
                predicted_ns: sweep.map_or(0.0, |sweep| sweep.predict_ns(&model, precision, self.workers)),
            }
        };
        self.recorded.ends_ns.iter().enumerate().map(group).collect()
    }
}

#[pymethods]
impl CircuitRun {
    /// What ran, in order: for each pass over memory what it did, when, its bytes and its prediction.
    fn groups<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let groups = PyList::empty(py);
        for group in self.times(py) {
            let facts = PyDict::new(py);
            facts.set_item("label", &group.label)?;
            facts.set_item("start_ns", group.start_ns)?;
            facts.set_item("end_ns", group.end_ns)?;
            facts.set_item("measured_ns", group.busy_ns)?;
            facts.set_item("predicted_ns", group.predicted_ns)?;
            facts.set_item("bytes", group.bytes)?;
            facts.set_item("bandwidth", group.bandwidth())?;
            facts.set_item("lanes", group.lanes)?;
            groups.append(facts)?;
        }
        Ok(groups)
    }

    /// What moving the bytes of all passes takes at the bandwidth that the cost model knows.
    fn memory_ns(&self, py: Python<'_>) -> f64 {
        let model = machine::model(py);
        let moved = |sweep: &Sweep| {
            let (read, written) = (sweep.read_bytes as f64, sweep.written_bytes as f64);
            model.pass_ns(read, written, 1.0, self.workers)
        };
        match self.last {
            Some(SHOT_BY_SHOT) => 0.0,
            _ => self.program.sweeps().iter().map(moved).sum(),
        }
    }

    /// The run as a trace: a task for each pass, or for what each lane did in it when that was recorded.
    fn trace(&self, py: Python<'_>) -> PyResult<PyTrace> {
        let mut trace = self.recorded.trace("circuit", &self.times(py));
        trace.meta.backend = "circuit".to_owned();
        trace.meta.versions = crate::probe::versions(py)?;
        trace.meta.machine = crate::probe::machine::machine();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        trace.meta.created_unix_ns = since.map_or(0, |since| since.as_nanos() as u64);
        Ok(PyTrace::new(trace))
    }

    #[getter]
    fn start_ns(&self) -> u64 {
        self.recorded.start_ns
    }

    #[getter]
    fn end_ns(&self) -> u64 {
        self.recorded.end_ns
    }

    #[getter]
    fn workers(&self) -> usize {
        self.workers
    }

    /// Bytes of the state.
    #[getter]
    fn state_bytes(&self) -> usize {
        self.program.state_bytes()
    }
}
