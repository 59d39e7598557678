//! Who runs what: which operations use all workers, which stand side by side, which stay serial.
//!
//! Engine and prediction both follow a [`Schedule`], so that what is predicted is what
//! runs. Steps go through a region in its own order: what memory planning says about
//! last uses stays true.

use serde::{Deserialize, Serialize};

use super::model::CostModel;
use super::work::{Estimate, Work, estimate, work_of};
use crate::passes::{LOOP, for_each_value_read, has_effects};
use crate::plan::{Op, Plan, Region};
use crate::registry::{Form, Registry, Sizes};

/// How the operations of a step use the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// One operation on the calling worker.
    Serial,
    /// One operation, cut into pieces for all workers.
    Wide,
    /// Several independent operations, each on one worker.
    SideBySide,
    /// A loop; its body has a schedule of its own.
    Loop,
}

/// A piece of the schedule: it ends before the next one starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The operations, as places in their region; one unless they run side by side.
    ///
    /// Operations side by side read and write at the same time: a result may not
    /// take the memory of an operand that another of them reads.
    pub ops: Vec<usize>,
    /// How they use the workers.
    pub mode: Mode,
    /// How many workers take part.
    pub workers: usize,
    /// Predicted nanoseconds for one execution; for a loop, for all its iterations.
    pub ns: f64,
    /// The same on one worker.
    pub sequential_ns: f64,
    /// The same on all workers, of a single operation that can be cut into pieces for them.
    #[serde(default)]
    pub wide_ns: Option<f64>,
    /// What they have to do.
    pub work: Work,
    /// Where the time goes.
    pub estimate: Option<Estimate>,
    /// The loop's body.
    pub body: Option<Schedule>,
    /// How often a loop's body is run, at most.
    pub iterations: f64,
}

/// The steps of a region, one after another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The steps.
    pub steps: Vec<Step>,
    /// Predicted nanoseconds of one execution.
    pub ns: f64,
    /// The same on one worker.
    pub sequential_ns: f64,
}

/// Decides how a plan runs on so many workers. Operations use more than one only where that
/// is predicted to gain at least `threshold`.
pub fn schedule(
    plan: &Plan,
    registry: &Registry,
    model: &CostModel,
    sizes: &dyn Sizes,
    workers: usize,
    threshold: f64,
) -> Schedule {
    let machine = Machine {
        plan,
        registry,
        model,
        sizes,
        workers: workers.max(1),
        threshold: threshold.max(1.0),
    };
    machine.region(&plan.body)
}

struct Machine<'a> {
    plan: &'a Plan,
    registry: &'a Registry,
    model: &'a CostModel,
    sizes: &'a dyn Sizes,
    workers: usize,
    threshold: f64,
}

impl Machine<'_> {
    fn region(&self, region: &Region) -> Schedule {
        let mut steps = Vec::new();
        // Small operations that are independent of each other and follow one another.
        let mut row: Vec<Step> = Vec::new();
        for (index, op) in region.ops.iter().enumerate() {
            let Some(step) = self.step(index, op) else { continue };
            let alone = step.mode != Mode::Serial || !self.may_stand_beside(op);
            if alone || row.iter().any(|other| reads_from(op, &region.ops[other.ops[0]])) {
                self.close(&mut row, &mut steps);
            }
            if alone { steps.push(step) } else { row.push(step) }
        }
        self.close(&mut row, &mut steps);
        Schedule {
            ns: steps.iter().map(|step| step.ns).sum(),
            sequential_ns: steps.iter().map(|step| step.sequential_ns).sum(),
            steps,
        }
    }

    /// One operation by itself; nothing for constants.
    fn step(&self, index: usize, op: &Op) -> Option<Step> {
        if self
            .registry
            .get(&op.name)
            .is_some_and(|def| def.form == Form::Constant)
        {
            return None;
        }
        if op.name == LOOP {
            return Some(self.repeat(index, op));
        }
        let work = work_of(self.plan, self.registry, op, self.sizes);
        let serial = estimate(&work, self.model, 1);
        let wide = estimate(&work, self.model, self.workers);
        let is_wide = self.workers > 1 && wide.ns * self.threshold <= serial.ns;
        let chosen = if is_wide { wide } else { serial };
        Some(Step {
            ops: vec![index],
            mode: if is_wide { Mode::Wide } else { Mode::Serial },
            workers: if is_wide { self.workers } else { 1 },
            ns: chosen.ns,
            sequential_ns: serial.ns,
            wide_ns: (self.workers > 1 && !work.is_sequential()).then_some(wide.ns),
            work,
            estimate: Some(chosen),
            body: None,
            iterations: 1.0,
        })
    }

    fn repeat(&self, index: usize, op: &Op) -> Step {
        let body = op.regions.first().map(|region| self.region(region)).unwrap_or_default();
        let iterations = op.int("count").unwrap_or(0).max(0) as f64;
        Step {
            ops: vec![index],
            mode: Mode::Loop,
            workers: body.steps.iter().map(|step| step.workers).max().unwrap_or(1),
            ns: self.model.dispatch_ns + iterations * body.ns,
            sequential_ns: self.model.dispatch_ns + iterations * body.sequential_ns,
            wide_ns: None,
            work: Work::default(),
            estimate: None,
            body: Some(body),
            iterations,
        }
    }

    fn may_stand_beside(&self, op: &Op) -> bool {
        let thread_safe = self.registry.get(&op.name).is_some_and(|def| def.thread_safe);
        thread_safe && !has_effects(op, self.registry)
    }

    /// Ends a row of independent small operations: side by side where that gains, one after another where not.
    fn close(&self, row: &mut Vec<Step>, steps: &mut Vec<Step>) {
        let row = std::mem::take(row);
        let one_by_one: f64 = row.iter().map(|step| step.sequential_ns).sum();
        let side_by_side = self.model.fork_join_ns + self.longest_lane(&row);
        if row.len() < 2 || self.workers < 2 || side_by_side * self.threshold > one_by_one {
            steps.extend(row);
            return;
        }
        let mut work = Work::default();
        for step in &row {
            work.read_bytes += step.work.read_bytes;
            work.written_bytes += step.work.written_bytes;
            work.arrays += step.work.arrays;
            work.random_reads.extend(step.work.random_reads.iter().copied());
            for (class, units) in &step.work.units {
                *work.units.entry(*class).or_default() += units;
            }
        }
        let lanes = self.workers.min(row.len());
        let detail = estimate(&work, self.model, lanes);
        steps.push(Step {
            ops: row.iter().map(|step| step.ops[0]).collect(),
            mode: Mode::SideBySide,
            workers: lanes,
            ns: side_by_side,
            sequential_ns: one_by_one,
            wide_ns: None,
            work,
            estimate: Some(Estimate {
                ns: side_by_side,
                ..detail
            }),
            body: None,
            iterations: 1.0,
        });
    }

    /// The time of the busiest worker when each operation, longest first, goes to the least busy one.
    fn longest_lane(&self, row: &[Step]) -> f64 {
        let lanes = self.workers.min(row.len()).max(1);
        let mut times: Vec<f64> = row.iter().map(|step| self.beside(&step.work, lanes)).collect();
        times.sort_by(|a, b| b.total_cmp(a));
        let mut busy = vec![0.0; lanes];
        for time in times {
            let least = (0..lanes)
                .min_by(|a, b| f64::total_cmp(&busy[*a], &busy[*b]))
                .unwrap_or(0);
            busy[least] += time;
        }
        busy.into_iter().fold(0.0, f64::max)
    }

    /// The time of some work on one worker while others are busy too: it gets its share of the bandwidth.
    fn beside(&self, work: &Work, lanes: usize) -> f64 {
        let alone = estimate(work, self.model, 1);
        let all = lanes as f64;
        let (read, written) = (work.read_bytes * all, work.written_bytes * all);
        let together_ns = self.model.pass_ns(read, written, work.arrays, lanes);
        alone.ns + (together_ns - alone.memory_ns).max(0.0)
    }
}

/// Whether an operation reads a value that the other writes.
fn reads_from(op: &Op, other: &Op) -> bool {
    let mut reads = false;
    for_each_value_read(op, &mut |value| reads |= other.results.contains(&value));
    reads
}
