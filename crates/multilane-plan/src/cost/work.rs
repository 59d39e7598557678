//! The work of one operation, and the time it takes on so many workers of a machine.
//!
//! A roofline: arithmetic, memory traffic and random reads each need their time, and
//! dispatching adds its own. Loops have no work of their own; schedules look inside them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::model::CostModel;
use crate::plan::{Op, Plan, ValueId};
use crate::registry::{CostClass, Form, Registry, Sizes};
use crate::types::{Extent, ValueType};

/// What one execution of an operation has to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Units of each class.
    pub units: BTreeMap<CostClass, f64>,
    /// Bytes read in order.
    pub read_bytes: f64,
    /// Bytes written in order.
    pub written_bytes: f64,
    /// Arrays that are read or written in order.
    #[serde(default)]
    pub arrays: f64,
    /// Reads at random places: how many, and the bytes of the area.
    pub random_reads: Vec<(f64, f64)>,
}

impl Work {
    /// Bytes read and written in order.
    pub fn bytes(&self) -> f64 {
        self.read_bytes + self.written_bytes
    }

    fn add_units(&mut self, class: CostClass, units: f64) {
        if units > 0.0 && class != CostClass::Free {
            *self.units.entry(class).or_default() += units;
        }
    }

    /// Whether a part of it can only be done by one worker.
    pub(super) fn is_sequential(&self) -> bool {
        self.units.get(&CostClass::Sequential).is_some_and(|units| *units > 0.0)
    }
}

/// What limits a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// Moving bytes, in order or at random.
    Memory,
    /// Arithmetic.
    Compute,
    /// Starting the work and bringing workers together.
    Overhead,
}

impl Bound {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Compute => "compute",
            Self::Overhead => "overhead",
        }
    }

    /// The one that takes longest.
    pub(super) fn largest(overhead_ns: f64, memory_ns: f64, compute_ns: f64) -> Self {
        if overhead_ns >= memory_ns.max(compute_ns) {
            Self::Overhead
        } else if memory_ns >= compute_ns {
            Self::Memory
        } else {
            Self::Compute
        }
    }
}

/// The time of a piece of work, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Nanoseconds in all.
    pub ns: f64,
    /// Nanoseconds of arithmetic.
    pub compute_ns: f64,
    /// Nanoseconds of moving bytes in order.
    pub memory_ns: f64,
    /// Nanoseconds of random reads.
    pub random_ns: f64,
    /// Nanoseconds of dispatch, fork and join.
    pub overhead_ns: f64,
    /// The largest of them.
    pub bound: Bound,
}

/// The work of an operation for given sizes. Nothing for loops, constants and unknown operations.
pub fn work_of(plan: &Plan, registry: &Registry, op: &Op, sizes: &dyn Sizes) -> Work {
    let mut work = Work::default();
    let Some(def) = registry.get(&op.name) else {
        return work;
    };
    match def.form {
        Form::Control if op.name == crate::passes::FUSED => add_fused(plan, registry, op, sizes, &mut work),
        Form::Control | Form::Constant => {}
        _ => {
            let cost = (def.cost)(plan, op, sizes);
            work.add_units(cost.class, cost.units);
            work.add_units(CostClass::Row, cost.rows);
            work.read_bytes = cost.read_bytes;
            work.written_bytes = cost.written_bytes;
            work.arrays = arrays(plan, op.operands.iter().chain(&op.results));
            if cost.random_area_bytes > 0.0 {
                work.random_reads.push((cost.units, cost.random_area_bytes));
            }
        }
    }
    work
}

/// A fused operation computes all that is inside, but moves only what crosses its border.
fn add_fused(plan: &Plan, registry: &Registry, op: &Op, sizes: &dyn Sizes, work: &mut Work) {
    let Some(region) = op.regions.first() else { return };
    let mut streamed = BTreeSet::new();
    for inner in &region.ops {
        let Some(def) = registry.get(&inner.name) else { continue };
        let cost = (def.cost)(plan, inner, sizes);
        work.add_units(cost.class, cost.units);
        work.add_units(CostClass::Row, cost.rows);
        if def.form == Form::Blockwise {
            work.read_bytes += cost.read_bytes;
            if cost.random_area_bytes > 0.0 {
                work.random_reads.push((cost.units, cost.random_area_bytes));
            }
        } else {
            streamed.extend(inner.operands.iter().copied());
        }
    }
    let through = |value: &ValueId| streamed.contains(value) || region.yields.contains(value);
    let read = region.parameters.iter().filter(|value| through(value));
    work.arrays = arrays(plan, read.clone().chain(&op.results));
    work.read_bytes += read.map(|value| bytes_of(plan.ty(*value), sizes)).sum::<f64>();
    work.written_bytes += op
        .results
        .iter()
        .map(|value| bytes_of(plan.ty(*value), sizes))
        .sum::<f64>();
}

/// How many of some values are arrays.
fn arrays<'a>(plan: &Plan, values: impl Iterator<Item = &'a ValueId>) -> f64 {
    let is_array = |value: &&ValueId| matches!(plan.ty(**value).extent(), Some(Extent::Dim(_)));
    values.filter(is_array).count() as f64
}

/// The bytes of a value: of an array its elements, of anything else nothing worth counting.
fn bytes_of(ty: &ValueType, sizes: &dyn Sizes) -> f64 {
    match ty {
        ValueType::Tensor {
            dtype,
            extent: Extent::Dim(dim),
        } => dtype.size() as f64 * sizes.size(*dim),
        _ => 0.0,
    }
}

/// The time of some work on so many workers, each on a core of its own: more of them than
/// the machine has cores stand for a larger machine of its kind.
pub fn estimate(work: &Work, model: &CostModel, workers: usize) -> Estimate {
    let workers = if work.is_sequential() { 1 } else { workers.max(1) };
    let share = workers as f64;
    let compute_ns = work
        .units
        .iter()
        .map(|(class, units)| units * model.ns_of_unit(*class))
        .sum::<f64>()
        / share;
    let memory_ns = model.pass_ns(work.read_bytes, work.written_bytes, work.arrays, workers);
    let random_ns = work
        .random_reads
        .iter()
        .map(|(reads, area)| reads * model.ns_of_random_read(*area, workers))
        .sum::<f64>()
        / share;
    let fork_join_ns = if workers > 1 { model.fork_join_ns } else { 0.0 };
    let overhead_ns = model.dispatch_ns + fork_join_ns;
    // Random reads are measured with their places read in order beside them, so the two are not added.
    let moving_ns = memory_ns.max(random_ns);
    Estimate {
        ns: overhead_ns + together(compute_ns, moving_ns, model.overlap),
        compute_ns,
        memory_ns,
        random_ns,
        overhead_ns,
        bound: Bound::largest(overhead_ns, moving_ns, compute_ns),
    }
}

/// Two times that overlap in part.
fn together(a: f64, b: f64, overlap: f64) -> f64 {
    let most = a.max(b);
    if most <= 0.0 {
        return 0.0;
    }
    let power = overlap.max(1.0);
    most * ((a / most).powf(power) + (b / most).powf(power)).powf(1.0 / power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(units: f64, bytes: f64) -> Work {
        Work {
            units: BTreeMap::from([(CostClass::Arithmetic, units)]),
            read_bytes: bytes,
            ..Work::default()
        }
    }

    #[test]
    fn names_what_limits_the_work() {
        let model = CostModel::typical(4);
        assert_eq!(estimate(&work(10.0, 80.0), &model, 1).bound, Bound::Overhead);
        assert_eq!(estimate(&work(1e8, 8e8), &model, 1).bound, Bound::Memory);
        assert_eq!(estimate(&work(1e10, 8e8), &model, 1).bound, Bound::Compute);
    }

    #[test]
    fn overlapping_times_lie_between_the_longer_and_the_sum() {
        for overlap in [0.0, 1.0, 1.3, 8.0] {
            let both = together(3.0, 4.0, overlap);
            assert!((4.0..=7.0 + 1e-12).contains(&both), "{both}");
        }
        assert_eq!(together(0.0, 0.0, 1.3), 0.0);
    }

    #[test]
    fn more_workers_never_take_longer_apart_from_the_overhead() {
        let model = CostModel::typical(8);
        for size in [1e3, 1e5, 1e7, 1e9] {
            let mut before = f64::INFINITY;
            for workers in 1..=8 {
                let now = estimate(&work(size, size * 8.0), &model, workers);
                assert!(now.ns - now.overhead_ns <= before + 1e-9, "{size} on {workers}");
                before = now.ns - now.overhead_ns;
            }
        }
    }
}
