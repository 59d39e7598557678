//! How long something usually takes, told apart from what other programs make of it.
//!
//! A sample counts when the measuring thread did not wait for a processor and, of lanes,
//! each did its share of the pieces. What does not count is taken again, for a while.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};

use multilane_plan::{Lanes, Serial};

use crate::clock::{self, RunDelay};

/// How often something is timed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Few {
    /// Something of milliseconds.
    Three,
    /// Something of a fraction of a millisecond.
    Ten,
    /// Something of microseconds.
    Many,
}

impl Few {
    pub(super) fn for_bytes(bytes: usize) -> Self {
        match bytes {
            0..0x10_0000 => Self::Many,
            0x10_0000..0x200_0000 => Self::Ten,
            _ => Self::Three,
        }
    }

    const fn samples(self) -> usize {
        match self {
            Self::Three => 3,
            Self::Ten => 9,
            Self::Many => 100,
        }
    }
}

/// A sample is at least this long, so that reading the clock does not count.
const SAMPLE_NS: u64 = 3_000;

/// Spent on one thing at most for samples that did not count. There are some fifty things.
const PATIENCE_NS: u64 = 30_000_000;

/// A thread that waited for more than this share of a sample was disturbed.
const DISTURBED: f64 = 0.02;

/// Times things on the thread that made it.
pub(super) struct Timer {
    delay: RefCell<RunDelay>,
    spoiled: Cell<usize>,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self {
            delay: RefCell::new(RunDelay::of_this_thread()),
            spoiled: Cell::new(0),
        }
    }

    /// How many things could not be timed without a disturbance.
    pub(super) fn spoiled(&self) -> usize {
        self.spoiled.get()
    }

    /// Counts one more of them.
    pub(super) fn spoil(&self) {
        self.spoiled.set(self.spoiled.get() + 1);
    }

    /// The time of one call on this thread alone: a low quartile, since what disturbs a run only makes it longer.
    pub(super) fn typical_ns(&self, few: Few, mut body: impl FnMut()) -> f64 {
        self.quartile_ns(few, &Serial, |_| body())
            .unwrap_or_else(|disturbed| disturbed)
    }

    /// The same on some lanes; `None` when they were never all at work.
    pub(super) fn shared_ns(&self, few: Few, lanes: &dyn Lanes, body: impl FnMut(&dyn Lanes)) -> Option<f64> {
        self.quartile_ns(few, lanes, body).ok()
    }

    /// The low quartile of the samples that count, else the least of the others without what this thread waited.
    fn quartile_ns(&self, few: Few, lanes: &dyn Lanes, mut body: impl FnMut(&dyn Lanes)) -> Result<f64, f64> {
        let present = Attendance::of(lanes);
        let mut time = |calls: u32| {
            let (waited_ns, start_ns) = (self.delay.borrow_mut().read(), clock::now_ns());
            (0..calls).for_each(|_| body(&present));
            let ns = (clock::now_ns() - start_ns) as f64;
            let waited_ns = self.delay.borrow_mut().read().saturating_sub(waited_ns) as f64;
            let counts = present.take() && waited_ns <= ns * DISTURBED;
            let own_ns = if counts { ns } else { (ns - waited_ns).max(0.0) };
            (own_ns / f64::from(calls), ns, counts)
        };
        // Also brings data into the cache and workers out of their sleep.
        let mut first_ns = time(1).0.max(1.0);
        if first_ns < 1e6 {
            first_ns = first_ns.min(time(1).0).max(1.0);
        }
        let calls = (SAMPLE_NS as f64 / first_ns).ceil().clamp(1.0, 1000.0) as u32;
        let (mut quiet, mut least_disturbed_ns, mut patience_ns) = (Vec::new(), f64::INFINITY, PATIENCE_NS as f64);
        while quiet.len() < few.samples() && patience_ns > 0.0 {
            let (own_ns, whole_ns, counts) = time(calls);
            if counts {
                quiet.push(own_ns);
            } else {
                least_disturbed_ns = least_disturbed_ns.min(own_ns);
                patience_ns -= whole_ns.max(1.0);
            }
        }
        quiet.sort_by(f64::total_cmp);
        match quiet.get(quiet.len() / 4) {
            Some(ns) => Ok(ns.max(0.1)),
            None => {
                self.spoil();
                Err(least_disturbed_ns.max(0.1))
            }
        }
    }
}

/// Lanes that note who ran how many pieces.
struct Attendance<'a> {
    lanes: &'a dyn Lanes,
    pieces: Vec<AtomicUsize>,
}

/// Fewer pieces for each lane than this say nothing about who was there.
const TELLING: usize = 4;

impl<'a> Attendance<'a> {
    fn of(lanes: &'a dyn Lanes) -> Self {
        Self {
            lanes,
            pieces: (0..lanes.count()).map(|_| AtomicUsize::new(0)).collect(),
        }
    }

    /// Whether every lane did its share since the last call, or nothing was shared out.
    fn take(&self) -> bool {
        let pieces: Vec<usize> = self.pieces.iter().map(|lane| lane.swap(0, Ordering::Relaxed)).collect();
        is_fair(&pieces)
    }
}

/// Whether no lane ran less than half of what the average one did.
fn is_fair(pieces: &[usize]) -> bool {
    let (all, least) = (pieces.iter().sum::<usize>(), pieces.iter().min().copied().unwrap_or(0));
    all < TELLING * pieces.len() || 2 * least * pieces.len() >= all
}

impl Lanes for Attendance<'_> {
    fn count(&self) -> usize {
        self.lanes.count()
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        self.lanes.run(pieces, &|piece, lane| {
            self.pieces[lane].fetch_add(1, Ordering::Relaxed);
            body(piece, lane);
        });
    }

    fn stopped(&self) -> bool {
        self.lanes.stopped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_fair_when_none_stays_far_behind() {
        for (pieces, fair) in [
            (&[8, 8][..], true),
            (&[12, 4], true),
            (&[13, 3], false),
            (&[16, 0], false),
            (&[3, 0], true),
            (&[0, 0], true),
            (&[100], true),
            (&[30, 30, 30, 10], false),
        ] {
            assert_eq!(is_fair(pieces), fair, "{pieces:?}");
        }
    }

    /// Two lanes, of which one never comes.
    struct Lonely;

    impl Lanes for Lonely {
        fn count(&self) -> usize {
            2
        }

        fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
            (0..pieces).for_each(|piece| body(piece, 0));
        }
    }

    #[test]
    fn what_one_lane_did_alone_is_not_taken_for_the_work_of_two() {
        let timer = Timer::new();
        // As long as the patience for one thing, so that the test ends at the first sample.
        let long = || {
            let start_ns = clock::now_ns();
            while clock::now_ns() - start_ns < PATIENCE_NS {
                std::hint::spin_loop();
            }
        };
        let ns = timer.shared_ns(Few::Three, &Lonely, |lanes| {
            lanes.run(16, &|piece, _| {
                if piece == 0 {
                    long()
                }
            });
        });
        assert_eq!((ns, timer.spoiled()), (None, 1));
    }
}
