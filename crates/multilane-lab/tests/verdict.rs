//! Verdicts on proofs whose truth is known: each verdict, each cause, each edge.

mod synthetic;

use expect_test::{Expect, expect};
use multilane_lab::{Check, Proof, StrategyVerdict, Verdict, judge};

use synthetic::{Way, proof, way};

/// The verdict on the only strategy beside the baseline.
fn only(proof: &Proof) -> StrategyVerdict {
    let mut strategies = judge(proof).strategies;
    assert_eq!(strategies.len(), 1, "one strategy beside the baseline");
    strategies.remove(0)
}

fn sequential(wall_ms: f64) -> Way {
    way("sequential", wall_ms, 1.0)
}

/// The verdict's sentence and advice.
#[track_caller]
fn check(proof: &Proof, expect: Expect) {
    let one = only(proof);
    let loss = one.loss.map_or(String::new(), |loss| format!(" [{loss}]"));
    expect.assert_eq(&format!(
        "{}{loss}\n{}\n{}",
        one.verdict.name(),
        one.sentence,
        one.advice
    ));
}

/// The verdict's name for a speed-up and cores against 1 s of CPU-bound work.
fn named(speedup: f64, cores: f64) -> &'static str {
    only(&proof(&[sequential(1000.0), way("tried", 1000.0 / speedup, cores)]))
        .verdict
        .name()
}

#[test]
fn parallel() {
    check(
        &proof(&[
            sequential(1000.0),
            way("tried", 520.0, 1.92).walls(&[520.0, 530.0, 515.0, 525.0, 522.0, 518.0, 521.0]),
        ]),
        expect![[r#"
            parallel
            Ran in parallel: it kept 1.92 cores busy and finished 1.92 times (1.90 to 1.93) as fast as one task after another; at most 2 times was possible.
        "#]],
    );
}

#[test]
fn parallel_needs_both_a_second_core_and_half_of_what_it_could_gain() {
    // Two lanes: 1.25 cores and a speed-up of 1.5 are enough, a little less is not.
    assert_eq!(named(1.5, 1.25), "parallel");
    assert_eq!(named(1.49, 1.9), "serialised");
    assert_eq!(named(1.9, 1.24), "serialised");
    assert_eq!(named(2.0, 2.0), "parallel");
}

#[test]
fn more_lanes_need_more() {
    let mut four = proof(&[sequential(1000.0), way("tried", 400.0, 2.5)]);
    (four.tasks, four.workers, four.machine) = (4, 4, synthetic::cpus(4));
    for run in &mut four.runs {
        run.tasks = 4;
        run.workers = if run.strategy == "sequential" { 1 } else { 4 };
    }
    assert_eq!(only(&four).verdict, Verdict::Parallel);
    four.runs
        .iter_mut()
        .filter(|run| run.strategy == "tried")
        .for_each(|run| run.wall_ns = 405_000_000);
    assert_eq!(only(&four).verdict.name(), "serialised");
    // With two processors, four workers need what two need.
    four.machine = synthetic::cpus(2);
    assert_eq!(only(&four).verdict, Verdict::Parallel);
    four.machine.cpus_quota = 2.9;
    four.machine.cpus_affinity = 8;
    assert_eq!(only(&four).verdict, Verdict::Parallel);
}

#[test]
fn sleep_is_concurrent_whatever_the_speedup() {
    let sleeping = |wall_ms| proof(&[way("sequential", 1000.0, 0.001), way("tried", wall_ms, 0.002)]);
    check(
        &sleeping(501.0),
        expect![[r#"
        concurrent, not parallel
        Concurrent, not parallel: the waits overlapped, so it finished 2.00 times (2.00 to 2.00) as fast, but it used only 0.00 cores: no second processor was needed.
        Threads or asyncio serve waiting work as well; processes bring nothing here."#]],
    );
    assert_eq!(only(&sleeping(60.0)).verdict, Verdict::ConcurrentNotParallel);
}

#[test]
fn sleep_one_after_another_is_not_even_concurrent() {
    check(
        &proof(&[way("sequential", 1000.0, 0.001), way("tried", 999.0, 0.001)]),
        expect![[r#"
            serialised [waiting]
            Not parallel: it used 0.00 cores and finished 1.00 times (1.00 to 1.00) as fast as one task after another. The tasks waited, one after another.
            More workers than processors overlap sleeps and waits for input; what waits for a lock needs a shorter hold of it."#]],
    );
}

#[test]
fn work_that_waits_is_told_from_work_that_computes_by_a_fifth() {
    let share = |cpu_share| {
        let ways = [
            way("sequential", 1000.0, cpu_share),
            way("tried", 500.0, cpu_share * 2.0),
        ];
        only(&proof(&ways)).verdict.name()
    };
    assert_eq!(share(0.19), "concurrent, not parallel");
    assert_eq!(share(0.21), "serialised");
    assert_eq!(share(0.70), "parallel");
}

#[test]
fn a_busy_machine_does_not_make_work_look_asleep() {
    let kept_off = "|aaaaaaaaaa|\ncpu a 1\nrunqueue a 9";
    let ways = [way("sequential", 1000.0, 0.1).drawn(kept_off), way("tried", 600.0, 0.2)];
    assert_eq!(only(&proof(&ways)).verdict.name(), "serialised");
}

#[test]
fn one_processor_decides_nothing() {
    let mut one = proof(&[sequential(1000.0), way("tried", 500.0, 2.0)]);
    one.machine = synthetic::cpus(1);
    check(
        &one,
        expect![[r#"
            inconclusive
            Inconclusive: this process may use 1 of the two processors that it takes.
            To decide: measure on a machine, or in a container, with at least two processors."#]],
    );
    one.machine = synthetic::cpus(8);
    one.machine.cpus_quota = 1.5;
    check(
        &one,
        expect![[r#"
            inconclusive
            Inconclusive: this process may use 1.5 of the two processors that it takes.
            To decide: measure on a machine, or in a container, with at least two processors."#]],
    );
    one.machine.cpus_quota = 2.0;
    assert_eq!(only(&one).verdict, Verdict::Parallel);
}

#[test]
fn one_task_or_one_worker_decides_nothing() {
    let mut one = proof(&[sequential(1000.0), way("tried", 500.0, 2.0)]);
    one.tasks = 1;
    one.runs.iter_mut().for_each(|run| run.tasks = 1);
    check(
        &one,
        expect![[r#"
        inconclusive
        Inconclusive: with 1 task and 2 workers nothing can overlap.
        To decide: give at least two inputs and two workers."#]],
    );
}

#[test]
fn without_a_sequential_run_nothing_is_decided() {
    check(
        &proof(&[way("tried", 500.0, 2.0)]),
        expect![[r#"
        inconclusive
        Inconclusive: no sequential run was measured beside it.
        To decide: measure the sequential run in every repeat."#]],
    );
    let mut other_work = proof(&[sequential(1000.0), way("tried", 500.0, 2.0)]);
    other_work
        .runs
        .iter_mut()
        .filter(|run| run.strategy == "sequential")
        .for_each(|run| run.tasks = 9);
    assert_eq!(only(&other_work).speedup.median, 0.0);
}

#[test]
fn few_repeats_decide_nothing() {
    let repeats = |count| proof(&[sequential(1000.0), way("tried", 500.0, 2.0).walls(&vec![500.0; count])]);
    check(
        &repeats(1),
        expect![[r#"
        inconclusive
        Inconclusive: one repeat is too few to tell a difference from noise.
        To decide: measure at least 3 repeats, better 7."#]],
    );
    check(
        &repeats(2),
        expect![[r#"
        inconclusive
        Inconclusive: two repeats are too few to tell a difference from noise.
        To decide: measure at least 3 repeats, better 7."#]],
    );
    assert_eq!(only(&repeats(3)).verdict, Verdict::Parallel);
}

#[test]
fn short_runs_decide_nothing() {
    check(
        &proof(&[sequential(49.9), way("tried", 25.0, 2.0)]),
        expect![[r#"
        inconclusive
        Inconclusive: the sequential run took 49.9 ms, too short to measure.
        To decide: give more or larger inputs, so that the sequential run takes at least 50 ms."#]],
    );
    assert_eq!(
        only(&proof(&[sequential(50.0), way("tried", 25.0, 2.0)])).verdict,
        Verdict::Parallel
    );
}

#[test]
fn noise_decides_nothing() {
    let noisy = [500.0, 900.0, 510.0, 950.0, 520.0, 980.0, 505.0];
    let mut spread = proof(&[sequential(1000.0), way("tried", 500.0, 1.9).walls(&noisy)]);
    check(
        &spread,
        expect![[r#"
        inconclusive
        Inconclusive: repeats differ too much: the speed-up lies between 1.05 and 1.98.
        To decide: close other programs, give larger inputs, or measure more repeats."#]],
    );
    spread.runs.iter_mut().for_each(|run| run.steal_ns = run.wall_ns / 5);
    check(
        &spread,
        expect![[r#"
        inconclusive
        Inconclusive: repeats differ too much: the speed-up lies between 1.05 and 1.98, and the host took 10 % of the processors' time.
        To decide: close other programs, give larger inputs, or measure more repeats."#]],
    );
    // Narrow, but on both sides of 1.5.
    let straddling = [650.0, 655.0, 660.0, 670.0, 680.0, 685.0, 690.0];
    assert_eq!(
        only(&proof(&[
            sequential(1000.0),
            way("tried", 660.0, 1.5).walls(&straddling)
        ]))
        .verdict
        .name(),
        "inconclusive"
    );
}

#[test]
fn a_slow_repeat_that_slows_both_alike_is_no_noise() {
    let mut paired = proof(&[
        sequential(0.0).walls(&[1000.0, 3000.0, 1010.0, 2500.0, 990.0, 1000.0, 1800.0]),
        way("tried", 0.0, 1.9).walls(&[510.0, 1540.0, 520.0, 1270.0, 505.0, 515.0, 920.0]),
    ]);
    paired.runs.reverse();
    assert_eq!(only(&paired).verdict, Verdict::Parallel);
}

#[test]
fn faster_than_possible_is_refused() {
    check(
        &proof(&[sequential(1000.0), way("tried", 266.0, 1.9)]),
        expect![[r#"
        inconclusive
        Inconclusive: it finished sooner than this many workers can, so the runs did not do the same work.
        To decide: check that no run finds results of an earlier one (caches, files), and warm up before measuring."#]],
    );
}

#[test]
fn unrecorded_cpu_time_decides_nothing() {
    check(
        &proof(&[way("sequential", 1000.0, 0.0), way("tried", 500.0, 0.0)]),
        expect![[r#"
            inconclusive
            Inconclusive: the CPU time of the sequential run was not recorded.
            To decide: record the CPU time of the tasks."#]],
    );
}

/// A strategy that gained nothing, with this trace.
fn stuck(drawing: &'static str, cores: f64) -> Proof {
    proof(&[sequential(1000.0), way("tried", 1000.0 / 1.05, cores).drawn(drawing)])
}

#[test]
fn the_interpreter_lock_seen_by_sampling() {
    check(
        &stuck(
            "|aaaaaaaaaa|\n|bbbbbbbbbb|\ncpu a 5\ncpu b 5\ninterpreter a 4\ninterpreter b 5",
            1.0,
        ),
        expect![[r#"
            serialised [interpreter lock]
            Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. The threads waited for the interpreter lock 45 % of their time.
            Use the `processes` backend, or a function that releases the lock."#]],
    );
}

#[test]
fn the_interpreter_lock_counts_from_fifteen_percent_of_thread_time() {
    let waits = |drawing| only(&stuck(drawing, 1.2)).loss.unwrap().name();
    let just_above = "|aaaaaaaaaaaaaaaaaaaa|\n|bbbbbbbbbbbbbbbbbbbb|\ncpu a 6\ncpu b 6\ninterpreter a 7\nrunqueue b 3";
    assert_eq!(waits(just_above), "interpreter lock");
    let at_the_edge = "|aaaaaaaaaaaaaaaaaaaa|\n|bbbbbbbbbbbbbbbbbbbb|\ncpu a 6\ncpu b 6\ninterpreter a 6\nrunqueue b 3";
    assert_eq!(waits(at_the_edge), "waiting");
}

#[test]
fn the_interpreter_lock_without_samples() {
    let drawing = "|aaaaaaaaaa|\n|bbbbbbbbbb|\ncpu a 5\ncpu b 5";
    let threads = |kind, cores, gil: &str| {
        let tried = way("tried", 1000.0 / 1.02, cores).drawn(drawing).kind(kind);
        let mut proof = proof(&[sequential(1000.0), tried]);
        proof.versions.insert("gil".to_owned(), gil.to_owned());
        proof
    };
    check(
        &threads("thread", 1.0, "on"),
        expect![[r#"
        serialised [interpreter lock]
        Not parallel: it used 1.00 cores and finished 1.02 times (1.02 to 1.02) as fast as one task after another. Its threads were in their tasks together, yet only one computed at a time: the interpreter lock.
        Use the `processes` backend, or a function that releases the lock."#]],
    );
    let cause = |proof: Proof| only(&proof).loss.unwrap().name();
    assert_eq!(cause(threads("thread", 1.15, "on")), "interpreter lock");
    assert_eq!(cause(threads("thread", 1.16, "on")), "waiting");
    assert_eq!(cause(threads("process", 1.0, "on")), "waiting");
    assert_eq!(cause(threads("thread", 1.0, "off")), "waiting");
    // Threads that other programs keep off the processors do not wait for the lock.
    let mut kept_off = threads("thread", 1.0, "on");
    for task in kept_off
        .runs
        .iter_mut()
        .filter_map(|run| run.trace.as_mut())
        .flat_map(|trace| &mut trace.tasks)
    {
        task.run_queue_ns = task.ended_ns - task.started_ns;
    }
    assert_eq!(only(&kept_off).verdict.name(), "inconclusive");
}

#[test]
fn other_programs_on_the_processors_decide_nothing() {
    check(
        &stuck(
            "|aaaaaaaaaa|\n|bbbbbbbbbb|\ncpu a 5\ncpu b 5\nrunqueue a 4\nrunqueue b 5",
            1.0,
        ),
        expect![[r#"
            inconclusive
            Inconclusive: other programs were on the processors: the tasks waited for a free one 45 % of the time.
            To decide: close other programs, or measure on an idle machine."#]],
    );
}

#[test]
fn more_workers_than_processors() {
    let queued =
        "|aaaaaaaaaa|\n|bbbbbbbbbb|\n|cccccccccc|\ncpu a 3\ncpu b 3\ncpu c 3\nrunqueue a 7\nrunqueue b 7\nrunqueue c 7";
    let mut crowded = stuck(queued, 1.0);
    crowded.workers = 3;
    crowded
        .runs
        .iter_mut()
        .filter(|run| run.strategy == "tried")
        .for_each(|run| run.workers = 3);
    check(
        &crowded,
        expect![[r#"
        serialised [machine busy]
        Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. The tasks waited for a free processor 70 % of the time.
        Use fewer workers, or close other programs."#]],
    );
}

#[test]
fn a_cpu_limit() {
    let mut limited = stuck(
        "|aaaaaaaaaa|\n|bbbbbbbbbb|\ncpu a 5\ncpu b 5\nrunqueue a 4\nrunqueue b 5",
        1.0,
    );
    (limited.workers, limited.machine) = (4, synthetic::cpus(4));
    limited.machine.cpus_quota = 2.0;
    limited
        .runs
        .iter_mut()
        .filter(|run| run.strategy == "tried")
        .for_each(|run| run.workers = 4);
    check(
        &limited,
        expect![[r#"
        serialised [CPU limit]
        Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. The CPU limit of the control group held the tasks up 45 % of the time.
        Raise the CPU limit, or use as many workers as it allows."#]],
    );
}

#[test]
fn a_busy_machine_does_not_hide_the_interpreter_lock() {
    let both = stuck(
        "|aaaaaaaaaa|\n|bbbbbbbbbb|\ncpu a 3\ncpu b 3\nrunqueue a 5\nrunqueue b 5\ninterpreter a 2\ninterpreter b 2",
        1.0,
    );
    assert_eq!(only(&both).loss.unwrap().name(), "interpreter lock");
    assert!(
        only(&both)
            .evidence
            .iter()
            .any(|line| line.starts_with("machine busy: tasks waited"))
    );
}

#[test]
fn small_tasks() {
    check(
        &stuck("|a.c.e.g.i.|\n|b.d.f.h.j.|\n", 1.0),
        expect![[r#"
        serialised [tasks too small]
        Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. Handing out tasks and moving their data took 44 % of the workers' time.
        Put more work into each task: `ml.map` with a larger `chunksize`, or share large arrays with `ml.share`."#]],
    );
    check(
        &stuck("|aaaaaaaa|\n|bbbbbbbb|\ndecode a 4\ndecode b 4", 1.0),
        expect![[r#"
            serialised [tasks too small]
            Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. Handing out tasks and moving their data took 50 % of the workers' time.
            Put more work into each task: `ml.map` with a larger `chunksize`, or share large arrays with `ml.share`."#]],
    );
}

#[test]
fn uneven_tasks() {
    check(
        &stuck("|aaaaaaaaaa|\n|b.........|", 1.1),
        expect![[r#"
        serialised [uneven tasks]
        Not parallel: it used 1.10 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. Workers that had finished waited for the last ones 45 % of the time.
        Cut the work into more and smaller tasks, the longest first."#]],
    );
}

#[test]
fn a_chain_of_tasks() {
    check(
        &stuck("|aaaa....|\n|....bbbb|\nneeds b a", 1.0),
        expect![[r#"
        serialised [critical path]
        Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. For 50 % of the workers' time there was no task to run: tasks waited for each other or came late.
        Shorten the chain of dependent tasks, or submit tasks earlier."#]],
    );
}

#[test]
fn tasks_that_wait() {
    check(
        &stuck("|aaaaaaaa|\n|bbbbbbbb|\ncpu a 4\ncpu b 4", 1.0),
        expect![[r#"
            serialised [waiting]
            Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. The tasks slept or waited for files, the network or locks 50 % of the time.
            More workers than processors overlap sleeps and waits for input; what waits for a lock needs a shorter hold of it."#]],
    );
}

#[test]
fn tasks_that_slow_each_other_down() {
    check(
        &stuck("|aaaaaaaa|\n|bbbbbbbb|", 2.0),
        expect![[r#"
        serialised [shared memory bandwidth]
        Not parallel: it used 2.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. The same work took more CPU time than alone, 47 % of all: tasks share memory bandwidth or caches.
        Use smaller or more compact data, so that each task's part fits its cache."#]],
    );
}

#[test]
fn workers_that_start() {
    check(
        &stuck("|sssssaaaaa|\n|sssssbbbbb|", 1.0),
        expect![[r#"
        serialised [start-up]
        Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. Workers were still starting 50 % of the time.
        Keep one `Executor` for many calls instead of starting one for each."#]],
    );
}

#[test]
fn time_outside_the_tasks() {
    let mut outside = stuck("|aaaa|\n|bbbb|", 1.0);
    outside.runs.iter_mut().for_each(|run| {
        run.trace
            .iter_mut()
            .flat_map(|trace| &mut trace.tasks)
            .for_each(|task| {
                task.ended_ns -= (task.ended_ns - task.started_ns) / 2;
                task.cpu_ns /= 2;
            });
    });
    check(
        &outside,
        expect![[r#"
        serialised [outside the tasks]
        Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. 50 % of the time passed before the first task and after the last.
        Look at what happens before the first task and after the last: building inputs, joining results."#]],
    );
}

#[test]
fn causes_too_close_to_call() {
    let mut close = stuck("|aaaaaaaaaa|\n|bbbbbbbbbb|\ncpu a 5\ncpu b 5", 1.0);
    // Half of the repeats lose to waiting, half to the run queue.
    for (number, run) in close.runs.iter_mut().enumerate() {
        let waits_in_queue = if number % 2 == 0 { 0.7 } else { 0.3 };
        for task in run.trace.iter_mut().flat_map(|trace| &mut trace.tasks) {
            task.run_queue_ns = (task.cpu_ns as f64 * waits_in_queue) as u64;
        }
    }
    check(
        &close,
        expect![[r#"
        serialised [unknown]
        Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. No single cause stands out: waiting (26 %) and machine busy (24 %) are too close to call.
        Record a trace of the run and look at its timeline."#]],
    );
}

#[test]
fn without_a_trace_no_cause_is_named() {
    check(
        &stuck("", 1.0),
        expect![[r#"
        serialised [unknown]
        Not parallel: it used 1.00 cores and finished 1.05 times (1.05 to 1.05) as fast as one task after another. No trace was recorded that could say why.
        Record a trace of the run and look at its timeline."#]],
    );
}

#[test]
fn the_largest_loss_of_a_parallel_run_is_named() {
    let uneven = way("tried", 600.0, 1.7).drawn("|aaaaaaaaaa|\n|bbbbbbb...|");
    check(
        &proof(&[sequential(1000.0), uneven]),
        expect![[r#"
        parallel [uneven tasks]
        Ran in parallel: it kept 1.70 cores busy and finished 1.67 times (1.67 to 1.67) as fast as one task after another; at most 2 times was possible.
        Cut the work into more and smaller tasks, the longest first."#]],
    );
}

#[test]
fn names_do_not_change_a_verdict() {
    let under = |name| {
        let mut one = only(&proof(&[sequential(1000.0), way(name, 520.0, 1.9)]));
        one.strategy.clear();
        one
    };
    assert_eq!(under("plain threads"), under("multilane processes"));
}

#[track_caller]
fn claim(proof: &Proof, expect: Expect) {
    let judgement = judge(proof);
    let holds = if judgement.claim_holds { "holds" } else { "refused" };
    expect.assert_eq(&format!(
        "{holds}: {}\n{}",
        judgement.headline,
        judgement.refusals.join("\n")
    ));
}

#[test]
fn the_claim() {
    let control = way("plain threads", 1000.0, 1.0);
    let multilane = way("multilane processes", 520.0, 1.9);
    let mut good = proof(&[sequential(1000.0), control.clone(), multilane.clone()]);
    good.function = "module:work".to_owned();
    claim(
        &good,
        expect![[r#"
        holds: `module:work` ran in parallel with multilane processes: 1.92 times as fast on 1.90 cores; plain threads: 1.00 times.
    "#]],
    );
    claim(
        &proof(&[sequential(1000.0), way("plain threads", 510.0, 1.9), multilane.clone()]),
        expect![[r#"
            holds: The work ran in parallel with multilane processes: 1.92 times as fast on 1.90 cores; plain threads are parallel here too: 1.96 times.
        "#]],
    );
    claim(
        &proof(&[sequential(1000.0), way("plain threads", 510.0, 1.9)]),
        expect![[r#"
            refused: No strategy of multilane was measured.
            no strategy ran the work in parallel"#]],
    );
    claim(
        &proof(&[
            sequential(1000.0),
            control.clone(),
            way("multilane threads", 1000.0, 1.0),
        ]),
        expect![[r#"
            refused: The work with multilane threads: not parallel: it used 1.00 cores and finished 1.00 times (1.00 to 1.00) as fast as one task after another. No trace was recorded that could say why.
            no strategy ran the work in parallel"#]],
    );
    good.checks.push(Check {
        name: "results equal".to_owned(),
        passed: false,
        detail: "2 of 7 differ".to_owned(),
    });
    claim(
        &good,
        expect![[r#"
        refused: The claim is refused: check failed: results equal (2 of 7 differ).
        check failed: results equal (2 of 7 differ)"#]],
    );
    claim(
        &Proof::default(),
        expect![[r#"
        refused: No strategy of multilane was measured.
        no strategy ran the work in parallel"#]],
    );
}

#[test]
fn a_control_that_must_fail_and_does_not_refuses_the_claim() {
    let mut proof = proof(&[
        sequential(1000.0),
        way("plain threads", 510.0, 1.9),
        way("multilane processes", 520.0, 1.9),
    ]);
    proof.control_must_fail = true;
    assert!(judge(&proof).claim_holds, "without the lock the control may succeed");
    proof.versions.insert("gil".to_owned(), "on".to_owned());
    claim(
        &proof,
        expect![[r#"
        refused: The claim is refused: plain threads came out parallel although the interpreter lock is on: the measurement is wrong.
        plain threads came out parallel although the interpreter lock is on: the measurement is wrong"#]],
    );
}

#[test]
fn every_measured_count_is_a_point_of_the_scaling() {
    let mut scaling = proof(&[sequential(1000.0), way("tried", 520.0, 1.9)]);
    let single = way("tried", 505.0, 1.0);
    for repeat in 0..7 {
        scaling
            .runs
            .push(synthetic::run(&sequential(500.0), repeat, 1, 1, 500.0));
        scaling.runs.push(synthetic::run(&single, repeat, 1, 2, 505.0));
    }
    let points = judge(&scaling).scaling;
    let shown: Vec<(u32, u32, f64)> = points
        .iter()
        .map(|one| (one.tasks, one.workers, (one.speedup.median * 100.0).round()))
        .collect();
    assert_eq!(shown, [(2, 2, 192.0), (1, 2, 99.0)]);
}
