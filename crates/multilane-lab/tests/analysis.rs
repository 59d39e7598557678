//! What is read from drawn traces: the budget, the critical path, the curve.

mod synthetic;

use expect_test::{Expect, expect};
use multilane_lab::{Analysis, analyse};
use multilane_trace::{Status, Task, Trace, Worker};
use proptest::prelude::*;

use synthetic::{id, trace};

/// The budget in percent, largest loss first, without what is not there.
fn budget(analysis: &Analysis) -> String {
    let parts = analysis.decomposition.parts();
    let shown = parts.iter().filter(|(_, share)| *share > 0.0);
    shown
        .map(|(name, share)| format!("{name} {}", (share * 1000.0).round() / 10.0))
        .collect::<Vec<_>>()
        .join(", ")
}

#[track_caller]
fn check(drawing: &str, expect: Expect) {
    let analysis = analyse(&trace(drawing));
    let sum: f64 = analysis.decomposition.parts().iter().map(|(_, share)| share).sum();
    assert!((sum - 1.0).abs() < 1e-9, "the parts add up to {sum}");
    expect.assert_eq(&format!("{} | cores {:.2}", budget(&analysis), analysis.cores_used));
}

#[test]
fn full_workers_have_no_loss() {
    check("|aaaa|\n|bbbb|", expect!["useful 100 | cores 2.00"]);
}

#[test]
fn one_long_task_at_the_end_is_imbalance() {
    check(
        "|aaaaaaaa|\n|bbbb....|",
        expect!["useful 75, load_imbalance 25 | cores 1.50"],
    );
}

#[test]
fn a_slot_that_no_task_was_left_for_is_idle() {
    check("|aaaa|\n|....|", expect!["useful 50, idle 50 | cores 1.00"]);
}

#[test]
fn a_gap_while_tasks_wait_is_dispatch() {
    check("|aa..cc|\n|bb..dd|", expect!["useful 66.7, dispatch 33.3 | cores 1.33"]);
    check(
        "|aaaa..|\n|..bbbb|",
        expect!["useful 66.7, load_imbalance 16.7, dispatch 16.7 | cores 1.33"],
    );
}

#[test]
fn a_chain_leaves_the_other_worker_without_a_task() {
    check(
        "|aaaabbbb|\n|......cc|\nneeds b a\nneeds c b\nqueued c 6\n",
        expect!["useful 62.5, serial_fraction 37.5 | cores 1.25"],
    );
    check(
        "|aaaa....|\n|....bbbb|\nneeds b a",
        expect!["useful 50, serial_fraction 50 | cores 1.00"],
    );
}

#[test]
fn tasks_that_come_late_leave_workers_without_a_task() {
    check(
        "|aaaa..cc|\n|bb....dd|\nqueued c 6\nqueued d 6",
        expect!["useful 62.5, idle 25, serial_fraction 12.5 | cores 1.25"],
    );
}

#[test]
fn workers_that_start_are_starting() {
    check("|ssaaaa|\n|ssssbb|", expect!["useful 50, start_up 50 | cores 1.00"]);
}

#[test]
fn time_in_tasks_is_split_by_what_they_recorded() {
    check(
        "|aaaaaaaaaa|\n|bbbbbbbbbb|\ncpu a 4\ncpu b 5\ninterpreter a 5\nrunqueue b 3\ndecode b 1",
        expect!["useful 40, interpreter_wait 25, run_queue 15, waiting 15, serialisation 5 | cores 0.90"],
    );
}

#[test]
fn waits_never_exceed_the_task() {
    check(
        "|aaaa|\n|bbbb|\ncpu a 3\ninterpreter a 9\nrunqueue a 9\ncpu b 9",
        expect!["useful 87.5, interpreter_wait 12.5 | cores 3.00"],
    );
}

#[test]
fn a_nested_task_is_counted_once() {
    let outer = Task {
        id: 1,
        started_ns: 100,
        ended_ns: 200,
        cpu_ns: 90,
        ..Task::default()
    };
    let inner = Task {
        id: 2,
        started_ns: 120,
        ended_ns: 180,
        cpu_ns: 60,
        parent: 1,
        ..outer
    };
    let deepest = Task {
        id: 3,
        started_ns: 130,
        ended_ns: 140,
        cpu_ns: 10,
        parent: 2,
        ..outer
    };
    let analysis = analyse(&Trace {
        tasks: vec![deepest, outer, inner],
        ..Trace::default()
    });
    assert_eq!((analysis.cpu_ns, analysis.busy_cores, analysis.workers), (90, 1.0, 1));
    assert_eq!(budget(&analysis), "useful 90, waiting 10");
}

#[test]
fn tasks_that_overlap_on_one_worker_are_counted_once() {
    let first = Task {
        id: 1,
        started_ns: 100,
        ended_ns: 180,
        ..Task::default()
    };
    let second = Task {
        id: 2,
        started_ns: 140,
        ended_ns: 200,
        ..first
    };
    let analysis = analyse(&Trace {
        tasks: vec![first, second],
        ..Trace::default()
    });
    assert_eq!((analysis.busy_cores, budget(&analysis).as_str()), (1.0, "waiting 100"));
}

#[test]
fn a_replaced_worker_is_not_a_second_slot() {
    let mut replaced = trace("|aaaa....|\n|....bbbb|");
    replaced.meta.workers = 1;
    assert_eq!(analyse(&replaced).workers, 1);
    assert_eq!(budget(&analyse(&replaced)), "useful 100");
}

#[test]
fn a_worker_that_never_got_ready_is_starting_until_it_ends() {
    let mut trace = trace("|aaaa|");
    trace.meta.workers = 2;
    let at = trace.tasks[0].started_ns;
    trace.workers.push(Worker {
        index: 1,
        started_ns: at,
        ended_ns: at + 2 * synthetic::STEP_NS,
        ..Worker::default()
    });
    assert_eq!(budget(&analyse(&trace)), "useful 50, start_up 25, idle 25");
}

#[test]
fn tasks_that_never_ran_are_counted_and_nothing_else() {
    let mut trace = trace("|aaaa|\n|bbbb|");
    trace.tasks.push(Task {
        id: 9,
        status: Status::Cancelled,
        queued_ns: 5,
        ended_ns: 900,
        ..Task::default()
    });
    let analysis = analyse(&trace);
    assert_eq!((analysis.tasks, analysis.failed), (3, 1));
    assert_eq!(budget(&analysis), "useful 100");
}

#[test]
fn efficiency_is_against_what_the_machine_has() {
    let mut trace = trace("|aaaa|\n|bbbb|\n|cccc|\n|dddd|\ncpu a 2\ncpu b 2\ncpu c 2\ncpu d 2");
    assert_eq!(analyse(&trace).efficiency, 0.5);
    trace.meta.machine.cpus_quota = 2.0;
    assert_eq!(analyse(&trace).efficiency, 1.0);
}

#[test]
fn the_critical_path_is_the_longest_chain() {
    let drawn = trace("|aabbbb..ee|\n|ccccccdd..|\nneeds b a\nneeds e b\nneeds d c\nneeds e d");
    let analysis = analyse(&drawn);
    assert_eq!(analysis.critical_path, ['c', 'd', 'e'].map(id));
    assert_eq!(analysis.critical_path_ns, 10 * synthetic::STEP_NS);
}

#[test]
fn without_dependencies_the_critical_path_is_the_longest_task() {
    assert_eq!(analyse(&trace("|aab|\n|ccc|")).critical_path, ['c'].map(id));
}

#[test]
fn a_cycle_is_left_out() {
    let mut drawn = trace("|aab|\n|ccc|");
    drawn.edges = vec![(id('a'), id('c')), (id('c'), id('a')), (id('b'), 77)];
    assert_eq!(analyse(&drawn).critical_path, ['b'].map(id));
}

#[test]
fn the_curve_is_cores_over_the_window() {
    let curve = analyse(&trace("|aaaa|\n|..bb|")).cores_over_time;
    assert_eq!(curve.len(), 200);
    assert_eq!((curve[0], curve[199].1), ((0, 1.0), 2.0));
}

#[test]
fn durations_are_summed_up_per_function() {
    let mut drawn = trace("|abbccc|");
    drawn.functions.push("other".to_owned());
    drawn.tasks[2].function = 1;
    drawn.tasks[1].status = Status::Failed;
    let functions = analyse(&drawn).functions;
    let (work, other) = (functions["work"], functions["other"]);
    assert_eq!(
        (work.count, work.failures, work.p50_ns, work.max_ns),
        (2, 1, 1_000_000, 2_000_000)
    );
    assert_eq!((other.count, other.p99_ns), (1, 3_000_000));
}

#[test]
fn the_largest_loss_is_named() {
    assert_eq!(analyse(&trace("|aaaaaaaa|\n|bbbb....|")).largest_loss, "load_imbalance");
    assert_eq!(analyse(&trace("|aaaa|\n|bbbb|")).largest_loss, "");
}

#[test]
fn an_empty_trace_has_an_analysis() {
    let analysis = analyse(&Trace::default());
    assert_eq!(
        (
            analysis.makespan_ns,
            analysis.cores_used,
            analysis.largest_loss.as_str()
        ),
        (0, 0.0, "")
    );
    assert!(analysis.efficiency == 0.0 && analysis.critical_path.is_empty());
}

prop_compose! {
    fn any_task()(
        id in 0..12u64, worker in 0..4u32, attempt in 0..3u16, times: [u8; 4], costs: [u8; 5], huge in prop::bool::weighted(0.05),
    ) -> Task {
        let time = |value: u8| if huge { u64::MAX - u64::from(value) } else { u64::from(value) };
        let [queued_ns, ready_ns, started_ns, ended_ns] = times.map(time);
        let [cpu_ns, decode_ns, result_encode_ns, interpreter_wait_ns, run_queue_ns] = costs.map(time);
        Task {
            id, worker, attempt, queued_ns, ready_ns, started_ns, ended_ns,
            cpu_ns, decode_ns, result_encode_ns, interpreter_wait_ns, run_queue_ns, ..Task::default()
        }
    }
}

prop_compose! {
    fn any_trace()(
        tasks in prop::collection::vec(any_task(), 0..24),
        edges in prop::collection::vec((0..12u64, 0..12u64), 0..12),
        workers in prop::collection::vec((0..4u32, any::<[u8; 3]>()), 0..4),
        slots in 0..5u32,
    ) -> Trace {
        let workers = workers.into_iter().map(|(index, times)| {
            let [started_ns, ready_ns, ended_ns] = times.map(u64::from);
            Worker { index, started_ns, ready_ns, ended_ns, ..Worker::default() }
        }).collect();
        let meta = multilane_trace::Meta { workers: slots, ..Default::default() };
        Trace { tasks, edges, workers, meta, ..Trace::default() }
    }
}

proptest! {
    /// Whatever a file holds, the budget closes and no part is negative.
    #[test]
    fn any_trace_has_a_closed_budget(trace in any_trace()) {
        let analysis = analyse(&trace);
        let parts = analysis.decomposition.parts();
        prop_assert!(parts.iter().all(|(_, share)| (0.0..=1.0).contains(share)), "{parts:?}");
        let sum: f64 = parts.iter().map(|(_, share)| share).sum();
        prop_assert!(analysis.makespan_ns == 0 || (sum - 1.0).abs() < 1e-9, "{sum}");
        prop_assert!(analysis.busy_cores <= analysis.workers as f64 + 1e-9);
        prop_assert!(analysis.efficiency.is_finite());
    }
}
