//! Levels, groups, both estimators and their reports.

use expect_test::{Expect, expect};
use multilane_plan::Plan;
use multilane_plan::analysis::{
    Estimator, ParallelExecutionPlan, analyze, is_data_parallel_op, is_thread_safe_op, levels,
};
use multilane_plan::cost::{Bound, CostModel, Mode, predict};
use multilane_plan::passes::{DEFAULT, optimize};
use proptest::prelude::*;

use crate::{dialect, programs, read};

const DIAMOND: &str = "plan diamond(%s: f64, %other: f64[nodes]) {
    %a: f64[nodes] = core.broadcast(%s)
    %two = core.constant 2.0
    %one = core.constant 1.0
    %b = core.mul(%a, %two)
    %c = core.add(%a, %one)
    %d = core.add(%b, %c)
    return %d
  }";

fn by_formula(plan: &Plan) -> ParallelExecutionPlan {
    analyze(plan, &dialect::registry(), Estimator::Static)
}

#[track_caller]
fn check_report(text: &str, expect: Expect) {
    expect.assert_eq(&by_formula(&read(text)).report_text());
}

fn chain(length: usize) -> Plan {
    let mut text = "plan chain(%x: f64[n]) {\n %c = core.constant 2.0\n %v0 = core.mul(%x, %c)\n".to_owned();
    for index in 1..length {
        text += &format!(" %v{index} = core.mul(%v{}, %c)\n", index - 1);
    }
    read(&(text + &format!(" return %v{}\n}}", length - 1)))
}

fn independent(count: usize) -> Plan {
    let mut text = "plan wide(%a: f64[n], %b: f64[n]) {\n".to_owned();
    for index in 0..count {
        let op = ["add", "sub", "mul", "div", "min", "max", "lt", "ge"][index % 8];
        text += &format!(" %v{index} = core.{op}(%a, %b)\n");
    }
    let results: Vec<String> = (0..count).map(|index| format!("%v{index}")).collect();
    read(&(text + &format!(" return {}\n}}", results.join(", "))))
}

#[test]
fn the_diamond_has_three_levels_and_gains_half() {
    check_report(
        DIAMOND,
        expect![[r#"
        === Parallel Execution Analysis ===

        Estimator: static
        Total nodes: 4
        Execution levels: 3
        Critical path length: 3

        Level 0: 1 operations (can run in parallel)
          - broadcast (node_0) [deps: 0]

        Level 1: 2 operations (can run in parallel)
          - mul (node_1) [deps: 1]
          - add (node_2) [deps: 1]

        Level 2: 1 operations (can run in parallel)
          - add (node_3) [deps: 2]

        Estimated speedup: 1.50x
        Decision: parallel (at least 1.20x)
    "#]],
    );
    let plan = by_formula(&read(DIAMOND));
    assert_eq!(plan.levels().len(), 3);
    assert_eq!(plan.estimated_speedup, 1.5);
    assert!(plan.use_parallel);
    assert_eq!(plan.groups[1].shared_inputs, ["a"]);
    assert_eq!(plan.groups[1].outputs, ["b", "c"]);
    assert_eq!(plan.groups[2].depends_on, [1]);
}

#[test]
fn a_chain_gains_nothing_and_is_run_in_sequence() {
    for length in [1, 2, 10] {
        let plan = by_formula(&chain(length));
        assert_eq!(plan.estimated_speedup, 1.0);
        assert!(!plan.use_parallel);
        assert_eq!(plan.sequential_plan.operations.len(), length);
        assert_eq!(plan.critical_path().len(), length);
    }
}

#[test]
fn eight_independent_operations_gain_eight_and_more_do_not_gain_more() {
    assert_eq!(by_formula(&independent(8)).estimated_speedup, 8.0);
    assert_eq!(by_formula(&independent(20)).estimated_speedup, 8.0);
    assert_eq!(by_formula(&independent(2)).estimated_speedup, 2.0);
}

#[test]
fn the_published_factors_of_other_kinds() {
    // Two reductions, none of them data-parallel: (1 + 1 * 0.5) * 1.5.
    let plan = read("plan p(%x: f64[n]) { %a = core.sum(%x) %b = core.mean(%x) return %a, %b }");
    assert_eq!(by_formula(&plan).estimated_speedup, 2.25);
    // One of two is: (1 + 1 * 0.75) * 1.5.
    let plan = read("plan p(%x: f64[n]) { %a = core.sum(%x) %b = core.neg(%x) return %a, %b }");
    assert_eq!(by_formula(&plan).estimated_speedup, 2.625);
    let empty = by_formula(&read("plan p(%x: f64[n]) { return %x }"));
    assert_eq!(
        (empty.estimated_speedup, empty.use_parallel, empty.groups.len()),
        (1.0, false, 0)
    );
}

#[test]
fn loops_are_seen_once_with_what_they_wait_for() {
    check_report(
        "plan p(%x: f64[n], %s: f64) {
           %a = core.neg(%x)
           %y, %i, %c = core.loop(%a) {count = 10} (%z: f64[n]) {
             %u = core.mul(%z, %s)
             %v = core.add(%z, %s)
             %w = core.sub(%u, %v)
             yield %w
           }
           ring.show(%y)
           ring.show(%x)
           %d = core.abs(%y)
           return %d
         }",
        expect![[r#"
            === Parallel Execution Analysis ===

            Estimator: static
            Total nodes: 7
            Execution levels: 5
            Critical path length: 5

            Level 0: 1 operations (can run in parallel)
              - neg (node_0) [deps: 0]

            Level 1: 2 operations (can run in parallel)
              - mul (node_1) [deps: 1, in a loop]
              - add (node_2) [deps: 1, in a loop]

            Level 2: 1 operations (can run in parallel)
              - sub (node_3) [deps: 2, in a loop]

            Level 3: 2 operations (can run in parallel)
              - abs (node_6) [deps: 1]
              - show (node_4) [deps: 1]

            Level 4: 1 operations (can run in parallel)
              - show (node_5) [deps: 1]

            Estimated speedup: 1.29x
            Decision: parallel (at least 1.20x)
        "#]],
    );
}

#[test]
fn names_are_known_with_and_without_their_dialect() {
    let registry = dialect::registry();
    let published =
        "add sub mul div neg abs pow sqrt exp log compare eq ne lt le gt ge where select map transform element_wise";
    for name in published.split(' ') {
        assert!(is_data_parallel_op(&registry, name), "{name}");
        assert!(is_thread_safe_op(&registry, name), "{name}");
    }
    assert!(is_data_parallel_op(&registry, "core.add"));
    assert!(!is_data_parallel_op(&registry, "sum"));
    assert!(!is_thread_safe_op(&registry, "ring.show"));
    assert!(!is_thread_safe_op(&registry, "nobody.knows"));
}

#[test]
fn survives_json() {
    let registry = dialect::registry();
    let plan = read(DIAMOND);
    let model = CostModel::typical(4);
    let calibrated = Estimator::Calibrated {
        model: &model,
        sizes: &1e6,
        workers: 4,
    };
    for estimator in [Estimator::Static, calibrated] {
        let analysed = analyze(&plan, &registry, estimator);
        assert_eq!(ParallelExecutionPlan::from_json(&analysed.to_json()).unwrap(), analysed);
    }
}

#[test]
fn calibrated_tells_large_from_small_and_memory_from_arithmetic() {
    let registry = dialect::registry();
    let model = CostModel::typical(8);
    let mut plan = independent(8);
    optimize(&mut plan, &registry, DEFAULT).unwrap();
    let of = |plan: &Plan, size: f64, workers: usize| predict(plan, &registry, &model, &size, workers);
    let small = of(&plan, 1e3, 8);
    assert_eq!(
        (small.bound, small.use_parallel, small.saturated_by),
        (Bound::Overhead, false, 1)
    );
    assert_eq!(small.speedup, 1.0);
    let large = of(&plan, 1e8, 8);
    assert_eq!((large.bound, large.use_parallel), (Bound::Memory, true));
    assert_eq!(large.groups.len(), 1);
    assert_eq!(large.groups[0].bytes, (2.0 + 6.0) * 8e8 + 2.0 * 1e8);
    let mut heavy = read("plan p(%x: f64[n]) { %a = core.sin(%x) %b = core.exp(%a) %c = core.cos(%b) return %c }");
    optimize(&mut heavy, &registry, DEFAULT).unwrap();
    let heavy = of(&heavy, 1e8, 8);
    assert_eq!(heavy.bound, Bound::Compute);
    assert!(heavy.speedup > large.speedup && heavy.speedup <= 8.0);
}

#[test]
fn the_calibrated_report_says_what_limits_and_from_how_many_cores_on() {
    let registry = dialect::registry();
    let model = CostModel::typical(8);
    let mut plan = read(
        "plan p(%x: f64[n], %y: f64[n], %s: f64) {
           %a = core.mul(%x, %s)
           %b = core.add(%a, %y)
           %c = core.sum(%b)
           %d = core.div(%b, %c)
           %e = core.sin(%d)
           return %e
         }",
    );
    optimize(&mut plan, &registry, DEFAULT).unwrap();
    let report = |size: f64, workers: usize| {
        let estimator = Estimator::Calibrated {
            model: &model,
            sizes: &size,
            workers,
        };
        analyze(&plan, &registry, estimator).report_text()
    };
    expect![[r#"
        === Parallel Execution Analysis ===

        Estimator: calibrated
        Total nodes: 2
        Execution levels: 2
        Critical path length: 2

        Level 0: 1 operations (can run in parallel)
          - fused (node_0) [deps: 0]
            group 0: predicted 1.84 ms, 7.60x, limited by memory

        Level 1: 1 operations (can run in parallel)
          - fused (node_1) [deps: 1]
            group 1: predicted 2.51 ms, 7.89x, limited by compute

        Predicted on 8 workers: 4.35 ms; on one: 33.77 ms (typical, 8 cores)
        Limited by memory: it gains up to 8 cores
        Estimated speedup: 7.76x
        Decision: parallel (at least 1.20x)
    "#]]
    .assert_eq(&report(1e7, 8));
    expect![[r#"
        === Parallel Execution Analysis ===

        Estimator: calibrated
        Total nodes: 2
        Execution levels: 2
        Critical path length: 2

        Level 0: 1 operations (can run in parallel)
          - fused (node_0) [deps: 0]
            group 0: predicted 692 ns, 1.00x, limited by overhead

        Level 1: 1 operations (can run in parallel)
          - fused (node_1) [deps: 1]
            group 1: predicted 1.9 us, 1.00x, limited by compute

        Predicted on 8 workers: 3.6 us; on one: 3.6 us (typical, 8 cores)
        Limited by arithmetic: too small to gain from more cores
        Estimated speedup: 1.00x
        Decision: sequential (below 1.20x)
    "#]]
    .assert_eq(&report(1e3, 8));
}

#[test]
fn more_workers_than_the_machine_has_stand_for_a_larger_one() {
    let registry = dialect::registry();
    let model = CostModel::typical(2);
    let of = |text: &str, workers| {
        let mut plan = read(text);
        optimize(&mut plan, &registry, DEFAULT).unwrap();
        predict(&plan, &registry, &model, &1e8, workers)
    };
    let compute =
        "plan p(%x: f64[n]) { %a = core.sin(%x) %b = core.exp(%a) %c = core.cos(%b) %d = core.sum(%c) return %d }";
    let memory = "plan p(%x: f64[n]) { %a = core.neg(%x) return %a }";
    assert!(of(compute, 16).speedup > 1.8 * of(compute, 2).speedup);
    // Nothing measured says that its memory is faster.
    assert!(of(memory, 16).speedup < 1.3 * of(memory, 2).speedup);
    assert!(of(memory, 16).saturated_by < 16);
}

#[test]
fn loops_count_as_often_as_they_run() {
    let registry = dialect::registry();
    let model = CostModel::typical(2);
    let with = |count: usize| {
        let text = format!(
            "plan p(%x: f64[n]) {{ %y, %i, %c = core.loop(%x) {{count = {count}}} (%z: f64[n]) {{
               %next = core.sin(%z) yield %next }} return %y }}"
        );
        predict(&read(&text), &registry, &model, &1e7, 2)
    };
    let (ten, twenty) = (with(10), with(20));
    let once = model.run_ns + model.dispatch_ns;
    assert!(((twenty.total_ns - once) / (ten.total_ns - once) - 2.0).abs() < 1e-9);
    assert_eq!(
        (ten.groups[0].iterations, &ten.groups[0].region[..]),
        (10.0, &[0, 0][..])
    );
}

#[test]
fn small_independent_operations_stand_side_by_side() {
    let registry = dialect::registry();
    let model = CostModel {
        dispatch_ns: 0.0,
        fork_join_ns: 20_000.0,
        ..CostModel::typical(4)
    };
    let plan = read(
        "plan p(%a: f64[n], %b: f64[n], %c: f64[n], %d: f64[n]) {
           %u = core.tanh(%a)
           %v = core.tanh(%b)
           %w = core.tanh(%c)
           %x = core.tanh(%d)
           %y = core.mul(%u, %v)
           return %w, %x, %y
         }",
    );
    let found = predict(&plan, &registry, &model, &2e4, 4);
    assert_eq!(found.groups[0].mode, Mode::SideBySide);
    assert_eq!(found.groups[0].indices, [0, 1, 2, 3]);
    assert_eq!(
        (found.groups[1].mode, &found.groups[1].indices[..]),
        (Mode::Serial, &[4][..])
    );
    assert!(found.total_ns < found.sequential_ns);
}

proptest! {
    #![proptest_config(programs::cases(100))]

    #[test]
    fn levels_respect_dependencies_and_more_workers_are_never_predicted_slower(
        choices in programs::choices(300),
        size in 1.0..1e8_f64,
    ) {
        let registry = dialect::registry();
        let plan = programs::program(&registry, &choices.0);
        let analysis = levels(&plan, &registry);
        for op in &analysis.operations {
            for before in &op.depends_on {
                prop_assert!(analysis.operations[*before].level < op.level, "{}\n{}", plan, op.id);
            }
        }
        let longest = analysis.critical_path.len();
        prop_assert!(longest <= analysis.levels.len());
        let formula = by_formula(&plan);
        prop_assert!(formula.estimated_speedup >= 1.0 && formula.estimated_speedup <= 12.0);
        let members: usize = formula.groups.iter().map(|group| group.members.len()).sum();
        prop_assert_eq!(members, analysis.operations.len());
        let model = CostModel::typical(8);
        for workers in [1, 2, 8, 64] {
            let found = predict(&plan, &registry, &model, &size, workers);
            prop_assert!(found.total_ns.is_finite() && found.total_ns > 0.0);
            prop_assert!(found.total_ns <= found.sequential_ns);
            if workers == 1 {
                prop_assert_eq!(found.speedup, 1.0);
            }
        }
    }
}
