//! How a caller follows a run and ends it early.
//!
//! Calls the caller's function on the calling thread only, and not more often than asked.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use multilane_plan::Lanes;

use super::times::LaneLog;
use crate::clock;

/// How far the loops of a run are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Iterations of outermost loops that are done, or not needed any more.
    pub done: u64,
    /// The most there can be; 0 for a plan without loops.
    pub total: u64,
}

type Watcher = Box<dyn Fn(Progress) -> bool + Send + Sync>;

/// The caller's hold on a run. One may serve several runs, at the same time or after one another.
#[derive(Default)]
pub struct Control {
    stop: AtomicBool,
    watcher: Option<Watcher>,
    every_ns: u64,
    records_lanes: bool,
}

impl Control {
    /// Nobody watches.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `watcher` on the thread that runs the plan, at most once in `every`, between
    /// operations and between their pieces. The run stops when it answers false.
    pub fn watched(every: Duration, watcher: impl Fn(Progress) -> bool + Send + Sync + 'static) -> Self {
        Self {
            stop: AtomicBool::new(false),
            watcher: Some(Box::new(watcher)),
            every_ns: clock::nanoseconds_of(every),
            records_lanes: false,
        }
    }

    /// Records what every lane does, for a trace; costs about a microsecond for each piece of work.
    #[must_use]
    pub fn recording_lanes(mut self) -> Self {
        self.records_lanes = true;
        self
    }

    pub(super) fn records_lanes(&self) -> bool {
        self.records_lanes
    }

    /// Ends runs with this control, from any thread; they stop within a piece of work.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether somebody called [`Control::stop`].
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Control(stopped: {})", self.is_stopped())
    }
}

thread_local! {
    /// Its address tells threads apart without a system call.
    static MARK: u8 = const { 0 };
}

fn this_thread() -> usize {
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// One run as its kernels see it: the caller's lanes, which also know when to stop.
pub(super) struct Watch<'a> {
    lanes: &'a dyn Lanes,
    control: &'a Control,
    /// What each lane did in the current operation, when it is wanted.
    pub(super) log: Option<LaneLog>,
    caller: usize,
    next_ns: AtomicU64,
    refused: AtomicBool,
    done: AtomicU64,
    total: u64,
}

impl<'a> Watch<'a> {
    pub(super) fn new(lanes: &'a dyn Lanes, control: &'a Control, total: u64, log: Option<LaneLog>) -> Self {
        let first = match control.watcher {
            Some(_) => clock::now_ns().saturating_add(control.every_ns),
            None => u64::MAX,
        };
        Self {
            lanes,
            control,
            log,
            caller: this_thread(),
            next_ns: AtomicU64::new(first),
            refused: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total,
        }
    }

    /// Counts iterations of an outermost loop.
    pub(super) fn advance(&self, iterations: u64) {
        self.done.fetch_add(iterations, Ordering::Relaxed);
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            done: self.done.load(Ordering::Relaxed),
            total: self.total,
        }
    }

    /// Tells the watcher now, such as at the end of a loop.
    pub(super) fn tell(&self) {
        if let Some(watcher) = &self.control.watcher {
            if !watcher(self.progress()) {
                self.refused.store(true, Ordering::Relaxed);
            }
            let next = clock::now_ns().saturating_add(self.control.every_ns);
            self.next_ns.store(next, Ordering::Relaxed);
        }
    }

    fn is_due(&self) -> bool {
        self.control.watcher.is_some()
            && this_thread() == self.caller
            && clock::now_ns() >= self.next_ns.load(Ordering::Relaxed)
    }
}

impl Lanes for Watch<'_> {
    fn count(&self) -> usize {
        self.lanes.count()
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        match &self.log {
            None => self.lanes.run(pieces, body),
            Some(log) => self
                .lanes
                .run(pieces, &|piece, lane| log.note(lane, || body(piece, lane))),
        }
    }

    fn stopped(&self) -> bool {
        if self.is_due() {
            self.tell();
        }
        self.control.is_stopped() || self.refused.load(Ordering::Relaxed) || self.lanes.stopped()
    }
}

/// One lane of a run: for what is too small to share out, and for one of several
/// operations side by side.
pub(super) struct OneLane<'a> {
    pub(super) watch: &'a Watch<'a>,
    /// Whether pieces are to be noted; not when the operation is itself a piece.
    pub(super) notes: bool,
}

impl Lanes for OneLane<'_> {
    fn count(&self) -> usize {
        1
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        let all = || (0..pieces).for_each(|piece| body(piece, 0));
        match &self.watch.log {
            Some(log) if self.notes => log.note(0, all),
            _ => all(),
        }
    }

    fn stopped(&self) -> bool {
        self.watch.stopped()
    }
}
