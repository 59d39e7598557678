//! The verdict on a proof: read from its data, never from a strategy's name.
//!
//! The baseline is found by its name and the control is excused from multilane's
//! claim by its name; how a strategy is judged does not depend on it.

use crate::{
    BASELINE, CONTROL, Cause, Interval, Judgement, Proof, ScalePoint, StrategyVerdict, Verdict,
    cause::{Losses, losses},
    measure::{Measured, Pair, cores_used, pairs, speedup},
    parts,
    thresholds::*,
    words,
};

/// Judges every strategy and the claim as a whole.
pub fn judge(proof: &Proof) -> Judgement {
    let strategies: Vec<StrategyVerdict> = proof
        .strategies()
        .into_iter()
        .filter(|strategy| *strategy != BASELINE)
        .map(|strategy| judge_strategy(proof, strategy))
        .collect();
    let parts: Vec<_> = proof.parts.iter().map(parts::judge_part).collect();
    let refusals = refusals(proof, &strategies, &parts);
    let mut judgement = Judgement {
        strategies,
        scaling: scaling(proof),
        parts,
        headline: String::new(),
        claim_holds: refusals.is_empty(),
        refusals,
    };
    judgement.headline = words::headline(proof, &judgement);
    judgement
}

/// The parallel strategy with the largest speed-up, the control left out.
pub(crate) fn best(strategies: &[StrategyVerdict]) -> Option<&StrategyVerdict> {
    strategies
        .iter()
        .filter(|strategy| strategy.strategy != CONTROL && strategy.verdict == Verdict::Parallel)
        .max_by(|left, right| left.speedup.median.total_cmp(&right.speedup.median))
}

/// Whether pure Python in threads came out parallel although it cannot have.
pub(crate) fn control_misbehaved(proof: &Proof, strategies: &[StrategyVerdict]) -> bool {
    let gil_on = proof.versions.get("gil").is_some_and(|gil| gil == "on");
    let parallel = strategies
        .iter()
        .any(|one| one.strategy == CONTROL && one.verdict == Verdict::Parallel);
    proof.control_must_fail && gil_on && parallel
}

/// How many tasks can be under way at once: workers, processors or tasks, whichever is fewest.
pub(crate) fn lanes(proof: &Proof) -> u32 {
    // Half a processor does not carry another task.
    let cpus = proof.machine.cpus_usable().floor().clamp(0.0, f64::from(u32::MAX)) as u32;
    proof.workers.min(proof.tasks).min(cpus)
}

fn judge_strategy(proof: &Proof, strategy: &str) -> StrategyVerdict {
    let pairs = pairs(proof, strategy, proof.tasks, proof.workers);
    let measured = Measured::of(proof, &pairs);
    let losses = losses(&pairs);
    let verdict = decide(proof, &pairs, &measured, &losses);
    let loss = match &verdict {
        Verdict::Serialised { cause } => Some(*cause),
        Verdict::Parallel => losses.largest(proof, NOTABLE_LOSS_SHARE),
        Verdict::ConcurrentNotParallel | Verdict::Inconclusive { .. } => None,
    };
    let lanes = lanes(proof);
    StrategyVerdict {
        strategy: strategy.to_owned(),
        speedup: measured.speedup,
        cores_used: measured.cores_used,
        efficiency: measured.speedup.median / f64::from(lanes.max(1)),
        loss,
        sentence: words::sentence(&verdict, &measured, &losses, lanes),
        advice: words::advice(&verdict, loss),
        evidence: words::evidence(&measured, &losses, pairs.len()),
        verdict,
    }
}

fn decide(proof: &Proof, pairs: &[Pair<'_>], measured: &Measured, losses: &Losses) -> Verdict {
    if let Some(verdict) = unfit(proof, pairs, measured) {
        return verdict;
    }
    let Measured {
        speedup, cores_used, ..
    } = *measured;
    if measured.cpu_share < WAITING_CPU_SHARE {
        return match speedup {
            Interval { low, .. } if low >= OVERLAP_SPEEDUP => Verdict::ConcurrentNotParallel,
            Interval { high, .. } if high < OVERLAP_SPEEDUP => Verdict::Serialised { cause: Cause::Waiting },
            _ => too_noisy(measured),
        };
    }
    if speedup.low > IMPOSSIBLE_SPEEDUP * f64::from(proof.workers.min(proof.tasks)) {
        return inconclusive(
            "it finished sooner than this many workers can, so the runs did not do the same work".to_owned(),
            "check that no run finds results of an earlier one (caches, files), and warm up before measuring",
        );
    }
    if speedup.high > MAX_SPREAD * speedup.low {
        return too_noisy(measured);
    }
    let needed = parallel_speedup(lanes(proof));
    if cores_used.low >= PARALLEL_CORES && speedup.low >= needed {
        return Verdict::Parallel;
    }
    // Both could still be reached: the intervals do not decide.
    if cores_used.high >= PARALLEL_CORES && speedup.high >= needed {
        return too_noisy(measured);
    }
    let cause = losses.cause(proof, measured);
    // Each worker could have had a processor: that other programs had it says
    // nothing about the strategy.
    if cause == Cause::RunQueue && f64::from(proof.workers) <= proof.machine.cpus_usable() {
        let share = words::percent(losses.run_queue());
        return inconclusive(
            format!("other programs were on the processors: the tasks waited for a free one {share} of the time"),
            "close other programs, or measure on an idle machine",
        );
    }
    Verdict::Serialised { cause }
}

/// A measurement that cannot decide, whatever its numbers are.
fn unfit(proof: &Proof, pairs: &[Pair<'_>], measured: &Measured) -> Option<Verdict> {
    let cpus = proof.machine.cpus_usable();
    let (why, what_to_change) = if cpus < MIN_CPUS {
        (
            format!(
                "this process may use {} of the two processors that it takes",
                words::number(cpus)
            ),
            "measure on a machine, or in a container, with at least two processors",
        )
    } else if proof.workers.min(proof.tasks) < 2 {
        (
            format!(
                "with {} and {} nothing can overlap",
                words::count(proof.tasks, "task"),
                words::count(proof.workers, "worker")
            ),
            "give at least two inputs and two workers",
        )
    } else if pairs.is_empty() {
        (
            "no sequential run was measured beside it".to_owned(),
            "measure the sequential run in every repeat",
        )
    } else if pairs.len() < MIN_REPEATS {
        (
            format!(
                "{} too few to tell a difference from noise",
                if pairs.len() == 1 {
                    "one repeat is"
                } else {
                    "two repeats are"
                }
            ),
            "measure at least 3 repeats, better 7",
        )
    } else if measured.sequential_ns < MIN_SEQUENTIAL_NS {
        (
            format!(
                "the sequential run took {}, too short to measure",
                words::duration(measured.sequential_ns)
            ),
            "give more or larger inputs, so that the sequential run takes at least 50 ms",
        )
    } else if measured.cpu_share <= 0.0 {
        (
            "the CPU time of the sequential run was not recorded".to_owned(),
            "record the CPU time of the tasks",
        )
    } else {
        return None;
    };
    Some(inconclusive(why, what_to_change))
}

fn too_noisy(measured: &Measured) -> Verdict {
    let Interval { low, high, .. } = measured.speedup;
    let mut why = format!("repeats differ too much: the speed-up lies between {low:.2} and {high:.2}");
    if measured.steal_share > STEAL_SHARE {
        why.push_str(&format!(
            ", and the host took {} of the processors' time",
            words::percent(measured.steal_share)
        ));
    }
    inconclusive(why, "close other programs, give larger inputs, or measure more repeats")
}

fn inconclusive(why: String, what_to_change: &str) -> Verdict {
    Verdict::Inconclusive {
        why,
        what_to_change: what_to_change.to_owned(),
    }
}

/// Why multilane's claim is refused, if it is.
fn refusals(proof: &Proof, strategies: &[StrategyVerdict], parts: &[crate::PartJudgement]) -> Vec<String> {
    let mut refusals = Vec::new();
    let measured = !proof.runs.is_empty() || proof.parts.is_empty();
    if measured && best(strategies).is_none() {
        refusals.push("no strategy ran the work in parallel".to_owned());
    }
    if control_misbehaved(proof, strategies) {
        refusals.push(
            "plain threads came out parallel although the interpreter lock is on: the measurement is wrong".to_owned(),
        );
    }
    refusals.extend(
        proof
            .checks
            .iter()
            .filter(|check| !check.passed)
            .map(words::failed_check),
    );
    refusals.extend(
        parts
            .iter()
            .filter(|part| !part.holds)
            .map(|part| format!("{} does not hold", part.name)),
    );
    refusals
}

/// The speed-up at every count of tasks and workers.
fn scaling(proof: &Proof) -> Vec<ScalePoint> {
    let mut points: Vec<(String, u32, u32)> = Vec::new();
    for run in proof.runs.iter().filter(|run| run.strategy != BASELINE) {
        let point = (run.strategy.clone(), run.tasks, run.workers);
        if !points.contains(&point) {
            points.push(point);
        }
    }
    points
        .into_iter()
        .filter_map(|(strategy, tasks, workers)| {
            let pairs = pairs(proof, &strategy, tasks, workers);
            let (speedup, cores_used) = (speedup(&pairs), cores_used(&pairs));
            (!pairs.is_empty()).then_some(ScalePoint {
                strategy,
                tasks,
                workers,
                speedup,
                cores_used,
            })
        })
        .collect()
}
