//! Fuses element-wise operations of the same extent into single passes over memory.
//!
//! Neighbour aggregations may lead a fused operation and reductions may end it, so that
//! arithmetic after an aggregation runs while its blocks are in cache. Arithmetic before
//! an aggregation stays before it. Nothing crosses an effect, and what needs a
//! reduction's number comes in a later pass than the reduction.

mod emit;
mod place;

use std::collections::HashMap;

use super::rewrite::LOOP;
use crate::plan::{Op, Plan, Region, ValueId};
use crate::registry::{Form, Registry};
use crate::types::{DimId, Extent};

/// Fuses what can share a pass over memory; returns how many operations went into fused ones.
///
/// Operations share a pass when one reads what another writes, or both read the same
/// array: results that have nothing in common stay apart and can run side by side.
pub fn fuse(plan: &mut Plan, registry: &Registry) -> usize {
    let mut body = std::mem::take(&mut plan.body);
    let fused = fuse_region(plan, registry, &mut body);
    plan.body = body;
    fused
}

fn fuse_region(plan: &mut Plan, registry: &Registry, region: &mut Region) -> usize {
    let mut fused = 0;
    for op in region.ops.iter_mut().filter(|op| op.name == LOOP) {
        for inner in &mut op.regions {
            fused += fuse_region(plan, registry, inner);
        }
    }
    let placement = place::place(plan, registry, region);
    fused + emit::emit(plan, region, &placement)
}

/// What an operation can be in a fused one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// Reads whole arrays and writes blocks: comes first.
    Head,
    /// Reads and writes element by element.
    Body,
    /// Reads element by element and writes a scalar: comes last.
    Tail,
}

/// The role of an operation and the size of the pass it can be part of.
fn role(plan: &Plan, registry: &Registry, op: &Op) -> Option<(Role, DimId)> {
    let def = registry.get(&op.name)?;
    if !def.pure_op || !op.regions.is_empty() {
        return None;
    }
    let [result] = op.results[..] else { return None };
    match def.form {
        Form::Elementwise => Some((Role::Body, array_dim(plan, result)?)),
        Form::Blockwise => Some((Role::Head, array_dim(plan, result)?)),
        Form::Reduction => {
            let dim = op.operands.iter().find_map(|value| array_dim(plan, *value))?;
            let same = op
                .operands
                .iter()
                .all(|value| array_dim(plan, *value).is_none_or(|other| other == dim));
            (same && array_dim(plan, result).is_none()).then_some((Role::Tail, dim))
        }
        _ => None,
    }
}

/// The size of an array; nothing for scalars and opaque values.
fn array_dim(plan: &Plan, value: ValueId) -> Option<DimId> {
    match plan.ty(value).extent()? {
        Extent::Dim(dim) => Some(dim),
        Extent::Scalar => None,
    }
}

/// Where an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// By itself, before the pass of this number.
    Before(usize),
    /// In the pass of this number.
    In(usize, Role, DimId),
}

/// The places of a region's operations.
struct Placement {
    places: Vec<Place>,
    /// How many passes there are.
    passes: usize,
    /// Which operation of the region writes a value.
    writers: HashMap<ValueId, usize>,
}
