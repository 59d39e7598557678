//! Says in words and numbers what an optimisation did.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::rewrite::{FUSED, LOOP};
use super::{PassReport, Report};
use crate::cost::work_of;
use crate::memory;
use crate::plan::{Op, Plan, Region};
use crate::registry::{Form, Registry, Sizes};
use crate::types::{DimId, Extent};

/// What can be counted of a plan without running it. Loops count once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Operations, nested ones included; constants are none, and neither are loops and fused operations.
    pub operations: usize,
    /// Fused operations.
    pub fused: usize,
    /// Times that arrays are gone through.
    pub passes_over_memory: usize,
    /// Bytes read and written in order for one element of each size, by the names of the sizes.
    pub bytes_per_element: BTreeMap<String, f64>,
    /// Bytes of the buffers a run needs for one element of each size, inputs not counted.
    pub peak_bytes_per_element: BTreeMap<String, f64>,
}

/// Counts a plan.
pub fn summary(plan: &Plan, registry: &Registry) -> Summary {
    let mut summary = Summary::default();
    count_region(plan, registry, &plan.body, &mut summary);
    let buffers = memory::assign(plan, registry, &1.0).buffers;
    for (number, name) in plan.dims.iter().enumerate() {
        let only = Only(DimId(number as u32));
        if plan.fixed_size(only.0).is_some() {
            continue;
        }
        let moved = bytes_moved(plan, registry, &plan.body, &only);
        let held: usize = buffers
            .iter()
            .filter(|buffer| buffer.dim == only.0)
            .map(|buffer| buffer.element_bytes)
            .sum();
        if moved > 0.0 {
            summary.bytes_per_element.insert(name.clone(), moved);
        }
        if held > 0 {
            summary.peak_bytes_per_element.insert(name.clone(), held as f64);
        }
    }
    summary
}

/// One element of one size, none of the others.
struct Only(DimId);

impl Sizes for Only {
    fn size(&self, dim: DimId) -> f64 {
        if dim == self.0 { 1.0 } else { 0.0 }
    }
}

fn count_region(plan: &Plan, registry: &Registry, region: &Region, summary: &mut Summary) {
    for op in &region.ops {
        let form = registry.get(&op.name).map(|def| def.form);
        match op.name.as_str() {
            LOOP => op
                .regions
                .iter()
                .for_each(|inner| count_region(plan, registry, inner, summary)),
            FUSED => {
                summary.fused += 1;
                summary.passes_over_memory += 1;
                summary.operations += op.regions.iter().map(|inner| inner.ops.len()).sum::<usize>();
            }
            _ if form == Some(Form::Constant) => {}
            _ => {
                summary.operations += 1;
                summary.passes_over_memory += usize::from(touches_memory(plan, op));
            }
        }
    }
}

fn touches_memory(plan: &Plan, op: &Op) -> bool {
    let mut values = op.operands.iter().chain(&op.results);
    values.any(|value| matches!(plan.ty(*value).extent(), Some(Extent::Dim(_))))
}

fn bytes_moved(plan: &Plan, registry: &Registry, region: &Region, only: &Only) -> f64 {
    let of = |op: &Op| match op.name.as_str() {
        LOOP => op
            .regions
            .iter()
            .map(|inner| bytes_moved(plan, registry, inner, only))
            .sum(),
        _ => work_of(plan, registry, op, only).bytes(),
    };
    region.ops.iter().map(of).sum()
}

impl Summary {
    fn line(&self) -> String {
        let bytes = |bytes: &BTreeMap<String, f64>| match bytes.is_empty() {
            true => "nothing".to_owned(),
            false => {
                let each = bytes
                    .iter()
                    .map(|(name, bytes)| format!("{bytes} B per element of {name}"));
                each.collect::<Vec<_>>().join(", ")
            }
        };
        format!(
            "{} operations, {} passes over memory ({} fused), moving {}, buffers {}",
            self.operations,
            self.passes_over_memory,
            self.fused,
            bytes(&self.bytes_per_element),
            bytes(&self.peak_bytes_per_element),
        )
    }
}

/// The plan before and after, and what each pass changed.
pub fn explain(before: &Plan, after: &Plan, report: &Report) -> String {
    let mut text = String::new();
    let mut write = |part: std::fmt::Arguments<'_>| text.write_fmt(part).expect("a string takes every text");
    write(format_args!("=== Before: {} ===\n{before}\n", report.before.line()));
    write(format_args!("=== Passes ===\n"));
    for pass in &report.passes {
        let PassReport {
            name,
            changed,
            operations,
        } = pass;
        write(format_args!(
            "{name:<14} {changed:>4} changed, {operations} operations left\n"
        ));
    }
    write(format_args!("\n=== After: {} ===\n{after}", report.after.line()));
    text
}
