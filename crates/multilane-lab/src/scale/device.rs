//! Names what stops workers that submit operations to a device: the device itself, its queue, or the way to it.
//!
//! Where the workers' time goes says what they wait for; the device's own time stamps say whether it works meanwhile. What
//! one queue or a lock costs is seen by the same operations in the same way but for it, where the sweep has them.

use super::{
    DeviceUse, Sample, ScalingCause, ScalingVerdict,
    points::{LEAST_SAMPLES, Point, points},
    rules::{BUSY, Case, STILL_RISES, TOLERATED},
    words::{self, Facts},
};

/// One queue whose operations, as long as they are alone, fill this share of the time has no room for more.
const FULL: f64 = 0.9;

/// The parts of a strategy's name that give each worker a queue of its own, and put a lock around submission.
const OWN: &str = "own";
const LOCK: &str = "lock";

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
            return words::verdict(
                ScalingCause::None,
                None,
                top.workers,
                self.device_facts(top, self.facts(top)),
            );
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
        let named = |cause, alternative, facts| words::verdict(cause, alternative, point.workers, facts);
        match cause {
            ScalingCause::DeviceLatency | ScalingCause::Submission => {
                let own = self.against(point, OWN);
                let facts = held_against(facts, "through a queue for each worker", own);
                if own.is_some_and(|more| more >= STILL_RISES) {
                    return named(ScalingCause::OneQueue, None, facts);
                }
                let busy = point.of_device(|device| device.busy_share) >= BUSY;
                if busy && (cause == ScalingCause::DeviceLatency || self.full(point)) {
                    // Where queues of their own gave no more, or are what was measured, it is not the queue.
                    let several = point.of_device(|device| f64::from(device.queues)) > 1.0;
                    let alternative = (own.is_some() || several).then_some(ScalingCause::DeviceLatency);
                    return named(ScalingCause::DeviceBusy, alternative, facts);
                }
                named(cause, alternative, facts)
            }
            ScalingCause::Lock => {
                let without = self.against(point, LOCK);
                let facts = held_against(facts, "without the lock", without);
                if without.is_some_and(|more| more < STILL_RISES) {
                    // The driver has a lock as well: without the one around it, the workers take turns there.
                    return named(ScalingCause::Submission, Some(ScalingCause::OneQueue), facts);
                }
                named(cause, alternative.or(Some(ScalingCause::Submission)), facts)
            }
            cause => named(cause, alternative, facts),
        }
    }

    /// Whether one queue is the limit, wherever the workers wait for it.
    pub(super) fn in_one_queue(&self, point: &Point<'_>, cause: ScalingCause) -> bool {
        matches!(cause, ScalingCause::DeviceLatency | ScalingCause::Submission)
            && self.against(point, OWN).is_some_and(|more| more >= STILL_RISES)
    }

    /// Whether the operations that go through one queue, each as long as it is alone, leave it no time.
    ///
    /// With many workers, the time between two stamps has the driver's own waiting in it.
    fn full(&self, point: &Point<'_>) -> bool {
        let each_ns = self.alone.median(|sample| {
            let device = sample.device.as_ref();
            let under_way = device.map_or(0.0, |device| device.busy_share * device.at_once.max(1.0));
            sample.wall_ns as f64 * under_way / sample.operations.max(1) as f64
        });
        point.of_device(|device| f64::from(device.queues)) <= 1.0 && point.throughput() * each_ns / 1e9 >= FULL
    }

    /// Throughput of the same operations, in the same way but with or without a part of it, over that of this series.
    fn against(&self, point: &Point<'_>, part: &str) -> Option<f64> {
        let (workload, size, strategy) = self.key;
        let mut wanted: Vec<&str> = strategy.split('+').collect();
        match (part, wanted.iter().position(|has| *has == part)) {
            (LOCK, Some(place)) => drop(wanted.remove(place)),
            (OWN, None) => wanted.push(OWN),
            _ => return None,
        }
        wanted.sort_unstable();
        let same = |other: &str| {
            let mut parts: Vec<&str> = other.split('+').collect();
            parts.sort_unstable();
            parts == wanted
        };
        let mut series = self.scaling.series().into_iter();
        let key = series.find(|key| (key.0, key.1) == (workload, size) && same(key.2))?;
        let sibling = points(self.scaling, key);
        let there = sibling.iter().find(|other| other.workers == point.workers)?;
        (there.kept.len() >= LEAST_SAMPLES).then(|| there.throughput() / point.throughput())
    }

    pub(super) fn device_facts(&self, point: &Point<'_>, facts: Facts) -> Facts {
        let device = |of: fn(&DeviceUse) -> f64| point.of_device(of);
        facts
            .and(format!(
                "the device has an operation under way for {} of the time at {}, {} at one",
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

/// Adds what the same operations did in another way, where that was measured.
fn held_against(facts: Facts, way: &str, more: Option<f64>) -> Facts {
    match more {
        Some(more) => facts.and(format!("{way}: {}\u{d7} as many", words::number(more))),
        None => facts,
    }
}
