//! One lane or all of them, where the prediction is too close to be trusted.
//!
//! Both ways are taken in turns, then the one that was predicted, unless the other proved to
//! be quicker; from time to time again, since a busy machine may have decided. Results have the same bits either way, so only
//! time depends on it. Reads no clock: whoever runs the group says how long it took.

use std::sync::atomic::{AtomicU64, Ordering};

use multilane_plan::cost::{DEFAULT_THRESHOLD, Mode, Step};

/// Work of less than this on one lane is not worth finding out about: what it could lose is
/// less than what other programs do to it.
const WORTH_NS: f64 = 100_000.0;

/// From this predicted gain on the prediction is trusted.
const CLEAR: f64 = 1.6;

/// How often each way is taken before the decision.
const TURNS: u64 = 3;

/// Executions after which the decision is made anew.
const ROUND: u64 = 500;

/// The decision for one group, shared by all runs that follow the same script.
#[derive(Debug)]
pub(super) struct Contest {
    /// Whether all lanes are predicted to be worth it; the first turn.
    first_wide: bool,
    /// Predicted nanoseconds on one lane and on all.
    predicted_ns: [f64; 2],
    /// The least that one lane took and that all took, in this round.
    least_ns: [AtomicU64; 2],
    executions: AtomicU64,
}

impl Contest {
    /// For a step whose prediction leaves it open; `None` where it is clear, or too small to matter.
    pub(super) fn of(step: &Step) -> Option<Self> {
        let wide_ns = step.wide_ns?;
        let open = step.sequential_ns >= WORTH_NS && step.sequential_ns < wide_ns * CLEAR;
        let single = matches!(step.mode, Mode::Serial | Mode::Wide);
        (open && single).then(|| Self {
            first_wide: step.mode == Mode::Wide,
            predicted_ns: [step.sequential_ns, wide_ns],
            least_ns: [AtomicU64::new(u64::MAX), AtomicU64::new(u64::MAX)],
            executions: AtomicU64::new(0),
        })
    }

    /// How the group runs this time, and what is predicted for that.
    pub(super) fn next(&self) -> (Mode, f64) {
        let turn = self.executions.fetch_add(1, Ordering::Relaxed) % ROUND;
        if turn == 0 {
            for least in &self.least_ns {
                least.store(u64::MAX, Ordering::Relaxed);
            }
        }
        let wide = if turn < 2 * TURNS {
            turn.is_multiple_of(2) == self.first_wide
        } else {
            self.is_wide_quicker()
        };
        let mode = if wide { Mode::Wide } else { Mode::Serial };
        (mode, self.predicted_ns[usize::from(wide)])
    }

    /// Says what an execution took.
    pub(super) fn note(&self, mode: Mode, ns: u64) {
        self.least_ns[usize::from(mode == Mode::Wide)].fetch_min(ns, Ordering::Relaxed);
    }

    /// The prediction stands unless the times speak clearly against it: all lanes have to be
    /// worth it to be taken after all, and must not be slower to be kept.
    fn is_wide_quicker(&self) -> bool {
        let [one, all] = [0, 1].map(|way| self.least_ns[way].load(Ordering::Relaxed) as f64);
        let wanted = if self.first_wide { 1.0 } else { DEFAULT_THRESHOLD };
        all * wanted <= one
    }
}

#[cfg(test)]
mod tests {
    use multilane_plan::cost::Work;

    use super::*;

    fn step(mode: Mode, sequential_ns: f64, wide_ns: Option<f64>) -> Step {
        Step {
            ops: vec![0],
            mode,
            workers: 2,
            ns: sequential_ns,
            sequential_ns,
            wide_ns,
            work: Work::default(),
            estimate: None,
            body: None,
            iterations: 1.0,
        }
    }

    /// Runs the group so often on a machine where one lane and all take so long; how often all were used.
    fn wide_of(contest: &Contest, executions: usize, one_ns: u64, all_ns: u64) -> usize {
        let once = || {
            let (mode, _) = contest.next();
            contest.note(mode, if mode == Mode::Wide { all_ns } else { one_ns });
            mode == Mode::Wide
        };
        (0..executions).filter(|_| once()).count()
    }

    #[test]
    fn a_wrong_prediction_holds_for_a_few_executions_only() {
        let serial = Contest::of(&step(Mode::Serial, 1e6, Some(1e6))).unwrap();
        assert_eq!(wide_of(&serial, 106, 1_000_000, 600_000), 103);
        let wide = Contest::of(&step(Mode::Wide, 1e6, Some(7e5))).unwrap();
        assert_eq!(wide_of(&wide, 106, 1_000_000, 1_100_000), 3);
    }

    #[test]
    fn a_prediction_stands_where_the_times_are_close_as_well() {
        let serial = Contest::of(&step(Mode::Serial, 1e6, Some(1e6))).unwrap();
        assert_eq!(wide_of(&serial, 106, 1_000_000, 900_000), 3);
        let wide = Contest::of(&step(Mode::Wide, 1e6, Some(7e5))).unwrap();
        assert_eq!(wide_of(&wide, 106, 1_000_000, 900_000), 103);
    }

    #[test]
    fn a_decision_is_made_anew_when_times_change() {
        let contest = Contest::of(&step(Mode::Serial, 1e6, Some(1e6))).unwrap();
        wide_of(&contest, ROUND as usize, 1_000_000, 2_000_000);
        assert_eq!(
            wide_of(&contest, ROUND as usize, 1_000_000, 500_000),
            ROUND as usize - 3
        );
    }

    #[test]
    fn what_is_predicted_follows_the_way_that_is_taken() {
        let contest = Contest::of(&step(Mode::Serial, 1e6, Some(9e5))).unwrap();
        assert_eq!(contest.next(), (Mode::Serial, 1e6));
        assert_eq!(contest.next(), (Mode::Wide, 9e5));
    }

    #[test]
    fn clear_small_and_undivided_groups_are_left_alone() {
        for (mode, one, all) in [
            (Mode::Wide, 1e6, Some(5e5)),
            (Mode::Serial, 5e4, Some(5e4)),
            (Mode::Serial, 1e6, None),
            (Mode::SideBySide, 1e6, Some(1e6)),
        ] {
            assert!(Contest::of(&step(mode, one, all)).is_none(), "{mode:?} {one} {all:?}");
        }
    }
}
