//! What one worker does: submits operations, waits for its slots, reads the clock around both.

use std::{
    ops::Add,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use multilane_engine::clock::{self, RunDelay};

use crate::{GpuError, Plan, Session};

/// Where workers' time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// In submission, and between submissions.
    pub submit_ns: u64,
    /// The part of it without a processor: blocked in the driver. Estimated from some of the submissions.
    pub submit_wait_ns: u64,
    /// Waiting for the lock around submission.
    pub lock_wait_ns: u64,
    /// Waiting for the device.
    pub device_wait_ns: u64,
    /// On a processor, spinning for the device included.
    pub cpu_ns: u64,
    /// Ready to run, without a processor.
    pub run_delay_ns: u64,
}

impl Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            submit_ns: self.submit_ns + other.submit_ns,
            submit_wait_ns: self.submit_wait_ns + other.submit_wait_ns,
            lock_wait_ns: self.lock_wait_ns + other.lock_wait_ns,
            device_wait_ns: self.device_wait_ns + other.device_wait_ns,
            cpu_ns: self.cpu_ns + other.cpu_ns,
            run_delay_ns: self.run_delay_ns + other.run_delay_ns,
        }
    }
}

/// What came of a worker.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lane {
    pub(crate) ended_ns: u64,
    pub(crate) submissions: u64,
    pub(crate) spent: Spent,
}

/// One submission in so many has its CPU time read: that takes a system call, the wall clock does not.
const LOOKED_AT: u64 = 16;

/// What the workers of a run have in common.
pub(crate) struct Shared<'a> {
    session: &'a dyn Session,
    plan: Plan,
    queues: u32,
    submissions: u64,
    stamps: u32,
    next: AtomicU64,
    lock: Mutex<()>,
    stop: &'a AtomicBool,
    failed: AtomicBool,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(
        session: &'a dyn Session,
        plan: Plan,
        queues: u32,
        submissions: u64,
        stamps: u32,
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            session,
            plan,
            queues,
            submissions,
            stamps,
            next: AtomicU64::new(0),
            lock: Mutex::new(()),
            stop,
            failed: AtomicBool::new(false),
        }
    }

    /// Lets no worker begin another submission.
    pub(crate) fn stop(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }

    /// Does the work of one worker; `gate` returns when all may start.
    pub(crate) fn lane(&self, number: u32, gate: impl FnOnce()) -> Result<Lane, GpuError> {
        let queue = number % self.queues;
        let first = number * self.plan.window;
        let slots = first..first + self.plan.window;
        let warm_up = || -> Result<(), GpuError> {
            for slot in slots.clone() {
                self.session.submit(queue, slot, None)?;
            }
            slots.clone().try_for_each(|slot| self.session.wait(slot))
        };
        // Whatever comes of it, the others must not wait for this lane.
        let warmed = if self.stopped() { Ok(()) } else { warm_up() };
        if warmed.is_err() {
            self.stop();
        }
        let mut delay = RunDelay::of_this_thread();
        gate();
        warmed?;
        let mut lane = Lane::default();
        let (delay_before, cpu_before) = (delay.read(), clock::thread_cpu_ns());
        let outcome = self.operate(queue, slots.start, &mut lane);
        // What is still in flight must have ended before its memory goes.
        let drained = slots.clone().try_for_each(|slot| self.waited(slot, &mut lane.spent));
        lane.ended_ns = clock::now_ns();
        lane.spent.cpu_ns = clock::thread_cpu_ns().saturating_sub(cpu_before);
        lane.spent.run_delay_ns = delay.read().saturating_sub(delay_before);
        if outcome.is_err() || drained.is_err() {
            self.stop();
        }
        outcome.and(drained).map(|()| lane)
    }

    fn operate(&self, queue: u32, first: u32, lane: &mut Lane) -> Result<(), GpuError> {
        let (mut looked_at_ns, mut on_processor_ns) = (0, 0);
        let mut turn = 0;
        while !self.stopped() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.submissions {
                break;
            }
            let slot = first + turn;
            turn = (turn + 1) % self.plan.window;
            self.waited(slot, &mut lane.spent)?;
            let stamp = u32::try_from(number).ok().filter(|stamp| *stamp < self.stamps);
            let asked_ns = clock::now_ns();
            let guard = self
                .plan
                .lock
                .then(|| self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            let looks = lane.submissions.is_multiple_of(LOOKED_AT);
            let cpu_before = if looks { clock::thread_cpu_ns() } else { 0 };
            let began_ns = clock::now_ns();
            self.session.submit(queue, slot, stamp)?;
            let ended_ns = clock::now_ns();
            if looks {
                on_processor_ns += (clock::thread_cpu_ns() - cpu_before).min(ended_ns - began_ns);
                looked_at_ns += ended_ns - began_ns;
            }
            drop(guard);
            lane.spent.lock_wait_ns += if self.plan.lock { began_ns - asked_ns } else { 0 };
            lane.spent.submit_ns += ended_ns - began_ns;
            lane.submissions += 1;
        }
        if looked_at_ns > 0 {
            let blocked = 1.0 - on_processor_ns as f64 / looked_at_ns as f64;
            lane.spent.submit_wait_ns = (lane.spent.submit_ns as f64 * blocked) as u64;
        }
        Ok(())
    }

    fn waited(&self, slot: u32, spent: &mut Spent) -> Result<(), GpuError> {
        let began_ns = clock::now_ns();
        let outcome = self.session.wait(slot);
        spent.device_wait_ns += clock::now_ns() - began_ns;
        outcome
    }
}
