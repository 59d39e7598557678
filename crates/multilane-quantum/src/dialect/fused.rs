//! `quantum.fused`: gates that follow one another, run in as few passes over memory as they need.
//!
//! Its region takes the operands and holds a chain of gates and barriers, with the register's making before them or
//! without it. What it costs is known when the gates are scheduled, so they are, for made-up angles where they have none.

use std::collections::BTreeMap;

use multilane_plan::{Cost, CostClass, Op, Plan, Region, Sizes, ValueId, ValueType};

use super::facts::{BARRIER, GATE, Types, ZERO, barrier, gate, zero};
use super::read::{Gates, gates_of};
use crate::simulate::{Block, Options, Program};

pub(super) fn infer(plan: &Plan, op: &Op) -> Types {
    let [region] = &op.regions[..] else {
        return Err("needs one region".to_owned());
    };
    let types = |values: &[ValueId]| {
        values
            .iter()
            .map(|value| plan.ty(*value).clone())
            .collect::<Vec<ValueType>>()
    };
    if types(&op.operands) != types(&region.parameters) {
        return Err("hands its operands to its region, so their types have to agree".to_owned());
    }
    let register = chain(plan, region)?;
    match region.yields[..] {
        [last] if last == register => Ok(vec![plan.ty(register).clone()]),
        _ => Err("yields the register that its last gate leaves".to_owned()),
    }
}

/// The register that a chain of gates leaves.
fn chain(plan: &Plan, region: &Region) -> Result<ValueId, String> {
    let mut register = region
        .ops
        .first()
        .filter(|op| op.name != ZERO)
        .and(region.parameters.first().copied());
    for (number, op) in region.ops.iter().enumerate() {
        match op.name.as_str() {
            ZERO if number == 0 => zero(plan, op)?,
            GATE if op.attribute("value").is_none() => gate(plan, op)?,
            BARRIER => barrier(plan, op)?,
            name => return Err(format!("holds gates that are always done, not `{name}`")),
        };
        if register.is_some() && op.operands.first().copied() != register {
            return Err(format!(
                "has a `{}` that does not follow the operation before it",
                op.name
            ));
        }
        register = op.results.first().copied();
        if op.results.len() != 1 {
            return Err(format!("has a `{}` without one result", op.name));
        }
    }
    register
        .filter(|_| !region.ops.is_empty())
        .ok_or_else(|| "holds no gates".to_owned())
}

/// The bytes and the arithmetic of the passes that it takes.
pub(super) fn cost(plan: &Plan, op: &Op, _: &dyn Sizes) -> Cost {
    let Ok(gates) = gates_of(plan, op) else {
        return Cost::FREE;
    };
    let sweeps = sweeps(gates).unwrap_or_default();
    let sum = |of: fn(&crate::Sweep) -> f64| sweeps.iter().map(of).sum();
    Cost {
        class: CostClass::Arithmetic,
        units: sum(|sweep| sweep.operations),
        read_bytes: sum(|sweep| sweep.read_bytes as f64),
        written_bytes: sum(|sweep| sweep.written_bytes as f64),
        random_area_bytes: 0.0,
        rows: 0.0,
    }
}

fn sweeps(gates: Gates) -> Option<Vec<crate::Sweep>> {
    // Angles that make no gate simpler than others would.
    let names = gates.circuit.parameters().iter().cloned();
    let angles: BTreeMap<String, f64> = names.zip((1..).map(|number| f64::from(number).sqrt())).collect();
    let circuit = gates.circuit.bind(&angles).ok()?;
    match gates.zero {
        Some(precision) => Some(
            Program::new(&circuit, &Options::with_precision(precision))
                .ok()?
                .sweeps(),
        ),
        None => Some(Block::new(&circuit, &Options::default()).ok()?.sweeps()),
    }
}
