//! Hands the outputs of a run to its caller.

use multilane_plan::{Array, Value};

use super::copy::copy;
use super::error::PlanRunError;
use super::program::Program;
use super::run::Runner;
use super::workspace::overlap;

/// Collects the outputs: in the arrays that were given, else in memory of their own.
///
/// What a caller gets shares no memory with its inputs or with another output, also where
/// the plan hands out the same value twice, or an input as it is.
pub(super) fn outputs(
    program: &Program,
    runner: &mut Runner<'_>,
    inputs: &[Value],
    given: &[Option<Array>],
) -> Result<Vec<Value>, PlanRunError> {
    let body = &program.body;
    let mut values: Vec<Value> = Vec::with_capacity(body.yields.len());
    for (number, slot) in body.yields.iter().enumerate() {
        let mut value = runner.read(*slot)?;
        if let Value::Array(array) = &value {
            let wanted = given.get(number).and_then(Option::as_ref);
            value = Value::Array(match wanted {
                Some(wanted) if is_same(wanted, array) => wanted.clone(),
                // Another output may be written there before this one is copied.
                Some(_) if given.iter().flatten().any(|other| overlap(other, array)) => {
                    runner.duplicate(array, &program.plan.outputs[number])?
                }
                Some(_) => array.clone(),
                None if is_shared(array, inputs, &values) => runner.duplicate(array, &program.plan.outputs[number])?,
                None => array.clone(),
            });
        }
        values.push(value);
    }
    for (value, wanted) in values.iter_mut().zip(given) {
        if let (Value::Array(array), Some(wanted)) = (&*value, wanted) {
            if !is_same(wanted, array) {
                copy(array, wanted, runner.lanes());
            }
            *value = Value::Array(wanted.clone());
        }
    }
    Ok(values)
}

fn is_same(a: &Array, b: &Array) -> bool {
    a.as_ptr() == b.as_ptr()
}

fn is_shared(array: &Array, inputs: &[Value], before: &[Value]) -> bool {
    let mut others = inputs.iter().chain(before).filter_map(Value::array);
    others.any(|other| overlap(other, array))
}
