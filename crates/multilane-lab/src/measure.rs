//! Pairs every run with the sequential run of its repeat and takes the ratios.

use crate::{BASELINE, Interval, Proof, Run, analyse, bootstrap, median};

/// A run and the sequential run that it is compared with.
pub(crate) type Pair<'a> = (&'a Run, &'a Run);

/// The runs of a strategy with this many tasks and workers, each beside its baseline.
pub(crate) fn pairs<'a>(proof: &'a Proof, strategy: &str, tasks: u32, workers: u32) -> Vec<Pair<'a>> {
    let baseline = |run: &Run| {
        let same_work = |other: &&Run| {
            other.strategy == BASELINE && other.repeat == run.repeat && other.tasks == run.tasks && other.wall_ns > 0
        };
        proof.runs.iter().find(same_work)
    };
    proof
        .runs
        .iter()
        .filter(|run| run.strategy == strategy && run.tasks == tasks && run.workers == workers && run.wall_ns > 0)
        .filter_map(|run| baseline(run).map(|baseline| (run, baseline)))
        .collect()
}

/// What a strategy measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Sequential wall clock over this strategy's.
    pub(crate) speedup: Interval,
    /// CPU time of the tasks over the wall clock.
    pub(crate) cores_used: Interval,
    /// Median wall clock of the sequential runs.
    pub(crate) sequential_ns: f64,
    /// Share of its time that the sequential run wants a processor: 1 when it never waits.
    pub(crate) cpu_share: f64,
    /// Time that the host took, over wall clock and processors.
    pub(crate) steal_share: f64,
}

impl Measured {
    /// Takes the ratios of the pairs.
    pub(crate) fn of(proof: &Proof, pairs: &[Pair<'_>]) -> Self {
        let each = |ratio: &dyn Fn(&Pair<'_>) -> f64| pairs.iter().map(ratio).collect::<Vec<_>>();
        let cpus = f64::from(proof.machine.cpus_online.max(1));
        Self {
            speedup: speedup(pairs),
            cores_used: cores_used(pairs),
            sequential_ns: median(&each(&|(_, baseline)| baseline.wall_ns as f64)),
            cpu_share: median(&each(&|(_, baseline)| cpu_share(baseline))),
            steal_share: median(&each(&|(run, _)| run.steal_ns as f64 / (run.wall_ns as f64 * cpus))),
        }
    }
}

/// Sequential wall clock over this strategy's.
pub(crate) fn speedup(pairs: &[Pair<'_>]) -> Interval {
    let ratios: Vec<f64> = pairs
        .iter()
        .map(|(run, baseline)| baseline.wall_ns as f64 / run.wall_ns as f64)
        .collect();
    bootstrap(&ratios)
}

/// CPU time of the tasks over the wall clock.
pub(crate) fn cores_used(pairs: &[Pair<'_>]) -> Interval {
    bootstrap(&pairs.iter().map(|(run, _)| cores(run)).collect::<Vec<_>>())
}

/// CPU time over wall clock.
fn cores(run: &Run) -> f64 {
    run.cpu_ns as f64 / run.wall_ns as f64
}

/// CPU time over the time that the work would have taken on a free machine.
///
/// Work that other programs kept off the processors did not wait by itself: that
/// time is left out where the trace knows it.
fn cpu_share(run: &Run) -> f64 {
    let kept_off = run.trace.as_ref().map_or(0.0, |trace| {
        let analysis = analyse(trace);
        let makespan_share = (analysis.makespan_ns as f64 / run.wall_ns as f64).min(1.0);
        analysis.decomposition.run_queue * analysis.workers as f64 * makespan_share
    });
    (cores(run) / (1.0 - kept_off.min(0.99))).min(1.0)
}
