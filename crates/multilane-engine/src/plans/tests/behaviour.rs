//! Results, loops, effects, progress and times.

use std::sync::Arc;

use multilane_plan::cost::{CostModel, Mode, predict};
use multilane_plan::{Array, CostClass, Lanes, Scalar, Value};

use super::{bits, check, floats, kernels, models, plan, prepare, run_on};
use crate::lanes::shared;
use crate::plans::{Control, Run};

const DIAMOND: &str = "plan diamond(%x: f64[n], %k: f64) {
  %a = core.mul(%x, %k)
  %b = core.add(%a, %x)
  %c = core.sub(%a, %x)
  %d = core.mul(%b, %c)
  %s = core.sum(%d)
  return %d, %s
}";

const SMOOTH: &str = "plan smooth(%x: f64[n], %limit: f64) {
  %half: f64 = core.constant 0.5
  %y, %iterations, %converged = core.loop(%x) {count = 20, until = true} (%old: f64[n]) {
    %new = core.mul(%old, %half)
    %size = core.norm(%new) {ord = \"l2\"}
    %small = core.lt(%size, %limit)
    yield %new, %small
  }
  return %y, %iterations, %converged
}";

fn ramp(len: usize) -> Value {
    floats(&(0..len).map(|index| index as f64 - 3.5).collect::<Vec<_>>())
}

#[test]
fn a_diamond_gives_what_the_evaluator_gives() {
    for len in [0, 1, 2, 7, 100] {
        check(&plan(DIAMOND), &[ramp(len), Value::Scalar(Scalar::F64(1.5))]);
    }
}

#[test]
fn loops_end_by_their_condition_or_their_count() {
    for limit in [1e9, 1.0, 0.0] {
        let runs = check(&plan(SMOOTH), &[ramp(10), Value::Scalar(Scalar::F64(limit))]);
        assert_eq!(bits(&runs[0].outputs[2])[0].1, u64::from(limit > 0.0));
    }
}

#[test]
fn carried_values_may_be_swapped_kept_doubled_and_read_from_outside() {
    check(
        &plan(
            "plan p(%x: f64[n], %y: f64[n]) {
               %a, %b, %c, %d, %i, %v = core.loop(%x, %y, %x, %y) {count = 5} (%p: f64[n], %q: f64[n], %r: f64[n], %s: f64[n]) {
                 %t = core.add(%p, %x)
                 %u = core.neg(%q)
                 yield %u, %t, %t, %s
               }
               %e = core.add(%a, %y)
               return %a, %b, %c, %d, %e
             }",
        ),
        &[ramp(9), floats(&[2.0; 9])],
    );
}

#[test]
fn loops_inside_loops_and_loops_that_never_run() {
    check(
        &plan(
            "plan p(%x: f64[n], %k: f64) {
               %a, %i, %v = core.loop(%x) {count = 3} (%p: f64[n]) {
                 %b, %j, %w = core.loop(%p) {count = 2} (%q: f64[n]) {
                   %c = core.mul(%q, %k)
                   %d = core.add(%c, %p)
                   yield %d
                 }
                 %e, %l, %z = core.loop(%b) {count = 0} (%q2: f64[n]) {
                   %f = core.neg(%q2)
                   yield %f
                 }
                 yield %e
               }
               return %a, %i, %v
             }",
        ),
        &[ramp(5), Value::Scalar(Scalar::F64(0.5))],
    );
}

#[test]
fn outputs_that_are_inputs_constants_or_the_same_have_memory_of_their_own() {
    let plan = plan(
        "plan p(%x: f64[n], %k: i64) {
           %y = core.neg(%x)
           %one: f64 = core.constant 1.0
           return %x, %y, again = %y, same = %x, %k, %one
         }",
    );
    let inputs = [ramp(4), Value::Scalar(Scalar::I64(3))];
    for run in check(&plan, &inputs) {
        let mut starts: Vec<_> = run
            .outputs
            .iter()
            .chain(&inputs)
            .filter_map(Value::array)
            .map(Array::as_ptr)
            .collect();
        let all = starts.len();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(starts.len(), all, "memory is shared");
    }
}

#[test]
fn effects_happen_in_order_also_in_loops() {
    let plan = plan(
        "plan p(%b: book<pages>, %k: i64) {
           %one: i64 = core.constant 1
           %ten: f64 = core.constant 10.0
           %before = test.count(%b)
           test.note(%b, %k)
           %r, %i, %v = core.loop(%k) {count = 3} (%c: i64) {
             %d = core.add(%c, %one)
             test.note(%b, %d)
             yield %d
           }
           %after = test.count(%b)
           test.note(%b, %before)
           %page = test.pages(%b, %ten)
           return %after, %page
         }",
    );
    for model in models() {
        let program = prepare(&plan).with_model(model);
        for lanes in [1, 3] {
            let book = kernels::book(6);
            let inputs = [book.clone(), Value::Scalar(Scalar::I64(7))];
            let run = run_on(&program, &inputs, &[], shared(Some(lanes)));
            assert_eq!(bits(&run.outputs[0])[0].1, 4);
            assert_eq!(bits(&run.outputs[1]).len(), 6);
            let notes = book.opaque::<kernels::Book>().unwrap().notes.lock().unwrap().clone();
            assert_eq!(notes, [7, 8, 9, 10, 0]);
        }
    }
}

#[test]
fn every_mode_is_taken_and_recorded() {
    let plan = plan(DIAMOND);
    let inputs = [ramp(50), Value::Scalar(Scalar::F64(2.0))];
    let mut modes = Vec::new();
    for model in models() {
        let program = prepare(&plan).with_model(model.clone());
        let control = Control::new().recording_lanes();
        let run = program.run(&inputs, &[], shared(Some(3)), &control).unwrap();
        let groups = run.groups();
        modes.extend(groups.iter().map(|group| group.mode));
        assert!(
            groups
                .iter()
                .all(|group| group.iterations == 1 && group.start_ns >= run.start_ns)
        );
        assert!(groups.windows(2).all(|pair| pair[0].end_ns <= pair[1].start_ns));
        assert!(groups.iter().all(|group| group.end_ns <= run.end_ns));
        // The same groups as in the prediction, in the same order.
        let predicted = predict(&plan, &kernels::registry(), &model, &vec![50.0], 3);
        let places = |group: &crate::plans::GroupTime| (group.region.clone(), group.indices.clone(), group.mode);
        let found: Vec<_> = groups.iter().map(places).collect();
        let expected: Vec<_> = predicted
            .groups
            .iter()
            .map(|group| (group.region.clone(), group.indices.clone(), group.mode))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(run.predicted_ns(), predicted.total_ns);
        for lane in &run.lanes {
            assert!(lane.start_ns >= groups[lane.group].start_ns && lane.end_ns <= groups[lane.group].end_ns);
        }
        let trace = run.trace();
        assert_eq!(trace.tasks.len(), run.lanes.len());
        assert!(
            trace
                .tasks
                .iter()
                .all(|task| trace.workers.iter().any(|worker| worker.index == task.worker))
        );
        assert!(!trace.function_name(trace.tasks[0].function).is_empty());
    }
    for mode in [Mode::Serial, Mode::Wide, Mode::SideBySide] {
        assert!(modes.contains(&mode), "{mode:?} was never taken");
    }
}

#[test]
fn close_decisions_are_tried_both_ways_and_give_the_same_bits() {
    let plan = plan("plan p(%x: f64[n]) { %y = core.mul(%x, %x)\n return %y }");
    let mut model = CostModel::typical(3);
    // Half a millisecond on one lane, 367 µs on three: a gain, but not a clear one.
    model.ns_per_unit.insert(CostClass::Arithmetic, 10_000.0);
    model.fork_join_ns = 200_000.0;
    let program = prepare(&plan).with_model(Arc::new(model));
    let runs: Vec<Run> = (0..6)
        .map(|_| run_on(&program, &[ramp(50)], &[], shared(Some(3))))
        .collect();
    for (turn, run) in runs.iter().enumerate() {
        let (mode, lanes) = if turn % 2 == 0 {
            (Mode::Wide, 3)
        } else {
            (Mode::Serial, 1)
        };
        let group = &run.groups()[0];
        assert_eq!((group.mode, group.lanes), (mode, lanes), "turn {turn}");
        // What is predicted follows.
        assert_eq!(group.predicted_ns > 450_000.0, mode == Mode::Serial, "turn {turn}");
        assert_eq!(bits(&run.outputs[0]), bits(&runs[0].outputs[0]));
    }
}

#[test]
fn groups_of_loops_count_their_iterations() {
    let program = prepare(&plan(SMOOTH));
    let inputs = [ramp(10), Value::Scalar(Scalar::F64(0.0))];
    let run = run_on(&program, &inputs, &[], shared(Some(2)));
    let groups = run.groups();
    assert_eq!(groups.len(), 3);
    assert!(
        groups
            .iter()
            .all(|group| group.iterations == 20 && group.region == [1, 0])
    );
    assert_eq!(groups[0].bytes, 20 * 160);
    assert!(groups[0].label.starts_with("core.mul new"));
    // Without times of lanes there is an event for each group.
    assert_eq!(run.trace().tasks.len(), 3);
}

#[test]
fn several_threads_run_one_program() {
    let program = prepare(&plan(SMOOTH)).with_model(models()[1].clone());
    let expected = run_on(
        &program,
        &[ramp(30), Value::Scalar(Scalar::F64(0.1))],
        &[],
        shared(Some(1)),
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let inputs = [ramp(30), Value::Scalar(Scalar::F64(0.1))];
                    let run = run_on(&program, &inputs, &[], shared(Some(3)));
                    assert_eq!(bits(&run.outputs[0]), bits(&expected.outputs[0]));
                }
            });
        }
    });
}

#[test]
fn what_runs_side_by_side_gets_one_lane() {
    // The kernels ask their lanes; nested work stays on the lane it is on.
    let team = shared(Some(3));
    assert_eq!(team.count(), 3);
    let text = "plan p(%x: f64[n]) {
        %a = core.neg(%x)
        %b = core.abs(%x)
        %c = core.mul(%x, %x)
        %d = core.sum(%x)
        return %a, %b, %c, %d
    }";
    let runs = check(&plan(text), &[ramp(64)]);
    let side = runs
        .iter()
        .flat_map(|run| run.groups())
        .find(|group| group.mode == Mode::SideBySide);
    assert_eq!(side.unwrap().indices, [0, 1, 2, 3]);
}
