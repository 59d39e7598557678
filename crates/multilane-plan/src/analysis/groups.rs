//! Parallel groups, what each gains, and the decision.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::dependencies::{Analysis, Operation, critical_path, levels};
use super::{Estimator, EstimatorName};
use crate::cost::{Bound, CostModel, DEFAULT_THRESHOLD, Prediction, estimate, predict, work_of};
use crate::plan::Plan;
use crate::registry::{Registry, Sizes};

/// More operations side by side than this count as this many: a usual number of cores.
const MOST_SIDE_BY_SIDE: usize = 8;
/// How much more a group with heavy operations gains.
const HEAVY_FACTOR: f64 = 1.5;

/// Operations of one level that can run at the same time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParallelGroup {
    /// Its number.
    pub id: usize,
    /// Its level.
    pub level: usize,
    /// Where its region is: empty for the body, else operation and region, from the outside in.
    pub region: Vec<usize>,
    /// Numbers of its operations.
    pub members: Vec<usize>,
    /// Names of its operations.
    pub names: Vec<String>,
    /// Values from outside that at least one of them reads.
    pub inputs: Vec<String>,
    /// Values from outside that several of them read.
    pub shared_inputs: Vec<String>,
    /// Values they write; no two of them write the same.
    pub outputs: Vec<String>,
    /// The groups that must have ended before this one starts.
    pub depends_on: Vec<usize>,
    /// How many times faster it is in parallel.
    pub parallelism_factor: f64,
    /// Whether all its operations work on every element by itself.
    pub data_parallel: bool,
    /// Whether all its operations may run at the same time as any other.
    pub thread_safe: bool,
    /// Nanoseconds of one execution, when the estimator knows.
    pub predicted_ns: Option<f64>,
    /// The same on one worker.
    pub sequential_ns: Option<f64>,
    /// What limits it, when the estimator knows.
    pub bound: Option<Bound>,
}

/// What is run when running in parallel does not pay: the operations in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SequentialPlan {
    /// The operations' numbers, each after those it depends on.
    pub operations: Vec<usize>,
    /// Their names.
    pub names: Vec<String>,
    /// Nanoseconds, when the estimator knows.
    pub predicted_ns: Option<f64>,
}

impl SequentialPlan {
    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names and finite numbers have a JSON form")
    }
}

/// What an analysis found out about a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParallelExecutionPlan {
    /// The name of the analysed plan.
    pub plan: String,
    /// How gains were estimated.
    pub estimator: EstimatorName,
    /// The dependency graph.
    pub analysis: Analysis,
    /// The groups, by level.
    pub groups: Vec<ParallelGroup>,
    /// How many times faster the plan is in parallel.
    pub estimated_speedup: f64,
    /// The speed-up from which on running in parallel is worth it.
    pub threshold: f64,
    /// Whether it is.
    pub use_parallel: bool,
    /// What is run when it is not.
    pub sequential_plan: SequentialPlan,
    /// The prediction, when the estimator knows a machine.
    pub prediction: Option<Prediction>,
}

impl ParallelExecutionPlan {
    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names and finite numbers have a JSON form")
    }

    /// From JSON.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Operations by level.
    pub fn levels(&self) -> &[Vec<usize>] {
        &self.analysis.levels
    }

    /// A longest chain of operations: by their number under `static`, by their time under `calibrated`.
    pub fn critical_path(&self) -> &[usize] {
        &self.analysis.critical_path
    }
}

/// Analyses a verified plan with the usual threshold of 1.2.
pub fn analyze(plan: &Plan, registry: &Registry, estimator: Estimator<'_>) -> ParallelExecutionPlan {
    analyze_with_threshold(plan, registry, estimator, DEFAULT_THRESHOLD)
}

/// Analyses a verified plan.
pub fn analyze_with_threshold(
    plan: &Plan,
    registry: &Registry,
    estimator: Estimator<'_>,
    threshold: f64,
) -> ParallelExecutionPlan {
    let mut analysis = levels(plan, registry);
    let mut groups = groups(&analysis);
    let mut prediction = None;
    let estimated_speedup = match estimator {
        Estimator::Static => {
            for group in &mut groups {
                group.parallelism_factor = static_parallelism_factor(&members(&analysis, group));
            }
            static_speedup(&groups)
        }
        Estimator::Calibrated { model, sizes, workers } => {
            for group in &mut groups {
                calibrate(plan, registry, &analysis, group, model, sizes, workers);
            }
            let time = |id: usize| {
                let op = analysis.operations[id]
                    .find(plan)
                    .expect("the analysis is of this plan");
                estimate(&work_of(plan, registry, op, sizes), model, workers).ns
            };
            analysis.critical_path = critical_path(&analysis.operations, time);
            let predicted = predict(plan, registry, model, sizes, workers);
            let speedup = predicted.speedup;
            prediction = Some(predicted);
            speedup
        }
    };
    let order = analysis.operations.iter();
    ParallelExecutionPlan {
        plan: plan.name.clone(),
        estimator: estimator.name(),
        sequential_plan: SequentialPlan {
            operations: order.clone().map(|op| op.id).collect(),
            names: order.map(|op| op.name.clone()).collect(),
            predicted_ns: prediction.as_ref().map(|prediction| prediction.sequential_ns),
        },
        analysis,
        groups,
        estimated_speedup,
        threshold,
        use_parallel: estimated_speedup >= threshold,
        prediction,
    }
}

fn members<'a>(analysis: &'a Analysis, group: &ParallelGroup) -> Vec<&'a Operation> {
    group.members.iter().map(|id| &analysis.operations[*id]).collect()
}

/// Operations of the same level and region, those that are not thread-safe each by itself.
fn groups(analysis: &Analysis) -> Vec<ParallelGroup> {
    let mut groups = Vec::new();
    let mut group_of = BTreeMap::new();
    for (level, ids) in analysis.levels.iter().enumerate() {
        let mut by_region: BTreeMap<(Vec<usize>, Option<usize>), Vec<usize>> = BTreeMap::new();
        for id in ids {
            let op = &analysis.operations[*id];
            let alone = (!op.thread_safe).then_some(*id);
            by_region.entry((op.region().to_vec(), alone)).or_default().push(*id);
        }
        for ((region, _), members) in by_region {
            let id = groups.len();
            group_of.extend(members.iter().map(|member| (*member, id)));
            groups.push(group(analysis, id, level, region, members));
        }
    }
    for group in &mut groups {
        let before = group.members.iter().flat_map(|id| &analysis.operations[*id].depends_on);
        let groups: BTreeSet<usize> = before.filter_map(|id| group_of.get(id)).copied().collect();
        group.depends_on = groups.into_iter().filter(|id| *id != group.id).collect();
    }
    groups
}

fn group(analysis: &Analysis, id: usize, level: usize, region: Vec<usize>, members: Vec<usize>) -> ParallelGroup {
    let ops: Vec<&Operation> = members.iter().map(|id| &analysis.operations[*id]).collect();
    let mut readers: BTreeMap<&str, usize> = BTreeMap::new();
    for input in ops.iter().flat_map(|op| &op.inputs) {
        *readers.entry(input).or_default() += 1;
    }
    ParallelGroup {
        id,
        level,
        region,
        names: ops.iter().map(|op| op.name.clone()).collect(),
        inputs: readers.keys().map(|name| (*name).to_owned()).collect(),
        shared_inputs: readers
            .iter()
            .filter(|(_, readers)| **readers > 1)
            .map(|(name, _)| (*name).to_owned())
            .collect(),
        outputs: ops.iter().flat_map(|op| op.outputs.iter().cloned()).collect(),
        depends_on: Vec::new(),
        parallelism_factor: 1.0,
        data_parallel: ops.iter().all(|op| op.data_parallel),
        thread_safe: ops.iter().all(|op| op.thread_safe),
        predicted_ns: None,
        sequential_ns: None,
        bound: None,
        members,
    }
}

/// The published formula for one group.
pub fn static_parallelism_factor(ops: &[&Operation]) -> f64 {
    if ops.is_empty() {
        return 1.0;
    }
    let base_factor = ops.len().min(MOST_SIDE_BY_SIDE) as f64;
    let parallel_ops = ops.iter().filter(|op| op.data_parallel).count();
    let parallel_ratio = parallel_ops as f64 / ops.len() as f64;
    let factor = 1.0 + (base_factor - 1.0) * (0.5 + 0.5 * parallel_ratio);
    if ops.iter().any(|op| op.heavy) {
        factor * HEAVY_FACTOR
    } else {
        factor
    }
}

/// The published formula for a plan: the factors of the groups, weighted by how many operations they have.
fn static_speedup(groups: &[ParallelGroup]) -> f64 {
    let total: usize = groups.iter().map(|group| group.members.len()).sum();
    if total == 0 {
        return 1.0;
    }
    let weighted = groups
        .iter()
        .map(|group| group.members.len() as f64 * group.parallelism_factor);
    weighted.sum::<f64>() / total as f64
}

/// Times of a group on a machine: each operation on all workers or all side by side, whatever is faster.
fn calibrate(
    plan: &Plan,
    registry: &Registry,
    analysis: &Analysis,
    group: &mut ParallelGroup,
    model: &CostModel,
    sizes: &dyn Sizes,
    workers: usize,
) {
    let (mut serial, mut wide, mut longest) = (0.0, 0.0, 0.0_f64);
    let mut bound = None;
    let mut most = -1.0;
    for op in members(analysis, group) {
        let op = op.find(plan).expect("the analysis is of this plan");
        let work = work_of(plan, registry, op, sizes);
        let (one, all) = (estimate(&work, model, 1), estimate(&work, model, workers));
        let best = if all.ns < one.ns { all } else { one };
        serial += one.ns;
        wide += best.ns;
        longest = longest.max(one.ns);
        if best.ns > most {
            most = best.ns;
            bound = Some(best.bound);
        }
    }
    let lanes = workers.clamp(1, group.members.len().max(1)) as f64;
    let side_by_side = model.fork_join_ns + longest.max(serial / lanes);
    let parallel = if lanes > 1.0 { wide.min(side_by_side) } else { wide };
    group.sequential_ns = Some(serial);
    group.predicted_ns = Some(parallel);
    group.parallelism_factor = if parallel > 0.0 { serial / parallel } else { 1.0 };
    group.bound = bound;
}
