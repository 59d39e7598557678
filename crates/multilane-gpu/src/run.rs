//! Runs: workers that start together, submit operations in one of several ways, and say where their time went.
//!
//! Loading the kernel, once for many runs, and a warm-up lie before the common start. A run is timed without stamps; where
//! stamps are wanted, a shorter run beside it makes them, so that they cost the timed one nothing.

use std::{
    sync::{
        Barrier, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use multilane_engine::clock;

use crate::{
    Checked, Device, GpuError, Kernel, Session, Setup,
    busy::{Busy, busy},
    check,
    device::MOST_STAMPS,
    lane::{Lane, Shared, Spent},
};

/// What is run, and how operations are submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The operation.
    pub kernel: Kernel,
    /// Threads that submit.
    pub workers: u32,
    /// A queue for each worker, as far as the device has them, instead of one for all.
    pub own: bool,
    /// A lock around each submission.
    pub lock: bool,
    /// Submissions that a worker has in flight; with one it waits for each.
    pub window: u32,
    /// Operations in a submission.
    pub batch: u32,
}

/// What the workers used together, and what the device did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// From the common start to the last end.
    pub wall_ns: u64,
    /// Operations that were completed.
    pub operations: u64,
    /// Queues they went through.
    pub queues: u32,
    /// Where the workers' time went, summed over them.
    pub spent: Spent,
    /// Done while others still worked, summed over the workers.
    pub idle_ns: u64,
    /// What the device did, and whether its results are right; of a stamped run.
    pub device: Option<(Busy, Checked)>,
}

/// The most workers, and submissions in flight of each.
const MOST_WORKERS: u32 = 1_024;
const MOST_WINDOW: u32 = 1_024;

/// The most operations in a submission.
const MOST_BATCH: u32 = 4_096;

/// A kernel on a device, ready for runs of a plan.
pub struct Loaded {
    plan: Plan,
    queues: u32,
    /// A slot takes one run at a time.
    session: Mutex<Box<dyn Session>>,
}

/// Loads the kernel of a plan.
///
/// # Errors
///
/// The device cannot do this, or failed.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use multilane_gpu::{Kernel, Plan, load, open};
/// let device = open("cpu").unwrap();
/// let kernel = Kernel::Element { elements: 1000, iterations: 10 };
/// let plan = Plan { kernel, workers: 2, own: true, lock: false, window: 2, batch: 1 };
/// let report = load(device.as_ref(), plan).unwrap().run(20, true, &AtomicBool::new(false)).unwrap();
/// let (busy, checked) = report.device.unwrap();
/// assert!(report.operations == 20 && report.queues == 2 && busy.share > 0.0 && checked.holds());
/// ```
pub fn load(device: &dyn Device, plan: Plan) -> Result<Loaded, GpuError> {
    let queues = valid(device, plan)?;
    let session = device.load(Setup {
        kernel: plan.kernel,
        queues,
        slots: plan.workers * plan.window,
        batch: plan.batch,
        stamps: MOST_STAMPS,
    })?;
    Ok(Loaded {
        plan,
        queues,
        session: Mutex::new(session),
    })
}

impl Loaded {
    /// Runs at least so many operations, in whole submissions; with `stamped`, no more than can be stamped.
    ///
    /// A run that `stop` ends early returns [`GpuError::Stopped`].
    ///
    /// # Errors
    ///
    /// The device failed, or was stopped.
    pub fn run(&self, operations: u64, stamped: bool, stop: &AtomicBool) -> Result<Report, GpuError> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = u64::from(self.plan.batch);
        let wanted = operations.max(1).div_ceil(batch);
        let submissions = if stamped {
            wanted.min(u64::from(MOST_STAMPS))
        } else {
            wanted
        };
        let stamps = if stamped { submissions as u32 } else { 0 };
        let shared = Shared::new(session.as_ref(), self.plan, self.queues, submissions, stamps, stop);
        let (started_ns, lanes) = lanes(&shared, self.plan.workers)?;
        let lanes = lanes?;
        if stop.load(Ordering::Relaxed) {
            return Err(GpuError::Stopped);
        }
        let ended_ns = lanes.iter().map(|lane| lane.ended_ns).max().unwrap_or(started_ns);
        Ok(Report {
            wall_ns: ended_ns.saturating_sub(started_ns),
            operations: lanes.iter().map(|lane| lane.submissions).sum::<u64>() * batch,
            queues: self.queues,
            spent: lanes.iter().fold(Spent::default(), |sum, lane| sum + lane.spent),
            idle_ns: lanes.iter().map(|lane| ended_ns - lane.ended_ns).sum(),
            device: if stamped {
                Some(seen(session.as_ref(), self.plan, stamps)?)
            } else {
                None
            },
        })
    }
}

/// What the device says that it did, and what it left.
fn seen(session: &dyn Session, plan: Plan, stamps: u32) -> Result<(Busy, Checked), GpuError> {
    let stamps = session.stamps(stamps)?;
    // The warm-up wrote every slot; that of the first worker was written again in the run.
    let checked = check(plan.kernel, &session.read(0)?);
    Ok((busy(&stamps).unwrap_or_default(), checked))
}

fn valid(device: &dyn Device, plan: Plan) -> Result<u32, GpuError> {
    let facts = device.facts();
    let refuse = |why: String| {
        Err(GpuError::Unsupported {
            route: facts.route,
            device: facts.device.clone(),
            why,
        })
    };
    for (what, value, most) in [
        ("workers", plan.workers, MOST_WORKERS),
        ("submissions in flight", plan.window, MOST_WINDOW),
        ("operations in a submission", plan.batch, MOST_BATCH),
    ] {
        if !(1..=most).contains(&value) {
            return refuse(format!("takes from 1 to {most} {what}, not {value}"));
        }
    }
    if !plan.own {
        return Ok(1);
    }
    if facts.queues < 2 {
        return refuse("has one queue, so a queue for each worker is the same queue".to_owned());
    }
    Ok(plan.workers.min(facts.queues))
}

type Lanes = Result<Vec<Lane>, GpuError>;

/// Runs all lanes; when they started, and what came of them.
fn lanes(shared: &Shared<'_>, workers: u32) -> Result<(u64, Lanes), GpuError> {
    let gate = Barrier::new(workers as usize + 1);
    let results = Mutex::new(Vec::new());
    let mut failed = None;
    let mut started_ns = 0;
    thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map_while(|number| {
                let (gate, results) = (&gate, &results);
                let work = move || {
                    let outcome = shared.lane(number, || {
                        gate.wait();
                        gate.wait();
                    });
                    results.lock().expect("no lane panics with the results").push(outcome);
                };
                match thread::Builder::new()
                    .name(format!("lane-{number}"))
                    .spawn_scoped(scope, work)
                {
                    Ok(handle) => Some(handle),
                    Err(error) => {
                        failed = Some(error.to_string());
                        None
                    }
                }
            })
            .collect();
        if failed.is_some() {
            shared.stop();
            // Those that are missing are no longer waited for: this thread comes to the gate for each of them.
            let missing = workers as usize - handles.len() + 1;
            for _ in 0..2 {
                thread::scope(|inner| {
                    for _ in 1..missing {
                        inner.spawn(|| gate.wait());
                    }
                    gate.wait();
                });
            }
            return;
        }
        gate.wait();
        started_ns = clock::now_ns();
        gate.wait();
    });
    if let Some(why) = failed {
        return Err(GpuError::Failed {
            route: "cpu",
            what: "starting a thread",
            why,
        });
    }
    let results = results.into_inner().expect("no lane panics with the results");
    Ok((started_ns, results.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open;

    fn plan(workers: u32) -> Plan {
        Plan {
            kernel: Kernel::Element {
                elements: 500,
                iterations: 5,
            },
            workers,
            own: false,
            lock: false,
            window: 1,
            batch: 1,
        }
    }

    fn on_cpu(plan: Plan, stamped: bool) -> Result<Report, GpuError> {
        load(open("cpu").unwrap().as_ref(), plan)?.run(100, stamped, &AtomicBool::new(false))
    }

    #[test]
    fn every_way_of_submitting_completes_all_operations_and_is_right() {
        for (own, lock) in [(false, false), (true, false), (false, true), (true, true)] {
            for (window, batch) in [(1, 1), (4, 1), (1, 8), (3, 7)] {
                let plan = Plan {
                    own,
                    lock,
                    window,
                    batch,
                    ..plan(3)
                };
                let report = on_cpu(plan, true).unwrap();
                let (busy, checked) = report.device.unwrap();
                assert_eq!(report.operations, 100u64.next_multiple_of(u64::from(batch)), "{plan:?}");
                assert_eq!(report.queues, if own { 3 } else { 1 }, "{plan:?}");
                assert!(checked.holds() && busy.median_ns > 0, "{plan:?}: {checked:?} {busy:?}");
            }
        }
    }

    #[test]
    fn the_parts_of_the_time_are_no_more_than_the_time() {
        let report = on_cpu(Plan { lock: true, ..plan(4) }, false).unwrap();
        let spent = report.spent;
        let parts = spent.submit_ns + spent.lock_wait_ns + spent.device_wait_ns + report.idle_ns;
        // The lanes read the clock when they wake, a little after the common start.
        assert!(parts <= 4 * report.wall_ns, "{report:?}");
        assert!(spent.device_wait_ns > 0 && report.device.is_none(), "{report:?}");
        assert!(spent.submit_wait_ns <= spent.submit_ns, "{report:?}");
    }

    #[test]
    fn a_run_that_is_stopped_says_so() {
        let loaded = load(open("cpu").unwrap().as_ref(), plan(2)).unwrap();
        assert_eq!(loaded.run(100, false, &AtomicBool::new(true)), Err(GpuError::Stopped));
        // And what is loaded is good for another one.
        assert_eq!(loaded.run(100, true, &AtomicBool::new(false)).unwrap().operations, 100);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for plan in [
            plan(0),
            plan(5000),
            Plan { window: 0, ..plan(1) },
            Plan {
                batch: 10_000,
                ..plan(1)
            },
        ] {
            assert!(
                matches!(on_cpu(plan, false), Err(GpuError::Unsupported { .. })),
                "{plan:?}"
            );
        }
    }
}
