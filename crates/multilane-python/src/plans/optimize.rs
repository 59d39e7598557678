//! Runs passes over a plan by their names: those of plans, and those of circuits where the plan is one.

use multilane_plan::passes::{self, PassReport, Report};
use multilane_plan::{Op, Plan, PlanError, Region};
use multilane_quantum::QuantumError;
use multilane_quantum::passes as circuits;

use super::registry;

/// Why passes did not run.
pub(super) enum Refused {
    /// The plan, or a name.
    Plan(PlanError),
    /// The plan is no circuit, and a pass was for one.
    Circuit(QuantumError),
}

/// The pass that gathers the gates of a plan.
const FUSE_GATES: &str = "fuse_gates";

/// The passes that run unless told otherwise.
pub(super) fn default_names(plan: &Plan) -> Vec<&'static str> {
    let mut names = passes::DEFAULT.to_vec();
    if has_gates(&plan.body) {
        names.push(FUSE_GATES);
    }
    names
}

fn has_gates(region: &Region) -> bool {
    let inside = |op: &Op| op.dialect() == "quantum" || op.regions.iter().any(has_gates);
    region.ops.iter().any(inside)
}

/// Runs passes in the order given; the plan is left as it was when a name is unknown.
pub(super) fn optimize(plan: &mut Plan, names: &[&str]) -> Result<Report, Refused> {
    let of_circuits = |name: &str| name == FUSE_GATES || circuits::all().iter().any(|(known, _)| *known == name);
    if !names.iter().any(|name| of_circuits(name)) {
        return passes::optimize(plan, registry(), names).map_err(Refused::Plan);
    }
    let plain: Vec<&str> = names.iter().copied().filter(|name| !of_circuits(name)).collect();
    // Names first: an unknown one is found before anything changes.
    passes::optimize(&mut plan.clone(), registry(), &plain).map_err(Refused::Plan)?;
    let before = passes::summary(plan, registry());
    let mut done = Vec::new();
    for name in names {
        let (name, changed) = match *name {
            FUSE_GATES => (FUSE_GATES, multilane_quantum::fuse_gates(plan)),
            name if of_circuits(name) => {
                let reports = circuits::optimize_plan(plan, &[name]).map_err(Refused::Circuit)?;
                (name, reports.iter().map(|report| report.changed).sum())
            }
            name => {
                let report = passes::optimize(plan, registry(), &[name]).map_err(Refused::Plan)?;
                done.extend(report.passes);
                continue;
            }
        };
        done.push(PassReport {
            name: name.to_owned(),
            changed,
            operations: passes::summary(plan, registry()).operations,
        });
    }
    let after = passes::summary(plan, registry());
    Ok(Report {
        passes: done,
        before,
        after,
    })
}
