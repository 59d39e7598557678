//! Names what stops a series from growing, from what its workers waited for.
//!
//! The shape of the curve only says where to look: at the largest worker count that the processors can carry when the
//! workers already lose time there, past it when they do not. What is named is a loss that was measured, that is the
//! largest in nearly all resamples, and that explains a good part of what is missing. Nothing else is named.

use crate::{median, statistics::share_of_resamples, thresholds::CERTAIN};

use super::{
    Beside, Sample, Scaling, ScalingCause, ScalingVerdict,
    points::{LEAST_SAMPLES, LOSSES, Parts, Point, losses, median_parts, parts},
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

/// Throughput that grows by this factor past the processors is not limited by them.
const STILL_RISES: f64 = 1.3;

/// Stopped by the control group for this share of the time: its limit counts.
const THROTTLED: f64 = 0.10;

/// From this share of time in locks on, idle workers are those that an unfair lock left without work.
const LOCK_SEEN: f64 = 0.03;

/// CPU time that grows by less than this says nothing.
const INFLATED: f64 = 0.10;

/// What a probe must reproduce of the growth to explain it, and what it may at most when it does not.
const REPRODUCED: f64 = 0.5;
const NOT_REPRODUCED: f64 = 0.3;

/// Share of the measured bandwidth from which on memory is the limit.
const SATURATED: f64 = 0.75;

/// Runs shorter than this are mostly start and end.
const LEAST_WALL_NS: f64 = 2e6;

/// What the rules look at.
struct Case<'a> {
    scaling: &'a Scaling,
    key: (&'a str, &'a str, &'a str),
    points: &'a [Point<'a>],
    alone: &'a Point<'a>,
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
        if self.cores >= 2 && self.alone.cores_used() >= BUSY * self.usable && gain < STILL_RISES {
            let facts = self.facts(self.alone).and(format!(
                "one worker alone uses {} of {} processors: a library it calls runs threads of its own",
                words::number(self.alone.cores_used()),
                words::number(self.usable)
            ));
            return self.limited(self.alone, facts);
        }
        if within.workers >= 2 {
            let lost = self.lost(within);
            if self.efficient(within) < 1.0 - TOLERATED && lost.without_delay > TOLERATED {
                return self.from_losses(within);
            }
            if self.throttled(within) {
                return self.limited(within, self.facts(within));
            }
        }
        if top.workers <= self.cores {
            if self.lost(top).all > TOLERATED {
                return self.busy_machine(top);
            }
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
        let grown = top.throughput() / before.throughput();
        let wanted = 1.0 + (STILL_RISES - 1.0) * (f64::from(top.workers) / f64::from(before.workers) - 1.0);
        if grown >= wanted && top.throughput() / within.throughput() >= STILL_RISES {
            let facts = self.facts(top);
            let waits = top.share(|sample| sample.sleep_ns) >= 0.5;
            return words::verdict(
                if waits {
                    ScalingCause::Waiting
                } else {
                    ScalingCause::None
                },
                None,
                top.workers,
                facts,
            );
        }
        if top.cores_used() + top.foreign_cores() >= BUSY * self.usable {
            return self.limited(top, self.facts(top));
        }
        self.from_losses(top)
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
    fn from_losses(&self, point: &Point<'_>) -> ScalingVerdict {
        let alone = median_parts(self.alone.parts().iter());
        let unit = self.alone.throughput();
        let (all, throughputs) = (point.parts(), point.throughputs());
        let of = |chosen: &[usize]| -> Parts {
            let throughput = median(&chosen.iter().map(|index| throughputs[*index]).collect::<Vec<_>>());
            let efficiency = throughput / unit / f64::from(point.workers);
            let here = median_parts(chosen.iter().map(|index| &all[*index]));
            self.folded(losses(&here, &alone, efficiency), point)
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
            return words::inconclusive(point.workers, &why, facts.list());
        }
        let alternative = (second_share >= LEAST_SHARE / 2.0).then_some(second);
        match cause {
            ScalingCause::Inflation => self.inflation(point, facts, alternative),
            ScalingCause::Cores if self.throttled(point) || point.workers > self.cores => self.limited(point, facts),
            ScalingCause::Cores => self.busy_machine(point),
            ScalingCause::Waiting => words::verdict(cause, alternative, point.workers, facts),
            ScalingCause::Blocked => words::inconclusive(
                point.workers,
                "the workers are blocked in system calls that nothing here explains",
                facts.list(),
            ),
            cause => words::verdict(cause, alternative, point.workers, facts),
        }
    }

    /// Losses that belong together: an unfair lock starves workers, and other programs delay them.
    fn folded(&self, mut lost: Parts, point: &Point<'_>) -> Parts {
        let [_, lock, _, _, _, _, idle, _, delay, _] = &mut lost;
        if *lock >= LOCK_SEEN {
            *lock += idle.max(0.0);
            *idle = 0.0;
        }
        // With a processor for each worker, a delay is other programs' doing and hides no cause of the work's own.
        if point.workers <= self.cores && !self.throttled(point) {
            *delay = 0.0;
        }
        lost
    }

    /// What makes the same operation take more CPU time: asked of the probes.
    fn inflation(&self, point: &Point<'_>, facts: Facts, alternative: Option<ScalingCause>) -> ScalingVerdict {
        let alone = self.alone.median(Sample::cpu_per_operation);
        let growth = point.median(Sample::cpu_per_operation) / alone - 1.0;
        let facts = facts.and(format!(
            "an operation takes {} of CPU time at {}, {} at one",
            words::nanoseconds(alone * (1.0 + growth)),
            words::workers(point.workers),
            words::nanoseconds(alone)
        ));
        if growth < INFLATED {
            return words::inconclusive(point.workers, "the CPU time of an operation hardly grows", facts.list());
        }
        let (facts, saturated) = self.bandwidth(point, facts);
        let beside = |what: Beside| self.beside(what);
        let (Some(nothing), Some(compute), Some(memory)) =
            (beside(Beside::Nothing), beside(Beside::Compute), beside(Beside::Memory))
        else {
            if saturated {
                return words::verdict(ScalingCause::MemoryBandwidth, alternative, point.workers, facts);
            }
            return words::verdict(
                ScalingCause::Inflation,
                Some(ScalingCause::MemoryBandwidth),
                point.workers,
                facts,
            );
        };
        let (compute, memory) = (compute / nothing - 1.0, memory / nothing - 1.0);
        let facts = facts
            .and(format!(
                "one worker beside streams through memory: {} more CPU time an operation",
                words::percent(memory.max(0.0))
            ))
            .and(format!(
                "one worker beside arithmetic in registers: {} more",
                words::percent(compute.max(0.0))
            ));
        // A machine too disturbed to probe reproduces anything: then the two probes agree and say nothing.
        let cause = if compute >= REPRODUCED * growth {
            ScalingCause::SharedCore
        } else if memory - compute.max(0.0) >= REPRODUCED * growth || (saturated && memory > compute) {
            ScalingCause::MemoryBandwidth
        } else if memory.max(compute) <= NOT_REPRODUCED * growth {
            ScalingCause::SharedLines
        } else {
            return words::inconclusive(
                point.workers,
                "the probes reproduce some of it, not enough to name them",
                facts.list(),
            );
        };
        words::verdict(cause, alternative, point.workers, facts)
    }

    /// CPU time of an operation on one worker while something else runs.
    fn beside(&self, what: Beside) -> Option<f64> {
        let times: Vec<f64> = self
            .scaling
            .samples
            .iter()
            .filter(|sample| {
                (sample.workload.as_str(), sample.size.as_str(), sample.strategy.as_str()) == self.key
                    && sample.beside == what
                    && sample.workers == 1
                    && sample.operations > 0
            })
            .map(Sample::cpu_per_operation)
            .collect();
        (times.len() >= LEAST_SAMPLES).then(|| median(&times))
    }

    /// What the operations move, against what the machine can; whether they reach it.
    fn bandwidth(&self, point: &Point<'_>, facts: Facts) -> (Facts, bool) {
        let limit = self.scaling.bandwidth_limit;
        let moved =
            point.median(|sample| sample.operations as f64 * sample.bytes_per_operation / sample.wall_ns as f64);
        if limit <= 0.0 || moved <= 0.0 {
            return (facts, false);
        }
        let fact = format!(
            "the operations move {} GB/s, {} of the {} GB/s that all processors together were measured to move",
            words::number(moved),
            words::percent(moved / limit),
            words::number(limit)
        );
        (facts.and(fact), moved >= SATURATED * limit)
    }

    fn throttled(&self, point: &Point<'_>) -> bool {
        point.share(|sample| sample.throttled_ns) >= THROTTLED
    }

    fn efficient(&self, point: &Point<'_>) -> f64 {
        point.throughput() / self.alone.throughput() / f64::from(point.workers)
    }

    /// What the workers lose at a point, with and without the time that they had no processor.
    fn lost(&self, point: &Point<'_>) -> Lost {
        let all = 1.0 - self.efficient(point);
        let mean =
            |point: &Point<'_>| median(&point.kept.iter().map(|sample| parts(sample)[DELAY]).collect::<Vec<_>>());
        let delay = mean(point) - mean(self.alone) * (1.0 - all);
        Lost {
            all,
            without_delay: all - delay.max(0.0),
        }
    }

    fn facts(&self, point: &Point<'_>) -> Facts {
        Facts::of(self.alone, point)
    }
}

/// Where the run-queue delay stands in [`LOSSES`].
const DELAY: usize = 8;

struct Lost {
    all: f64,
    without_delay: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_where_it_is_said_to_be() {
        assert_eq!(LOSSES[DELAY], ScalingCause::Cores);
        let sample = Sample {
            workers: 1,
            wall_ns: 10,
            run_delay_ns: 5,
            ..Sample::default()
        };
        assert_eq!(parts(&sample)[DELAY], 0.5);
    }
}
