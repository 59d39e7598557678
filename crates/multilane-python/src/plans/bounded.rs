//! Loops that end at their bound and not by their condition: found out without being asked.
//!
//! Reads a plan and returns one that also puts out how each loop ended. A plan that reads `converged` of a loop
//! looks after it by itself, and that loop is left alone. Loops inside of loops are not looked at.

use multilane_plan::{Array, Location, Plan, Region, Scalar, Value, ValueId};

/// A loop that nobody else looks at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Watched {
    /// Most turns it makes.
    pub(super) bound: i64,
    /// Where it was written.
    pub(super) location: Option<Location>,
}

/// Adds whether it converged to the outputs, for each loop with a condition; says which loops these are.
pub(super) fn watch(plan: &mut Plan) -> Vec<Watched> {
    let (mut watched, mut ends) = (Vec::new(), Vec::new());
    for op in plan
        .body
        .ops
        .iter()
        .filter(|op| op.name == "core.loop" && op.flag("until"))
    {
        let (Some(&converged), Some(bound)) = (op.results.last(), op.int("count")) else {
            continue;
        };
        if reads(&plan.body, converged) {
            continue;
        }
        ends.push(converged);
        watched.push(Watched {
            bound,
            location: op.location.clone(),
        });
    }
    for (number, end) in ends.into_iter().enumerate() {
        let mut name = format!("loop {number} converged");
        while plan.outputs.contains(&name) {
            name.push('\'');
        }
        plan.outputs.push(name);
        plan.body.yields.push(end);
    }
    watched
}

/// Takes what [`watch`] added off the outputs; gives the loops that did not converge.
pub(super) fn unconverged<'a>(watched: &'a [Watched], outputs: &mut Vec<Value>) -> Vec<&'a Watched> {
    let ends = outputs.split_off(outputs.len().saturating_sub(watched.len()));
    let ended = watched.iter().zip(ends);
    ended
        .filter(|(_, end)| end.scalar() == Some(Scalar::Bool(false)))
        .map(|(watched, _)| watched)
        .collect()
}

/// No places for what [`watch`] added.
pub(super) fn places(watched: &[Watched]) -> impl Iterator<Item = Option<Array>> + '_ {
    watched.iter().map(|_| None)
}

fn reads(region: &Region, value: ValueId) -> bool {
    let inside =
        |op: &multilane_plan::Op| op.operands.contains(&value) || op.regions.iter().any(|region| reads(region, value));
    region.yields.contains(&value) || region.ops.iter().any(inside)
}
