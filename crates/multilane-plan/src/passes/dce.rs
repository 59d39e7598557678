//! Removes dead code: operations nobody reads, values loops carry for nothing, unused results of fused operations.
//!
//! Operations with effects stay, and so does all they read.

use std::collections::HashSet;

use super::rewrite::{FUSED, LOOP, for_each_value_read, has_effects};
use crate::plan::{Op, Plan, Region, ValueId};
use crate::registry::Registry;

/// Removes what has no influence on outputs and effects; returns how many operations and carried values went.
pub fn dce(plan: &mut Plan, registry: &Registry) -> usize {
    let mut body = std::mem::take(&mut plan.body);
    let removed = sweep(registry, &mut body, HashSet::new());
    plan.body = body;
    removed
}

/// Removes the dead operations of a region whose yields are read; `live` are further values that are.
fn sweep(registry: &Registry, region: &mut Region, mut live: HashSet<ValueId>) -> usize {
    live.extend(region.yields.iter().copied());
    let mut removed = 0;
    let mut kept = Vec::with_capacity(region.ops.len());
    for mut op in std::mem::take(&mut region.ops).into_iter().rev() {
        if !op.results.iter().any(|result| live.contains(result)) && !has_effects(&op, registry) {
            removed += 1;
            continue;
        }
        removed += match op.name.as_str() {
            LOOP => trim_loop(registry, &mut op, &live),
            FUSED => trim_fused(registry, &mut op, &live),
            _ => 0,
        };
        for_each_value_read(&op, &mut |value| {
            live.insert(value);
        });
        kept.push(op);
    }
    kept.reverse();
    region.ops = kept;
    removed
}

/// Drops the carried values that neither the loop's readers nor the loop itself need.
fn trim_loop(registry: &Registry, op: &mut Op, live: &HashSet<ValueId>) -> usize {
    let carried = op.operands.len();
    let [region] = &mut op.regions[..] else { return 0 };
    if region.parameters.len() != carried || region.yields.len() < carried || op.results.len() < carried {
        return 0;
    }
    let mut needed: Vec<bool> = op.results[..carried]
        .iter()
        .map(|result| live.contains(result))
        .collect();
    loop {
        // What the needed yields, the condition and the effects read, back to the parameters.
        let mut read: HashSet<ValueId> = region.yields[carried..].iter().copied().collect();
        read.extend(
            (0..carried)
                .filter(|index| needed[*index])
                .map(|index| region.yields[index]),
        );
        for inner in region.ops.iter().rev() {
            if has_effects(inner, registry) || inner.results.iter().any(|result| read.contains(result)) {
                for_each_value_read(inner, &mut |value| {
                    read.insert(value);
                });
            }
        }
        let before = needed.clone();
        for (needed, parameter) in needed.iter_mut().zip(&region.parameters) {
            *needed |= read.contains(parameter);
        }
        if needed == before {
            break;
        }
    }
    for index in (0..carried).rev().filter(|index| !needed[*index]) {
        op.operands.remove(index);
        op.results.remove(index);
        region.parameters.remove(index);
        region.yields.remove(index);
    }
    needed.iter().filter(|needed| !**needed).count() + sweep(registry, region, HashSet::new())
}

/// Drops the results of a fused operation that nobody reads, and then the operands it no longer needs.
fn trim_fused(registry: &Registry, op: &mut Op, live: &HashSet<ValueId>) -> usize {
    let [region] = &mut op.regions[..] else { return 0 };
    if region.parameters.len() != op.operands.len() || region.yields.len() != op.results.len() {
        return 0;
    }
    for index in (0..op.results.len()).rev() {
        if !live.contains(&op.results[index]) {
            op.results.remove(index);
            region.yields.remove(index);
        }
    }
    let removed = sweep(registry, region, HashSet::new());
    let mut read: HashSet<ValueId> = region.yields.iter().copied().collect();
    for inner in &region.ops {
        for_each_value_read(inner, &mut |value| {
            read.insert(value);
        });
    }
    for index in (0..op.operands.len()).rev() {
        if !read.contains(&region.parameters[index]) {
            op.operands.remove(index);
            region.parameters.remove(index);
        }
    }
    removed
}
