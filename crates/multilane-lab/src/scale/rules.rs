//! Names what stops a series from growing, from what its workers waited for.
//!
//! The shape of the curve only says where to look: at the largest worker count that the processors can carry when the
//! workers already lose time there, past it when they do not. What is named is a loss that was measured, that is the
//! largest in nearly all resamples, and that explains a good part of what is missing. Nothing else is named.

use crate::{median, statistics::share_of_resamples, thresholds::CERTAIN};

use super::{
    Scaling, ScalingCause, ScalingVerdict,
    points::{LEAST_SAMPLES, LOSSES, Parts, Point, losses, medians},
    words::{self, Facts},
};

/// Workers that lose less than this share of their time scale well enough.
const TOLERATED: f64 = 0.20;

/// A named cause takes at least this share of the workers' time.
const LEAST_SHARE: f64 = 0.10;

/// And this share of what was lost.
const EXPLAINS: f64 = 0.40;

/// Processors that are busy for this share of what may be used are the limit.
const BUSY: f64 = 0.75;

/// Workers that compute, or wait for a processor, for this share of their time want nothing else.
const WANTS_PROCESSORS: f64 = 0.80;

/// Throughput that grows by this factor past the processors is not limited by them.
const STILL_RISES: f64 = 1.3;

/// Workers with a processor for each that wait for one for this share of their time did not run together: what they
/// would do to each other was not seen.
const APART: f64 = 0.25;

/// Stopped by the control group for this share of the time: its limit counts.
const THROTTLED: f64 = 0.10;

/// From this share of time in locks on, idle workers are those that an unfair lock left without work.
const LOCK_SEEN: f64 = 0.03;

/// An operation that takes this share of the run leaves no way of handing out that would end it sooner.
const ONE_IS_ALL: f64 = 0.80;

/// Runs shorter than this are mostly start and end.
const LEAST_WALL_NS: f64 = 2e6;

/// What the rules look at.
pub(super) struct Case<'a> {
    pub(super) scaling: &'a Scaling,
    pub(super) key: (&'a str, &'a str, &'a str),
    points: &'a [Point<'a>],
    pub(super) alone: &'a Point<'a>,
    usable: f64,
    /// Whole processors.
    cores: u32,
}

/// The verdict on a series.
pub(super) fn verdict(scaling: &Scaling, key: (&str, &str, &str), points: &[Point<'_>]) -> ScalingVerdict {
    let Some(alone) = points.first() else {
        return words::inconclusive(0, "nothing was measured", Vec::new());
    };
    let usable = scaling.machine.cpus_usable().max(1.0);
    let case = Case {
        scaling,
        key,
        points,
        alone,
        usable,
        cores: usable.floor() as u32,
    };
    let fewest = points.iter().map(|point| point.kept.len()).min().unwrap_or(0);
    if alone.workers != 1 {
        return words::inconclusive(
            alone.workers,
            "one worker was not measured, so there is nothing to compare with",
            Vec::new(),
        );
    }
    if points.len() < 2 {
        return words::inconclusive(1, "only one worker count was measured", Vec::new());
    }
    if fewest < LEAST_SAMPLES {
        return words::inconclusive(
            1,
            &format!("{fewest} runs at a worker count are too few to tell a difference from noise"),
            Vec::new(),
        );
    }
    if alone.median(|sample| sample.wall_ns as f64) < LEAST_WALL_NS {
        return words::inconclusive(1, "the runs are shorter than 2 ms, too short to measure", Vec::new());
    }
    case.verdict()
}

impl Case<'_> {
    fn verdict(&self) -> ScalingVerdict {
        let top = self.points.last().unwrap_or(self.alone);
        let within = self
            .points
            .iter()
            .rfind(|point| point.workers <= self.cores)
            .unwrap_or(self.alone);
        let gain = top.throughput() / self.alone.throughput();
        // What hands out small operations uses processors as well; that is no library of theirs.
        let handing_out = self.alone.share(|sample| sample.dispatch_ns) > APART;
        let filled = self.alone.cores_used() >= BUSY * self.usable;
        if self.cores >= 2 && filled && !handing_out && gain < STILL_RISES {
            let facts = self.facts(self.alone).and(format!(
                "one worker alone uses {} of {} processors: a library it calls runs threads of its own",
                words::number(self.alone.cores_used()),
                words::number(self.usable)
            ));
            return self.limited(self.alone, facts);
        }
        if within.workers >= 2 && self.lost(within) > TOLERATED {
            return self.largest_loss(within);
        }
        if self.throttled(within) {
            return self.limited(within, self.facts(within));
        }
        for point in [within, self.alone] {
            if self.apart(point) {
                return self.busy_machine(point);
            }
        }
        if top.workers <= self.cores {
            return words::verdict(ScalingCause::None, None, top.workers, self.facts(top));
        }
        self.past_the_processors(within, top)
    }

    fn past_the_processors(&self, within: &Point<'_>, top: &Point<'_>) -> ScalingVerdict {
        let before = self
            .points
            .iter()
            .rfind(|point| point.workers < top.workers)
            .unwrap_or(within);
        let delay = top.share(|sample| sample.run_delay_ns);
        let grown = top.throughput() / before.throughput();
        let wanted = 1.0 + (STILL_RISES - 1.0) * (f64::from(top.workers) / f64::from(before.workers) - 1.0);
        if delay <= APART && grown >= wanted && top.throughput() / within.throughput() >= STILL_RISES {
            let waits = top.share(|sample| sample.sleep_ns + sample.other_wait_ns) >= 0.5;
            let cause = if waits {
                ScalingCause::Waiting
            } else {
                ScalingCause::None
            };
            return words::verdict(cause, None, top.workers, self.facts(top));
        }
        let wants = top.share(|sample| sample.cpu_ns.saturating_add(sample.run_delay_ns));
        // Of `n` workers on `c` processors, those that do not run wait for one: a share of 1 - c / n.
        let queued = delay >= 0.5 * (1.0 - self.usable / f64::from(top.workers));
        if top.cores_used() >= BUSY * self.usable || (wants >= WANTS_PROCESSORS && queued) {
            return self.limited(top, self.facts(top));
        }
        self.largest_loss(top)
    }

    /// The processors are the limit; which of the limits on them.
    fn limited(&self, point: &Point<'_>, facts: Facts) -> ScalingVerdict {
        let machine = &self.scaling.machine;
        let affinity = f64::from(machine.cpus_affinity.max(1));
        let cause = if self.throttled(point) || (machine.cpus_quota > 0.0 && machine.cpus_quota < affinity) {
            ScalingCause::Quota
        } else if machine.cpus_affinity > 0 && machine.cpus_affinity < machine.cpus_online {
            ScalingCause::Affinity
        } else {
            ScalingCause::Cores
        };
        let used = format!(
            "{} of {} usable processors are busy with it at {}",
            words::number(point.cores_used()),
            words::number(self.usable),
            words::workers(point.workers)
        );
        let facts = facts.and(used).and_if(cause == ScalingCause::Affinity, || {
            format!(
                "the affinity mask allows {} of {} processors",
                machine.cpus_affinity, machine.cpus_online
            )
        });
        let facts = facts.and_if(cause == ScalingCause::Quota, || {
            format!(
                "the CPU limit grants {} processors and stopped the workers for {} of their time",
                words::number(machine.cpus_quota),
                words::percent(point.share(|sample| sample.throttled_ns))
            )
        });
        words::verdict(cause, None, point.workers, facts)
    }

    fn busy_machine(&self, point: &Point<'_>) -> ScalingVerdict {
        let facts = self.facts(point).and(format!(
            "workers were ready to run but had no processor for {} of their time, though there is one for each",
            words::percent(point.share(|sample| sample.run_delay_ns))
        ));
        words::verdict(ScalingCause::MachineBusy, None, point.workers, facts)
    }

    /// Names the largest loss at a point, when it is clear.
    fn largest_loss(&self, point: &Point<'_>) -> ScalingVerdict {
        let alone = medians(self.alone.parts().iter());
        let unit_ns = self.alone.unit_ns();
        let all = point.parts();
        let units: Vec<f64> = point.kept.iter().map(|sample| sample.unit_ns()).collect();
        let of = |chosen: &[usize]| -> Parts {
            let here_ns = median(&chosen.iter().map(|index| units[*index]).collect::<Vec<_>>());
            let here = medians(chosen.iter().map(|index| &all[*index]));
            folded(losses(&here, &alone, unit_ns / here_ns))
        };
        let everything: Vec<usize> = (0..all.len()).collect();
        let mut ranked: Vec<(ScalingCause, f64)> = LOSSES.into_iter().zip(of(&everything)).collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
        let [(cause, share), (second, second_share), ..] = ranked[..] else {
            return words::inconclusive(point.workers, "nothing was lost", Vec::new());
        };
        let lost: f64 = ranked.iter().map(|(_, share)| share.max(0.0)).sum();
        let wins = |positions: &[usize]| {
            let found = of(positions);
            let largest = LOSSES
                .iter()
                .zip(found)
                .max_by(|left, right| left.1.total_cmp(&right.1));
            largest.is_some_and(|(largest, _)| *largest == cause)
        };
        let sure = share_of_resamples(point.kept.len(), wins);
        let facts = self
            .facts(point)
            .loss(cause, share, lost)
            .and_if(second_share >= LEAST_SHARE / 2.0, || {
                format!(
                    "next largest: {}, {} of the workers\u{2019} time",
                    words::lost_to(second),
                    words::percent(second_share)
                )
            });
        if share < LEAST_SHARE || share < EXPLAINS * lost || sure < CERTAIN {
            let why = format!(
                "no cause stands out: {} takes {} and {} {} of the workers\u{2019} time",
                words::lost_to(cause),
                words::percent(share),
                words::lost_to(second),
                words::percent(second_share)
            );
            return words::undecided(point.workers, &why, facts.list(), cause);
        }
        let alternative = (second_share >= LEAST_SHARE / 2.0).then_some(second);
        match cause {
            ScalingCause::Inflation => self.inflation(point, facts, alternative),
            ScalingCause::Blocked => words::inconclusive(
                point.workers,
                "the workers are blocked in system calls that nothing here explains",
                facts.list(),
            ),
            // Who has to wait for a processor lets the others wait for what it still has to do.
            ScalingCause::Imbalance | ScalingCause::CriticalPath if self.apart(point) => self.busy_machine(point),
            ScalingCause::Lock => words::verdict(cause, alternative, point.workers, self.holders(point, facts)),
            ScalingCause::Imbalance => self.uneven(point, facts, alternative),
            cause => words::verdict(cause, alternative, point.workers, facts),
        }
    }

    /// Workers are idle: because of how the operations were handed out, or because one of them is as long as the run.
    fn uneven(&self, point: &Point<'_>, facts: Facts, alternative: Option<ScalingCause>) -> ScalingVerdict {
        let longest = point.median(|sample| sample.longest_ns as f64 / sample.wall_ns as f64);
        if longest <= 0.0 {
            return words::verdict(ScalingCause::Imbalance, alternative, point.workers, facts);
        }
        let facts = facts.and(format!(
            "the longest operation takes {} of the run",
            words::percent(longest.min(1.0))
        ));
        let (cause, other) = if longest >= ONE_IS_ALL {
            (ScalingCause::CriticalPath, ScalingCause::Imbalance)
        } else {
            (ScalingCause::Imbalance, ScalingCause::CriticalPath)
        };
        words::verdict(cause, alternative.or(Some(other)), point.workers, facts)
    }

    /// Whether workers that could have had a processor each did not run together.
    fn apart(&self, point: &Point<'_>) -> bool {
        point.workers <= self.cores && point.share(|sample| sample.run_delay_ns) > APART
    }

    fn throttled(&self, point: &Point<'_>) -> bool {
        point.share(|sample| sample.throttled_ns) >= THROTTLED
    }

    /// Share of the workers' time that one worker did not need for as many operations.
    fn lost(&self, point: &Point<'_>) -> f64 {
        1.0 - self.alone.unit_ns() / point.unit_ns()
    }

    fn facts(&self, point: &Point<'_>) -> Facts {
        Facts::of(self.alone, point)
    }
}

/// Losses that belong together: an unfair lock starves workers.
fn folded(mut lost: Parts) -> Parts {
    let [_, lock, _, _, _, _, _, idle, ..] = &mut lost;
    if *lock >= LOCK_SEEN {
        *lock += idle.max(0.0);
        *idle = 0.0;
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_folded_is_where_it_is_said_to_be() {
        let [_, lock, _, _, _, _, _, idle, ..] = LOSSES;
        assert_eq!((lock, idle), (ScalingCause::Lock, ScalingCause::Imbalance));
    }
}
