//! Says in words and numbers what becomes of a circuit before it runs, and how long that should take.
//!
//! Reads no clock: predictions come from a cost model, measurements from the caller.

use std::collections::BTreeMap;
use std::fmt;

use multilane_plan::CostClass;
use multilane_plan::cost::CostModel;

use crate::circuit::{Circuit, Operation};
use crate::error::QuantumError;
use crate::passes::{self, PassReport, optimize};
use crate::schedule::Sweep;
use crate::simulate::{Options, Precision, Program};

/// What becomes of a circuit.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// How many qubits it has.
    pub qubits: usize,
    /// How exact amplitudes are.
    pub precision: Precision,
    /// Its gates, by name.
    pub before: BTreeMap<String, usize>,
    /// What each pass did.
    pub passes: Vec<PassReport>,
    /// The gates that are left, by name.
    pub after: BTreeMap<String, usize>,
    /// The passes over memory.
    pub sweeps: Vec<Sweep>,
    /// Bytes of the state.
    pub bytes: usize,
}

/// How long a run takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Workers.
    pub workers: usize,
    /// Nanoseconds, as predicted.
    pub predicted_ns: f64,
    /// Nanoseconds, as measured.
    pub measured_ns: Option<f64>,
}

/// Follows a circuit to what runs. Without `optimize` among the options no pass does.
pub fn explain(circuit: &Circuit, options: &Options) -> Result<(Explanation, Program), QuantumError> {
    let mut after = circuit.clone();
    let names = if options.optimize { passes::DEFAULT } else { &[] };
    let passes = optimize(&mut after, names)?;
    let as_it_is = Options {
        optimize: false,
        ..options.clone()
    };
    let program = Program::new(&after, &as_it_is)?;
    let explanation = Explanation {
        qubits: circuit.qubits(),
        precision: options.precision,
        before: census(circuit),
        passes,
        after: census(&after),
        sweeps: program.sweeps(),
        bytes: program.bytes()?,
    };
    Ok((explanation, program))
}

/// Gates by name, with a `c` for each control.
fn census(circuit: &Circuit) -> BTreeMap<String, usize> {
    let mut census = BTreeMap::new();
    for instruction in circuit.instructions() {
        if let Operation::Gate { gate, controls, .. } = &instruction.operation {
            *census.entry("c".repeat(controls.len()) + gate.name()).or_default() += 1;
        }
    }
    census
}

impl Sweep {
    /// Nanoseconds that it should take on a machine.
    ///
    /// A unit of [`CostClass::Arithmetic`] is an operation on a float of 8 bytes while it is in the cache, one of
    /// [`CostClass::Sequential`] the way of such a float through scratch, and the streams are passes in place.
    pub fn predict_ns(&self, model: &CostModel, precision: Precision, workers: usize) -> f64 {
        let (lanes, width) = (workers.max(1) as f64, precision.bytes() as f64 / 16.0);
        let arithmetic = model.ns_of_unit(CostClass::Arithmetic) * self.operations * width / lanes;
        let (read, written) = (self.read_bytes as f64, self.written_bytes as f64);
        let memory = model.pass_ns(read, written, 1.0, workers.max(1));
        let shared = if workers > 1 { model.fork_join_ns } else { 0.0 };
        if self.in_place {
            // Computed while the next amplitudes are on their way.
            return shared + arithmetic.max(memory);
        }
        // A chunk is read, then computed on, then written.
        let scratch = model.ns_of_unit(CostClass::Sequential) * (read + written) / 8.0 / lanes;
        shared + arithmetic + memory + scratch
    }

    /// What it does, in words.
    pub fn words(&self) -> String {
        blocks(self)
    }
}

impl Explanation {
    /// Bytes that a run reads and writes.
    pub fn moved_bytes(&self) -> u64 {
        let moved = |sweep: &Sweep| sweep.read_bytes + sweep.written_bytes;
        self.sweeps.iter().map(moved).sum()
    }

    /// All passes over memory together.
    fn total(&self) -> Sweep {
        self.sweeps.iter().fold(Sweep::default(), |mut total, sweep| {
            total.read_bytes += sweep.read_bytes;
            total.written_bytes += sweep.written_bytes;
            total
                .matrices
                .iter_mut()
                .zip(sweep.matrices)
                .for_each(|(sum, count)| *sum += count);
            total.flips += sweep.flips;
            total.diagonals += sweep.diagonals;
            total.operations += sweep.operations;
            total
        })
    }

    /// Nanoseconds that a run should take on a machine, in memory that was used before.
    pub fn predict_ns(&self, model: &CostModel, workers: usize) -> f64 {
        let pass = |sweep: &Sweep| sweep.predict_ns(model, self.precision, workers);
        model.run_ns + self.sweeps.iter().map(pass).sum::<f64>()
    }

    /// All of it as text.
    pub fn text(&self, timing: &Timing) -> String {
        format!("{self}{}", self.timing(timing))
    }

    fn timing(&self, timing: &Timing) -> String {
        let workers = match timing.workers {
            1 => "1 worker".to_owned(),
            workers => format!("{workers} workers"),
        };
        let mut text = format!("predicted  {} with {workers}\n", time(timing.predicted_ns));
        if let Some(measured) = timing.measured_ns {
            let bandwidth = self.moved_bytes() as f64 / measured.max(1.0);
            text += &format!("measured   {}, {bandwidth:.1} GB/s\n", time(measured));
        }
        text
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { qubits, precision, .. } = self;
        writeln!(
            f,
            "{qubits} qubits in {}: a state of {}",
            precision.name(),
            bytes(self.bytes as f64)
        )?;
        writeln!(f, "\nbefore: {}", listed(&self.before))?;
        let width = self.passes.iter().map(|pass| pass.name.len()).max().unwrap_or(0);
        for PassReport { name, changed, gates } in &self.passes {
            writeln!(f, "  {name:<width$}  {changed:>5} changed, {gates} gates left")?;
        }
        writeln!(f, "after: {}", listed(&self.after))?;
        writeln!(f, "fused: {}", blocks(&self.total()))?;
        let moved = bytes(self.moved_bytes() as f64);
        let passes = self.sweeps.len();
        writeln!(
            f,
            "\n{passes} pass{} over memory, moving {moved}",
            if passes == 1 { "" } else { "es" }
        )?;
        for sweep in self.sweeps.iter().take(SHOWN) {
            writeln!(f, "  {}", one(sweep))?;
        }
        if passes > SHOWN {
            writeln!(f, "  and {} more", passes - SHOWN)?;
        }
        writeln!(f)
    }
}

/// Passes over memory that are written out.
const SHOWN: usize = 16;

fn one(sweep: &Sweep) -> String {
    let (read, written) = (bytes(sweep.read_bytes as f64), bytes(sweep.written_bytes as f64));
    let place = if sweep.in_place { ", where it lies" } else { "" };
    format!("reads {read:>8}, writes {written:>8}: {}{place}", blocks(sweep))
}

/// What gates became.
fn blocks(sweep: &Sweep) -> String {
    let mut parts = Vec::new();
    for (place, count) in sweep.matrices.iter().enumerate().filter(|(_, count)| **count > 0) {
        let qubits = if place == 0 {
            "1 qubit".to_owned()
        } else {
            format!("{} qubits", place + 1)
        };
        parts.push(format!(
            "{count} matri{} on {qubits}",
            if *count == 1 { "x" } else { "ces" }
        ));
    }
    for (count, one, several) in [
        (sweep.flips, "flip", "flips"),
        (sweep.diagonals, "product of phases", "products of phases"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { several }));
        }
    }
    if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join(", ")
    }
}

fn listed(census: &BTreeMap<String, usize>) -> String {
    let total: usize = census.values().sum();
    let kinds = census
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect::<Vec<_>>();
    match total {
        0 => "no gates".to_owned(),
        1 => format!("1 gate ({})", kinds.join(", ")),
        _ => format!("{total} gates ({})", kinds.join(", ")),
    }
}

fn bytes(count: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match units.into_iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", count / size),
        None => format!("{count:.0} B"),
    }
}

fn time(ns: f64) -> String {
    let units = [(1e9, "s"), (1e6, "ms"), (1e3, "us")];
    match units.into_iter().find(|(size, _)| ns >= *size) {
        Some((size, unit)) => format!("{:.2} {unit}", ns / size),
        None => format!("{ns:.0} ns"),
    }
}
