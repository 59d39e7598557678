//! What a plan costs on a machine: work of operations, times, schedules and predictions.
//!
//! Reads plans, the facts of the registry and a measured [`CostModel`]; never measures.

mod model;
mod prediction;
mod schedule;
mod work;

pub use model::{COST_MODEL_VERSION, CostModel, Gather, Stream};
pub use prediction::{GroupPrediction, Prediction, predict};
pub use schedule::{Mode, Schedule, Step, schedule};
pub use work::{Bound, Estimate, Work, estimate, work_of};

use crate::registry::Sizes;
use crate::types::DimId;

/// The speed-up from which on running in parallel is worth it: a fifth less time.
pub const DEFAULT_THRESHOLD: f64 = 1.2;

/// Sizes by [`DimId`]; those that are not there are 0.
impl Sizes for Vec<f64> {
    fn size(&self, dim: DimId) -> f64 {
        self.get(dim.0 as usize).copied().unwrap_or(0.0)
    }
}

/// Every size is the same.
impl Sizes for f64 {
    fn size(&self, _dim: DimId) -> f64 {
        *self
    }
}
