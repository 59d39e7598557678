//! Gathers the samples of a series by worker count and takes apart what the workers lost.
//!
//! The time of all workers for an operation at `n` workers is what it was at one worker, plus what each cause added.
//! So the losses are differences of shares, and they add up to one minus the efficiency exactly.

use crate::median;

use super::{Beside, Sample, Scaling, ScalingCause};

/// Other programs may use so much of the processors before a sample is set aside.
pub(super) const QUIET: f64 = 0.10;

/// Fewer samples than this have no middle to trust.
pub(super) const LEAST_SAMPLES: usize = 3;

/// Everything measured at one worker count.
pub(super) struct Point<'a> {
    pub(super) workers: u32,
    /// How many samples there are.
    pub(super) all: usize,
    /// Those that other programs disturbed least.
    pub(super) kept: Vec<&'a Sample>,
}

/// A series' points in ascending order of workers.
pub(super) fn points<'a>(scaling: &'a Scaling, key: (&str, &str, &str)) -> Vec<Point<'a>> {
    let processors = f64::from(scaling.machine.cpus_online.max(1));
    let of_series = |sample: &&Sample| {
        (sample.workload.as_str(), sample.size.as_str(), sample.strategy.as_str()) == key
            && sample.beside == Beside::Nothing
            && sample.wall_ns > 0
            && sample.operations > 0
            && sample.workers > 0
    };
    let samples: Vec<&Sample> = scaling.samples.iter().filter(of_series).collect();
    let mut counts: Vec<u32> = samples.iter().map(|sample| sample.workers).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
        .into_iter()
        .map(|workers| {
            let at: Vec<&Sample> = samples
                .iter()
                .copied()
                .filter(|sample| sample.workers == workers)
                .collect();
            Point {
                workers,
                all: at.len(),
                kept: quiet(at, processors),
            }
        })
        .collect()
}

/// The samples on a quiet machine, or the quieter half where it never was.
fn quiet(mut samples: Vec<&Sample>, processors: f64) -> Vec<&Sample> {
    let disturbed = |sample: &Sample| sample.foreign_ns as f64 / (sample.wall_ns as f64 * processors);
    samples.sort_by(|left, right| disturbed(left).total_cmp(&disturbed(right)));
    let calm = samples.iter().filter(|sample| disturbed(sample) <= QUIET).count();
    let keep = if calm >= LEAST_SAMPLES {
        calm
    } else {
        LEAST_SAMPLES.max(samples.len().div_ceil(2))
    };
    samples.truncate(keep);
    samples
}

impl Point<'_> {
    pub(super) fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(&self.kept.iter().map(|sample| of(sample)).collect::<Vec<_>>())
    }

    pub(super) fn throughputs(&self) -> Vec<f64> {
        self.kept.iter().map(|sample| sample.throughput()).collect()
    }

    pub(super) fn throughput(&self) -> f64 {
        self.median(Sample::throughput)
    }

    /// Where the workers' time went in each sample.
    pub(super) fn parts(&self) -> Vec<Parts> {
        self.kept.iter().map(|sample| parts(sample)).collect()
    }

    /// Time of the workers for an operation, without that in which they waited for a processor.
    pub(super) fn unit_ns(&self) -> f64 {
        self.median(Sample::unit_ns)
    }

    /// CPU time of the process over the wall clock.
    pub(super) fn cores_used(&self) -> f64 {
        self.median(|sample| sample.process_cpu_ns.max(sample.cpu_ns) as f64 / sample.wall_ns as f64)
    }

    /// What other programs used, in processors.
    pub(super) fn foreign_cores(&self) -> f64 {
        self.median(|sample| sample.foreign_ns as f64 / sample.wall_ns as f64)
    }

    /// Share of the workers' time.
    pub(super) fn share(&self, of: impl Fn(&Sample) -> u64) -> f64 {
        self.median(|sample| of(sample) as f64 / sample.lane_ns())
    }
}

/// The causes that time is lost to, in the order of [`Parts`].
pub(super) const LOSSES: [ScalingCause; 12] = [
    ScalingCause::InterpreterLock,
    ScalingCause::Lock,
    ScalingCause::Allocator,
    ScalingCause::Waiting,
    ScalingCause::PageFaults,
    ScalingCause::Inflation,
    ScalingCause::TooLittleWork,
    ScalingCause::Imbalance,
    ScalingCause::CriticalPath,
    ScalingCause::Blocked,
    ScalingCause::Submission,
    ScalingCause::DeviceLatency,
];

/// Shares of the time that workers had a processor or did not ask for one, in the order of [`LOSSES`].
///
/// The time that they waited for a processor is left out: other programs cause it as well, and it would hide everything
/// else. Whether it is the limit is asked apart from the losses.
pub(super) type Parts = [f64; LOSSES.len()];

/// Nanoseconds of the workers in the order of [`LOSSES`].
fn times(sample: &Sample) -> [u64; LOSSES.len()] {
    let system_ns = sample.system_ns.min(sample.cpu_ns);
    [
        sample.interpreter_wait_ns,
        sample.lock_wait_ns,
        sample.allocator_wait_ns,
        sample.sleep_ns,
        sample.fault_wait_ns.saturating_add(system_ns),
        sample.cpu_ns - system_ns,
        sample.dispatch_ns,
        sample.idle_ns,
        sample.serial_ns,
        sample.other_wait_ns,
        sample.device.as_ref().map_or(0, |device| device.submission_wait_ns),
        sample.device.as_ref().map_or(0, |device| device.wait_ns),
    ]
}

/// Where the workers' time went in one sample.
pub(super) fn parts(sample: &Sample) -> Parts {
    times(sample).map(|ns| ns as f64 / sample.undelayed_ns())
}

/// The same as shares of all of the workers' time, and the time without a processor beside it.
pub(super) fn shares(sample: &Sample) -> [f64; LOSSES.len() + 1] {
    let lane_ns = sample.lane_ns();
    let all = times(sample);
    std::array::from_fn(|index| all.get(index).copied().unwrap_or(sample.run_delay_ns) as f64 / lane_ns)
}

/// The middle of each share.
pub(super) fn medians<'a, const N: usize>(all: impl Iterator<Item = &'a [f64; N]> + Clone) -> [f64; N] {
    std::array::from_fn(|index| median(&all.clone().map(|parts| parts[index]).collect::<Vec<_>>()))
}

/// What each cause took of the workers' time beyond what it took of one worker's, given the efficiency.
pub(super) fn losses(here: &Parts, alone: &Parts, efficiency: f64) -> Parts {
    std::array::from_fn(|index| here[index] - alone[index] * efficiency)
}
