//! Judges the parts of a proof, each by what its kind claims.

use std::collections::HashMap;

use multilane_trace::Trace;

use crate::{
    BASELINE, Interval, Judgement, Part, PartJudgement, PartKind, Proof, bootstrap,
    judge::{best, judge, lanes},
    measure::{Measured, pairs},
    thresholds::{CPU_BOUND_SHARE, TOGETHER, flat_growth},
    words,
};

/// Judges a part: its runs must be parallel, and show what its kind asks beside that.
pub(crate) fn judge_part(part: &Part) -> PartJudgement {
    let proof = &part.proof;
    let judgement = judge(proof);
    let mut evidence = Vec::new();
    let missing = match best(&judgement.strategies) {
        None => None,
        Some(strategy) => match part.kind {
            PartKind::WallClock => None,
            PartKind::CpuBound => cpu_bound(proof, &strategy.strategy, &mut evidence),
            PartKind::FlatTime => flat_time(proof, &strategy.strategy, &mut evidence),
            PartKind::Progress => together(proof, &strategy.strategy, &mut evidence),
        },
    };
    PartJudgement {
        name: proof.name.clone(),
        claim: part.claim.clone(),
        holds: judgement.claim_holds && missing.is_none(),
        sentence: sentence(&judgement, missing, &evidence),
        evidence,
        judgement,
    }
}

fn sentence(judgement: &Judgement, missing: Option<String>, evidence: &[String]) -> String {
    match missing {
        Some(missing) => format!("Does not hold: {missing}."),
        None if judgement.claim_holds && !evidence.is_empty() => {
            format!("{} {}.", judgement.headline, evidence.join("; "))
        }
        None => judgement.headline.clone(),
    }
}

/// The work must be bound by the processor, or cores say nothing about it.
fn cpu_bound(proof: &Proof, strategy: &str, evidence: &mut Vec<String>) -> Option<String> {
    let share = Measured::of(proof, &pairs(proof, strategy, proof.tasks, proof.workers)).cpu_share;
    let said = format!(
        "Alone the work uses a processor for {} of its time",
        words::percent(share)
    );
    let holds = share >= CPU_BOUND_SHARE;
    evidence.push(said);
    (!holds).then(|| {
        format!(
            "the work waits: it uses a processor for only {} of its time",
            words::percent(share)
        )
    })
}

/// As many tasks as lanes must take about as long as one.
fn flat_time(proof: &Proof, strategy: &str, evidence: &mut Vec<String>) -> Option<String> {
    let Some(growth) = growth(proof, strategy) else {
        return Some("no run with a single task was measured".to_owned());
    };
    let said = |name: &str, growth: Interval| {
        format!(
            "{name}: {} took {} as long as one",
            words::count(proof.tasks, "task"),
            words::times(growth)
        )
    };
    evidence.push(said(strategy, growth));
    evidence.extend(self::growth(proof, BASELINE).map(|growth| said(BASELINE, growth)));
    let limit = flat_growth(lanes(proof));
    (growth.high > limit).then(|| format!("the time grew to {}, more than {limit:.2}", words::times(growth)))
}

/// Wall clock with all tasks over wall clock with one, paired by repeat.
fn growth(proof: &Proof, strategy: &str) -> Option<Interval> {
    let wall = |tasks: u32, repeat: u32| {
        let same = |run: &&crate::Run| {
            run.strategy == strategy && run.tasks == tasks && run.repeat == repeat && run.wall_ns > 0
        };
        proof.runs.iter().find(same).map(|run| run.wall_ns as f64)
    };
    let repeats: Vec<u32> = proof
        .runs
        .iter()
        .filter(|run| run.strategy == strategy && run.tasks == proof.tasks)
        .map(|run| run.repeat)
        .collect();
    let growths: Vec<f64> = repeats
        .into_iter()
        .filter_map(|repeat| Some(wall(proof.tasks, repeat)? / wall(1, repeat)?))
        .collect();
    (!growths.is_empty()).then(|| bootstrap(&growths))
}

/// When the first task ends, all others must be well on their way.
fn together(proof: &Proof, strategy: &str, evidence: &mut Vec<String>) -> Option<String> {
    let shares = |strategy: &str| {
        let runs = proof
            .runs
            .iter()
            .filter(|run| run.strategy == strategy && run.tasks == proof.tasks);
        let shares: Vec<f64> = runs.filter_map(|run| least_progress(run.trace.as_ref()?)).collect();
        (!shares.is_empty()).then(|| bootstrap(&shares))
    };
    let Some(share) = shares(strategy) else {
        return Some("no progress was recorded".to_owned());
    };
    let said = |name: &str, share: Interval| {
        format!(
            "{name}: when the first task ended, the slowest was {} done",
            words::percent(share.median)
        )
    };
    evidence.push(said(strategy, share));
    evidence.extend(shares(BASELINE).map(|share| said(BASELINE, share)));
    (share.low < TOGETHER).then(|| {
        format!(
            "when the first task ended, another was only {} done",
            words::percent(share.low)
        )
    })
}

/// How far the slowest task was when the first one ended; nothing without progress of two tasks.
fn least_progress(trace: &Trace) -> Option<f64> {
    let mut first_end: Option<u64> = None;
    let mut done: HashMap<u64, f64> = HashMap::new();
    for task in trace.tasks.iter().filter(|task| task.wall_ns() > 0) {
        first_end = Some(first_end.map_or(task.ended_ns, |at| at.min(task.ended_ns)));
        done.insert(task.id, 0.0);
    }
    let first_end = first_end?;
    let mut reported = false;
    for progress in trace.progress.iter().filter(|progress| progress.total > 0) {
        reported = true;
        if progress.at_ns <= first_end
            && let Some(done) = done.get_mut(&progress.task)
        {
            *done = f64::max(*done, (progress.done as f64 / progress.total as f64).min(1.0));
        }
    }
    (reported && done.len() >= 2).then(|| done.into_values().fold(1.0, f64::min))
}
