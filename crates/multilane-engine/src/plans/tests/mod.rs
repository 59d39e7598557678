//! What a program does, held against the plain evaluator.

mod behaviour;
mod faults;
mod kernels;
mod memory;
mod random;
mod stopping;

use std::collections::BTreeMap;
use std::sync::Arc;

use multilane_plan::cost::CostModel;
use multilane_plan::evaluate::{elements, evaluate_with};
use multilane_plan::text::parse;
use multilane_plan::{Array, CostClass, Kernels, Lanes, Plan, Registry, Scalar, Value};

use super::{BufferPool, Control, Program, Run};
use crate::lanes::shared;

/// Cost models under which everything is serial, wide, or side by side where that can be.
fn models() -> Vec<Arc<CostModel>> {
    let model = |unit_ns: f64, dispatch_ns: f64, fork_join_ns: f64| {
        let mut model = CostModel::typical(8);
        for (class, ns) in &mut model.ns_per_unit {
            *ns = if *class == CostClass::Free { 0.0 } else { unit_ns };
        }
        (model.dispatch_ns, model.fork_join_ns) = (dispatch_ns, fork_join_ns);
        Arc::new(model)
    };
    vec![
        model(0.1, 100.0, 1e12),
        model(1000.0, 0.0, 0.0),
        model(0.001, 1000.0, 1.0),
    ]
}

#[track_caller]
fn plan(text: &str) -> Plan {
    parse(text, &kernels::registry()).unwrap_or_else(|errors| {
        let lines: Vec<String> = errors.iter().map(multilane_plan::PlanError::report).collect();
        panic!("{}", lines.join("\n"))
    })
}

fn prepare(plan: &Plan) -> Program {
    Program::prepare(plan, &kernels::registry(), &kernels::all())
        .unwrap()
        .with_pool(BufferPool::new(1 << 24))
}

fn floats(numbers: &[f64]) -> Value {
    Value::Array(Array::from_vec(numbers.to_vec()))
}

/// Numbers with their bits, so that NaN equals itself.
fn bits(value: &Value) -> Vec<(multilane_plan::DType, u64)> {
    let one = |number: &Scalar| {
        let bits = match *number {
            Scalar::F64(number) => number.to_bits(),
            Scalar::F32(number) => u64::from(number.to_bits()),
            other => other.as_i64() as u64,
        };
        (number.dtype(), bits)
    };
    match value {
        Value::Scalar(number) => vec![one(number)],
        Value::Array(array) => elements(array).iter().map(one).collect(),
        Value::Opaque(_) => Vec::new(),
    }
}

/// Runs a plan under every model on 1, 2, 3 and 5 lanes, and checks that it gives what the
/// evaluator gives and leaves its inputs alone.
#[track_caller]
fn check(plan: &Plan, inputs: &[Value]) -> Vec<Run> {
    let named: BTreeMap<String, Value> = plan.inputs.iter().cloned().zip(inputs.iter().cloned()).collect();
    let expected = evaluate_with(plan, &kernels::registry(), &Kernels::default(), &named).unwrap();
    let expected: Vec<_> = expected.iter().map(bits).collect();
    let before: Vec<_> = inputs.iter().map(bits).collect();
    let mut runs = Vec::new();
    for model in models() {
        let program = prepare(plan).with_model(model);
        for lanes in [1, 2, 3, 5] {
            let run = run_on(&program, inputs, &[], shared(Some(lanes)));
            let found: Vec<_> = run.outputs.iter().map(bits).collect();
            assert_eq!(found, expected, "{lanes} lanes\n{plan}");
            let after: Vec<_> = inputs.iter().map(bits).collect();
            assert_eq!(after, before, "inputs changed on {lanes} lanes\n{plan}");
            runs.push(run);
        }
    }
    runs
}

#[track_caller]
fn run_on(program: &Program, inputs: &[Value], given: &[Option<Array>], lanes: &dyn Lanes) -> Run {
    program
        .run(inputs, given, lanes, &Control::new())
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The dialect and its facts that tests use.
fn core() -> Registry {
    Registry::core()
}
