//! What operations of the `core` dialect cost, from the sizes alone.
//!
//! Loops and fused operations cost what their regions cost: the cost model adds them up.

use crate::plan::{Op, Plan, ValueId};
use crate::registry::{Cost, CostClass, Sizes};
use crate::types::{Extent, ValueType};

/// Nothing.
pub(super) fn free(_plan: &Plan, _op: &Op, _sizes: &dyn Sizes) -> Cost {
    Cost::FREE
}

/// One cheap step an element.
pub(super) fn arithmetic(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    streamed(CostClass::Arithmetic, plan, op, sizes)
}

/// One division or square root an element.
pub(super) fn division(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    streamed(CostClass::Division, plan, op, sizes)
}

/// One sine, power or the like an element.
pub(super) fn transcendental(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    streamed(CostClass::Transcendental, plan, op, sizes)
}

/// One step of a reduction an element.
pub(super) fn reduction(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    streamed(CostClass::Reduction, plan, op, sizes)
}

/// Arrays read and written from one end to the other, one unit of work an element.
fn streamed(class: CostClass, plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    let elements = |value: &ValueId| match plan.ty(*value).extent() {
        Some(Extent::Dim(dim)) => sizes.size(dim),
        _ => 1.0,
    };
    // Scalars stay in registers: only arrays move bytes.
    let bytes = |value: &ValueId| match plan.ty(*value) {
        ValueType::Tensor {
            dtype,
            extent: Extent::Dim(dim),
        } => sizes.size(*dim) * dtype.size() as f64,
        _ => 0.0,
    };
    Cost {
        class,
        units: op.operands.iter().chain(&op.results).map(elements).fold(1.0, f64::max),
        read_bytes: op.operands.iter().map(bytes).sum(),
        written_bytes: op.results.iter().map(bytes).sum(),
        random_area_bytes: 0.0,
        rows: 0.0,
    }
}
