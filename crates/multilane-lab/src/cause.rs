//! Names what kept work from running in parallel, from the traces of its runs.
//!
//! Every candidate is a share of the workers' time over the whole run, so that
//! they can be ranked; one is named only when it stays the largest in nearly
//! all resamples of the repeats.

use crate::{
    Analysis, Cause, Proof, analyse,
    measure::{Measured, Pair},
    statistics::share_of_resamples,
    thresholds::*,
};

/// The evidence about where a strategy's time went.
pub(crate) struct Losses {
    /// Shares of the workers' time, per run that has a trace.
    shares: Vec<Shares>,
    /// Threads of one process ran tasks at the same time, in every run.
    threads_together: bool,
}

/// Shares of the workers' time in one run, by cause.
struct Shares {
    by_cause: [(Cause, f64); 9],
    /// Of the time that workers spent in tasks.
    interpreter_wait: f64,
    /// Of the time that workers spent in tasks.
    run_queue: f64,
    /// Of the time that workers spent in tasks.
    waiting: f64,
}

/// Reads the traces of a strategy's runs.
pub(crate) fn losses(pairs: &[Pair<'_>]) -> Losses {
    let mut shares = Vec::new();
    let mut threads_together = true;
    for (run, baseline) in pairs {
        let Some(trace) = &run.trace else { continue };
        let analysis = analyse(trace);
        let threads = trace.workers.iter().filter(|worker| worker.kind == "thread").count();
        threads_together &= threads >= 2 && analysis.workers_used >= 2 && analysis.busy_cores >= TURN_TAKING_BUSY;
        let inside = (analysis.makespan_ns as f64 / run.wall_ns as f64).min(1.0);
        let inflation = if run.cpu_ns > 0 {
            1.0 - baseline.cpu_ns as f64 / run.cpu_ns as f64
        } else {
            0.0
        };
        shares.push(Shares::of(&analysis, inside, inflation.max(0.0)));
    }
    threads_together &= !shares.is_empty();
    Losses {
        shares,
        threads_together,
    }
}

impl Shares {
    /// `inside` is the share of the run's wall clock that the trace covers.
    fn of(analysis: &Analysis, inside: f64, inflation: f64) -> Self {
        let parts = analysis.decomposition;
        let in_tasks = parts.useful + parts.serialisation + parts.interpreter_wait + parts.run_queue + parts.waiting;
        let of_tasks = |part: f64| if in_tasks > 0.0 { part / in_tasks } else { 0.0 };
        let by_cause = [
            (Cause::InterpreterLock, parts.interpreter_wait),
            (Cause::RunQueue, parts.run_queue),
            (Cause::SmallTasks, parts.dispatch + parts.serialisation),
            (Cause::Imbalance, parts.load_imbalance),
            (Cause::CriticalPath, parts.serial_fraction),
            (Cause::Waiting, parts.waiting),
            (Cause::Inflation, parts.useful * inflation),
            (Cause::StartUp, parts.start_up),
        ];
        let mut all = [(Cause::OutsideTasks, 1.0 - inside); 9];
        for (place, (cause, share)) in all.iter_mut().zip(by_cause) {
            *place = (cause, share * inside);
        }
        Self {
            by_cause: all,
            interpreter_wait: of_tasks(parts.interpreter_wait),
            run_queue: of_tasks(parts.run_queue),
            waiting: of_tasks(parts.waiting),
        }
    }
}

impl Losses {
    /// Whether any run had a trace.
    pub(crate) fn known(&self) -> bool {
        !self.shares.is_empty()
    }

    /// Mean share of the workers' time per cause, largest first, small ones left out.
    pub(crate) fn ranked(&self) -> Vec<(Cause, f64)> {
        let everything: Vec<usize> = (0..self.shares.len()).collect();
        let mut ranked: Vec<_> = self
            .means(&everything)
            .into_iter()
            .filter(|(_, share)| *share >= MIN_LOSS_SHARE)
            .collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
        ranked
    }

    /// Mean share of thread time that was spent waiting for the interpreter lock.
    pub(crate) fn interpreter_wait(&self) -> f64 {
        self.mean(|shares| shares.interpreter_wait)
    }

    /// Mean share of thread time that was spent waiting for a processor.
    pub(crate) fn run_queue(&self) -> f64 {
        self.mean(|shares| shares.run_queue)
    }

    /// Why the work was not parallel.
    pub(crate) fn cause(&self, proof: &Proof, measured: &Measured) -> Cause {
        if !self.known() {
            return Cause::Unknown;
        }
        let waits_for_lock = |positions: &[usize]| {
            let sum: f64 = positions
                .iter()
                .map(|position| self.shares[*position].interpreter_wait)
                .sum();
            sum / positions.len() as f64 > INTERPRETER_WAIT_SHARE
        };
        if share_of_resamples(self.shares.len(), waits_for_lock) >= CERTAIN || self.takes_turns(proof, measured) {
            return Cause::InterpreterLock;
        }
        self.largest(proof, MIN_LOSS_SHARE).unwrap_or(Cause::Unknown)
    }

    /// The loss that is the largest in nearly all resamples, and at least this large.
    pub(crate) fn largest(&self, proof: &Proof, at_least: f64) -> Option<Cause> {
        let (cause, share) = self.ranked().into_iter().next()?;
        let wins = |positions: &[usize]| {
            let largest = self
                .means(positions)
                .into_iter()
                .max_by(|left, right| left.1.total_cmp(&right.1));
            largest.is_some_and(|(largest, _)| largest == cause)
        };
        if share < at_least || share_of_resamples(self.shares.len(), wins) < CERTAIN {
            return None;
        }
        let limit = proof.machine.cpus_quota;
        let limited = limit > 0.0 && limit < f64::from(proof.workers.min(proof.machine.cpus_affinity));
        Some(if cause == Cause::RunQueue && limited {
            Cause::Quota
        } else {
            cause
        })
    }

    /// Threads of a build with the lock on are in CPU-bound tasks together, yet use
    /// one core and wait for something that the same work alone does not wait for.
    /// Nothing else leaves this mark, even when waits were not sampled.
    fn takes_turns(&self, proof: &Proof, measured: &Measured) -> bool {
        self.threads_together
            && self.mean(|shares| shares.waiting) > INTERPRETER_WAIT_SHARE
            && proof.versions.get("gil").is_some_and(|gil| gil == "on")
            && measured.cores_used.high <= TURN_TAKING_CORES
            && measured.cpu_share >= CPU_BOUND_SHARE
    }

    fn mean(&self, of: impl Fn(&Shares) -> f64) -> f64 {
        self.shares.iter().map(of).sum::<f64>() / self.shares.len().max(1) as f64
    }

    fn means(&self, positions: &[usize]) -> Vec<(Cause, f64)> {
        let Some(first) = self.shares.first() else {
            return Vec::new();
        };
        let mean = |slot: usize| {
            positions
                .iter()
                .map(|position| self.shares[*position].by_cause[slot].1)
                .sum::<f64>()
                / positions.len() as f64
        };
        first
            .by_cause
            .iter()
            .enumerate()
            .map(|(slot, (cause, _))| (*cause, mean(slot)))
            .collect()
    }
}
