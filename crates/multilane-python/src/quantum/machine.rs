//! The cost model of circuits on this machine: measured once by running some, and kept beside that of plans.
//!
//! Passes over a state lie in huge pages and compute in the cache, so they have a bandwidth and an arithmetic of their
//! own. Bandwidth is that of gates that change amplitudes where they lie; what the way through scratch adds is
//! measured beside it. Everything is the difference of a long circuit and a short one, which leaves out what both need.
//! What other programs disturbed is counted as assumed, and then the file does not count for long.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use multilane_engine::{clock, lanes};
use multilane_plan::cost::{CostModel, Stream};
use multilane_plan::{CostClass, Lanes, Serial};
use multilane_quantum::{Circuit, Gate, Options, Program};
use pyo3::prelude::*;

use crate::plans::machine;

static MODEL: OnceLock<Arc<CostModel>> = OnceLock::new();

/// Qubits of the states that bandwidths are measured on: in the second and the third cache, and beyond.
const STREAM_QUBITS: [usize; 4] = [14, 17, 20, 22];

/// Qubits of a state that fits into the second-level cache, and is one chunk.
const CACHED_QUBITS: usize = 12;

/// How long one circuit is run again and again.
const BUDGET: Duration = Duration::from_millis(20);

/// How often at least.
const LEAST_RUNS: usize = 3;

/// This machine's cost model for circuits.
pub(super) fn model(py: Python<'_>) -> Arc<CostModel> {
    let plans = machine::model(py);
    let measure = || {
        machine::kept("circuit-cost-model.json", || {
            measured(&plans).unwrap_or_else(|| (*plans).clone())
        })
    };
    py.detach(|| MODEL.get_or_init(|| Arc::new(measure())).clone())
}

/// Measures; nothing when there is no memory for it.
fn measured(plans: &CostModel) -> Option<CostModel> {
    let team: &dyn Lanes = lanes::shared(None);
    let timer = Timer::default();
    let time = |program: &Program, lanes: &dyn Lanes| timer.time(program, lanes);
    let (few, many) = (turns(4)?, turns(40)?);
    let operations = |program: &Program| program.sweeps().iter().map(|sweep| sweep.operations).sum::<f64>();
    let moved = |program: &Program| program.summary().moved_bytes as f64;
    let arithmetic = (time(&many, &Serial)? - time(&few, &Serial)?).max(1.0) / (operations(&many) - operations(&few));
    let (mut streams, mut scratch) = (Vec::new(), 0.0);
    for qubits in STREAM_QUBITS {
        let (short, long) = (passes(qubits, 1, false)?, passes(qubits, 17, false)?);
        for lanes in [&Serial, team].into_iter().take(team.count().min(2)) {
            let taken = (time(&long, lanes)? - time(&short, lanes)?).max(1.0);
            let bandwidth = (moved(&long) - moved(&short)) / taken;
            // A larger state is no quicker than a smaller one, whatever a disturbed measurement says.
            let smaller = streams.iter().rfind(|stream: &&Stream| stream.workers == lanes.count());
            let bandwidth = smaller.map_or(bandwidth, |smaller| bandwidth.min(smaller.read_bytes_per_ns));
            streams.push(Stream {
                footprint_bytes: 2.0 * 16.0 * (qubits as f64).exp2(),
                workers: lanes.count(),
                read_bytes_per_ns: bandwidth,
                write_bytes_per_ns: bandwidth,
                lead_ns_per_byte: 0.0,
            });
            if lanes.count() == 1 {
                // What chunks take beside bandwidth and arithmetic; the last size is the one beyond the caches.
                let (short, long) = (passes(qubits, 1, true)?, passes(qubits, 5, true)?);
                let taken = time(&long, lanes)? - time(&short, lanes)?;
                let bytes = moved(&long) - moved(&short);
                let computed = arithmetic * (operations(&long) - operations(&short));
                scratch = (taken - computed - bytes / bandwidth).max(0.0) * 8.0 / bytes;
            }
        }
    }
    let mut model = CostModel {
        streams,
        assumed: timer.disturbed.get(),
        ..plans.clone()
    };
    model.ns_per_unit.insert(CostClass::Arithmetic, arithmetic);
    model.ns_per_unit.insert(CostClass::Sequential, scratch);
    Some(model)
}

/// A circuit of so many passes over memory that do little more than read and write, through scratch or where the
/// amplitudes lie.
fn passes(qubits: usize, passes: usize, through_scratch: bool) -> Option<Program> {
    let mut circuit = Circuit::new(qubits, 0).ok()?;
    let high = [qubits - 1, qubits - 2];
    // Parts of a state that are 0 still are left out of passes.
    for qubit in 0..qubits {
        circuit.h(qubit).ok()?;
    }
    for pass in 0..passes {
        let (control, target) = (high[pass % 2], high[(pass + 1) % 2]);
        circuit.cx(control, target).ok()?;
        if through_scratch {
            // Three qubits are more than one gate takes along.
            circuit.cx(0, target).ok()?;
        }
    }
    let options = Options {
        optimize: false,
        fuse: false,
        // Room for one of the two.
        chunk_qubits: Some(11),
        low_qubits: Some(10),
        ..Options::default()
    };
    Program::new(&circuit, &options).ok()
}

/// A circuit of so many layers of matrices on a state in the cache.
fn turns(layers: usize) -> Option<Program> {
    let mut circuit = Circuit::new(CACHED_QUBITS, 0).ok()?;
    for layer in 0..layers {
        for qubit in 0..CACHED_QUBITS {
            let gate = if layer % 2 == 0 { Gate::H } else { Gate::Sx };
            circuit.gate(gate, &[], &[qubit]).ok()?;
        }
    }
    let options = Options {
        optimize: false,
        fuse: false,
        ..Options::default()
    };
    Program::new(&circuit, &options).ok()
}

/// Takes times, and counts those that other programs disturbed.
#[derive(Default)]
struct Timer {
    disturbed: Cell<usize>,
}

impl Timer {
    /// Nanoseconds of the quickest of a few runs. Those of one lane are its own, whoever shares its processor.
    fn time(&self, program: &Program, lanes: &dyn Lanes) -> Option<f64> {
        let (begun, mut best, mut disturbed) = (Instant::now(), f64::INFINITY, false);
        for run in 0.. {
            if run >= LEAST_RUNS && begun.elapsed() > BUDGET {
                break;
            }
            let (start, computed) = (Instant::now(), clock::thread_cpu_ns());
            drop(program.run(lanes).ok()?);
            let (taken, computed) = (
                start.elapsed().as_nanos() as f64,
                (clock::thread_cpu_ns() - computed) as f64,
            );
            // The caller computes all the time, unless somebody takes its processor.
            let interrupted = computed < 0.9 * taken - 20_000.0;
            let taken = if lanes.count() == 1 { computed } else { taken };
            if taken < best {
                (best, disturbed) = (taken, interrupted);
            }
        }
        self.disturbed.set(self.disturbed.get() + usize::from(disturbed));
        Some(best)
    }
}
