//! The cost model of circuits on this machine: measured once by running some, and kept beside that of plans.
//!
//! Passes over a state lie in huge pages and compute in the cache, so they have a bandwidth and an arithmetic of their
//! own. Everything is the difference of a long circuit and a short one, which leaves out what both need.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use multilane_engine::lanes;
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
const BUDGET: Duration = Duration::from_millis(15);

/// This machine's cost model for circuits.
pub(super) fn model(py: Python<'_>) -> Arc<CostModel> {
    let plans = machine::model(py);
    let measure = || {
        machine::kept("quantum-cost-model.json", || {
            measured(&plans).unwrap_or_else(|| (*plans).clone())
        })
    };
    py.detach(|| MODEL.get_or_init(|| Arc::new(measure())).clone())
}

/// Measures; nothing when there is no memory for it.
fn measured(plans: &CostModel) -> Option<CostModel> {
    let team: &dyn Lanes = lanes::shared(None);
    let (few, many) = (turns(4)?, turns(40)?);
    let operations = |program: &Program| program.sweeps().iter().map(|sweep| sweep.operations).sum::<f64>();
    let moved = |program: &Program| program.summary().moved_bytes as f64;
    let arithmetic = (time(&many, &Serial)? - time(&few, &Serial)?).max(1.0) / (operations(&many) - operations(&few));
    let (mut streams, mut first_use) = (Vec::new(), 0.0);
    for qubits in STREAM_QUBITS {
        let (short, long) = (passes(qubits, 1)?, passes(qubits, 9)?);
        for lanes in [&Serial, team].into_iter().take(team.count().min(2)) {
            let short_ns = time(&short, lanes)?;
            let computed = arithmetic * (operations(&long) - operations(&short)) / lanes.count() as f64;
            let taken = (time(&long, lanes)? - short_ns - computed).max(1.0);
            let bandwidth = (moved(&long) - moved(&short)) / taken;
            streams.push(Stream {
                footprint_bytes: 2.0 * 16.0 * (qubits as f64).exp2(),
                workers: lanes.count(),
                read_bytes_per_ns: bandwidth,
                write_bytes_per_ns: bandwidth,
                lead_ns_per_byte: 0.0,
            });
            if lanes.count() == 1 {
                // What the shorter takes beside its passes; the last size is the one with new memory.
                let beside = short_ns - moved(&short) / bandwidth - arithmetic * operations(&short);
                first_use = beside.max(1.0) * 4096.0 / (16.0 * (qubits as f64).exp2());
            }
        }
    }
    let mut model = CostModel {
        streams,
        ..plans.clone()
    };
    model.ns_per_unit.insert(CostClass::Arithmetic, arithmetic);
    model.ns_per_unit.insert(CostClass::Sequential, first_use);
    Some(model)
}

/// A circuit of so many passes over memory that do little more than read and write.
fn passes(qubits: usize, passes: usize) -> Option<Program> {
    let mut circuit = Circuit::new(qubits, 0).ok()?;
    let high = [qubits - 1, qubits - 2];
    // Parts of a state that are 0 still are left out of passes.
    for qubit in 0..qubits {
        circuit.h(qubit).ok()?;
    }
    for pass in 0..passes {
        circuit.cx(high[pass % 2], high[(pass + 1) % 2]).ok()?;
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

/// Nanoseconds of the quickest run.
fn time(program: &Program, lanes: &dyn Lanes) -> Option<f64> {
    let (begun, mut best) = (Instant::now(), f64::INFINITY);
    while best == f64::INFINITY || begun.elapsed() < BUDGET {
        let start = Instant::now();
        drop(program.run(lanes).ok()?);
        best = best.min(start.elapsed().as_nanos() as f64);
    }
    Some(best)
}
