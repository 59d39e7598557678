//! Common subexpressions: what was computed before is not computed again.
//!
//! Two operations are the same when name, operands, attributes and result types are.
//! Only the first two operands of operations that the registry calls commutative may
//! have changed places. A region finds what the regions around it computed, unless it is isolated.

use std::collections::HashMap;

use super::rewrite::{FUSED, Replacements};
use crate::plan::{Op, Plan, Region, ValueId};
use crate::registry::Registry;

/// Reads earlier results instead of computing them again; returns how many operations were removed.
pub fn cse(plan: &mut Plan, registry: &Registry) -> usize {
    let mut body = std::mem::take(&mut plan.body);
    let mut replacements = Replacements::default();
    let mut scopes = vec![HashMap::new()];
    let removed = merge(plan, registry, &mut body, &mut scopes, &mut replacements);
    plan.body = body;
    removed
}

/// Results by what computes them.
type Scope = HashMap<String, Vec<ValueId>>;

fn merge(
    plan: &mut Plan,
    registry: &Registry,
    region: &mut Region,
    scopes: &mut Vec<Scope>,
    replacements: &mut Replacements,
) -> usize {
    let mut removed = 0;
    region.ops.retain_mut(|op| {
        replacements.apply_to_operands(op);
        let isolated = op.name == FUSED;
        for inner in &mut op.regions {
            if isolated {
                removed += merge(plan, registry, inner, &mut vec![Scope::new()], replacements);
            } else {
                scopes.push(Scope::new());
                removed += merge(plan, registry, inner, scopes, replacements);
                scopes.pop();
            }
        }
        let Some(key) = key(plan, registry, op) else {
            return true;
        };
        if let Some(earlier) = scopes.iter().rev().find_map(|scope| scope.get(&key)) {
            for (result, earlier) in op.results.iter().zip(earlier) {
                keep_name(plan, *result, *earlier);
                replacements.insert(*result, *earlier);
            }
            removed += 1;
            return false;
        }
        let innermost = scopes.last_mut().expect("the body has a scope");
        innermost.insert(key, op.results.clone());
        true
    });
    region
        .yields
        .iter_mut()
        .for_each(|value| *value = replacements.of(*value));
    removed
}

/// What an operation computes, or nothing when it must stay.
fn key(plan: &Plan, registry: &Registry, op: &Op) -> Option<String> {
    let def = registry.get(&op.name)?;
    if !def.pure_op || !op.regions.is_empty() || op.results.is_empty() {
        return None;
    }
    let mut operands = op.operands.clone();
    if def.commutative && !keeps_one_zero(op) && operands.len() >= 2 && operands[0] > operands[1] {
        operands.swap(0, 1);
    }
    let types: Vec<_> = op.results.iter().map(|value| plan.ty(*value)).collect();
    Some(format!("{} {operands:?} {:?} {types:?}", op.name, op.attributes))
}

/// Of `0.0` and `-0.0`, which are equal, these give one that depends on the order.
fn keeps_one_zero(op: &Op) -> bool {
    matches!(op.name.as_str(), "core.min" | "core.max")
}

/// A name the user gave is worth keeping.
fn keep_name(plan: &mut Plan, from: ValueId, to: ValueId) {
    let name = plan.info(from).name.clone();
    let kept = &mut plan.values[to.0 as usize].name;
    if kept.is_none() {
        *kept = name;
    }
}
