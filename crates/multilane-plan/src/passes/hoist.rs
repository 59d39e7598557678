//! Loop-invariant motion: what every iteration would compute again is computed once, before the loop.
//!
//! Moves pure operations whose operands come from outside the loop, from the
//! innermost loop outward. An array that is the same number everywhere stays where
//! element-wise work makes it up on the fly, because reading it would cost more.

use std::collections::HashSet;

use super::rewrite::{LOOP, for_each_value_read, has_effects};
use crate::plan::{Op, Plan, Region, ValueId};
use crate::registry::{Form, Registry};
use crate::types::Extent;

/// Moves invariant operations out of loops; returns how many moves were made.
pub fn hoist(plan: &mut Plan, registry: &Registry) -> usize {
    let mut body = std::mem::take(&mut plan.body);
    let moved = hoist_region(plan, registry, &mut body);
    plan.body = body;
    moved
}

fn hoist_region(plan: &Plan, registry: &Registry, region: &mut Region) -> usize {
    let mut moved = 0;
    let ops = std::mem::take(&mut region.ops);
    for mut op in ops {
        if op.name == LOOP {
            // A loop that never runs must not start to compute, or to fail.
            let runs = op.int("count").is_some_and(|count| count >= 1);
            for inner in &mut op.regions {
                moved += hoist_region(plan, registry, inner);
                if !runs {
                    continue;
                }
                let before = take_invariant(plan, registry, inner);
                moved += before.len();
                region.ops.extend(before);
            }
        }
        region.ops.push(op);
    }
    moved
}

/// Takes the operations out of a loop's region that do not depend on it.
fn take_invariant(plan: &Plan, registry: &Registry, region: &mut Region) -> Vec<Op> {
    let mut varying: HashSet<ValueId> = region.parameters.iter().copied().collect();
    let mut stays = Vec::with_capacity(region.ops.len());
    for (index, op) in region.ops.iter().enumerate() {
        let mut own = HashSet::new();
        own_values(op, &mut own);
        let mut depends = false;
        for_each_value_read(op, &mut |value| {
            depends |= varying.contains(&value) && !own.contains(&value)
        });
        let moves = !depends && !has_effects(op, registry) && op.name != LOOP && pays(plan, registry, region, index);
        if !moves {
            varying.extend(op.results.iter().copied());
        }
        stays.push(!moves);
    }
    let (mut kept, mut taken) = (Vec::new(), Vec::new());
    for (op, stays) in std::mem::take(&mut region.ops).into_iter().zip(stays) {
        if stays { kept.push(op) } else { taken.push(op) }
    }
    region.ops = kept;
    taken
}

/// Values made inside an operation's regions.
fn own_values(op: &Op, own: &mut HashSet<ValueId>) {
    for region in &op.regions {
        own.extend(region.parameters.iter().copied());
        for op in &region.ops {
            own.extend(op.results.iter().copied());
            own_values(op, own);
        }
    }
}

/// Whether reading the result in every iteration is better than making it there.
fn pays(plan: &Plan, registry: &Registry, region: &Region, index: usize) -> bool {
    let op = &region.ops[index];
    let is_array = |value: &ValueId| matches!(plan.ty(*value).extent(), Some(Extent::Dim(_)));
    let from_nothing = op.results.iter().any(is_array) && !op.operands.iter().any(is_array);
    let form = |op: &Op| registry.get(&op.name).map(|def| def.form);
    if !from_nothing || form(op) != Some(Form::Elementwise) {
        return true;
    }
    // A loop inside or anything that needs the array as a whole would have it written anyway.
    let whole = |user: &Op| {
        let mut reads = false;
        for_each_value_read(user, &mut |value| reads |= op.results.contains(&value));
        reads && form(user) != Some(Form::Elementwise)
    };
    region.ops[index + 1..].iter().any(whole) || region.yields.iter().any(|value| op.results.contains(value))
}
