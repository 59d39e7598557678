//! Computes operations on constants while the plan is optimised.
//!
//! Reads the operations' own `fold` functions, so the numbers are those a run would
//! give. Never looks into isolated regions, whose constants are operands.

use std::collections::HashMap;

use super::rewrite::{FUSED, note_constant};
use crate::plan::{Attribute, Attributes, Op, Plan, Region, ValueId};
use crate::registry::Registry;
use crate::types::{Scalar, ValueType};

/// Replaces operations whose operands are all constants; returns how many.
pub fn constant_fold(plan: &mut Plan, registry: &Registry) -> usize {
    let mut body = std::mem::take(&mut plan.body);
    let changed = fold_region(plan, registry, &mut body, &mut HashMap::new());
    plan.body = body;
    changed
}

fn fold_region(
    plan: &Plan,
    registry: &Registry,
    region: &mut Region,
    constants: &mut HashMap<ValueId, Scalar>,
) -> usize {
    let mut changed = 0;
    for op in &mut region.ops {
        if op.name == FUSED {
            continue;
        }
        for inner in &mut op.regions {
            changed += fold_region(plan, registry, inner, constants);
        }
        if let Some(value) = folded(plan, registry, op, constants) {
            op.name = "core.constant".to_owned();
            op.operands.clear();
            op.attributes = Attributes::from([("value".to_owned(), Attribute::Scalar(value))]);
            changed += 1;
        }
        note_constant(op, constants);
    }
    changed
}

fn folded(plan: &Plan, registry: &Registry, op: &Op, constants: &HashMap<ValueId, Scalar>) -> Option<Scalar> {
    let def = registry.get(&op.name)?;
    let fold = def.fold?;
    if op.constant().is_some() || !def.pure_op || !op.regions.is_empty() {
        return None;
    }
    let [result] = op.results[..] else { return None };
    let operands: Vec<Scalar> = op
        .operands
        .iter()
        .map(|value| constants.get(value).copied())
        .collect::<Option<_>>()?;
    let value = fold(op, &operands)?;
    (*plan.ty(result) == ValueType::scalar(value.dtype())).then_some(value)
}
