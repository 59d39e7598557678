//! Verdicts on sweeps made up of signals whose cause is known.

use multilane_lab::{Beside, Sample, Scaling, ScalingCause, judge_scaling, scaling_csv, scaling_html};
use multilane_trace::Machine;

/// Nanoseconds of CPU time that an operation takes by itself.
const OPERATION_NS: f64 = 1e6;

/// Where the time of the workers goes at one worker count, as shares; what is left computes.
#[derive(Clone, Copy, Default)]
struct Goes {
    interpreter: f64,
    lock: f64,
    sleep: f64,
    faults: f64,
    kernel: f64,
    dispatch: f64,
    idle: f64,
    serial: f64,
    delay: f64,
    throttled: f64,
    foreign_cores: f64,
    /// CPU time of an operation over what it takes alone.
    inflation: f64,
    bytes: f64,
}

/// Noise of a few per cent from a generator that is not the one under test.
struct Noise(u32);

impl Noise {
    fn factor(&mut self, width: f64) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1.0 + width * (f64::from(self.0 >> 8) / f64::from(1 << 24) - 0.5)
    }
}

fn machine(cpus: u32) -> Machine {
    Machine {
        cpus_online: cpus,
        cpus_affinity: cpus,
        ..Machine::default()
    }
}

/// Seven runs at each worker count.
fn sweep(machine: Machine, points: &[(u32, Goes)]) -> Scaling {
    let mut noise = Noise(3);
    let mut samples = Vec::new();
    for (workers, goes) in points {
        for repeat in 0..7 {
            samples.push(sample(*workers, repeat, *goes, noise.factor(0.04)));
        }
    }
    Scaling {
        name: "made up".into(),
        machine,
        samples,
        ..Scaling::default()
    }
}

fn sample(workers: u32, repeat: u32, goes: Goes, noise: f64) -> Sample {
    let wall_ns = 100e6 * noise;
    let lane_ns = wall_ns * f64::from(workers);
    let ns = |share: f64| (share * lane_ns) as u64;
    let gone =
        goes.interpreter + goes.lock + goes.sleep + goes.faults + goes.dispatch + goes.idle + goes.serial + goes.delay;
    let cpu_ns = (1.0 - gone) * lane_ns;
    let useful_ns = (cpu_ns - goes.kernel * lane_ns) / (1.0 + goes.inflation);
    // What sleeps does so for the same time in every operation.
    let operations = if goes.sleep > 0.9 {
        50.0 * f64::from(workers)
    } else {
        useful_ns / OPERATION_NS
    };
    Sample {
        workload: "made up".into(),
        strategy: "threads".into(),
        workers,
        repeat,
        operations: operations.round().max(1.0) as u64,
        wall_ns: wall_ns as u64,
        cpu_ns: cpu_ns as u64,
        process_cpu_ns: cpu_ns as u64,
        system_ns: ns(goes.kernel),
        interpreter_wait_ns: ns(goes.interpreter),
        lock_wait_ns: ns(goes.lock),
        sleep_ns: ns(goes.sleep),
        fault_wait_ns: ns(goes.faults),
        dispatch_ns: ns(goes.dispatch),
        idle_ns: ns(goes.idle),
        serial_ns: ns(goes.serial),
        run_delay_ns: ns(goes.delay),
        throttled_ns: ns(goes.throttled),
        foreign_ns: (goes.foreign_cores * wall_ns) as u64,
        bytes_per_operation: goes.bytes,
        ..Sample::default()
    }
}

#[track_caller]
fn check(scaling: &Scaling, cause: ScalingCause) {
    let judgement = judge_scaling(scaling);
    let verdict = &judgement.series[0].verdict;
    assert_eq!(verdict.cause, cause, "{verdict:#?}");
    assert_ne!(verdict.alternative, cause);
    assert!(!verdict.tell_apart.is_empty());
}

/// A worker alone, and two and four with the same loss: the loss of the pair decides.
#[track_caller]
fn check_loss(goes: Goes, cause: ScalingCause) {
    check(
        &sweep(
            machine(2),
            &[(1, Goes::default()), (2, goes), (4, Goes { delay: 0.3, ..goes })],
        ),
        cause,
    );
    check(
        &sweep(machine(8), &[(1, Goes::default()), (2, goes), (4, goes), (8, goes)]),
        cause,
    );
}

#[test]
fn each_loss_is_named_for_what_it_is() {
    check_loss(
        Goes {
            interpreter: 0.45,
            ..Goes::default()
        },
        ScalingCause::InterpreterLock,
    );
    check_loss(
        Goes {
            lock: 0.4,
            ..Goes::default()
        },
        ScalingCause::Lock,
    );
    check_loss(
        Goes {
            faults: 0.15,
            kernel: 0.25,
            ..Goes::default()
        },
        ScalingCause::PageFaults,
    );
    check_loss(
        Goes {
            dispatch: 0.5,
            ..Goes::default()
        },
        ScalingCause::TooLittleWork,
    );
    check_loss(
        Goes {
            idle: 0.35,
            ..Goes::default()
        },
        ScalingCause::Imbalance,
    );
    check_loss(
        Goes {
            serial: 0.35,
            ..Goes::default()
        },
        ScalingCause::CriticalPath,
    );
}

#[test]
fn an_unfair_lock_that_leaves_workers_idle_is_a_lock() {
    check_loss(
        Goes {
            lock: 0.2,
            idle: 0.25,
            ..Goes::default()
        },
        ScalingCause::Lock,
    );
}

#[test]
fn two_losses_of_one_size_are_not_decided() {
    check_loss(
        Goes {
            lock: 0.21,
            dispatch: 0.21,
            ..Goes::default()
        },
        ScalingCause::Inconclusive,
    );
}

#[test]
fn what_fills_the_processors_is_limited_by_them() {
    let past = |cpus: f64, workers: f64| Goes {
        delay: 1.0 - cpus / workers,
        ..Goes::default()
    };
    let points = [
        (1, Goes::default()),
        (2, Goes::default()),
        (4, past(2.0, 4.0)),
        (8, past(2.0, 8.0)),
    ];
    check(&sweep(machine(2), &points), ScalingCause::Cores);
    check(&sweep(machine(2), &points[..3]), ScalingCause::Cores);
    check(
        &sweep(
            machine(8),
            &[(1, Goes::default()), (2, Goes::default()), (8, Goes::default())],
        ),
        ScalingCause::None,
    );
    let masked = Machine {
        cpus_online: 8,
        cpus_affinity: 2,
        ..Machine::default()
    };
    check(&sweep(masked, &points), ScalingCause::Affinity);
    let limited = Machine {
        cpus_quota: 2.0,
        ..machine(8)
    };
    check(&sweep(limited, &points), ScalingCause::Quota);
    let one = Machine {
        cpus_quota: 1.0,
        ..machine(8)
    };
    let throttled = Goes {
        delay: 0.5,
        throttled: 0.4,
        ..Goes::default()
    };
    check(
        &sweep(one, &[(1, Goes::default()), (2, throttled)]),
        ScalingCause::Quota,
    );
}

#[test]
fn a_library_with_threads_of_its_own_fills_the_processors_from_one_worker_on() {
    let mut scaling = sweep(
        machine(2),
        &[
            (1, Goes::default()),
            (
                2,
                Goes {
                    delay: 0.5,
                    ..Goes::default()
                },
            ),
        ],
    );
    for sample in &mut scaling.samples {
        sample.process_cpu_ns = (1.95 * sample.wall_ns as f64) as u64;
    }
    check(&scaling, ScalingCause::Cores);
}

#[test]
fn what_hands_out_small_operations_is_no_library_with_threads() {
    let alone = Goes {
        dispatch: 0.6,
        ..Goes::default()
    };
    let pair = Goes {
        dispatch: 0.85,
        ..Goes::default()
    };
    let mut scaling = sweep(machine(2), &[(1, alone), (2, pair)]);
    for sample in &mut scaling.samples {
        sample.process_cpu_ns = (1.7 * sample.wall_ns as f64) as u64;
    }
    check(&scaling, ScalingCause::TooLittleWork);
}

#[test]
fn waits_that_overlap_are_no_plateau() {
    let sleeps = Goes {
        sleep: 0.99,
        ..Goes::default()
    };
    check(
        &sweep(machine(2), &[(1, sleeps), (2, sleeps), (4, sleeps), (16, sleeps)]),
        ScalingCause::Waiting,
    );
}

#[test]
fn other_programs_hide_no_cause_and_are_no_cause_of_the_work() {
    let noisy = |goes: Goes| Goes {
        delay: 0.35,
        foreign_cores: 0.5,
        ..goes
    };
    let alone = Goes {
        foreign_cores: 0.5,
        ..Goes::default()
    };
    let locked = noisy(Goes {
        interpreter: 0.35,
        ..Goes::default()
    });
    check(
        &sweep(machine(2), &[(1, alone), (2, locked)]),
        ScalingCause::InterpreterLock,
    );
    check(
        &sweep(machine(2), &[(1, alone), (2, noisy(Goes::default()))]),
        ScalingCause::MachineBusy,
    );
    // Idle beside workers that other programs keep from working.
    let held_up = noisy(Goes {
        idle: 0.35,
        ..Goes::default()
    });
    check(
        &sweep(machine(2), &[(1, alone), (2, held_up)]),
        ScalingCause::MachineBusy,
    );
    let queued = Goes {
        delay: 0.65,
        foreign_cores: 0.6,
        ..Goes::default()
    };
    check(
        &sweep(machine(2), &[(1, alone), (2, noisy(Goes::default())), (4, queued)]),
        ScalingCause::MachineBusy,
    );
}

#[test]
fn disturbed_runs_are_set_aside_where_there_are_quiet_ones() {
    let mut scaling = sweep(
        machine(2),
        &[
            (1, Goes::default()),
            (2, Goes::default()),
            (
                4,
                Goes {
                    delay: 0.5,
                    ..Goes::default()
                },
            ),
        ],
    );
    let disturbed = Goes {
        delay: 0.5,
        foreign_cores: 1.0,
        ..Goes::default()
    };
    scaling
        .samples
        .extend((0..9).map(|repeat| sample(2, 7 + repeat, disturbed, 1.0)));
    let judgement = judge_scaling(&scaling);
    let point = &judgement.series[0].points[1];
    assert_eq!((point.samples, point.kept), (16, 7));
    assert!(point.speedup.median > 1.9);
    check(&scaling, ScalingCause::Cores);
}

/// One worker beside nothing, arithmetic and memory: CPU time over what it takes alone.
fn probed(mut scaling: Scaling, compute: f64, memory: f64) -> Scaling {
    for (beside, inflation) in [
        (Beside::Nothing, 0.0),
        (Beside::Compute, compute),
        (Beside::Memory, memory),
    ] {
        let goes = Goes {
            inflation,
            ..Goes::default()
        };
        let made = (0..5).map(|repeat| Sample {
            beside,
            ..sample(1, 1000 + repeat, goes, 1.0)
        });
        scaling.samples.extend(made);
    }
    scaling
}

#[test]
fn more_cpu_time_is_explained_by_probes_only() {
    let grown = Goes {
        inflation: 0.9,
        bytes: 1e6,
        ..Goes::default()
    };
    let alone = Goes {
        bytes: 1e6,
        ..Goes::default()
    };
    let scaling = sweep(machine(2), &[(1, alone), (2, grown)]);
    check(&scaling, ScalingCause::Inflation);
    check(&probed(scaling.clone(), 0.02, 0.8), ScalingCause::MemoryBandwidth);
    check(&probed(scaling.clone(), 0.01, 0.05), ScalingCause::SharedLines);
    check(&probed(scaling.clone(), 0.8, 0.85), ScalingCause::SharedCore);
    check(&probed(scaling.clone(), 0.02, 0.38), ScalingCause::Inconclusive);
    // What the operations move is known, and the machine cannot move more.
    check(
        &Scaling {
            bandwidth_limit: 1.1,
            ..scaling.clone()
        },
        ScalingCause::MemoryBandwidth,
    );
    check(
        &Scaling {
            bandwidth_limit: 30.0,
            ..scaling
        },
        ScalingCause::Inflation,
    );
}

#[test]
fn more_cpu_time_beside_other_programs_is_not_explained() {
    let grown = Goes {
        inflation: 0.9,
        foreign_cores: 0.5,
        ..Goes::default()
    };
    let scaling = sweep(machine(2), &[(1, Goes::default()), (2, grown)]);
    check(&probed(scaling, 0.02, 0.8), ScalingCause::Inconclusive);
    let doubled = Goes {
        inflation: 2.0,
        ..grown
    };
    let scaling = sweep(machine(2), &[(1, Goes::default()), (2, doubled)]);
    check(&probed(scaling, 0.02, 0.1), ScalingCause::SharedLines);
}

#[test]
fn too_little_was_measured_to_say_anything() {
    let scaling = sweep(machine(2), &[(1, Goes::default()), (2, Goes::default())]);
    let keep = |keep: &dyn Fn(&Sample) -> bool| Scaling {
        samples: scaling.samples.iter().filter(|sample| keep(sample)).cloned().collect(),
        ..scaling.clone()
    };
    check(&keep(&|sample| sample.workers == 2), ScalingCause::Inconclusive);
    check(&keep(&|sample| sample.workers == 1), ScalingCause::Inconclusive);
    check(&keep(&|sample| sample.repeat < 2), ScalingCause::Inconclusive);
    let mut short = scaling.clone();
    short.samples.iter_mut().for_each(|sample| sample.wall_ns = 1_000_000);
    check(&short, ScalingCause::Inconclusive);
}

#[test]
fn nothing_that_is_read_from_a_file_breaks_a_judgement() {
    for (operations, wall_ns, workers) in [
        (0, 1, 1),
        (1, 0, 1),
        (1, 1, 0),
        (u64::MAX, u64::MAX, u32::MAX),
        (1, 1, 1),
    ] {
        let strange = Sample {
            operations,
            wall_ns,
            workers,
            cpu_ns: u64::MAX / 4,
            bytes_per_operation: f64::NAN,
            ..Sample::default()
        };
        let scaling = Scaling {
            samples: vec![strange; 4],
            bandwidth_limit: f64::INFINITY,
            ..Scaling::default()
        };
        judge_scaling(&scaling);
        assert!(scaling_html(&scaling).starts_with("<!doctype html>"));
        assert_eq!(scaling_csv(&scaling).lines().count(), 5);
    }
}

#[test]
fn the_page_has_table_curves_evidence_and_samples() {
    let mut scaling = sweep(
        machine(2),
        &[
            (1, Goes::default()),
            (
                2,
                Goes {
                    interpreter: 0.45,
                    ..Goes::default()
                },
            ),
        ],
    );
    scaling.name = "</title><script>".into();
    let page = scaling_html(&scaling);
    assert!(!page.contains("</title><script>") && !page.contains("{{") && !page.contains("NaN"));
    for part in [
        "Interpretation",
        "interpreter lock",
        "class=\"curve\"",
        "samples.csv",
        "It could also be",
        "operations a second at one worker",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let kinds = page.matches("<tr>").count();
    assert!(kinds > 3, "{kinds} rows");
}
