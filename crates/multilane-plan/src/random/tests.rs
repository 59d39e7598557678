use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::{Config, close, programs};
use crate::{Plan, Registry, Value, evaluate, json, text};

/// Names of the operations of a plan, nested ones included.
fn ops(region: &crate::Region, names: &mut BTreeSet<String>) {
    for op in &region.ops {
        names.insert(op.name.clone());
        op.regions.iter().for_each(|inner| ops(inner, names));
    }
}

#[test]
fn programs_cover_the_dialect() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut names = BTreeSet::new();
    for _ in 0..400 {
        let program = programs(Config::default()).new_tree(&mut runner).unwrap().current();
        ops(&program.plan.body, &mut names);
    }
    let missing: Vec<&str> = Registry::core()
        .iter()
        .map(|def| def.name)
        .filter(|name| !names.contains(*name) && *name != "core.fused")
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn finite(value: &Value) -> bool {
    match value {
        Value::Scalar(number) => number.as_f64().is_finite(),
        Value::Array(array) => evaluate::elements(array)
            .iter()
            .all(|number| number.as_f64().is_finite()),
        Value::Opaque(_) => false,
    }
}

proptest! {
    #[test]
    fn programs_run_and_stay_finite(program in programs(Config { elements: 40, ..Config::default() })) {
        let outputs = evaluate(&program.plan, &Registry::core(), &program.inputs).unwrap();
        prop_assert_eq!(outputs.len(), program.tolerances.len());
        for (output, tolerance) in outputs.iter().zip(&program.tolerances) {
            prop_assert!(finite(output), "{output:?}\n{}", program.plan);
            prop_assert!(*tolerance < 0.1);
            prop_assert!(close(output, output, 0.0));
        }
    }

    #[test]
    fn text_and_json_give_back_every_plan(
        program in programs(Config { elements: 1, decorated: true, ..Config::default() })
    ) {
        let plan = program.plan;
        let registry = Registry::core();
        let from_text = text::parse(&text::print(&plan), &registry);
        prop_assert_eq!(from_text.as_ref(), Ok(&plan.compacted()), "{}", plan);
        let from_json = json::from_json(&json::to_json(&plan), &registry);
        prop_assert_eq!(from_json.as_ref(), Ok(&plan));
        let short = text::print_without_locations(&plan);
        prop_assert_eq!(text::print(&without_locations(plan)), short);
    }
}

fn without_locations(mut plan: Plan) -> Plan {
    fn strip(region: &mut crate::Region) {
        for op in &mut region.ops {
            op.location = None;
            op.regions.iter_mut().for_each(strip);
        }
    }
    strip(&mut plan.body);
    plan
}
