//! Checks, parts, the machine, how to do it again, and every run in numbers.

use multilane_trace::Machine;

use crate::{Check, Judgement, Part, PartJudgement, PartKind, Proof};

use super::{
    cards::{repeats, sentence_case, trimmed},
    progress, speed,
    text::{bytes, count, duration, escape, figure, prose, whole},
    view::{View, mark},
};

/// Rows of the table of runs.
const MAX_RUNS: usize = 300;

/// Everything that was checked, failures first.
pub(super) fn checks(checks: &[Check]) -> Option<String> {
    let mut sorted: Vec<&Check> = checks.iter().collect();
    sorted.sort_by_key(|check| check.passed);
    let items: String = sorted.into_iter().map(item).collect();
    (!items.is_empty()).then(|| format!("<ul class=\"checks\">{items}</ul>"))
}

fn item(check: &Check) -> String {
    let (class, word) = if check.passed {
        ("held", "passed")
    } else {
        ("broken", "failed")
    };
    let detail = if check.detail.is_empty() {
        String::new()
    } else {
        format!("<p>{}</p>", prose(&check.detail))
    };
    format!(
        "<li class=\"{class}\">{}<div><b>{}</b> <small>{word}</small>{detail}</div></li>",
        mark(check.passed),
        escape(&sentence_case(&check.name))
    )
}

/// The proofs that this one is made of: what each claims, what was seen, and the figure that shows it.
pub(super) fn parts(proof: &Proof, judgement: &Judgement) -> Option<String> {
    let articles: String = proof
        .parts
        .iter()
        .zip(&judgement.parts)
        .map(|(measured, part)| article(part, measured))
        .collect();
    (!articles.is_empty()).then(|| format!("<div class=\"proofs\">{articles}</div>"))
}

fn article(part: &PartJudgement, measured: &Part) -> String {
    let view = View::new(&measured.proof, &part.judgement);
    let figure = match measured.kind {
        PartKind::Progress => progress::figure_of(&view),
        PartKind::FlatTime => speed::times_by_size(&view),
        PartKind::WallClock | PartKind::CpuBound => speed::speedups(&view),
    };
    let (class, word) = if part.holds {
        ("held", "holds")
    } else {
        ("broken", "does not hold")
    };
    let (kept, failed): (Vec<_>, Vec<_>) = measured.proof.checks.iter().cloned().partition(|check| check.passed);
    let more = part
        .evidence
        .iter()
        .filter(|line| !part.sentence.contains(*line))
        .map(|line| prose(line));
    let lines = more.chain(kept.iter().map(|check| {
        let detail = if check.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", prose(&check.detail))
        };
        format!("{}{detail}", escape(&check.name))
    }));
    let lines: String = lines.map(|line| format!("<li>{line}</li>")).collect();
    let evidence = if lines.is_empty() {
        String::new()
    } else {
        format!("<details><summary>Evidence</summary><ul>{lines}</ul></details>")
    };
    let claim = if part.claim.is_empty() { &part.name } else { &part.claim };
    format!(
        "<article class=\"proof {class}\"><h3>{drawing}<span>{claim} <small>{word}</small></span></h3>\
         <p class=\"says\">{sentence}</p>{figure}{failed}{evidence}</article>",
        drawing = mark(part.holds),
        claim = escape(&sentence_case(claim)),
        sentence = prose(&part.sentence),
        figure = figure.unwrap_or_default(),
        failed = checks(&failed).unwrap_or_default(),
    )
}

/// The machine and the versions; nothing when neither is known.
pub(super) fn machine(proof: &Proof) -> Option<String> {
    let Machine {
        cpu_model,
        os,
        hostname,
        cpus_online,
        cpus_affinity,
        cpus_quota,
        memory_bytes,
    } = &proof.machine;
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |name: &str, value: String| {
        if !value.trim().is_empty() {
            facts.push((name.to_owned(), value));
        }
    };
    fact("Processor", cpu_model.clone());
    if *cpus_online > 0 {
        let usable = proof.machine.cpus_usable();
        let limits = match (*cpus_affinity > 0 && cpus_affinity < cpus_online, *cpus_quota > 0.0) {
            (false, false) => String::new(),
            (true, false) => format!(", {cpus_affinity} allowed to this process"),
            (false, true) => format!(", limited to {} by a quota", trimmed(*cpus_quota)),
            (true, true) => format!(
                ", {cpus_affinity} allowed to this process, limited to {} by a quota",
                trimmed(*cpus_quota)
            ),
        };
        fact(
            "Logical cores",
            format!(
                "{} online{limits}: {} usable",
                whole((*cpus_online).into()),
                trimmed(usable)
            ),
        );
    }
    if *memory_bytes > 0 {
        fact("Memory", bytes(*memory_bytes));
    }
    fact("System", os.clone());
    fact("Host", hostname.clone());
    let created = proof
        .runs
        .iter()
        .chain(proof.parts.iter().flat_map(|part| &part.proof.runs));
    let created = created
        .filter_map(|run| run.trace.as_ref().map(|trace| trace.meta.created_unix_ns))
        .find(|at| *at > 0);
    fact("Recorded", created.map_or_else(String::new, utc));
    for (name, value) in &proof.versions {
        match name.as_str() {
            "gil" => fact("Interpreter lock", value.clone()),
            "multilane" => fact(name, value.clone()),
            _ => fact(&sentence_case(name), value.clone()),
        }
    }
    let items: String = facts
        .iter()
        .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value)))
        .collect();
    (!items.is_empty()).then(|| format!("<dl class=\"facts\">{items}</dl>"))
}

/// A moment as date and time in UTC.
fn utc(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March of year 0, so that a leap day is the last of its year (Hinnant, civil from days).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * day_of_year + 2) / 153;
    let (day, month) = (
        day_of_year - (153 * part + 2) / 5 + 1,
        if part < 10 { part + 3 } else { part - 9 },
    );
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02} UTC",
        rest / 3_600,
        rest / 60 % 60
    )
}

/// The commands that measure again and judge again.
pub(super) fn reproduce(proof: &Proof) -> String {
    let repeats = repeats(proof);
    let inputs = if proof.parts.is_empty() {
        ", with the same inputs (<code>--inputs</code>)"
    } else {
        ""
    };
    let mut command = String::from("multilane prove");
    if proof.parts.is_empty() {
        command.push(' ');
        command.push_str(&target(&proof.function));
    }
    if proof.workers > 0 {
        command.push_str(&format!(" --workers {}", proof.workers));
    }
    if repeats > 0 {
        command.push_str(&format!(" --repeats {repeats}"));
    }
    format!(
        "<p>Measure again, here or on another machine{inputs}:</p><pre tabindex=\"0\"><code>{command} --save proof.mlproof --html report.html</code></pre>\
         <p>Judge the saved measurements again, without running anything:</p>\
         <pre tabindex=\"0\"><code>multilane report proof.mlproof</code></pre>",
        command = escape(&command),
    )
}

/// The function as the command line takes it; a placeholder where the name cannot be typed as it is.
fn target(function: &str) -> String {
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter))
    };
    match function.split_once(':') {
        Some((module, name)) if plain(module) && plain(name) => function.to_owned(),
        None if plain(function) => format!("MODULE:{function}"),
        _ => "MODULE:FUNCTION".to_owned(),
    }
}

/// Every run in numbers.
pub(super) fn runs(proof: &Proof) -> String {
    if proof.runs.is_empty() {
        return String::new();
    }
    let body: String = proof
        .runs
        .iter()
        .take(MAX_RUNS)
        .map(|run| {
            let cores = if run.wall_ns == 0 { f64::NAN } else { run.cpu_ns as f64 / run.wall_ns as f64 };
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&run.strategy),
                u64::from(run.repeat) + 1,
                whole(run.tasks.into()),
                whole(run.workers.into()),
                duration(run.wall_ns as f64),
                duration(run.cpu_ns as f64),
                figure(cores),
                duration(run.steal_ns as f64),
            )
        })
        .collect();
    let left = proof.runs.len().saturating_sub(MAX_RUNS);
    let more = if left > 0 {
        format!(
            "<p class=\"quiet\">{} more are in the saved proof.</p>",
            count(left, "run")
        )
    } else {
        String::new()
    };
    format!(
        "<details><summary>Every run in numbers</summary><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Runs in numbers\">\
         <table><thead><tr><th scope=\"col\">Strategy</th><th scope=\"col\">Repeat</th><th scope=\"col\">Tasks</th><th scope=\"col\">Workers</th>\
         <th scope=\"col\">Wall clock</th><th scope=\"col\">CPU of tasks</th><th scope=\"col\">Cores used</th>\
         <th scope=\"col\">Taken by the host</th></tr></thead><tbody>{body}</tbody></table></div>{more}</details>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_moments_in_utc() {
        assert_eq!(utc(0), "1970-01-01 00:00 UTC");
        assert_eq!(utc(951_782_400_000_000_000), "2000-02-29 00:00 UTC");
        assert_eq!(utc(1_767_225_540_000_000_000), "2025-12-31 23:59 UTC");
    }

    #[test]
    fn offers_only_names_that_a_shell_takes_literally() {
        assert_eq!(target("words:count"), "words:count");
        assert_eq!(target("count"), "MODULE:count");
        assert_eq!(target("a:b; rm -rf ~"), "MODULE:FUNCTION");
        assert_eq!(target("<lambda>"), "MODULE:FUNCTION");
    }
}
