//! The report of an analysis, for people.

use std::fmt;

use super::groups::ParallelExecutionPlan;
use crate::cost::{Bound, Prediction};

impl ParallelExecutionPlan {
    /// The report of the analysis, for people.
    pub fn report_text(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for ParallelExecutionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "=== Parallel Execution Analysis ===\n")?;
        writeln!(f, "Estimator: {}", self.estimator.as_str())?;
        writeln!(f, "Total nodes: {}", self.analysis.operations.len())?;
        writeln!(f, "Execution levels: {}", self.analysis.levels.len())?;
        writeln!(f, "Critical path length: {}", self.analysis.critical_path.len())?;
        let mut level = None;
        for group in &self.groups {
            if level != Some(group.level) {
                level = Some(group.level);
                let count = self.analysis.levels[group.level].len();
                writeln!(f, "\nLevel {}: {count} operations (can run in parallel)", group.level)?;
            }
            for id in &group.members {
                let op = &self.analysis.operations[*id];
                let name = op.name.split_once('.').map_or(op.name.as_str(), |(_, name)| name);
                let inside = if group.region.is_empty() { "" } else { ", in a loop" };
                writeln!(f, "  - {name} (node_{id}) [deps: {}{inside}]", op.depends_on.len())?;
            }
            if let (Some(predicted), Some(bound)) = (group.predicted_ns, group.bound) {
                writeln!(
                    f,
                    "    group {}: predicted {}, {:.2}x, limited by {}",
                    group.id,
                    Time(predicted),
                    group.parallelism_factor,
                    bound.name()
                )?;
            }
        }
        writeln!(f)?;
        if let Some(prediction) = &self.prediction {
            write!(f, "{prediction}")?;
        }
        writeln!(f, "Estimated speedup: {:.2}x", self.estimated_speedup)?;
        let (comparison, decision) = match self.use_parallel {
            true => ("at least", "parallel"),
            false => ("below", "sequential"),
        };
        writeln!(f, "Decision: {decision} ({comparison} {:.2}x)", self.threshold)
    }
}

/// The lines of a report about a prediction.
impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = self.workers;
        let plural = if workers == 1 { "worker" } else { "workers" };
        writeln!(
            f,
            "Predicted on {workers} {plural}: {}; on one: {} ({})",
            Time(self.total_ns),
            Time(self.sequential_ns),
            self.machine
        )?;
        let what = match self.bound {
            Bound::Memory => "memory",
            Bound::Compute => "arithmetic",
            Bound::Overhead => "overhead",
        };
        match self.saturated_by {
            1 if self.bound == Bound::Memory => writeln!(f, "Limited by {what}: 1 core saturates it"),
            1 => writeln!(f, "Limited by {what}: too small to gain from more cores"),
            cores if cores < workers => writeln!(f, "Limited by {what}: {cores} cores saturate it"),
            cores => writeln!(f, "Limited by {what}: it gains up to {cores} cores"),
        }
    }
}

/// Nanoseconds in the unit that reads best.
pub(crate) struct Time(pub(crate) f64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ns if ns < 1e3 => write!(f, "{ns:.0} ns"),
            ns if ns < 1e6 => write!(f, "{:.1} us", ns / 1e3),
            ns if ns < 1e9 => write!(f, "{:.2} ms", ns / 1e6),
            ns => write!(f, "{:.2} s", ns / 1e9),
        }
    }
}
