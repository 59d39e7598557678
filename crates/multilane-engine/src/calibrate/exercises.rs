//! What dialects want measured: an operation of theirs for each class of work.
//!
//! Runs them on one worker and says what they took and what they had to do; fits nothing.

use multilane_plan::cost::{CostModel, Work, work_of};
use multilane_plan::{CostClass, Kernels, Lanes, Registry, Serial};

use super::timing::{Few, Timer};
use crate::plans::{BufferPool, Control, Program};

/// An operation that was timed.
#[derive(Clone, Debug)]
pub(super) struct Exercised {
    /// What takes most of its time.
    pub(super) class: CostClass,
    pub(super) work: Work,
    /// Without starting and ending the run.
    pub(super) ns: f64,
}

/// Times the exercises of all dialects; those that cannot run are left out.
pub(super) fn exercised(
    timer: &Timer,
    registry: &Registry,
    kernels: &Kernels,
    pool: &BufferPool,
    model: &CostModel,
    lanes: &dyn Lanes,
) -> Vec<Exercised> {
    let all = kernels.exercises().filter_map(|(class, exercise)| {
        let (plan, inputs) = exercise(lanes)?;
        let program = Program::prepare(&plan, registry, kernels).ok()?.with_pool(pool.clone());
        let sizes = program.sizes(&inputs).ok()?;
        let op = plan.body.ops.iter().find(|op| op.constant().is_none())?;
        let work = work_of(&plan, registry, op, &sizes);
        let control = Control::new();
        // What is made once for a value is made here.
        program.run(&inputs, &[], &Serial, &control).ok()?;
        let ns = timer.typical_ns(Few::Ten, || {
            // That it runs was tried.
            let _ = program.run(&inputs, &[], &Serial, &control);
        });
        let ns = (ns - model.run_ns - model.dispatch_ns).max(ns / 2.0);
        Some(Exercised { class, work, ns })
    });
    all.collect()
}
