//! Writes the operations of one plan into another that is being built: a circuit's plan beside arithmetic, for one.

use std::collections::BTreeMap;

use multilane_plan::{Builder, Plan, PlanError, ValueId};

use super::build::type_text;

/// Why a plan was not written into another.
pub(super) enum Refused {
    /// An operation does not fit there.
    Operation(PlanError),
    /// An input does not fit, or the plan cannot stand in another one.
    Plan(String),
}

/// Adds a verified plan's operations, with these values for its inputs; returns those of its outputs.
///
/// Sizes of one name are one size. Everything is checked before the first operation is added.
pub(super) fn inline(builder: &mut Builder, plan: &Plan, inputs: &[ValueId]) -> Result<Vec<ValueId>, Refused> {
    if let Some(op) = plan.body.ops.iter().find(|op| !op.regions.is_empty()) {
        let problem = format!(
            "the plan has a `{}`, and only single operations can be written into another",
            op.name
        );
        return Err(Refused::Plan(problem));
    }
    let mut values = BTreeMap::new();
    for ((name, parameter), given) in plan.inputs.iter().zip(&plan.body.parameters).zip(inputs) {
        let (wanted, found) = (
            type_text(plan, plan.ty(*parameter)),
            type_text(builder.plan(), builder.ty(*given)),
        );
        if wanted != found {
            let problem = format!("the plan's input `{name}` is {wanted}, and was given {found}");
            return Err(Refused::Plan(problem));
        }
        values.insert(*parameter, *given);
    }
    for dim in &plan.dims {
        builder.dim(dim);
    }
    for op in &plan.body.ops {
        let results = match op.constant() {
            Some(number) => vec![builder.constant(number)],
            None => {
                let operands: Vec<ValueId> = op.operands.iter().map(|value| values[value]).collect();
                let made = builder.op(&op.name, &operands, op.attributes.clone());
                made.map_err(Refused::Operation)?
            }
        };
        for (value, made) in op.results.iter().zip(results) {
            if let Some(name) = &plan.info(*value).name {
                builder.set_name(made, name.as_str());
            }
            values.insert(*value, made);
        }
    }
    Ok(plan.body.yields.iter().map(|value| values[value]).collect())
}
