//! One run: lanes that start together, take operations until none is left, and say what they used.
//!
//! A lane is a thread of Python's that calls `LaneRun.run`. The loop around the operations is native, so that what is
//! measured is the operations and not the loop; the lanes wait at the gate and finish without the interpreter lock.

use std::sync::{
    Condvar, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use std::time::Duration;

use multilane_engine::clock::{self, RunDelay};
use multilane_lab::{LaneTimes, idle_lanes};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};

use crate::probe::sampler::thread_id;

use super::facts::{Usage, usage};

/// The lanes of one run.
#[pyclass(module = "multilane._multilane", frozen)]
pub(crate) struct LaneRun {
    lanes: u64,
    operations: u64,
    batch: u64,
    own: bool,
    next: AtomicU64,
    stop: AtomicBool,
    gate: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Default)]
struct Gate {
    threads: Vec<u32>,
    started_ns: u64,
    reports: Vec<Report>,
}

/// What a lane used from the opening of the gate to its last operation's end.
#[derive(Clone, Copy, Default)]
struct Report {
    ended_ns: u64,
    operations: u64,
    between_ns: u64,
    longest_ns: u64,
    run_delay_ns: u64,
    used: Usage,
}

impl Report {
    fn times(&self) -> LaneTimes {
        LaneTimes {
            ended_ns: self.ended_ns,
            run_delay_ns: self.run_delay_ns,
        }
    }
}

#[pymethods]
impl LaneRun {
    #[new]
    #[pyo3(signature = (lanes, operations, *, batch = 1, own = false))]
    fn new(lanes: u64, operations: u64, batch: u64, own: bool) -> PyResult<Self> {
        if lanes == 0 || operations == 0 || batch == 0 {
            return Err(PyValueError::new_err("lanes, operations and batch are at least 1"));
        }
        Ok(Self {
            lanes,
            operations,
            batch,
            own,
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            gate: Mutex::new(Gate::default()),
            changed: Condvar::new(),
        })
    }

    /// Waits for the gate, then runs this lane's operations; its numbers are passed on when `numbered`.
    #[pyo3(signature = (lane, function, arguments, *, warm_up = false, numbered = false))]
    fn run(
        &self,
        py: Python<'_>,
        lane: u64,
        function: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyTuple>,
        warm_up: bool,
        numbered: bool,
    ) -> PyResult<()> {
        let call = |number: u64| -> PyResult<()> {
            if numbered {
                function.call1((number,)).map(drop)
            } else {
                function.call1(arguments).map(drop)
            }
        };
        // Whatever comes of it, the others must not wait for this lane.
        let warmed = if warm_up { call(self.operations - 1) } else { Ok(()) };
        if warmed.is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
        let mut delay = RunDelay::of_this_thread();
        let (before, delay_before) = (usage(libc::RUSAGE_THREAD), delay.seen());
        let cpu_before = clock::thread_cpu_ns();
        py.detach(|| self.wait_at_gate());
        warmed?;
        let mut report = Report::default();
        // Waking up and getting the interpreter lock come before this and are no cost of handing out operations.
        let entered_ns = clock::now_ns();
        let mut in_operations_ns = 0;
        let outcome = self.operate(lane, &mut report, &mut in_operations_ns, call);
        report.ended_ns = clock::now_ns();
        report.between_ns = (report.ended_ns - entered_ns).saturating_sub(in_operations_ns);
        let after = usage(libc::RUSAGE_THREAD);
        report.run_delay_ns = delay.read().saturating_sub(delay_before);
        report.used = Usage {
            // The thread's own clock is finer than the system's accounts.
            cpu_ns: clock::thread_cpu_ns() - cpu_before,
            system_ns: after.system_ns - before.system_ns,
            faults: after.faults - before.faults,
            switches: after.switches - before.switches,
        };
        if outcome.is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.gate().reports.push(report);
        outcome
    }

    /// Waits until every lane is at the gate; the threads of the lanes. None when a lane did not come in time.
    fn wait_ready(&self, py: Python<'_>, seconds: f64) -> PyResult<Option<Vec<u32>>> {
        let arrived = crate::wait_in_slices(py, seconds, |slice: Duration| {
            let gate = self.gate();
            let missing = |gate: &mut Gate| (gate.threads.len() as u64) < self.lanes;
            let waited = self
                .changed
                .wait_timeout_while(gate, slice, missing)
                .unwrap_or_else(PoisonError::into_inner);
            !waited.1.timed_out()
        })?;
        Ok(arrived.then(|| self.gate().threads.clone()))
    }

    /// Lets all lanes go.
    fn open(&self) {
        self.gate().started_ns = clock::now_ns();
        self.changed.notify_all();
    }

    /// Lets no lane begin another operation.
    fn cancel(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.open();
    }

    /// What the lanes used together.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (started_ns, reports) = {
            let gate = self.gate();
            (gate.started_ns, gate.reports.clone())
        };
        let ended_ns = reports.iter().map(|report| report.ended_ns).max().unwrap_or(started_ns);
        let sum = |of: &dyn Fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
        let dict = PyDict::new(py);
        dict.set_item("wall_ns", ended_ns.saturating_sub(started_ns))?;
        dict.set_item("operations", sum(&|report| report.operations))?;
        dict.set_item("cpu_ns", sum(&|report| report.used.cpu_ns))?;
        dict.set_item(
            "system_ns",
            sum(&|report| report.used.system_ns.min(report.used.cpu_ns)),
        )?;
        let times: Vec<LaneTimes> = reports.iter().map(Report::times).collect();
        let (idle_ns, held_up_ns) = idle_lanes(&times, started_ns);
        dict.set_item("run_delay_ns", sum(&|report| report.run_delay_ns) + held_up_ns)?;
        dict.set_item("between_ns", sum(&|report| report.between_ns))?;
        dict.set_item("idle_ns", idle_ns)?;
        dict.set_item(
            "longest_ns",
            reports.iter().map(|report| report.longest_ns).max().unwrap_or(0),
        )?;
        dict.set_item("faults", sum(&|report| report.used.faults))?;
        dict.set_item("switches", sum(&|report| report.used.switches))?;
        let lanes = PyList::new(py, reports.iter().map(|report| report.operations))?;
        dict.set_item("operations_by_lane", lanes)?;
        Ok(dict)
    }
}

impl LaneRun {
    fn gate(&self) -> std::sync::MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_at_gate(&self) {
        let mut gate = self.gate();
        gate.threads.push(thread_id());
        self.changed.notify_all();
        let closed = |gate: &mut Gate| gate.started_ns == 0;
        drop(
            self.changed
                .wait_while(gate, closed)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    fn operate(
        &self,
        lane: u64,
        report: &mut Report,
        in_operations_ns: &mut u64,
        call: impl Fn(u64) -> PyResult<()>,
    ) -> PyResult<()> {
        let own = (
            self.operations * lane / self.lanes,
            self.operations * (lane + 1) / self.lanes,
        );
        let mut from = own.0;
        while !self.stop.load(Ordering::Relaxed) {
            let to = if self.own {
                (from + self.batch).min(own.1)
            } else {
                from = self.next.fetch_add(self.batch, Ordering::Relaxed);
                (from + self.batch).min(self.operations)
            };
            if from >= to {
                break;
            }
            let mut began_ns = clock::now_ns();
            for number in from..to {
                call(number)?;
                let ended_ns = clock::now_ns();
                let took_ns = ended_ns - began_ns;
                *in_operations_ns += took_ns;
                report.longest_ns = report.longest_ns.max(took_ns);
                report.operations += 1;
                began_ns = ended_ns;
            }
            from = to;
        }
        Ok(())
    }
}
