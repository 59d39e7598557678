//! Writes a region anew with the passes that were decided on.
//!
//! Each pass falls apart into the operations that have arrays in common; each such part
//! becomes one fused operation, unless it is a single operation anyway.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Place, Placement, Role, array_dim};
use crate::passes::rewrite::{FUSED, for_each_value_read};
use crate::plan::{Op, Plan, Region, ValueId};

/// Rewrites a region; returns how many operations went into fused ones.
pub(super) fn emit(plan: &mut Plan, region: &mut Region, placement: &Placement) -> usize {
    let parts = parts(plan, region, placement);
    let outside = read_outside(region, &parts);
    let mut singles: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, place) in placement.places.iter().enumerate() {
        if let Place::Before(pass) = place {
            singles.entry(*pass).or_default().push(index);
        }
    }
    let mut ops: Vec<Option<Op>> = std::mem::take(&mut region.ops).into_iter().map(Some).collect();
    let mut take = |index: usize| ops[index].take().expect("every operation has one place");
    let mut fused = 0;
    for pass in 0..=placement.passes {
        let before = singles.remove(&pass).unwrap_or_default();
        region.ops.extend(before.into_iter().map(&mut take));
        for part in parts.iter().filter(|part| part.pass == pass) {
            let members: Vec<Op> = part.members.iter().map(|index| take(*index)).collect();
            let is_read = members
                .iter()
                .flat_map(|op| &op.results)
                .any(|result| outside.contains(result));
            if members.len() < 2 || !is_read || !is_sized(plan, &members, &outside) {
                region.ops.extend(members);
                continue;
            }
            fused += members.len();
            region.ops.push(join(plan, members, &outside));
        }
    }
    fused
}

/// Whether a fused operation would meet an array, read or written, that says how long its pass is.
fn is_sized(plan: &Plan, members: &[Op], outside: &HashSet<ValueId>) -> bool {
    let written: HashSet<ValueId> = members.iter().flat_map(|op| &op.results).copied().collect();
    let mut read = members.iter().flat_map(|op| &op.operands);
    read.any(|value| {
        !written.contains(value) && (array_dim(plan, *value).is_some() || plan.ty(*value).dtype().is_none())
    }) || written
        .iter()
        .any(|value| outside.contains(value) && array_dim(plan, *value).is_some())
}

/// Operations of one pass that have arrays in common, heads first and tails last.
struct Part {
    pass: usize,
    members: Vec<usize>,
}

fn parts(plan: &Plan, region: &Region, placement: &Placement) -> Vec<Part> {
    let mut leaders: Vec<usize> = (0..region.ops.len()).collect();
    let mut shared: HashMap<(usize, ValueId), usize> = HashMap::new();
    for (index, op) in region.ops.iter().enumerate() {
        let Place::In(pass, role, _) = placement.places[index] else {
            continue;
        };
        if role == Role::Head {
            continue;
        }
        for value in op.operands.iter().filter(|value| array_dim(plan, **value).is_some()) {
            let writer = placement.writers.get(value).copied();
            let made_here =
                writer.filter(|writer| matches!(placement.places[*writer], Place::In(there, ..) if there == pass));
            let other = made_here.unwrap_or_else(|| *shared.entry((pass, *value)).or_insert(index));
            join_leaders(&mut leaders, index, other);
        }
    }
    let mut members: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (index, place) in placement.places.iter().enumerate() {
        if let Place::In(pass, ..) = place {
            members
                .entry((*pass, leader(&mut leaders, index)))
                .or_default()
                .push(index);
        }
    }
    let mut parts: Vec<Part> = members
        .into_iter()
        .map(|((pass, _), members)| Part { pass, members })
        .collect();
    for part in &mut parts {
        part.members.sort_by_key(|index| match placement.places[*index] {
            Place::In(_, role, _) => (role, *index),
            Place::Before(_) => (Role::Body, *index),
        });
    }
    parts
}

fn leader(leaders: &mut [usize], index: usize) -> usize {
    let mut index = index;
    while leaders[index] != index {
        leaders[index] = leaders[leaders[index]];
        index = leaders[index];
    }
    index
}

/// The smaller number leads, so that parts keep the order of the region.
fn join_leaders(leaders: &mut [usize], a: usize, b: usize) {
    let (a, b) = (leader(leaders, a), leader(leaders, b));
    leaders[a.max(b)] = a.min(b);
}

/// The values that are read by something outside the part that writes them.
fn read_outside(region: &Region, parts: &[Part]) -> HashSet<ValueId> {
    let mut part_of = vec![None; region.ops.len()];
    for (number, part) in parts.iter().enumerate() {
        part.members.iter().for_each(|index| part_of[*index] = Some(number));
    }
    let mut writers = HashMap::new();
    for (index, op) in region.ops.iter().enumerate() {
        writers.extend(op.results.iter().map(|result| (*result, index)));
    }
    let mut outside: HashSet<ValueId> = region.yields.iter().copied().collect();
    for (index, op) in region.ops.iter().enumerate() {
        for_each_value_read(op, &mut |value| {
            if let Some(writer) = writers.get(&value)
                && (part_of[*writer].is_none() || part_of[*writer] != part_of[index])
            {
                outside.insert(value);
            }
        });
    }
    outside
}

/// One fused operation from several, which are in an order they can run in.
fn join(plan: &mut Plan, members: Vec<Op>, outside: &HashSet<ValueId>) -> Op {
    let written: HashSet<ValueId> = members.iter().flat_map(|op| &op.results).copied().collect();
    let mut fused = Op::new(FUSED, Vec::new(), Vec::new());
    fused.location = members.iter().find_map(|op| op.location.clone());
    let mut region = Region::default();
    let mut inner: HashMap<ValueId, ValueId> = HashMap::new();
    for mut op in members {
        for operand in &mut op.operands {
            if !written.contains(operand) && !inner.contains_key(operand) {
                let parameter = copy(plan, *operand);
                inner.insert(*operand, parameter);
                fused.operands.push(*operand);
                region.parameters.push(parameter);
            }
            *operand = inner[operand];
        }
        for result in &mut op.results {
            let copied = copy(plan, *result);
            inner.insert(*result, copied);
            if outside.contains(result) {
                fused.results.push(*result);
                region.yields.push(copied);
            }
            *result = copied;
        }
        region.ops.push(op);
    }
    fused.regions = vec![region];
    fused
}

/// A value of the same type and name.
fn copy(plan: &mut Plan, value: ValueId) -> ValueId {
    let info = plan.info(value).clone();
    plan.value(info.ty, info.name)
}
