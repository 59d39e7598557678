//! Arranges a proof for the report: which runs speak for a strategy, and which one of them is drawn.

use multilane_trace::{Machine, Trace};

use crate::{
    Analysis, BASELINE, CONTROL, Cause, Judgement, PartKind, Proof, Run, StrategyVerdict, Verdict, analyse, median,
};

/// A proof with all that the figures need.
pub(super) struct View<'a> {
    pub(super) proof: &'a Proof,
    pub(super) judgement: &'a Judgement,
    pub(super) strategies: Vec<Strategy<'a>>,
}

/// A strategy's runs at the proof's own count of tasks and workers.
pub(super) struct Strategy<'a> {
    pub(super) name: &'a str,
    pub(super) runs: Vec<&'a Run>,
    pub(super) verdict: Option<&'a StrategyVerdict>,
    pub(super) shown: Option<Shown<'a>>,
}

/// The recorded run that is drawn for a strategy: the one whose time is nearest to the median.
pub(super) struct Shown<'a> {
    pub(super) run: &'a Run,
    pub(super) trace: &'a Trace,
    pub(super) analysis: Analysis,
    /// Where the time axis starts.
    pub(super) origin_ns: u64,
}

impl<'a> View<'a> {
    pub(super) fn new(proof: &'a Proof, judgement: &'a Judgement) -> Self {
        let mut strategies: Vec<Strategy<'a>> = proof
            .strategies()
            .into_iter()
            .map(|name| {
                let runs = main_runs(proof, name);
                let shown = shown(&runs);
                let verdict = judgement.strategies.iter().find(|verdict| verdict.strategy == name);
                Strategy {
                    name,
                    runs,
                    verdict,
                    shown,
                }
            })
            .collect();
        // Every figure keeps one order: multilane's own, the quickest first, then the control, then the yardstick.
        let speed = |strategy: &Strategy<'_>| strategy.verdict.map_or(0.0, |verdict| verdict.speedup.median);
        strategies.sort_by(|one, other| speed(other).total_cmp(&speed(one)));
        strategies.sort_by_key(|strategy| (strategy.name == BASELINE, strategy.name == CONTROL));
        Self {
            proof,
            judgement,
            strategies,
        }
    }
}

impl Strategy<'_> {
    pub(super) fn median_wall_ns(&self) -> Option<f64> {
        let walls: Vec<f64> = self.runs.iter().map(|run| run.wall_ns as f64).collect();
        (!walls.is_empty()).then(|| median(&walls))
    }
}

/// The part that the figures draw when a proof has no runs of its own: the most telling one.
pub(super) fn subject<'a>(proof: &'a Proof, judgement: &'a Judgement) -> Option<(&'a Proof, &'a Judgement)> {
    if !proof.runs.is_empty() {
        return None;
    }
    let with_runs = || {
        proof
            .parts
            .iter()
            .zip(&judgement.parts)
            .filter(|(part, _)| !part.proof.runs.is_empty())
    };
    let (part, judged) = with_runs()
        .find(|(part, _)| part.kind == PartKind::CpuBound)
        .or_else(|| with_runs().next())?;
    Some((&part.proof, &judged.judgement))
}

/// Cores that work with so many workers and tasks can occupy on this machine at best.
pub(super) fn best_cores(machine: &Machine, workers: u32, tasks: u32) -> f64 {
    let limits = [machine.cpus_usable(), f64::from(workers), f64::from(tasks)];
    limits
        .into_iter()
        .filter(|limit| *limit > 0.0)
        .fold(f64::INFINITY, f64::min)
}

/// The runs of `name` at the proof's own size; all of them when none has it.
fn main_runs<'a>(proof: &'a Proof, name: &str) -> Vec<&'a Run> {
    let all: Vec<&Run> = proof.runs.iter().filter(|run| run.strategy == name).collect();
    let workers = |run: &Run| name == BASELINE || run.workers == proof.workers;
    let main: Vec<&Run> = all
        .iter()
        .copied()
        .filter(|run| run.tasks == proof.tasks && workers(run))
        .collect();
    if main.is_empty() { all } else { main }
}

fn shown<'a>(runs: &[&'a Run]) -> Option<Shown<'a>> {
    let middle = median(&runs.iter().map(|run| run.wall_ns as f64).collect::<Vec<_>>());
    let distance = |run: &Run| (run.wall_ns as f64 - middle).abs();
    let run = runs
        .iter()
        .copied()
        .filter(|run| run.trace.as_ref().is_some_and(|trace| !trace.tasks.is_empty()))
        .min_by(|one, other| distance(one).total_cmp(&distance(other)))?;
    let trace = run.trace.as_ref()?;
    let analysis = analyse(trace);
    let last = trace.tasks.iter().map(|task| task.ended_ns).max()?;
    // The analysis measures back from the last end, so the axis starts where it does.
    let origin_ns = last.saturating_sub(analysis.makespan_ns);
    (analysis.makespan_ns > 0).then_some(Shown {
        run,
        trace,
        analysis,
        origin_ns,
    })
}

/// The style class that gives a verdict its colour: the colour of its meaning, or of its cause.
pub(super) fn meaning(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Parallel => "parallel",
        Verdict::ConcurrentNotParallel => "concurrent",
        Verdict::Inconclusive { .. } => "inconclusive",
        Verdict::Serialised { cause } => match cause {
            Cause::InterpreterLock => "serialised",
            Cause::RunQueue | Cause::Quota => "serialised by-queue",
            Cause::SmallTasks => "serialised by-packing",
            Cause::Waiting => "serialised by-waiting",
            _ => "serialised by-other",
        },
    }
}

/// A drawing of a verdict: bars beside each other, one after the other, hollow, or broken.
pub(super) fn glyph(verdict: Option<&Verdict>) -> String {
    let bars = match verdict {
        None => "<path fill='currentColor' d='M1 6h14v4H1z'/>",
        Some(Verdict::Parallel) => "<path fill='currentColor' d='M1 3h14v4H1zM1 9h14v4H1z'/>",
        Some(Verdict::Serialised { .. }) => "<path fill='currentColor' d='M1 3h7v4H1zM8 9h7v4H8z'/>",
        Some(Verdict::ConcurrentNotParallel) => {
            "<path fill='none' stroke='currentColor' stroke-width='1.4' d='M1.7 3.7h12.6v2.6H1.7zM1.7 9.7h12.6v2.6H1.7z'/>"
        }
        Some(Verdict::Inconclusive { .. }) => {
            "<path fill='currentColor' d='M1 3h3v4H1zM6 3h3v4H6zM11 3h4v4h-4zM1 9h3v4H1zM6 9h3v4H6zM11 9h4v4h-4z'/>"
        }
    };
    format!("<svg viewBox=\"0 0 16 16\" aria-hidden=\"true\">{bars}</svg>")
}

/// A tick or a cross; the word that goes with it stands beside it.
pub(super) fn mark(good: bool) -> &'static str {
    if good {
        "<svg viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M2.5 8.5l3.5 4 7.5-9\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/></svg>"
    } else {
        "<svg viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M3 3l10 10M13 3L3 13\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/></svg>"
    }
}
