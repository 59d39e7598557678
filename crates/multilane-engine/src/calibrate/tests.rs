//! What a calibration says, without saying how fast anything is.

use multilane_plan::cost::{CostModel, estimate, work_of};
use multilane_plan::text::parse;
use multilane_plan::{CostClass, Lanes, Registry};

use super::*;
use crate::lanes::shared;

#[test]
#[cfg_attr(miri, ignore = "moves many megabytes")]
fn a_calibration_has_a_number_for_everything() {
    let team = shared(Some(2));
    // With little memory there is little to measure.
    let small = Machine {
        memory_bytes: 1 << 27,
        ..machine()
    };
    let model = measure_all(team, &Registry::core(), &Kernels::default(), &small, true);
    assert_eq!(model.cores, 2);
    assert_eq!(model.machine, small.fingerprint());
    for workers in [1, 2] {
        assert!(model.streams.iter().filter(|stream| stream.workers == workers).count() >= 2);
        assert!(model.gathers.iter().filter(|gather| gather.workers == workers).count() >= 2);
    }
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<CostModel>(&text).unwrap().cores, 2);
    let positive = |number: f64| number.is_finite() && number > 0.0;
    assert!(
        model
            .streams
            .iter()
            .all(|s| positive(s.read_bytes_per_ns) && positive(s.write_bytes_per_ns))
    );
    assert!(model.gathers.iter().all(|gather| positive(gather.ns_per_read)));
    for class in [
        CostClass::Arithmetic,
        CostClass::Division,
        CostClass::Transcendental,
        CostClass::Reduction,
    ] {
        assert!(positive(model.ns_of_unit(class)), "{class:?}");
    }
    assert!(positive(model.dispatch_ns) && positive(model.fork_join_ns) && positive(model.run_ns));
    assert!((1.0..=8.0).contains(&model.overlap));
    // More work is predicted to take longer.
    let plan = parse(
        "plan p(%x: f64[n]) { %y = core.sin(%x)\n return %y }",
        &Registry::core(),
    )
    .unwrap();
    let ns = |size: f64| estimate(&work_of(&plan, &Registry::core(), &plan.body.ops[0], &size), &model, 2).ns;
    assert!(ns(1e3) < ns(1e6) && ns(1e6) < ns(1e8));
}

#[test]
fn random_reads_gain_from_workers_and_never_cost_more_in_all() {
    let gather = |workers, ns_per_read| Gather {
        area_bytes: 1e6,
        workers,
        ns_per_read,
    };
    let mut gathers = vec![gather(1, 4.0), gather(2, 9.0), gather(4, 1.0), gather(8, 5.0)];
    level_gathers(&mut gathers);
    let ns: Vec<f64> = gathers.iter().map(|gather| gather.ns_per_read).collect();
    assert_eq!(ns, [4.0, 8.0, 2.0, 5.0]);
}

#[test]
fn what_could_not_be_measured_gains_half_of_what_there_is_to_gain() {
    let one = Passes {
        footprint_bytes: 1e6,
        workers: 1,
        sum_ns: 0.5,
        dot_ns: 1.0,
        scale_ns: 2.0,
        triad_ns: 3.0,
    };
    let four = Passes { workers: 4, ..one };
    assert_eq!(nearest(&[four, one], 3e6).map(|passes| passes.workers), Some(1));
    let three = super::shared(&one, 2e6, 3);
    assert_eq!(
        (
            three.workers,
            three.sum_ns,
            three.dot_ns,
            three.scale_ns,
            three.triad_ns
        ),
        (3, 0.25, 0.5, 1.0, 1.5)
    );
}

#[test]
fn some_lanes_of_a_team_run_every_piece_once() {
    let limited = Limited {
        team: shared(Some(4)),
        lanes: 2,
    };
    let runs: Vec<_> = (0..20).map(|_| std::sync::atomic::AtomicUsize::new(0)).collect();
    limited.run(20, &|piece, lane| {
        assert!(lane < limited.count());
        runs[piece].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(runs.into_iter().all(|runs| runs.into_inner() == 1));
}
