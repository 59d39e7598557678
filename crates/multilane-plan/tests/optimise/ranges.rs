//! The programs of the `random` module, whose numbers stay in range, through random orders of passes.

use multilane_plan::evaluate;
use multilane_plan::passes::{self, optimize};
use multilane_plan::random::{Config, programs as random_programs};
use proptest::prelude::*;

use crate::{dialect, programs};

proptest! {
    #![proptest_config(programs::cases(100))]

    #[test]
    fn every_order_of_passes_gives_the_same_bits(
        program in random_programs(Config { elements: 40, ..Config::default() }),
        order in prop::collection::vec(prop::sample::select(passes::all().to_vec()), 1..8),
    ) {
        let registry = dialect::registry();
        let run = |plan: &multilane_plan::Plan| programs::bits(&evaluate(plan, &registry, &program.inputs).unwrap());
        let expected = run(&program.plan);
        let mut plan = program.plan.clone();
        for (name, _) in order {
            optimize(&mut plan, &registry, &[name]).unwrap();
            prop_assert_eq!(&run(&plan), &expected, "after {}:\n{}\nbefore:\n{}", name, plan, program.plan);
        }
        optimize(&mut plan, &registry, passes::DEFAULT).unwrap();
        prop_assert_eq!(run(&plan), expected, "after all:\n{}\nbefore:\n{}", plan, program.plan);
    }
}
