//! Tables of curves that belong together, holders of locks, and losses that only some sweeps have.

use multilane_lab::{
    Comparison, CurveName, LockSeen, Sample, Scaling, ScalingCause, Table, TableJudgement, judge_scaling, scaling_html,
};
use multilane_trace::Machine;

fn curve(strategy: &str) -> CurveName {
    CurveName {
        workload: "work".into(),
        size: "64".into(),
        strategy: strategy.into(),
    }
}

/// Five runs of a strategy at one and four workers, a few per mille apart.
fn runs(strategy: &str, walls_ns: [u64; 2]) -> Vec<Sample> {
    [1, 4]
        .into_iter()
        .zip(walls_ns)
        .flat_map(|(workers, wall_ns)| {
            (0..5).map(move |repeat| Sample {
                workload: "work".into(),
                size: "64".into(),
                strategy: strategy.into(),
                workers,
                repeat,
                operations: 1000,
                wall_ns: wall_ns + 10_000 * u64::from(repeat),
                cpu_ns: u64::from(workers) * wall_ns,
                ..Sample::default()
            })
        })
        .collect()
}

fn sweep(samples: Vec<Sample>) -> Scaling {
    Scaling {
        machine: Machine {
            cpus_online: 8,
            cpus_affinity: 8,
            ..Machine::default()
        },
        samples,
        ..Scaling::default()
    }
}

/// One table of two strategies, the second held against the first.
fn compared(usual_ns: [u64; 2], other_ns: [u64; 2], same_at_one: bool) -> (Scaling, TableJudgement) {
    let mut scaling = sweep([runs("threads", usual_ns), runs("other", other_ns)].concat());
    scaling.tables = vec![Table {
        title: "Ways <b>".into(),
        note: "Two of them.".into(),
        curves: vec![curve("threads"), curve("other"), curve("never run")],
        comparisons: vec![Comparison {
            what: "the other way".into(),
            usual: curve("threads"),
            other: curve("other"),
            same_at_one,
        }],
    }];
    let table = judge_scaling(&scaling).tables.remove(0);
    (scaling, table)
}

#[track_caller]
fn check(usual_ns: [u64; 2], other_ns: [u64; 2], says: &str, sentence: &str) {
    let (_, table) = compared(usual_ns, other_ns, true);
    let found = &table.differences[0];
    assert_eq!((found.says.as_str(), found.workers), (says, 4), "{}", found.sentence);
    assert!(found.sentence.contains(sentence), "{}", found.sentence);
}

const MS: u64 = 1_000_000;

#[test]
fn a_way_is_held_against_another_at_the_most_workers() {
    check(
        [100 * MS, 25 * MS],
        [100 * MS, 50 * MS],
        "slower",
        "costs 50 % at 4 workers",
    );
    check([100 * MS, 50 * MS], [100 * MS, 25 * MS], "faster", "gives 2");
    check([100 * MS, 50 * MS], [100 * MS, 50 * MS], "same", "makes no difference");
}

#[test]
fn a_control_that_fails_takes_the_table_with_it() {
    check([100 * MS, 50 * MS], [150 * MS, 25 * MS], "invalid", "say nothing");
    // Without a control there is nothing to fail.
    let (_, table) = compared([100 * MS, 50 * MS], [150 * MS, 25 * MS], false);
    assert_eq!(table.differences[0].says, "faster");
    assert_eq!(table.differences[0].control, None);
}

#[test]
fn tables_have_the_curves_that_were_run_and_the_page_has_the_tables() {
    let (scaling, table) = compared([100 * MS, 25 * MS], [100 * MS, 50 * MS], true);
    assert_eq!(table.rows.iter().map(|row| row.series).collect::<Vec<_>>(), [0, 1]);
    let page = scaling_html(&scaling);
    assert!(page.contains("Ways &lt;b&gt;") && page.contains("Two of them.") && page.contains("costs 50"));
    assert!(!page.contains("How far it scales"));
    let nowhere = Scaling {
        samples: Vec::new(),
        ..scaling
    };
    assert!(judge_scaling(&nowhere).tables.is_empty());
}

/// Two workers that lose half of their time to what `lose` sets.
fn losing(lose: impl Fn(&mut Sample, u64)) -> Scaling {
    let mut scaling = sweep(
        [1, 2]
            .into_iter()
            .flat_map(|workers| {
                (0..5).map(move |repeat| Sample {
                    workload: "work".into(),
                    size: "64".into(),
                    strategy: "threads".into(),
                    workers,
                    repeat,
                    operations: 1000,
                    wall_ns: 100 * MS,
                    cpu_ns: 100 * MS,
                    ..Sample::default()
                })
            })
            .collect(),
    );
    for sample in scaling.samples.iter_mut().filter(|sample| sample.workers == 2) {
        lose(sample, 100 * MS);
    }
    scaling
}

#[track_caller]
fn check_cause(scaling: &Scaling, cause: ScalingCause, alternative: ScalingCause) -> Vec<String> {
    let verdict = judge_scaling(scaling).series.remove(0).verdict;
    assert_eq!(
        (verdict.cause, verdict.alternative),
        (cause, alternative),
        "{verdict:#?}"
    );
    assert!(
        !verdict.tell_apart.is_empty() && !verdict.advice.is_empty(),
        "{verdict:#?}"
    );
    verdict.evidence
}

#[test]
fn waiting_for_the_allocator_is_no_other_lock() {
    let scaling = losing(|sample, ns| sample.allocator_wait_ns = ns);
    check_cause(&scaling, ScalingCause::Allocator, ScalingCause::Lock);
}

#[test]
fn one_operation_as_long_as_the_run_is_a_critical_path() {
    let uneven = |longest: f64| {
        losing(move |sample, ns| {
            sample.idle_ns = ns;
            sample.longest_ns = (longest * ns as f64) as u64;
        })
    };
    let evidence = check_cause(&uneven(0.95), ScalingCause::CriticalPath, ScalingCause::Imbalance);
    assert!(evidence.iter().any(|fact| fact.contains("95")), "{evidence:?}");
    check_cause(&uneven(0.2), ScalingCause::Imbalance, ScalingCause::CriticalPath);
    // Where the longest operation is not known, nothing is said of it.
    check_cause(&uneven(0.0), ScalingCause::Imbalance, ScalingCause::CriticalPath);
}

#[test]
fn the_holder_of_a_lock_is_evidence() {
    let mut scaling = losing(|sample, ns| sample.lock_wait_ns = ns);
    let seen = |lock: &str, named: bool, seen: u64| LockSeen {
        workload: "work".into(),
        size: "64".into(),
        strategy: "threads".into(),
        workers: 2,
        lock: lock.into(),
        waits_at: "app.py:7 in take".into(),
        held_at: "app.py:9 in put".into(),
        named,
        seen,
        looks: 100,
    };
    scaling.locks = vec![
        seen("", false, 20),
        seen("lock `table`", true, 60),
        seen("rare", true, 1),
    ];
    // That of another curve is not of this one.
    scaling.locks.push(LockSeen {
        size: "65".into(),
        ..seen("other", true, 99)
    });
    let evidence = check_cause(&scaling, ScalingCause::Lock, ScalingCause::CriticalPath).join("\n");
    for part in [
        "in 60 % of 100 looks a worker waited for lock `table` at app.py:7 in take; its holder took it at app.py:9 in put",
        "waited for a lock at app.py:7 in take; the worker that ran meanwhile was at app.py:9 in put",
    ] {
        assert!(evidence.contains(part), "{evidence}");
    }
    assert!(!evidence.contains("rare") && !evidence.contains("other"), "{evidence}");
}
