//! What a plan will take on a machine: in all, and step by step.
//!
//! Flattens a [`Schedule`] into the list that a trace is held against. Every number here is
//! a prediction.

use serde::{Deserialize, Serialize};

use super::DEFAULT_THRESHOLD;
use super::model::CostModel;
use super::schedule::{Mode, Schedule, Step, schedule};
use super::work::{Bound, Estimate, estimate};
use crate::plan::{Plan, Region};
use crate::registry::{Registry, Sizes};

/// A step of the schedule with its predicted time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupPrediction {
    /// Where its region is: empty for the body, else operation and region, from the outside in.
    pub region: Vec<usize>,
    /// Its operations, as places in that region.
    pub indices: Vec<usize>,
    /// The names of its operations.
    pub ops: Vec<String>,
    /// How it uses the workers.
    pub mode: Mode,
    /// How many workers take part.
    pub workers: usize,
    /// How often it is run, at most.
    pub iterations: f64,
    /// Nanoseconds for one execution.
    pub ns: f64,
    /// Nanoseconds for one execution on one worker.
    pub sequential_ns: f64,
    /// What limits it.
    pub bound: Bound,
    /// Nanoseconds of arithmetic, which overlap with those of moving bytes.
    pub compute_ns: f64,
    /// Nanoseconds of moving bytes, in order or at random.
    pub memory_ns: f64,
    /// Nanoseconds of dispatch, fork and join.
    pub overhead_ns: f64,
    /// Bytes read and written in order by one execution.
    pub bytes: f64,
    /// The fewest workers that come within a twentieth of what all the machine's, or all asked for, reach.
    pub saturated_by: usize,
}

/// What a plan is predicted to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The machine the numbers are for.
    pub machine: String,
    /// Workers asked for.
    pub workers: usize,
    /// Nanoseconds of one run.
    pub total_ns: f64,
    /// Nanoseconds of one run on one worker.
    pub sequential_ns: f64,
    /// How many times faster than on one worker.
    pub speedup: f64,
    /// The speed-up from which on running in parallel is worth it.
    pub threshold: f64,
    /// Whether it is.
    pub use_parallel: bool,
    /// What limits most of the time.
    pub bound: Bound,
    /// The fewest workers that come within a twentieth of what all the machine's, or all asked for, reach.
    pub saturated_by: usize,
    /// The steps, in the order they run; those of a loop's body once, with their number of iterations.
    pub groups: Vec<GroupPrediction>,
}

/// Predicts what a plan takes on so many workers. Loops with a condition count as running to their bound.
pub fn predict(plan: &Plan, registry: &Registry, model: &CostModel, sizes: &dyn Sizes, workers: usize) -> Prediction {
    let decided = |workers| schedule(plan, registry, model, sizes, workers, DEFAULT_THRESHOLD);
    let chosen = decided(workers);
    let total_ns = model.run_ns + chosen.ns;
    let sequential_ns = model.run_ns + chosen.sequential_ns;
    let speedup = if total_ns > 0.0 { sequential_ns / total_ns } else { 1.0 };
    let mut groups = Vec::new();
    flatten(model, workers, &plan.body, &chosen, &[], 1.0, &mut groups);
    let saturated_by = fewest(model.cores.max(workers), |count| decided(count).ns);
    Prediction {
        machine: model.machine.clone(),
        workers: workers.max(1),
        total_ns,
        sequential_ns,
        speedup,
        threshold: DEFAULT_THRESHOLD,
        use_parallel: speedup >= DEFAULT_THRESHOLD,
        bound: main_bound(model, &groups),
        saturated_by,
        groups,
    }
}

fn flatten(
    model: &CostModel,
    asked: usize,
    region: &Region,
    schedule: &Schedule,
    path: &[usize],
    iterations: f64,
    groups: &mut Vec<GroupPrediction>,
) {
    for step in &schedule.steps {
        if let Some(body) = &step.body {
            let index = step.ops[0];
            let inner = [path, &[index, 0]].concat();
            let inside = &region.ops[index].regions[0];
            flatten(model, asked, inside, body, &inner, iterations * step.iterations, groups);
            continue;
        }
        groups.push(group(model, asked, region, step, path, iterations));
    }
}

fn group(
    model: &CostModel,
    asked: usize,
    region: &Region,
    step: &Step,
    path: &[usize],
    iterations: f64,
) -> GroupPrediction {
    let part = |of: fn(&Estimate) -> f64| step.estimate.as_ref().map_or(0.0, of);
    GroupPrediction {
        region: path.to_vec(),
        indices: step.ops.clone(),
        ops: step.ops.iter().map(|index| region.ops[*index].name.clone()).collect(),
        mode: step.mode,
        workers: step.workers,
        iterations,
        ns: step.ns,
        sequential_ns: step.sequential_ns,
        bound: step.estimate.map_or(Bound::Overhead, |estimate| estimate.bound),
        compute_ns: part(|estimate| estimate.compute_ns),
        memory_ns: part(|estimate| estimate.memory_ns.max(estimate.random_ns)),
        overhead_ns: part(|estimate| estimate.overhead_ns),
        bytes: step.work.bytes(),
        saturated_by: fewest(model.cores.max(asked), |count| estimate(&step.work, model, count).ns),
    }
}

/// The fewest workers that come within a twentieth of the best of so many.
fn fewest(most: usize, ns: impl Fn(usize) -> f64) -> usize {
    let times: Vec<f64> = (1..=most.max(1)).map(ns).collect();
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    1 + times.iter().position(|time| *time <= best * 1.05).unwrap_or(0)
}

/// What takes the largest part of the time.
fn main_bound(model: &CostModel, groups: &[GroupPrediction]) -> Bound {
    let total = |of: fn(&GroupPrediction) -> f64| groups.iter().map(|group| of(group) * group.iterations).sum::<f64>();
    let overhead = model.run_ns + total(|group| group.overhead_ns);
    let (memory, compute) = (total(|group| group.memory_ns), total(|group| group.compute_ns));
    Bound::largest(overhead, memory, compute)
}
