//! Tells why the same operation takes more CPU time on more workers: from probes, and from what it moves.
//!
//! One worker was run beside arithmetic in registers and beside streams through memory. What slows it down there is
//! what it lacks on more workers; when nothing does, the workers do it to each other.

use crate::median;

use super::{
    Beside, Sample, ScalingCause, ScalingVerdict,
    points::{LEAST_SAMPLES, Point, QUIET},
    rules::Case,
    words::{self, Facts},
};

/// CPU time that grows by less than this says nothing.
const INFLATED: f64 = 0.10;

/// CPU time that grows by more than this is not other programs' doing.
const BEYOND_OTHERS: f64 = 1.0;

/// What a probe must reproduce of the growth to explain it, and what it may at most when it does not.
const REPRODUCED: f64 = 0.5;
const NOT_REPRODUCED: f64 = 0.3;

/// Share of the measured bandwidth from which on memory is the limit.
const SATURATED: f64 = 0.75;

impl Case<'_> {
    /// What makes the same operation take more CPU time: asked of the probes.
    pub(super) fn inflation(
        &self,
        point: &Point<'_>,
        facts: Facts,
        alternative: Option<ScalingCause>,
    ) -> ScalingVerdict {
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
        // Other programs take from caches and memory as well: what they do looks like what the workers do, though they
        // do not double the time.
        if growth < BEYOND_OTHERS && (self.disturbed(point) || self.disturbed(self.alone)) {
            let why = "the CPU time of an operation grows, but other programs share caches and memory with it";
            return words::inconclusive(point.workers, why, facts.list());
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

    /// Whether other programs used a good part of the machine in the runs that count.
    fn disturbed(&self, point: &Point<'_>) -> bool {
        point.foreign_cores() > QUIET * f64::from(self.scaling.machine.cpus_online.max(1))
    }
}
