//! Verdicts on operations that a device runs, made up of signals whose cause is known.

use multilane_lab::{DeviceUse, Sample, Scaling, ScalingCause, judge_scaling, scaling_csv};
use multilane_trace::Machine;

/// What a worker does with the time of an operation, and the device with all of it.
#[derive(Clone, Copy, Default)]
struct Goes {
    /// Operations a second of all workers together.
    rate: f64,
    device_wait: f64,
    submission: f64,
    lock: f64,
    idle: f64,
    busy: f64,
}

const COUNTS: [u32; 5] = [1, 2, 4, 8, 16];

/// Seven runs at each worker count; what no wait takes computes.
fn series(strategy: &str, of: impl Fn(u32) -> Goes) -> Vec<Sample> {
    let mut noise = 7u32;
    let mut samples = Vec::new();
    for workers in COUNTS {
        for repeat in 0..7 {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wall_ns = 100e6 * (1.0 + 0.02 * f64::from(noise >> 8) / f64::from(1 << 24));
            let lane_ns = wall_ns * f64::from(workers);
            let goes = of(workers);
            samples.push(Sample {
                workload: "kernel".into(),
                strategy: strategy.into(),
                workers,
                repeat,
                operations: (goes.rate * 0.1) as u64,
                wall_ns: wall_ns as u64,
                cpu_ns: (lane_ns * (1.0 - goes.device_wait - goes.submission - goes.lock - goes.idle)) as u64,
                idle_ns: (lane_ns * goes.idle) as u64,
                lock_wait_ns: (lane_ns * goes.lock) as u64,
                device: Some(DeviceUse {
                    wait_ns: (lane_ns * goes.device_wait) as u64,
                    submission_wait_ns: (lane_ns * goes.submission) as u64,
                    busy_share: goes.busy,
                    at_once: 1.0,
                    submission_ns: 20_000,
                    queues: if strategy.contains("own") { workers } else { 1 },
                }),
                ..Sample::default()
            });
        }
    }
    samples
}

fn sweep(samples: Vec<Sample>) -> Scaling {
    Scaling {
        name: "made up".into(),
        machine: Machine {
            cpus_online: 16,
            cpus_affinity: 16,
            ..Machine::default()
        },
        samples,
        ..Scaling::default()
    }
}

#[track_caller]
fn check(samples: Vec<Sample>, cause: ScalingCause) {
    let judgement = judge_scaling(&sweep(samples));
    let verdict = &judgement.series[0].verdict;
    assert_eq!(verdict.cause, cause, "{verdict:#?}");
    assert_ne!(verdict.alternative, cause);
    assert!(
        verdict
            .evidence
            .iter()
            .any(|fact| fact.contains("the device has an operation under way for")),
        "{verdict:#?}"
    );
}

/// A device that serves so many operations a second, of workers that each ask for so many; the rest of their time they
/// wait for it.
fn served(most: f64, each: f64) -> impl Fn(u32) -> Goes {
    move |workers| {
        let rate = most.min(each * f64::from(workers));
        Goes {
            rate,
            device_wait: 1.0 - 0.1 * rate / (each * f64::from(workers)),
            busy: rate / most,
            ..Goes::default()
        }
    }
}

#[test]
fn a_device_that_works_all_the_time_is_the_limit() {
    check(series("cuda", served(30_000.0, 10_000.0)), ScalingCause::DeviceBusy);
    // From a single worker on, too.
    check(series("cuda", served(10_000.0, 10_000.0)), ScalingCause::DeviceBusy);
}

#[test]
fn workers_that_got_their_answers_first_are_not_uneven_work() {
    let few = |workers: u32| Goes {
        rate: 20.0,
        idle: 0.6 * (1.0 - 1.0 / f64::from(workers)),
        device_wait: 0.9 - 0.6 * (1.0 - 1.0 / f64::from(workers)),
        busy: 1.0,
        ..Goes::default()
    };
    check(series("vulkan", few), ScalingCause::DeviceBusy);
}

#[test]
fn throughput_that_rises_as_far_as_was_measured_has_no_cause() {
    check(series("cuda", served(1e6, 10_000.0)), ScalingCause::None);
}

#[test]
fn one_queue_is_told_from_a_busy_device_by_queues_for_each_worker() {
    let shared = || series("cuda+window=8", served(30_000.0, 10_000.0));
    let own = |most| series("cuda+own+window=8", served(most, 10_000.0));
    check([shared(), own(120_000.0)].concat(), ScalingCause::OneQueue);
    check([shared(), own(31_000.0)].concat(), ScalingCause::DeviceBusy);
    let alone = judge_scaling(&sweep(shared()));
    assert_eq!(alone.series[0].verdict.alternative, ScalingCause::OneQueue);
}

#[test]
fn waiting_for_a_device_that_has_time_is_latency() {
    let late = |workers| Goes {
        busy: 0.3,
        ..served(30_000.0, 10_000.0)(workers)
    };
    check(series("wgpu", late), ScalingCause::DeviceLatency);
}

#[test]
fn submissions_that_take_turns_are_named() {
    let turns = |workers: u32| {
        let free = f64::from(workers.min(2)) / f64::from(workers);
        Goes {
            rate: 10_000.0 * f64::from(workers.min(2)),
            device_wait: 0.3 * free,
            submission: 1.0 - free,
            busy: 0.2,
            ..Goes::default()
        }
    };
    check(series("cuda", turns), ScalingCause::Submission);
    // A driver that spins takes CPU time instead.
    let spins = |workers| Goes {
        submission: 0.0,
        ..turns(workers)
    };
    check(series("cuda", spins), ScalingCause::Submission);
}

#[test]
fn a_lock_around_submission_is_the_cause_where_it_is_faster_without() {
    let turns = |workers: u32, rate: f64| {
        let free = 1.0 / f64::from(workers);
        Goes {
            rate,
            lock: 1.0 - free,
            device_wait: 0.3 * free,
            busy: 0.3,
            ..Goes::default()
        }
    };
    let locked = || series("cuda+lock", |workers| turns(workers, 10_000.0));
    let without = |each: f64| {
        series("cuda", move |workers| {
            turns(workers, 10_000.0 + each * f64::from(workers - 1))
        })
    };
    check(locked(), ScalingCause::Lock);
    check([locked(), without(2_000.0)].concat(), ScalingCause::Lock);
    // The driver's own lock takes its place.
    check([locked(), without(0.0)].concat(), ScalingCause::Submission);
}

#[test]
fn a_full_queue_blocks_submissions_and_is_the_device_all_the_same() {
    let fills = |busy: f64| {
        move |workers: u32| Goes {
            rate: 10_000.0,
            submission: 1.0 - 0.5 / f64::from(workers),
            // With many workers, the driver's own waiting lies between the stamps.
            busy: if workers == 1 { busy } else { 1.0 },
            ..Goes::default()
        }
    };
    check(series("vulkan", fills(0.95)), ScalingCause::DeviceBusy);
    check(series("cuda", fills(0.5)), ScalingCause::Submission);
}

#[test]
fn what_the_device_did_is_in_the_table_of_samples() {
    let table = scaling_csv(&sweep(series("cuda", served(1e6, 10_000.0))));
    let mut lines = table.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .ends_with("device_wait_ns,submission_wait_ns,device_busy_ns")
    );
    assert!(!lines.next().unwrap().ends_with(",0,0,0"));
}
