//! Random programs: what the engine does around kernels changes no bit.
//!
//! The kernels are the evaluator itself, so only the engine can be at fault.

use multilane_plan::passes::{self, optimize};
use multilane_plan::random::{Config, Program, programs};
use multilane_plan::{Array, Plan, Value};
use proptest::prelude::*;

use super::{bits, check, kernels, models, prepare};
use crate::lanes::shared;
use crate::plans::Control;

fn inputs(plan: &Plan, program: &Program) -> Vec<Value> {
    plan.inputs.iter().map(|name| program.inputs[name].clone()).collect()
}

fn small() -> Config {
    Config {
        steps: 14,
        elements: 12,
        ..Config::default()
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 2 } else { cases },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn every_way_to_run_gives_the_evaluators_bits(program in programs(small())) {
        check(&program.plan, &inputs(&program.plan, &program));
    }

    #[test]
    fn optimised_programs_do_so_too(program in programs(small())) {
        let mut plan = program.plan.clone();
        optimize(&mut plan, &kernels::registry(), passes::DEFAULT).unwrap();
        check(&plan, &inputs(&plan, &program));
    }

    #[test]
    fn given_arrays_change_nothing(program in programs(small()), chosen in any::<u32>(), overwritten in any::<u32>()) {
        let plan = &program.plan;
        let expected: Vec<_> = check(plan, &inputs(plan, &program))[0].outputs.iter().map(bits).collect();
        for model in models() {
            let prepared = prepare(plan).with_model(model);
            // Some outputs get an array of their own, some that of an input.
            let inputs: Vec<Value> = inputs(plan, &program).iter().map(fresh).collect();
            let mut free: Vec<&Array> = inputs.iter().filter_map(Value::array).collect();
            let given: Vec<Option<Array>> = check(plan, &inputs)[0]
                .outputs
                .iter()
                .enumerate()
                .map(|(number, output)| {
                    let output = output.array()?;
                    let fits = |input: &&Array| input.dtype() == output.dtype() && input.len() == output.len();
                    if overwritten >> number & 1 == 1 && let Some(place) = free.iter().position(fits) {
                        return Some(free.swap_remove(place).clone());
                    }
                    (chosen >> number & 1 == 1).then(|| fresh_array(output))
                })
                .collect();
            let run = prepared.run(&inputs, &given, shared(Some(3)), &Control::new()).unwrap();
            let found: Vec<_> = run.outputs.iter().map(bits).collect();
            prop_assert_eq!(&found, &expected, "{}", plan);
        }
    }
}

fn fresh_array(array: &Array) -> Array {
    multilane_plan::evaluate::array(array.dtype(), &multilane_plan::evaluate::elements(array))
}

fn fresh(value: &Value) -> Value {
    match value {
        Value::Array(array) => Value::Array(fresh_array(array)),
        other => other.clone(),
    }
}
