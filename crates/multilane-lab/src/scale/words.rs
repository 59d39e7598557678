//! Verdicts in words: evidence, sentences, the line of a table.

use crate::words as common;

use super::{PointJudgement, ScalingCause, ScalingVerdict, SeriesJudgement, points::Point};

pub(super) use common::{number, percent};

/// The numbers that a verdict rests on.
pub(super) struct Facts(Vec<String>);

impl Facts {
    /// The throughputs, before anything else.
    pub(super) fn of(alone: &Point<'_>, point: &Point<'_>) -> Self {
        let (one, here) = (alone.throughput(), point.throughput());
        let mut facts = vec![format!(
            "{} operations a second at one worker, {} at {}: {}\u{d7}",
            rate(one),
            rate(here),
            workers(point.workers),
            number(here / one)
        )];
        let aside = point.all - point.kept.len();
        if aside > 0 {
            facts.push(format!(
                "{aside} of {} runs set aside: other programs used the processors",
                point.all
            ));
        }
        Self(facts)
    }

    pub(super) fn and(mut self, fact: String) -> Self {
        self.0.push(fact);
        self
    }

    pub(super) fn and_if(self, holds: bool, fact: impl FnOnce() -> String) -> Self {
        if holds { self.and(fact()) } else { self }
    }

    /// What the cause took of the workers' time.
    pub(super) fn loss(self, cause: ScalingCause, share: f64, lost: f64) -> Self {
        let of_all = if lost > 0.0 { share / lost } else { 0.0 };
        self.and(format!(
            "{}: {} of the workers\u{2019} time more than at one worker, {} of all that was lost",
            lost_to(cause),
            percent(share),
            percent(of_all.clamp(0.0, 1.0))
        ))
    }

    pub(super) fn list(self) -> Vec<String> {
        self.0
    }
}

/// A verdict that names a cause.
pub(super) fn verdict(
    cause: ScalingCause,
    alternative: Option<ScalingCause>,
    at_workers: u32,
    facts: Facts,
) -> ScalingVerdict {
    let alternative = alternative
        .filter(|other| *other != cause)
        .unwrap_or(cause.usual_alternative());
    ScalingVerdict {
        cause,
        at_workers,
        sentence: sentence(cause, at_workers),
        evidence: facts.list(),
        alternative,
        tell_apart: cause.tell_apart(alternative).to_owned(),
        advice: cause.advice().to_owned(),
    }
}

/// A verdict that names none.
pub(super) fn inconclusive(at_workers: u32, why: &str, evidence: Vec<String>) -> ScalingVerdict {
    undecided(
        at_workers,
        why,
        evidence,
        ScalingCause::Inconclusive.usual_alternative(),
    )
}

/// A verdict that names none, though one comes closest.
pub(super) fn undecided(at_workers: u32, why: &str, evidence: Vec<String>, closest: ScalingCause) -> ScalingVerdict {
    let cause = ScalingCause::Inconclusive;
    ScalingVerdict {
        cause,
        at_workers,
        sentence: format!("the measurement does not decide: {why}"),
        evidence,
        alternative: closest,
        tell_apart: cause.tell_apart(closest).to_owned(),
        advice: cause.advice().to_owned(),
    }
}

fn sentence(cause: ScalingCause, at: u32) -> String {
    let at = workers(at);
    match cause {
        ScalingCause::None => format!("throughput grows with workers up to the {at} that were measured"),
        ScalingCause::Cores => "every processor is busy with the work: more workers only wait for one".to_owned(),
        ScalingCause::Affinity => "the affinity mask leaves no further processor to the workers".to_owned(),
        ScalingCause::Quota => "the control group\u{2019}s CPU limit stops the workers".to_owned(),
        ScalingCause::MachineBusy => format!("other programs have the processors that the {at} need"),
        ScalingCause::InterpreterLock => format!("the {at} take turns with the interpreter lock"),
        ScalingCause::Lock => format!("the {at} wait for a lock that one of them holds"),
        ScalingCause::Allocator => format!("the {at} wait for the memory allocator\u{2019}s lock"),
        ScalingCause::MemoryBandwidth => format!("memory delivers no more to {at}"),
        ScalingCause::SharedLines => format!("the {at} write to the same cache lines, which travel between processors"),
        ScalingCause::SharedCore => format!("the processors of the {at} share one core\u{2019}s arithmetic"),
        ScalingCause::PageFaults => format!("the {at} wait in the kernel for memory to be mapped"),
        ScalingCause::TooLittleWork => format!("the {at} spend their time between operations, which are too small"),
        ScalingCause::Imbalance => format!("some of the {at} have much more to do than the others, which end early"),
        ScalingCause::CriticalPath => "one part runs alone while the other workers have nothing to do".to_owned(),
        ScalingCause::Waiting => format!("the {at} wait for something outside; no processor limits them"),
        ScalingCause::Inflation => format!("the same work takes more CPU time at {at}, and nothing measured says why"),
        ScalingCause::DeviceBusy => "the device works all the time: more workers only wait for it".to_owned(),
        ScalingCause::OneQueue => {
            format!("the operations of the {at} wait for each other in one queue; the device could do more")
        }
        ScalingCause::DeviceLatency => {
            format!(
                "the {at} wait for the device, which does not work all the time: its answers take longer than its work"
            )
        }
        ScalingCause::Submission => format!("the {at} take turns with submitting to the device"),
        ScalingCause::Blocked | ScalingCause::Inconclusive => "the measurement does not decide".to_owned(),
    }
}

/// What a loss is called in a sentence.
pub(super) fn lost_to(cause: ScalingCause) -> &'static str {
    match cause {
        ScalingCause::InterpreterLock => "waiting for the interpreter lock",
        ScalingCause::Lock => "waiting for a lock, or starved by it",
        ScalingCause::Allocator => "waiting for the memory allocator",
        ScalingCause::Waiting => "asleep or waiting for input",
        ScalingCause::PageFaults => "in the kernel, for memory",
        ScalingCause::Inflation => "more CPU time for the same work",
        ScalingCause::TooLittleWork => "between operations",
        ScalingCause::Imbalance => "idle while others still worked",
        ScalingCause::CriticalPath => "idle while one part ran alone",
        ScalingCause::Cores => "ready to run, without a processor",
        ScalingCause::Blocked => "blocked in the system",
        ScalingCause::Submission => "blocked in submission",
        ScalingCause::DeviceLatency => "waiting for the device",
        other => other.name(),
    }
}

/// The line of a table.
pub(super) fn interpretation(verdict: &ScalingVerdict, points: &[PointJudgement]) -> String {
    let knee = points.iter().find(|point| {
        let most = points.iter().map(|other| other.speedup.median).fold(0.0, f64::max);
        point.speedup.median >= 0.9 * most
    });
    match (verdict.cause, knee) {
        (ScalingCause::None, _) => "scales as far as measured".to_owned(),
        (ScalingCause::Waiting, _) => "waits overlap; no processor needed".to_owned(),
        (ScalingCause::Inconclusive, _) => "inconclusive".to_owned(),
        (cause, Some(knee)) if knee.workers > 1 => format!("{cause}, from {}", workers(knee.workers)),
        (cause, _) => format!("{cause}, from a single worker on"),
    }
}

/// All of a sweep in a sentence.
pub(super) fn headline(series: &[SeriesJudgement]) -> String {
    match series {
        [] => "nothing was measured".to_owned(),
        [only] => format!(
            "{}\u{d7} at {}: {}",
            number(only.best_speedup),
            workers(only.best_workers),
            only.verdict.sentence
        ),
        many => {
            let mut causes: Vec<(&'static str, usize)> = Vec::new();
            for one in many {
                let name = one.verdict.cause.name();
                match causes.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, count)) => *count += 1,
                    None => causes.push((name, 1)),
                }
            }
            causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let causes: Vec<String> = causes.iter().map(|(name, count)| format!("{name} ({count})")).collect();
            format!("{} curves, and what stops them: {}", many.len(), causes.join(", "))
        }
    }
}

/// `1 worker`, `4 workers`.
pub(super) fn workers(count: u32) -> String {
    common::count(count, "worker")
}

/// Operations a second with three figures.
pub(super) fn rate(value: f64) -> String {
    match value {
        value if value >= 999_500.0 => format!("{:.1} M", value / 1e6),
        value if value >= 9_995.0 => format!("{:.1} k", value / 1e3),
        value if value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

pub(super) fn nanoseconds(value: f64) -> String {
    common::duration(value)
}
