//! Ending a run early, and following it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use multilane_plan::{Scalar, Value};

use super::{floats, models, plan, prepare};
use crate::lanes::shared;
use crate::plans::{Control, PlanRunError, Progress};

/// Would take some thousand years.
const ENDLESS: &str = "plan endless(%x: f64[n], %k: f64) {
  %no: bool = core.constant false
  %y, %i, %v = core.loop(%x) {count = 1000000000000000, until = true} (%p: f64[n]) {
    %q = core.mul(%p, %k)
    yield %q, %no
  }
  return %y
}";

fn inputs() -> [Value; 2] {
    [floats(&[1.0; 10]), Value::Scalar(Scalar::F64(0.5))]
}

#[test]
fn another_thread_stops_an_endless_loop() {
    for model in models() {
        for lanes in [1, 2] {
            let program = prepare(&plan(ENDLESS)).with_model(model.clone());
            let (control, started) = (Control::new(), Barrier::new(2));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    started.wait();
                    control.stop();
                });
                started.wait();
                let error = program.run(&inputs(), &[], shared(Some(lanes)), &control).unwrap_err();
                assert!(
                    matches!(
                        error,
                        PlanRunError::Stopped {
                            total: 1_000_000_000_000_000,
                            ..
                        }
                    ),
                    "{error}"
                );
            });
        }
    }
}

#[test]
fn the_watcher_follows_and_stops() {
    let seen = Arc::new(AtomicU64::new(0));
    let watcher = {
        let seen = seen.clone();
        move |progress: Progress| {
            assert!(progress.done >= seen.swap(progress.done, Ordering::Relaxed));
            progress.done < 5
        }
    };
    let program = prepare(&plan(ENDLESS));
    let control = Control::watched(Duration::ZERO, watcher);
    let error = program.run(&inputs(), &[], shared(Some(2)), &control).unwrap_err();
    assert_eq!(
        error,
        PlanRunError::Stopped {
            done: 5,
            total: 1_000_000_000_000_000
        }
    );
    assert!(!control.is_stopped());
}

#[test]
fn the_last_word_of_a_run_is_that_it_is_done() {
    let text = "plan p(%x: f64[n], %k: f64) {
        %a, %i, %v = core.loop(%x) {count = 4} (%p: f64[n]) {
          %q = core.mul(%p, %k)
          yield %q
        }
        %b, %j, %w = core.loop(%a) {count = 100, until = true} (%r: f64[n]) {
          %s = core.sum(%r)
          %t = core.lt(%s, %k)
          yield %r, %t
        }
        return %b
    }";
    let last = Arc::new(AtomicU64::new(0));
    let watcher = {
        let last = last.clone();
        move |progress: Progress| {
            assert_eq!(progress.total, 104);
            last.store(progress.done, Ordering::Relaxed);
            true
        }
    };
    let control = Control::watched(Duration::from_secs(3600), watcher);
    prepare(&plan(text))
        .run(&inputs(), &[], shared(Some(2)), &control)
        .unwrap();
    assert_eq!(last.load(Ordering::Relaxed), 104);
}

#[test]
fn a_kernel_that_looks_is_stopped_inside() {
    let plan = plan("plan p(%x: f64[n]) {\n %a = test.endless(%x)\n return %a }");
    for model in models() {
        let program = prepare(&plan).with_model(model);
        let (control, started) = (Control::new(), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                started.wait();
                control.stop();
            });
            started.wait();
            let error = program.run(&inputs()[..1], &[], shared(Some(2)), &control).unwrap_err();
            assert_eq!(error, PlanRunError::Stopped { done: 0, total: 0 });
        });
        // The watcher is asked inside a kernel, too.
        let control = Control::watched(Duration::ZERO, |_| false);
        let error = program.run(&inputs()[..1], &[], shared(Some(2)), &control).unwrap_err();
        assert_eq!(error, PlanRunError::Stopped { done: 0, total: 0 });
    }
}
