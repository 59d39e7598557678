//! How a plan runs for one set of sizes and one number of lanes.
//!
//! A [`multilane_plan::cost::Schedule`] with numbers for its groups. The prediction follows
//! the same schedule, so its groups and those of a run are the same, in the same order.

use multilane_plan::cost::{DEFAULT_THRESHOLD, Mode, Schedule, schedule};
use multilane_plan::{Plan, Region};

use super::contest::Contest;
use super::program::Program;
use super::times::GroupTime;

/// The decisions for one set of sizes.
pub(super) struct Script {
    pub(super) sizes: Vec<Option<usize>>,
    pub(super) lanes: usize,
    pub(super) body: Vec<Stage>,
    /// What is known of the groups before they run.
    pub(super) groups: Vec<GroupTime>,
}

/// Operations of a region that run next to each other.
pub(super) struct Stage {
    /// Their places in the region.
    pub(super) ops: Vec<usize>,
    pub(super) mode: Mode,
    /// What decides the mode where the prediction does not.
    pub(super) contest: Option<Contest>,
    /// Its group; a loop has none, its body has.
    pub(super) group: usize,
    /// The loop's body.
    pub(super) body: Vec<Stage>,
}

impl Script {
    pub(super) fn new(program: &Program, sizes: &[Option<usize>], lanes: usize) -> Self {
        let known: Vec<f64> = sizes.iter().map(|size| size.unwrap_or(0) as f64).collect();
        let chosen = schedule(
            &program.plan,
            &program.registry,
            &program.model,
            &known,
            lanes,
            DEFAULT_THRESHOLD,
        );
        let mut groups = Vec::new();
        Self {
            sizes: sizes.to_vec(),
            lanes,
            body: stages(&program.plan, &program.plan.body, &chosen, &[], &mut groups),
            groups,
        }
    }
}

fn stages(
    plan: &Plan,
    region: &Region,
    schedule: &Schedule,
    path: &[usize],
    groups: &mut Vec<GroupTime>,
) -> Vec<Stage> {
    let steps = schedule.steps.iter().enumerate();
    steps
        .map(|(level, step)| {
            let mut body = Vec::new();
            let group = groups.len();
            match (&step.body, step.ops[..].first()) {
                (Some(inner), Some(index)) => {
                    if let Some(region) = region.ops[*index].regions.first() {
                        body = stages(plan, region, inner, &[path, &[*index, 0]].concat(), groups);
                    }
                }
                _ => groups.push(GroupTime {
                    label: label(plan, region, &step.ops),
                    region: path.to_vec(),
                    indices: step.ops.clone(),
                    level,
                    mode: step.mode,
                    lanes: step.workers,
                    predicted_ns: step.ns,
                    bytes: step.work.bytes() as u64,
                    start_ns: 0,
                    end_ns: 0,
                    busy_ns: 0,
                    iterations: 0,
                }),
            }
            Stage {
                ops: step.ops.clone(),
                mode: step.mode,
                contest: Contest::of(step),
                group,
                body,
            }
        })
        .collect()
}

/// The operations' names, and what they make as far as it has names.
fn label(plan: &Plan, region: &Region, ops: &[usize]) -> String {
    let words = ops.iter().filter_map(|index| region.ops.get(*index)).map(|op| {
        let names: Vec<&str> = op
            .results
            .iter()
            .filter_map(|value| plan.values.get(value.0 as usize)?.name.as_deref())
            .collect();
        if names.is_empty() {
            op.name.clone()
        } else {
            format!("{} {}", op.name, names.join(", "))
        }
    });
    words.collect::<Vec<_>>().join(" | ")
}
