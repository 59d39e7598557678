//! Puts numbers and verdicts into words. Decides nothing.

use crate::{
    CONTROL, Cause, Check, Interval, Judgement, Proof, Verdict, cause::Losses, judge::best, measure::Measured,
    thresholds::BUSY_MACHINE_SHARE,
};

/// `47 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `1 task`, `2 tasks`.
pub(crate) fn count(number: u32, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// At most two decimals, none when they are zero.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `1.91 times (1.88 to 1.95)`.
pub(crate) fn times(interval: Interval) -> String {
    format!(
        "{:.2} times ({:.2} to {:.2})",
        interval.median, interval.low, interval.high
    )
}

/// `12.3 ms`, `1.20 s`.
pub(crate) fn duration(ns: f64) -> String {
    match ns {
        ns if ns < 1e6 => format!("{:.0} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

/// A check that failed, as a reason to refuse the claim.
pub(crate) fn failed_check(check: &Check) -> String {
    if check.detail.is_empty() {
        format!("check failed: {}", check.name)
    } else {
        format!("check failed: {} ({})", check.name, check.detail)
    }
}

/// The verdict in one or two sentences.
pub(crate) fn sentence(verdict: &Verdict, measured: &Measured, losses: &Losses, lanes: u32) -> String {
    let Measured {
        speedup, cores_used, ..
    } = *measured;
    match verdict {
        Verdict::Parallel => format!(
            "Ran in parallel: it kept {:.2} cores busy and finished {} as fast as one task after another; at most {lanes} \
             times was possible.",
            cores_used.median,
            times(speedup),
        ),
        Verdict::ConcurrentNotParallel => format!(
            "Concurrent, not parallel: the waits overlapped, so it finished {} as fast, but it used only {:.2} cores: \
             no second processor was needed.",
            times(speedup),
            cores_used.median,
        ),
        Verdict::Serialised { cause } => format!(
            "Not parallel: it used {:.2} cores and finished {} as fast as one task after another. {}",
            cores_used.median,
            times(speedup),
            because(*cause, losses),
        ),
        Verdict::Inconclusive { why, .. } => format!("Inconclusive: {why}."),
    }
}

fn because(cause: Cause, losses: &Losses) -> String {
    let ranked = losses.ranked();
    let share = ranked
        .iter()
        .find(|(other, _)| same(*other, cause))
        .map_or(0.0, |(_, share)| *share);
    let share = percent(share);
    match cause {
        Cause::InterpreterLock if losses.interpreter_wait() > 0.0 => format!(
            "The threads waited for the interpreter lock {} of their time.",
            percent(losses.interpreter_wait())
        ),
        Cause::InterpreterLock => {
            "Its threads were in their tasks together, yet only one computed at a time: the interpreter lock."
                .to_owned()
        }
        Cause::RunQueue => format!(
            "The tasks waited for a free processor {} of the time.",
            percent(losses.run_queue())
        ),
        Cause::Quota => format!("The CPU limit of the control group held the tasks up {share} of the time."),
        Cause::SmallTasks => format!("Handing out tasks and moving their data took {share} of the workers' time."),
        Cause::Imbalance => format!("Workers that had finished waited for the last ones {share} of the time."),
        Cause::CriticalPath => format!(
            "For {share} of the workers' time there was no task to run: tasks waited for each other or came late."
        ),
        Cause::Waiting if losses.known() && !ranked.is_empty() => {
            format!("The tasks slept or waited for files, the network or locks {share} of the time.")
        }
        Cause::Waiting => "The tasks waited, one after another.".to_owned(),
        Cause::Inflation => format!(
            "The same work took more CPU time than alone, {share} of all: tasks share memory bandwidth or caches."
        ),
        Cause::StartUp => format!("Workers were still starting {share} of the time."),
        Cause::OutsideTasks => format!("{share} of the time passed before the first task and after the last."),
        Cause::Unknown if !losses.known() => "No trace was recorded that could say why.".to_owned(),
        Cause::Unknown => match ranked.as_slice() {
            [first, second, ..] => format!(
                "No single cause stands out: {} ({}) and {} ({}) are too close to call.",
                first.0,
                percent(first.1),
                second.0,
                percent(second.1)
            ),
            _ => "Nothing that was recorded explains it.".to_owned(),
        },
    }
}

/// A quota shows as time in the run queue.
fn same(ranked: Cause, named: Cause) -> bool {
    ranked == named || (ranked == Cause::RunQueue && named == Cause::Quota)
}

/// What to do next.
pub(crate) fn advice(verdict: &Verdict, loss: Option<Cause>) -> String {
    if let Verdict::Inconclusive { what_to_change, .. } = verdict {
        return format!("To decide: {what_to_change}.");
    }
    if *verdict == Verdict::ConcurrentNotParallel {
        return "Threads or asyncio serve waiting work as well; processes bring nothing here.".to_owned();
    }
    let advice = match loss {
        None => "",
        Some(Cause::InterpreterLock) => "Use the `processes` backend, or a function that releases the lock.",
        Some(Cause::RunQueue) => "Use fewer workers, or close other programs.",
        Some(Cause::Quota) => "Raise the CPU limit, or use as many workers as it allows.",
        Some(Cause::SmallTasks) => {
            "Put more work into each task: `ml.map` with a larger `chunksize`, or share large arrays with `ml.share`."
        }
        Some(Cause::Imbalance) => "Cut the work into more and smaller tasks, the longest first.",
        Some(Cause::CriticalPath) => "Shorten the chain of dependent tasks, or submit tasks earlier.",
        Some(Cause::Waiting) => {
            "More workers than processors overlap sleeps and waits for input; what waits for a lock needs a shorter hold of it."
        }
        Some(Cause::Inflation) => "Use smaller or more compact data, so that each task's part fits its cache.",
        Some(Cause::StartUp) => "Keep one `Executor` for many calls instead of starting one for each.",
        Some(Cause::OutsideTasks) => {
            "Look at what happens before the first task and after the last: building inputs, joining results."
        }
        Some(Cause::Unknown) => "Record a trace of the run and look at its timeline.",
    };
    advice.to_owned()
}

/// The numbers that a verdict rests on.
pub(crate) fn evidence(measured: &Measured, losses: &Losses, pairs: usize) -> Vec<String> {
    if pairs == 0 {
        return Vec::new();
    }
    let mut evidence = vec![
        format!("speed-up {} over {} paired repeats", times(measured.speedup), pairs),
        format!(
            "cores used {:.2} ({:.2} to {:.2})",
            measured.cores_used.median, measured.cores_used.low, measured.cores_used.high
        ),
        format!(
            "sequential run {}, on a processor {} of it",
            duration(measured.sequential_ns),
            percent(measured.cpu_share)
        ),
    ];
    evidence.extend(
        losses
            .ranked()
            .iter()
            .map(|(cause, share)| format!("{cause}: {} of the workers' time", percent(*share))),
    );
    if losses.interpreter_wait() > 0.0 {
        evidence.push(format!(
            "waiting for the interpreter lock: {} of thread time",
            percent(losses.interpreter_wait())
        ));
    }
    if losses.run_queue() > BUSY_MACHINE_SHARE {
        evidence.push(format!(
            "machine busy: tasks waited for a processor {} of thread time",
            percent(losses.run_queue())
        ));
    }
    if measured.steal_share > 0.005 {
        evidence.push(format!(
            "the host took {} of the processors' time",
            percent(measured.steal_share)
        ));
    }
    evidence
}

/// A sentence within a sentence.
fn uncapitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// The whole judgement in a sentence.
pub(crate) fn headline(proof: &Proof, judgement: &Judgement) -> String {
    let what = if proof.function.is_empty() {
        "The work".to_owned()
    } else {
        format!("`{}`", proof.function)
    };
    if proof.runs.is_empty() && !judgement.parts.is_empty() {
        let holding = judgement.parts.iter().filter(|part| part.holds).count();
        return format!("Proofs that hold: {holding} of {}.", judgement.parts.len());
    }
    let control = judgement.strategies.iter().find(|one| one.strategy == CONTROL);
    match best(&judgement.strategies) {
        Some(best) if judgement.claim_holds => {
            let beside = control.map_or(String::new(), |control| {
                let also = if control.verdict == Verdict::Parallel {
                    "plain threads are parallel here too"
                } else {
                    "plain threads"
                };
                format!("; {also}: {:.2} times", control.speedup.median)
            });
            format!(
                "{what} ran in parallel with {}: {:.2} times as fast on {:.2} cores{beside}.",
                best.strategy, best.speedup.median, best.cores_used.median
            )
        }
        Some(_) => format!("The claim is refused: {}.", judgement.refusals.join("; ")),
        None => match judgement
            .strategies
            .iter()
            .filter(|one| one.strategy != CONTROL)
            .max_by(|left, right| left.speedup.median.total_cmp(&right.speedup.median))
        {
            Some(other) => format!("{what} with {}: {}", other.strategy, uncapitalised(&other.sentence)),
            None => "No strategy of multilane was measured.".to_owned(),
        },
    }
}
