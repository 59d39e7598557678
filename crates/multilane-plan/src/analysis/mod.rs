//! What could run at the same time, and what that is worth.
//!
//! Operations are put on levels by what they depend on; those of one level form
//! parallel groups. How much a group gains is estimated in two ways, named in every
//! result: `static`, published formulas that only count operations, and `calibrated`,
//! from a cost model of a machine and the sizes of the data.

mod dependencies;
mod groups;
mod report;

use serde::{Deserialize, Serialize};

pub use dependencies::{Analysis, Operation, levels};
pub use groups::{
    ParallelExecutionPlan, ParallelGroup, SequentialPlan, analyze, analyze_with_threshold, static_parallelism_factor,
};

use crate::cost::CostModel;
use crate::registry::{Registry, Sizes};

/// How gains are estimated.
#[derive(Clone, Copy)]
pub enum Estimator<'a> {
    /// The published formulas: up to eight operations side by side, heavy ones half as much again.
    /// They know neither sizes nor machines.
    Static,
    /// From a measured machine.
    Calibrated {
        /// The machine.
        model: &'a CostModel,
        /// The sizes of the data.
        sizes: &'a dyn Sizes,
        /// How many workers run the plan.
        workers: usize,
    },
}

impl Estimator<'_> {
    /// Its name in every output.
    pub const fn name(&self) -> EstimatorName {
        match self {
            Self::Static => EstimatorName::Static,
            Self::Calibrated { .. } => EstimatorName::Calibrated,
        }
    }
}

/// The name of an estimator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EstimatorName {
    /// The published formulas.
    Static,
    /// From a measured machine.
    Calibrated,
}

impl EstimatorName {
    /// As text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Calibrated => "calibrated",
        }
    }
}

/// Names that the published list of data-parallel operations has beyond the operations that exist here.
const PUBLISHED_ONLY: &[&str] = &["compare", "select", "map", "transform", "element_wise"];

/// Whether an operation works on every element by itself. Takes `core.add` and plain `add`.
pub fn is_data_parallel_op(registry: &Registry, name: &str) -> bool {
    match definition(registry, name) {
        Some(def) => def.data_parallel,
        None => PUBLISHED_ONLY.contains(&name),
    }
}

/// Whether an operation may run at the same time as any other. Takes `core.add` and plain `add`; unknown ones may not.
pub fn is_thread_safe_op(registry: &Registry, name: &str) -> bool {
    match definition(registry, name) {
        Some(def) => def.thread_safe,
        None => PUBLISHED_ONLY.contains(&name),
    }
}

fn definition<'a>(registry: &'a Registry, name: &str) -> Option<&'a crate::registry::OpDef> {
    registry.get(name).or_else(|| {
        let mut all = registry.iter();
        all.find(|def| def.name.split_once('.').is_some_and(|(_, plain)| plain == name))
    })
}
