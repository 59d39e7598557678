//! The report on a proof: one HTML file that needs nothing else.
//!
//! Judges the proof, draws every figure as text, CSS and SVG, and embeds style, script and data. The page is complete
//! without its script, which only answers pointer and keyboard and switches the theme. Never reads a file or a clock;
//! every string from outside is escaped, and the page's own policy forbids it any request.

mod bars;
mod cards;
mod curves;
mod facts;
mod lanes;
mod losses;
mod palette;
mod plans;
mod pointer;
mod progress;
mod rows;
mod scaling;
mod shapes;
mod speed;
mod text;
mod view;

use std::borrow::Cow;

pub use plans::{Finding, Group, PlanReport, PlanRun, plans_html};
pub use scaling::scaling_html;

use serde_json::Value;

use crate::{Proof, judge};

use text::{escape, prose, script_json};
use view::View;

const PAGE: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/page.css");
const SCRIPT: &str = include_str!("report/page.js");

/// Writes the report on `proof` as a self-contained HTML page.
///
/// ```
/// use multilane_lab::{Proof, report_html};
/// let page = report_html(&Proof { name: "a < b".into(), ..Proof::default() });
/// assert!(page.starts_with("<!doctype html>"));
/// assert!(page.contains("a &lt; b"));
/// ```
pub fn report_html(proof: &Proof) -> String {
    let judgement = judge(proof);
    let view = View::new(proof, &judgement);
    let mut data = Vec::new();
    let sections = sections(&view, &mut data);
    let name = [&proof.name, &proof.function].into_iter().find(|name| !name.is_empty());
    let title = name.map_or_else(
        || "multilane proof".to_owned(),
        |name| format!("{name} \u{b7} multilane proof"),
    );
    let values: [(&str, Cow<'_, str>); 12] = [
        ("kind", "proof".into()),
        ("title", escape(&title).into()),
        ("footer", footer(proof).into()),
        ("colours", palette::rules().into()),
        ("style", STYLE.into()),
        ("claim", if judgement.claim_holds { "holds" } else { "refused" }.into()),
        ("headline", prose(&judgement.headline).into()),
        ("lede", cards::lede(proof, &judgement).into()),
        ("cards", cards::cards(&view).into()),
        ("sections", sections.into()),
        ("data", script_json(&Value::Array(data)).into()),
        ("script", SCRIPT.into()),
    ];
    fill(PAGE, &values)
}

fn sections(view: &View<'_>, data: &mut Vec<Value>) -> String {
    let (proof, judgement) = (view.proof, view.judgement);
    let mut out = String::new();
    let mut add = |title: &str, note: &str, body: Option<String>| {
        if let Some(body) = body {
            out.push_str(&section(title, note, &body));
        }
    };
    add("The proofs", PARTS_NOTE, facts::parts(proof, judgement));
    add("How much faster", SPEED_NOTE, speed::speedups(view));
    add(
        "What every worker did, and when",
        &lanes_note(view),
        lanes::figure_of(view, data),
    );
    if let Some((part, judged)) = view::subject(proof, judgement) {
        let view = View::new(part, judged);
        add(
            "What every worker did, and when",
            &about(part, &lanes_note(&view)),
            lanes::figure_of(&view, data),
        );
        add("Where the time went", &about(part, LOSSES_NOTE), losses::figure(&view));
    }
    add("Where the time went", LOSSES_NOTE, losses::figure(view));
    add("What was checked", "", facts::checks(&proof.checks));
    add("The machine", "", facts::machine(proof));
    add(
        "Do it again",
        REPRODUCE_NOTE,
        Some(format!("<div>{}{}</div>", facts::reproduce(proof), facts::runs(proof))),
    );
    out
}

fn about(part: &Proof, note: &str) -> String {
    let name = if part.name.is_empty() {
        &part.function
    } else {
        &part.name
    };
    format!("<p>Shown: {}.</p>{note}", escape(name))
}

/// How to read the lanes: the marks that occur in them, no others.
fn lanes_note(view: &View<'_>) -> String {
    let shown = || view.strategies.iter().filter_map(|strategy| strategy.shown.as_ref());
    let mut note = LANES_NOTE.to_owned();
    if shown().any(|shown| shown.analysis.failed > 0) {
        note.push_str("<p class=\"key\"><i class=\"swatch-failed\"></i><span>a task that failed, was stopped or lost its worker</span></p>");
    }
    if shown().any(|shown| shown.analysis.critical_path.len() > 1) {
        note.push_str("<p class=\"key\"><i class=\"swatch-critical\"></i><span>underlined: the chain of tasks that set the length of the run</span></p>");
    }
    if shown().any(|shown| shown.analysis.decomposition.start_up > 0.0) {
        note.push_str("<p class=\"key\"><i class=\"swatch-boot\"></i><span>a worker starting up</span></p>");
    }
    note
}

fn section(title: &str, note: &str, body: &str) -> String {
    let note = if note.is_empty() {
        String::new()
    } else {
        format!("<div class=\"note\">{note}</div>")
    };
    format!("<section class=\"figure\"><h2>{title}</h2>{note}<div>{body}</div></section>\n")
}

const PARTS_NOTE: &str = "<p>Each proof can fail. Plain Python threads run along as the control.</p>";

const SPEED_NOTE: &str = "<p>The time of the sequential run over the time of this one, in the same repeat.</p>\
    <p>Bar: median. Line across its end: 95\u{a0}% interval. Dots: single repeats.</p>";

const LANES_NOTE: &str = "<p>Above: cores used over time; the dashed line is every core this machine grants. \
    Below: a row per worker, a bar per task.</p>\
    <p class=\"key\"><i class=\"swatch-open\"></i><span>a task is open</span></p>\
    <p class=\"key\"><i class=\"part-useful\"></i><span>the share of it on a core: a bar filled to half its height had a core half of the time</span></p>\
    <p>Rows that are open at once but only partly filled took turns: concurrent, not parallel.</p>";

const LOSSES_NOTE: &str = "<p>All of the workers\u{2019} time from the first task\u{2019}s arrival to the last one\u{2019}s end is one bar.</p>";

const REPRODUCE_NOTE: &str = "<p>Every verdict here is computed from the saved measurements alone.</p>";

fn footer(proof: &Proof) -> String {
    let version = proof
        .versions
        .get("multilane")
        .map_or_else(String::new, |version| format!(" {}", escape(version)));
    format!("Written by multilane{version}. This page is one file: it loads nothing and sends nothing.")
}

/// Replaces each `{{name}}` of the template in one pass, so that a value is never searched for placeholders.
fn fill(template: &str, values: &[(&str, Cow<'_, str>)]) -> String {
    let mut out = String::with_capacity(template.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        if let Some((_, value)) = values.iter().find(|(key, _)| *key == name) {
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
