//! Where the time of a run goes: every step timed by itself, with the interpreter lock released or held.
//!
//! Nothing here is on the way of an ordinary run. `hold` keeps the interpreter lock for the whole
//! run, which no other function of this module does: it is there to measure what that costs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use multilane_plan::Lanes;
use multilane_quantum::{Options, Program, QuantumError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::circuit::CircuitData;
use super::{raised, run};
use crate::plans::gate;

/// Lanes that sum the time of their pieces.
struct Timed<'a> {
    lanes: &'a dyn Lanes,
    busy_ns: AtomicU64,
}

impl Lanes for Timed<'_> {
    fn count(&self) -> usize {
        self.lanes.count()
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        self.lanes.run(pieces, &|piece, lane| {
            let started = Instant::now();
            body(piece, lane);
            self.busy_ns.fetch_add(nanoseconds(started), Ordering::Relaxed);
        });
    }

    fn stopped(&self) -> bool {
        self.lanes.stopped()
    }
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Makes a circuit ready anew and runs it once; times in nanoseconds, and the bytes a run moves.
#[pyfunction]
pub(super) fn quantum_anatomy<'py>(
    py: Python<'py>,
    circuit: PyRef<'_, CircuitData>,
    precision: &str,
    workers: Option<usize>,
    hold: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let precision = run::precision(py, precision)?;
    let started = Instant::now();
    let program = Program::new(&circuit.circuit, &Options::with_precision(precision));
    let plan_ns = nanoseconds(started);
    let program = program.map_err(|error| raised(py, &error))?;

    let timed = Timed {
        lanes: gate::lanes_for(workers),
        busy_ns: AtomicU64::new(0),
    };
    let work = || -> Result<u64, QuantumError> {
        let started = Instant::now();
        let state = program.run(&timed)?;
        let taken = nanoseconds(started);
        drop(state);
        Ok(taken)
    };
    let started = Instant::now();
    let kernel_ns = if hold { work() } else { py.detach(work) };
    let native_ns = nanoseconds(started);
    let kernel_ns = kernel_ns.map_err(|error| raised(py, &error))?;

    let summary = program.summary();
    let found = PyDict::new(py);
    found.set_item("plan_ns", plan_ns)?;
    found.set_item("native_ns", native_ns)?;
    found.set_item("kernel_ns", kernel_ns)?;
    found.set_item("busy_ns", timed.busy_ns.into_inner())?;
    found.set_item("lanes", timed.lanes.count())?;
    found.set_item("gates", summary.gates)?;
    found.set_item("passes", summary.passes)?;
    found.set_item("moved_bytes", summary.moved_bytes)?;
    Ok(found)
}

/// Runs a circuit so many times without going back to Python; nanoseconds of each run.
#[pyfunction]
pub(super) fn quantum_native_runs(
    py: Python<'_>,
    circuit: PyRef<'_, CircuitData>,
    precision: &str,
    workers: Option<usize>,
    runs: usize,
) -> PyResult<Vec<u64>> {
    let precision = run::precision(py, precision)?;
    let program = Program::new(&circuit.circuit, &Options::with_precision(precision));
    let program = program.map_err(|error| raised(py, &error))?;
    let lanes = gate::lanes_for(workers);
    let timed = || {
        let started = Instant::now();
        program.run(lanes).map(|state| {
            let taken = nanoseconds(started);
            drop(state);
            taken
        })
    };
    let taken: Result<Vec<u64>, QuantumError> = py.detach(|| (0..runs).map(|_| timed()).collect());
    taken.map_err(|error| raised(py, &error))
}

/// Reads, multiplies and writes so many bytes in place, so many times; GB/s of each time.
#[pyfunction]
pub(super) fn quantum_in_place_bandwidth(
    py: Python<'_>,
    bytes: usize,
    workers: Option<usize>,
    times: usize,
) -> Vec<f64> {
    /// Numbers of a piece: 256 KiB, a few of them for each lane and small states.
    const PIECE: usize = 1 << 15;

    let lanes = gate::lanes_for(workers);
    py.detach(|| {
        let mut values = vec![1.0_f64; (bytes / size_of::<f64>()).max(1)];
        let once = |values: &mut [f64]| {
            let pieces: Vec<_> = values.chunks_mut(PIECE).map(std::sync::Mutex::new).collect();
            lanes.run(pieces.len(), &|piece, _| {
                let mut piece = pieces[piece].lock().expect("one lane has a piece, and none panics");
                piece.iter_mut().for_each(|value| *value *= 1.000_000_1);
            });
        };
        once(&mut values);
        let mut measured = Vec::with_capacity(times);
        for _ in 0..times {
            let started = Instant::now();
            once(&mut values);
            measured.push(2.0 * bytes as f64 / nanoseconds(started).max(1) as f64);
        }
        measured
    })
}
