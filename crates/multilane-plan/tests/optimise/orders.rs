//! Random programs give the same bits through every order of passes.

use multilane_plan::evaluate::evaluate_with;
use multilane_plan::passes::{self, optimize};
use multilane_plan::{Plan, verify};
use proptest::prelude::*;

use crate::{dialect, programs};

fn results(plan: &Plan) -> Result<Vec<Vec<u64>>, String> {
    let values = evaluate_with(plan, &dialect::registry(), &dialect::kernels(), &programs::inputs());
    values
        .map(|values| programs::bits(&values))
        .map_err(|problems| format!("{problems:?}\n{plan}"))
}

fn order() -> impl Strategy<Value = Vec<&'static str>> {
    let names: Vec<&'static str> = passes::all().iter().map(|(name, _)| *name).collect();
    prop::collection::vec(prop::sample::select(names), 1..10)
}

proptest! {
    #![proptest_config(programs::cases(256))]

    #[test]
    fn random_programs_are_valid(choices in programs::choices(400)) {
        let plan = programs::program(&dialect::registry(), &choices.0);
        prop_assert_eq!(verify(&plan, &dialect::registry()), Ok(()));
        prop_assert!(results(&plan).is_ok());
    }

    #[test]
    fn every_order_of_passes_gives_the_same_bits(choices in programs::choices(400), order in order()) {
        let mut plan = programs::program(&dialect::registry(), &choices.0);
        let before = plan.clone();
        let expected = results(&plan).unwrap();
        for name in order {
            if let Err(problem) = optimize(&mut plan, &dialect::registry(), &[name]) {
                return Err(TestCaseError::fail(format!("{problem}\n{before}")));
            }
            let found = results(&plan).map_err(TestCaseError::fail)?;
            prop_assert_eq!(&found, &expected, "after {}:\n{}\nbefore:\n{}", name, plan, before);
        }
    }

    #[test]
    fn the_default_pipeline_gives_the_same_bits_and_no_more_work(choices in programs::choices(400)) {
        let mut plan = programs::program(&dialect::registry(), &choices.0);
        let before = plan.clone();
        let expected = results(&plan).unwrap();
        let report = optimize(&mut plan, &dialect::registry(), passes::DEFAULT)
            .map_err(|problem| TestCaseError::fail(format!("{problem}\n{before}")))?;
        let found = results(&plan).map_err(TestCaseError::fail)?;
        prop_assert_eq!(found, expected, "after:\n{}\nbefore:\n{}", plan, before);
        prop_assert!(
            report.after.passes_over_memory <= report.before.passes_over_memory,
            "after:\n{}\nbefore:\n{}", plan, before
        );
    }
}
