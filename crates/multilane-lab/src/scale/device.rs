//! Names what stops workers that submit operations to a device: the device itself, its queue, or the way to it.
//!
//! A device that works all the time is the limit, wherever its workers wait. Whether one queue keeps it from doing more
//! is seen by the same operations through a queue for each worker, where the sweep has them.

use super::{
    DeviceUse, Sample, ScalingCause, ScalingVerdict,
    points::{LEAST_SAMPLES, Point, points},
    rules::{BUSY, Case, STILL_RISES, TOLERATED},
    words::{self, Facts},
};

/// A device that works for this share of the time is the limit, whatever its workers wait in: they fill its queue.
const ALL_THE_TIME: f64 = 0.9;

/// The part of a strategy's name that gives each worker a queue of its own.
const OWN: &str = "own";

impl Point<'_> {
    /// Whether a device ran the operations.
    pub(super) fn on_device(&self) -> bool {
        self.kept.iter().all(|sample| sample.device.is_some())
    }

    fn of_device(&self, of: impl Fn(&DeviceUse) -> f64) -> f64 {
        self.median(|sample: &Sample| sample.device.as_ref().map_or(0.0, &of))
    }
}

impl Case<'_> {
    /// The verdict on operations that a device runs.
    pub(super) fn on_device(&self, top: &Point<'_>) -> ScalingVerdict {
        if (top.workers > 1 && self.still_rises(top)) || self.lost(top) <= TOLERATED {
            return words::verdict(ScalingCause::None, None, top.workers, self.device_facts(top, self.facts(top)));
        }
        if top.of_device(|device| device.busy_share) >= ALL_THE_TIME {
            return self.busy(top, self.facts(top));
        }
        self.largest_loss(top)
    }

    /// The verdict where the largest loss is known.
    pub(super) fn device_loss(
        &self,
        point: &Point<'_>,
        cause: ScalingCause,
        facts: Facts,
        alternative: Option<ScalingCause>,
    ) -> ScalingVerdict {
        match cause {
            ScalingCause::DeviceLatency if point.of_device(|device| device.busy_share) >= BUSY => self.busy(point, facts),
            ScalingCause::DeviceLatency => match self.through_own_queues(point) {
                Some(more) if more >= STILL_RISES => self.one_queue(point, facts, more),
                _ => words::verdict(cause, alternative, point.workers, self.device_facts(point, facts)),
            },
            // The driver spins before it blocks: a submission that takes more CPU time waits for others as well.
            ScalingCause::Inflation | ScalingCause::Submission => {
                let facts = self.device_facts(point, facts);
                words::verdict(ScalingCause::Submission, alternative, point.workers, facts)
            }
            cause => words::verdict(cause, alternative, point.workers, self.device_facts(point, facts)),
        }
    }

    /// The device works all the time; is it the queue that lets it do no more at once?
    fn busy(&self, point: &Point<'_>, facts: Facts) -> ScalingVerdict {
        let own = self.through_own_queues(point);
        if let Some(more) = own.filter(|more| *more >= STILL_RISES) {
            return self.one_queue(point, facts, more);
        }
        let facts = self.device_facts(point, facts).and_if(own.is_some(), || {
            format!(
                "through a queue for each worker: {}\u{d7} as many",
                words::number(own.unwrap_or(1.0))
            )
        });
        // Where own queues gave no more, or are what was measured, it is not the queue.
        let several = point.of_device(|device| f64::from(device.queues)) > 1.0;
        let alternative = (own.is_some() || several).then_some(ScalingCause::DeviceLatency);
        words::verdict(ScalingCause::DeviceBusy, alternative, point.workers, facts)
    }

    fn one_queue(&self, point: &Point<'_>, facts: Facts, more: f64) -> ScalingVerdict {
        let facts = self.device_facts(point, facts).and(format!(
            "through a queue for each worker: {}\u{d7} as many",
            words::number(more)
        ));
        words::verdict(ScalingCause::OneQueue, None, point.workers, facts)
    }

    /// Throughput of the same operations, in the same way but through a queue for each worker, over that of this series.
    fn through_own_queues(&self, point: &Point<'_>) -> Option<f64> {
        let (workload, size, strategy) = self.key;
        let mut wanted: Vec<&str> = strategy.split('+').collect();
        if wanted.contains(&OWN) {
            return None;
        }
        wanted.push(OWN);
        wanted.sort_unstable();
        let same = |other: &str| {
            let mut parts: Vec<&str> = other.split('+').collect();
            parts.sort_unstable();
            parts == wanted
        };
        let key = self
            .scaling
            .series()
            .into_iter()
            .find(|key| (key.0, key.1) == (workload, size) && same(key.2))?;
        let sibling = points(self.scaling, key);
        let there = sibling.iter().find(|other| other.workers == point.workers)?;
        (there.kept.len() >= LEAST_SAMPLES).then(|| there.throughput() / point.throughput())
    }

    fn device_facts(&self, point: &Point<'_>, facts: Facts) -> Facts {
        let device = |of: fn(&DeviceUse) -> f64| point.of_device(of);
        facts
            .and(format!(
                "the device works for {} of the time at {}, {} at one",
                words::percent(device(|device| device.busy_share)),
                words::workers(point.workers),
                words::percent(self.alone.of_device(|device| device.busy_share))
            ))
            .and(format!(
                "a submission takes {} on the device, {} under way at a time",
                words::nanoseconds(device(|device| device.submission_ns as f64)),
                words::number(device(|device| device.at_once))
            ))
    }
}
