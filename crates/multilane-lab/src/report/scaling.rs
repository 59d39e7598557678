//! The page on a sweep: how far each workload scales, what stops it, and on what evidence.
//!
//! Judges the sweep and writes one HTML file in the style of the report on proofs, the raw samples inside it. Every
//! string from outside is escaped.

use std::borrow::Cow;

use crate::{
    Fit, Interval, PointJudgement, Proof, Scaling, ScalingCause, ScalingJudgement, SeriesJudgement, TableJudgement,
    judge_scaling, scaling_csv,
};

use super::{
    PAGE, SCRIPT, STYLE,
    cards::sentence_case,
    curves::curve,
    facts, fill, palette, section,
    text::{count, escape, figure, percent, place, prose, times},
};

/// Curves that are drawn open; the rest of a large sweep is folded.
const OPEN_CURVES: usize = 24;

/// Writes the page.
///
/// ```
/// use multilane_lab::{Scaling, scaling_html};
/// let page = scaling_html(&Scaling { name: "a < b".into(), ..Scaling::default() });
/// assert!(page.starts_with("<!doctype html>") && page.contains("a &lt; b"));
/// ```
pub fn scaling_html(scaling: &Scaling) -> String {
    let judgement = judge_scaling(scaling);
    let mut sections = String::new();
    let mut add = |title: &str, note: &str, body: String| {
        if !body.is_empty() {
            sections.push_str(&section(title, note, &body));
        }
    };
    let all: Vec<&SeriesJudgement> = judgement.series.iter().collect();
    if judgement.tables.is_empty() {
        add("How far it scales", TABLE_NOTE, table(&all));
    }
    for one in &judgement.tables {
        let curves: Vec<&SeriesJudgement> = one
            .rows
            .iter()
            .filter_map(|row| judgement.series.get(row.series))
            .collect();
        let note = format!("<p>{}</p>{TABLE_NOTE}", prose(&one.note));
        add(&escape(&one.title), &note, table(&curves) + &differences(one));
    }
    let shown = judgement.series.iter().enumerate();
    add(
        "Curve by curve",
        CURVES_NOTE,
        shown.map(|(index, one)| article(one, index < OPEN_CURVES)).collect(),
    );
    let proof = Proof {
        machine: scaling.machine.clone(),
        versions: scaling.versions.clone(),
        ..Proof::default()
    };
    add(
        "The machine",
        "",
        facts::machine(&proof).unwrap_or_default() + &bandwidth(scaling),
    );
    add("Every run", RAW_NOTE, raw(scaling));
    let version = scaling
        .versions
        .get("multilane")
        .map_or_else(String::new, |version| format!(" {}", escape(version)));
    let undecided = !judgement.series.is_empty()
        && judgement
            .series
            .iter()
            .all(|one| one.verdict.cause == ScalingCause::Inconclusive);
    let headline = match judgement.series.len() {
        1 => format!("{}: {}", scaling.name, judgement.headline),
        _ => sentence_case(&judgement.headline),
    };
    let values: [(&str, Cow<'_, str>); 12] = [
        ("kind", "scaling".into()),
        (
            "title",
            format!("{} \u{b7} multilane scaling", escape(&scaling.name)).into(),
        ),
        (
            "footer",
            format!("Written by multilane{version}. This page is one file: it loads nothing and sends nothing.").into(),
        ),
        ("colours", palette::rules().into()),
        ("style", STYLE.into()),
        ("claim", if undecided { "undecided" } else { "holds" }.into()),
        ("headline", prose(&headline).into()),
        ("lede", lede(scaling, &judgement).into()),
        ("cards", "".into()),
        ("sections", sections.into()),
        ("data", "[]".into()),
        ("script", SCRIPT.into()),
    ];
    fill(PAGE, &values)
}

fn lede(scaling: &Scaling, judgement: &ScalingJudgement) -> String {
    let work = if scaling.workload.is_empty() {
        String::new()
    } else {
        format!("The work: <code>{}</code>; ", escape(&scaling.workload))
    };
    format!(
        "<p class=\"lede\">{work}{}, {} on {} usable processors.</p>",
        count(judgement.series.len(), "curve"),
        count(scaling.samples.len(), "timed run"),
        figure(scaling.machine.cpus_usable())
            .trim_end_matches('0')
            .trim_end_matches('.'),
    )
}

/// A line for each curve: workload, throughput by workers, scaling, interpretation.
fn table(curves: &[&SeriesJudgement]) -> String {
    if curves.is_empty() {
        return String::new();
    }
    let mut counts: Vec<u32> = curves
        .iter()
        .flat_map(|one| one.points.iter().map(|point| point.workers))
        .collect();
    counts.sort_unstable();
    counts.dedup();
    let heads: String = counts
        .iter()
        .map(|workers| format!("<th scope=\"col\">{workers}</th>"))
        .collect();
    let rows: String = curves
        .iter()
        .map(|one| {
            let cell = |workers: &u32| {
                let point = one.points.iter().find(|point| point.workers == *workers);
                format!(
                    "<td>{}</td>",
                    point.map_or_else(|| "\u{2013}".to_owned(), |point| rate(point.throughput.median))
                )
            };
            format!(
                "<tr><th scope=\"row\">{}</th>{}<td>{}</td><td class=\"{}\">{}</td></tr>",
                escape(&named(one)),
                counts.iter().map(cell).collect::<String>(),
                times(one.best_speedup),
                class(one.verdict.cause),
                escape(&one.interpretation),
            )
        })
        .collect();
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Scaling\"><table class=\"scales\"><thead><tr>\
         <th scope=\"col\">Workload, operations a second at</th>{heads}<th scope=\"col\">Scaling</th>\
         <th scope=\"col\">Interpretation</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// What one way of running does to another, a line each.
fn differences(table: &TableJudgement) -> String {
    if table.differences.is_empty() {
        return String::new();
    }
    let lines: String = table
        .differences
        .iter()
        .map(|found| format!("<li>{}</li>", prose(&sentence_case(&found.sentence))))
        .collect();
    format!("<ul class=\"evidence\">{lines}</ul>")
}

fn article(one: &SeriesJudgement, open: bool) -> String {
    let verdict = &one.verdict;
    let evidence: String = verdict
        .evidence
        .iter()
        .map(|fact| format!("<li>{}</li>", prose(fact)))
        .collect();
    let advice = if verdict.advice.is_empty() {
        String::new()
    } else {
        format!("<p class=\"next\">{}</p>", prose(&sentence_case(&verdict.advice)))
    };
    let body = format!(
        "<p class=\"says\">{sentence}.</p>{curve}{shares}<ul class=\"evidence\">{evidence}</ul>\
         <p class=\"quiet\">It could also be: {alternative}. To tell them apart: {tell}.</p>{advice}{fits}",
        sentence = escape(&sentence_case(&verdict.sentence)),
        curve = curve(one),
        shares = shares(&one.points),
        alternative = verdict.alternative.name(),
        tell = prose(&verdict.tell_apart),
        fits = fits(&one.fits),
    );
    let title = format!(
        "{} <small>{}</small>",
        escape(&named(one)),
        escape(verdict.cause.name()),
    );
    if open {
        format!(
            "<article class=\"scaled {}\"><h3>{title}</h3>{body}</article>",
            class(verdict.cause)
        )
    } else {
        format!(
            "<details class=\"scaled {}\"><summary>{title}</summary>{body}</details>",
            class(verdict.cause)
        )
    }
}

/// Where the workers' time went, a bar for each count.
fn shares(points: &[PointJudgement]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let bars: String = points
        .iter()
        .map(|point| {
            let all: f64 = point.shares.iter().map(|share| share.share).sum::<f64>().max(1.0);
            let parts: String = point
                .shares
                .iter()
                .map(|share| {
                    if !names.contains(&share.name.as_str()) {
                        names.push(&share.name);
                    }
                    format!(
                        "<i class=\"part-{}\" style=\"width:{}\" title=\"{} {}\"></i>",
                        part(&share.name),
                        place(share.share / all),
                        escape(&share.name),
                        percent(share.share)
                    )
                })
                .collect();
            let spoken: Vec<String> = point
                .shares
                .iter()
                .map(|share| format!("{} {}", share.name, percent(share.share)))
                .collect();
            format!(
                "<span>{}</span><div class=\"stack\" role=\"img\" aria-label=\"{}\">{parts}</div>",
                count(point.workers as usize, "worker"),
                escape(&spoken.join(", "))
            )
        })
        .collect();
    let key: String = names
        .iter()
        .map(|name| {
            format!(
                "<li><i class=\"part-{}\"></i><span>{}</span></li>",
                part(name),
                escape(name)
            )
        })
        .collect();
    format!("<div class=\"spends\">{bars}</div><ul class=\"parts\">{key}</ul>")
}

/// The style class of a part of the workers' time.
fn part(name: &str) -> &'static str {
    match name {
        "computing" => "useful",
        "interpreter lock" => "interpreter",
        "without a processor" => "queue",
        "lock" | "allocator" | "asleep" => "waiting",
        "in the kernel" => "packing",
        "between operations" => "dispatch",
        "done before the others" => "imbalance",
        "one part runs alone" => "serial",
        _ => "idle",
    }
}

fn fits(fits: &[Fit]) -> String {
    if fits.is_empty() {
        return String::new();
    }
    let rows: String = fits
        .iter()
        .map(|fit| {
            let parameters: Vec<String> = fit
                .parameters
                .iter()
                .map(|parameter| format!("{} {}", parameter.name.replace('_', " "), interval(parameter.value)))
                .chain(
                    fit.peak_workers
                        .map(|peak| format!("peak at {} workers", interval(peak))),
                )
                .collect();
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
                fit.name,
                percent(fit.held_out_error),
                escape(&parameters.join("; "))
            )
        })
        .collect();
    format!(
        "<details><summary>Models</summary><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Models\"><table>\
         <thead><tr><th scope=\"col\">Model, the best first</th><th scope=\"col\">Held-out error</th>\
         <th scope=\"col\">Parameters (95 %)</th></tr></thead><tbody>{rows}</tbody></table></div></details>"
    )
}

fn interval(value: Interval) -> String {
    format!(
        "{} ({} to {})",
        small(value.median),
        small(value.low),
        small(value.high)
    )
}

/// Three figures, also of what is small.
fn small(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.0995 => format!("{value:.4}"),
        _ => figure(value),
    }
}

fn bandwidth(scaling: &Scaling) -> String {
    if scaling.bandwidth_limit > 0.0 {
        format!(
            "<p class=\"quiet\">All processors together moved {} GB/s to and from memory in this run.</p>",
            figure(scaling.bandwidth_limit)
        )
    } else {
        String::new()
    }
}

/// The samples, to be read and to be taken along.
fn raw(scaling: &Scaling) -> String {
    if scaling.samples.is_empty() {
        return String::new();
    }
    let table = scaling_csv(scaling);
    let encoded: String = table
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b',' | b'_' | b'.' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!(
        "<p><a download=\"samples.csv\" href=\"data:text/csv;charset=utf-8,{encoded}\">samples.csv</a>, {}</p>\
         <details><summary>Show</summary><pre tabindex=\"0\"><code>{}</code></pre></details>",
        count(scaling.samples.len(), "line"),
        escape(&table.replace("\r\n", "\n"))
    )
}

/// What a curve is called.
fn named(one: &SeriesJudgement) -> String {
    let parts = [&one.workload, &one.size, &one.strategy];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" \u{b7} ")
}

fn class(cause: ScalingCause) -> &'static str {
    match cause {
        ScalingCause::None | ScalingCause::Cores | ScalingCause::DeviceBusy => "parallel",
        ScalingCause::InterpreterLock | ScalingCause::OneQueue | ScalingCause::Submission => "serialised",
        ScalingCause::Waiting | ScalingCause::Lock | ScalingCause::Allocator | ScalingCause::DeviceLatency => {
            "by-waiting"
        }
        ScalingCause::Affinity | ScalingCause::Quota | ScalingCause::MachineBusy => "by-queue",
        ScalingCause::PageFaults | ScalingCause::TooLittleWork => "by-packing",
        ScalingCause::Inconclusive | ScalingCause::Blocked | ScalingCause::Inflation => "inconclusive",
        _ => "by-other",
    }
}

/// Operations a second, in as few characters as a table wants.
fn rate(value: f64) -> String {
    match value {
        value if value >= 999_500.0 => format!("{} M", figure(value / 1e6)),
        value if value >= 9_995.0 => format!("{} k", figure(value / 1e3)),
        value => figure(value),
    }
}

const TABLE_NOTE: &str = "<p>Operations a second, the median of the runs that other programs did not disturb. Scaling: the \
    greatest speed-up over one worker.</p>";

const CURVES_NOTE: &str = "<p>Points: median and 95\u{a0}% interval. Solid: the model that predicts best what it has not \
    seen, with its 95\u{a0}% band. Dashed: the same model past what was measured, a guess. Thin: every worker adds as much \
    as the first.</p><p>Workers stand at equal distances for each doubling.</p><p>Bars: where the workers\u{2019} time went.</p>";

const RAW_NOTE: &str = "<p>Times in nanoseconds; those of workers are sums over them.</p>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_are_short() {
        assert_eq!(small(0.00123), "0.0012");
        assert_eq!(rate(1_234_567.0), "1.23 M");
    }
}
