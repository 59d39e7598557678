//! Plans with the kernels of `multilane-array`, held against the plain evaluator.

use std::sync::Arc;

use multilane_engine::lanes::shared;
use multilane_engine::plans::{Control, Program};
use multilane_plan::cost::CostModel;
use multilane_plan::evaluate::{elements, evaluate};
use multilane_plan::passes::{self, optimize};
use multilane_plan::random::{Config, close, programs};
use multilane_plan::text::parse;
use multilane_plan::{Array, Kernels, Plan, Registry, Scalar, Value};
use proptest::prelude::*;

fn kernels() -> Kernels {
    let mut kernels = Kernels::default();
    multilane_array::kernels(&mut kernels);
    kernels
}

/// A model of a usual machine, and one by which everything is worth sharing out.
fn models() -> [Arc<CostModel>; 2] {
    let mut eager = CostModel::typical(8);
    eager.ns_per_unit.values_mut().for_each(|ns| *ns = 1000.0);
    (eager.dispatch_ns, eager.fork_join_ns) = (0.0, 0.0);
    [Arc::new(CostModel::typical(8)), Arc::new(eager)]
}

fn bits(value: &Value) -> Vec<u64> {
    let one = |number: &Scalar| match *number {
        Scalar::F64(number) => number.to_bits(),
        Scalar::F32(number) => u64::from(number.to_bits()),
        other => other.as_i64() as u64,
    };
    match value {
        Value::Scalar(number) => vec![one(number)],
        Value::Array(array) => elements(array).iter().map(one).collect(),
        Value::Opaque(_) => Vec::new(),
    }
}

/// Runs a plan on 1, 2, 3 and 5 lanes; checks that the bits are the same and returns the outputs.
fn outputs(plan: &Plan, inputs: &[Value]) -> Result<Vec<Value>, TestCaseError> {
    let mut first: Option<Vec<Value>> = None;
    for model in models() {
        let program = Program::prepare(plan, &Registry::core(), &kernels())
            .expect("the plan is verified")
            .with_model(model);
        for lanes in [1, 2, 3, 5] {
            let run = program
                .run(inputs, &[], shared(Some(lanes)), &Control::new())
                .expect("the inputs fit");
            match &first {
                None => first = Some(run.outputs),
                Some(first) => {
                    let (found, expected): (Vec<_>, Vec<_>) =
                        (run.outputs.iter().map(bits).collect(), first.iter().map(bits).collect());
                    prop_assert_eq!(found, expected, "{} lanes\n{}", lanes, plan);
                }
            }
        }
    }
    Ok(first.expect("there are models"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// The evaluator's results, up to rounding, through the passes, at every number of lanes.
    #[test]
    fn random_programs_give_the_evaluators_results(program in programs(Config::default())) {
        let expected = evaluate(&program.plan, &Registry::core(), &program.inputs).unwrap();
        let mut optimised = program.plan.clone();
        optimize(&mut optimised, &Registry::core(), passes::DEFAULT).unwrap();
        for plan in [&program.plan, &optimised] {
            let inputs: Vec<Value> = plan.inputs.iter().map(|name| program.inputs[name].clone()).collect();
            let found = outputs(plan, &inputs)?;
            for ((found, expected), tolerance) in found.iter().zip(&expected).zip(&program.tolerances) {
                prop_assert!(close(found, expected, *tolerance), "{found:?} {expected:?}\n{plan}");
            }
        }
    }
}

/// Large enough that pieces and sums of pieces matter.
#[test]
fn large_arrays_give_the_same_bits_on_every_number_of_lanes() {
    let text = "plan p(%x: f64[n], %y: f64[n]) {
        %k: f64 = core.constant 0.25
        %a, %i, %v = core.loop(%x) {count = 3} (%p: f64[n]) {
          %b = core.mul(%p, %k)
          %c = core.sin(%b)
          %d = core.add(%c, %y)
          yield %d
        }
        %s = core.sum(%a)
        %m = core.norm(%a) {ord = \"l2\"}
        return %a, %s, %m
    }";
    let mut plan = parse(text, &Registry::core()).unwrap();
    optimize(&mut plan, &Registry::core(), passes::DEFAULT).unwrap();
    let numbers = |scale: f64| {
        Value::Array(Array::from_vec(
            (0..300_001).map(|i| f64::from(i % 1000) * scale).collect(),
        ))
    };
    let inputs = [numbers(0.001), numbers(-0.002)];
    let named = plan.inputs.iter().cloned().zip(inputs.iter().cloned()).collect();
    let expected = evaluate(&plan, &Registry::core(), &named).unwrap();
    let found = outputs(&plan, &inputs).unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        let tolerance = expected.scalar().map_or(1e-9, |sum| sum.as_f64().abs() * 1e-9);
        assert!(close(found, expected, tolerance), "{found:?} {expected:?}");
    }
}
