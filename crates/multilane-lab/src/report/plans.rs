//! The page on plans that ran: what was computed, and the prediction of every group held against its trace.
//!
//! Takes what was found and measured and writes one HTML file in the style of the report on proofs. The sentences
//! about the prediction come from the numbers alone; every string from outside is escaped.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{Check, median};

use super::text::{count, duration, escape, figure, percent, prose};
use super::{PAGE, SCRIPT, STYLE, facts, fill, palette, section};

/// What a page on plans shows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PlanReport {
    /// What the plans ran on, as a title.
    pub title: String,
    /// Where that came from, in a sentence or two.
    pub source: String,
    /// Its sizes, and the machine's: names and values.
    pub facts: Vec<(String, String)>,
    /// What the plans found.
    pub findings: Vec<Finding>,
    /// How long they took.
    pub runs: Vec<PlanRun>,
    /// What was checked against another computation.
    pub checks: Vec<Check>,
    /// The version of multilane.
    pub version: String,
}

/// A result, as a small table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// What was asked.
    pub title: String,
    /// The answer in a sentence.
    pub says: String,
    /// Heads of the two columns.
    pub columns: (String, String),
    /// Names and figures.
    pub rows: Vec<(String, String)>,
}

/// A plan that ran several times.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PlanRun {
    /// Its name.
    pub name: String,
    /// Turns of its loop; 0 without one.
    pub turns: u64,
    /// Workers that it could use.
    pub workers: u64,
    /// What the cost model said that these turns take.
    pub predicted_ns: f64,
    /// What each run took.
    pub measured_ns: Vec<f64>,
    /// The groups of the median run.
    pub groups: Vec<Group>,
    /// The plan as it ran.
    pub text: String,
}

/// A group of operations that ran.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Group {
    /// Its operations.
    pub label: String,
    /// How often it ran.
    pub iterations: u64,
    /// Lanes that took part.
    pub lanes: u64,
    /// Predicted for all of its turns.
    pub predicted_ns: f64,
    /// Measured over all of its turns.
    pub busy_ns: f64,
    /// Bytes a second it moved, where it moved any.
    pub bandwidth: Option<f64>,
}

/// Writes the page.
pub fn plans_html(report: &PlanReport) -> String {
    let mut sections = String::new();
    let mut add = |title: &str, note: &str, body: String| {
        if !body.is_empty() {
            sections.push_str(&section(title, note, &body));
        }
    };
    add("Predicted and measured", TIMES_NOTE, times(&report.runs));
    add("What was found", "", report.findings.iter().map(finding).collect());
    add("Group by group", GROUPS_NOTE, report.runs.iter().map(groups).collect());
    add(
        "What was checked",
        "",
        facts::checks(&report.checks).unwrap_or_default(),
    );
    add("The graph and the machine", "", sizes(&report.facts));
    let failed = report.checks.iter().any(|check| !check.passed);
    let version = if report.version.is_empty() {
        String::new()
    } else {
        format!(" {}", escape(&report.version))
    };
    let footer = format!("Written by multilane{version}. This page is one file: it loads nothing and sends nothing.");
    let values: [(&str, Cow<'_, str>); 12] = [
        ("kind", "plans".into()),
        (
            "title",
            format!("{} \u{b7} multilane plans", escape(&report.title)).into(),
        ),
        ("footer", footer.into()),
        ("colours", palette::rules().into()),
        ("style", STYLE.into()),
        ("claim", if failed { "refused" } else { "holds" }.into()),
        ("headline", headline(report, failed).into()),
        (
            "lede",
            format!("<p class=\"lede\">{}</p>", prose(&report.source)).into(),
        ),
        ("cards", "".into()),
        ("sections", sections.into()),
        ("data", "[]".into()),
        ("script", SCRIPT.into()),
    ];
    fill(PAGE, &values)
}

/// How far a prediction is off: 0.1 when it is a tenth above or below the measurement.
fn off(run: &PlanRun) -> Option<f64> {
    let measured = median(&run.measured_ns);
    (measured > 0.0 && run.predicted_ns > 0.0).then(|| (run.predicted_ns / measured - 1.0).abs())
}

fn headline(report: &PlanReport, failed: bool) -> String {
    let title = escape(&report.title);
    if failed {
        return format!("{title}: a result differs from another computation of it");
    }
    let offs: Vec<f64> = report.runs.iter().filter_map(off).collect();
    let algorithms = count(report.runs.len(), "algorithm");
    if offs.is_empty() {
        return format!("{title}: {algorithms}, run as plans");
    }
    let worst = offs.iter().copied().fold(0.0, f64::max);
    format!(
        "{title}: {algorithms}, run as plans. Their predicted times were off by {} at the median, by {} at worst",
        percent(median(&offs)),
        percent(worst)
    )
}

/// Two bars for each plan: predicted above, measured below.
fn times(runs: &[PlanRun]) -> String {
    let longest = runs
        .iter()
        .map(|run| run.predicted_ns.max(median(&run.measured_ns)))
        .fold(0.0, f64::max);
    if longest <= 0.0 {
        return String::new();
    }
    let bars = runs.iter().map(|run| {
        let measured = median(&run.measured_ns);
        let width = |ns: f64| figure((ns / longest * 100.0).clamp(0.0, 100.0));
        let turns = if run.turns > 0 { format!("{}, ", count(run.turns as usize, "turn")) } else { String::new() };
        let off = off(run).map_or_else(|| "not predicted".to_owned(), |off| format!("{} off", percent(off)));
        format!(
            "<div class=\"label\">{name}<small>{turns}median of {repeats}</small></div>\
             <div class=\"plot pair\" role=\"img\" aria-label=\"predicted {predicted}, measured {measured_text}\">\
             <i class=\"predicted\" style=\"width:{predicted_width}%\"></i><i class=\"measured\" style=\"width:{measured_width}%\"></i></div>\
             <div class=\"value\">{measured_text}<small>{predicted} predicted, {off}</small></div>",
            name = escape(&run.name),
            repeats = count(run.measured_ns.len(), "run"),
            predicted = duration(run.predicted_ns),
            measured_text = duration(measured),
            predicted_width = width(run.predicted_ns),
            measured_width = width(measured),
        )
    });
    format!("<div class=\"bars pairs parallel\">{}</div>", bars.collect::<String>())
}

fn finding(finding: &Finding) -> String {
    let rows = finding.rows.iter().map(|(name, value)| {
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            escape(name),
            escape(value)
        )
    });
    let table = if finding.rows.is_empty() {
        String::new()
    } else {
        format!(
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table><thead><tr><th scope=\"col\">{}</th>\
             <th scope=\"col\">{}</th></tr></thead><tbody>{}</tbody></table></div>",
            escape(&finding.columns.0),
            escape(&finding.columns.1),
            rows.collect::<String>(),
            title = escape(&finding.title),
        )
    };
    format!(
        "<article class=\"spent\"><h3>{}</h3><p>{}</p>{table}</article>",
        escape(&finding.title),
        prose(&finding.says)
    )
}

fn groups(run: &PlanRun) -> String {
    let rows = run.groups.iter().map(|group| {
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&group.label),
            group.iterations,
            group.lanes,
            duration(group.predicted_ns),
            duration(group.busy_ns),
            group
                .bandwidth
                .map_or_else(|| "\u{2013}".to_owned(), |bytes| figure(bytes / 1e9)),
        )
    });
    format!(
        "<article class=\"spent\"><h3>{name}</h3><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Groups of {name}\">\
         <table><thead><tr><th scope=\"col\">Group</th><th scope=\"col\">Turns</th><th scope=\"col\">Lanes</th>\
         <th scope=\"col\">Predicted</th><th scope=\"col\">Measured</th><th scope=\"col\">GB/s</th></tr></thead>\
         <tbody>{rows}</tbody></table></div>\
         <details><summary>The plan as it ran</summary><pre tabindex=\"0\"><code>{text}</code></pre></details></article>",
        name = escape(&run.name),
        rows = rows.collect::<String>(),
        text = escape(&run.text),
    )
}

fn sizes(facts: &[(String, String)]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let items = facts
        .iter()
        .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value)));
    format!("<dl class=\"facts\">{}</dl>", items.collect::<String>())
}

const TIMES_NOTE: &str = "<p class=\"key\"><i class=\"swatch-open\"></i><span>predicted, by the cost model of this machine, \
    for the turns that were made</span></p>\
    <p class=\"key\"><i class=\"part-useful\"></i><span>measured: the median run</span></p>\
    <p>A prediction is made before the plan runs; how many turns a loop needs is known afterwards only.</p>";

const GROUPS_NOTE: &str = "<p>A group is what runs together: a fused pass over memory, or one operation. Times are those \
    of all its turns, in the median run.</p>";

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> PlanReport {
        let run = PlanRun {
            name: "rank <1>".to_owned(),
            turns: 3,
            workers: 2,
            predicted_ns: 9e6,
            measured_ns: vec![10e6, 12e6, 8e6],
            groups: vec![Group {
                label: "core.fused".to_owned(),
                iterations: 3,
                lanes: 2,
                predicted_ns: 9e6,
                busy_ns: 10e6,
                bandwidth: Some(12.5e9),
            }],
            text: "plan p() {}".to_owned(),
        };
        PlanReport {
            title: "a & b".to_owned(),
            runs: vec![run],
            checks: vec![Check {
                name: "ranks".to_owned(),
                passed: true,
                detail: String::new(),
            }],
            ..PlanReport::default()
        }
    }

    #[test]
    fn says_how_far_the_prediction_was_off() {
        let page = plans_html(&report());
        assert!(page.contains(
            "a &amp; b: 1 algorithm, run as plans. Their predicted times were off by 10\u{a0}% at the median"
        ));
        assert!(page.contains("rank &lt;1&gt;") && !page.contains("rank <1>"));
        assert!(page.contains("class=\"verdict holds\""));
    }

    #[test]
    fn a_result_that_differs_stands_first() {
        let mut report = report();
        report.checks[0].passed = false;
        let page = plans_html(&report);
        assert!(page.contains("a &amp; b: a result differs from another computation of it"));
        assert!(page.contains("class=\"verdict refused\""));
    }

    #[test]
    fn nothing_is_a_page_too() {
        let page = plans_html(&PlanReport::default());
        assert!(page.starts_with("<!doctype html>") && !page.contains("{{") && !page.contains("NaN"));
    }
}
