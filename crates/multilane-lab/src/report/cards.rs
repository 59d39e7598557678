//! The verdict in words: a card per strategy, and the sentence that says what was measured.

use std::collections::BTreeSet;

use crate::{BASELINE, CONTROL, Judgement, PartJudgement, Proof, Verdict};

use super::{
    text::{count, duration, escape, figure, place, prose, times},
    view::{Strategy, View, best_cores, glyph, mark, meaning},
};

/// Cores are drawn one by one up to this many.
const MAX_BOXES: usize = 24;

/// What ran, how often, and where, in a sentence.
pub(super) fn lede(proof: &Proof, judgement: &Judgement) -> String {
    let mut said = Vec::new();
    if !proof.function.is_empty() {
        said.push(format!("The work: <code>{}</code>", escape(&proof.function)));
    }
    if proof.tasks > 0 {
        said.push(format!("{} a run", count(proof.tasks as usize, "task")));
    }
    let repeats = count(repeats(proof), "repeat");
    if !proof.runs.is_empty() {
        let ways = count(proof.strategies().len(), "way");
        said.push(format!("{ways} of running it, {repeats}"));
    } else if !proof.parts.is_empty() {
        said.push(format!("{}, {repeats} each", count(proof.parts.len(), "proof")));
    }
    let cores = proof.machine.cpus_usable();
    if cores > 0.0 {
        let cores = if cores.fract() == 0.0 {
            count(cores as usize, "usable core")
        } else {
            format!("{} usable cores", figure(cores))
        };
        let model = match proof.machine.cpu_model.trim() {
            "" => String::new(),
            // Capitals are read letter by letter, and so are the names that begin with a vowel: an AMD, an Intel.
            model if model.starts_with(['A', 'E', 'I', 'O', 'U']) => format!(" of an {}", escape(model)),
            model => format!(" of a {}", escape(model)),
        };
        said.push(format!("{cores}{model}"));
    }
    let sentence = if said.is_empty() {
        String::new()
    } else {
        format!("{}.", said.join("; "))
    };
    // The headline may have said it already.
    let said = judgement.headline.to_lowercase();
    let unsaid = judgement
        .refusals
        .iter()
        .filter(|refusal| !said.contains(&refusal.to_lowercase()));
    let refusals: String = unsaid
        .map(|refusal| format!("<li>{}</li>", prose(&sentence_case(refusal))))
        .collect();
    if refusals.is_empty() {
        format!("<p class=\"lede\">{sentence}</p>")
    } else {
        format!(
            "<p class=\"lede\">{sentence}</p><div class=\"refusals\"><p>Why the claim is refused</p><ul>{refusals}</ul></div>"
        )
    }
}

/// How often everything was measured.
pub(super) fn repeats(proof: &Proof) -> usize {
    let runs = proof
        .runs
        .iter()
        .chain(proof.parts.iter().flat_map(|part| &part.proof.runs));
    runs.map(|run| run.repeat).collect::<BTreeSet<_>>().len()
}

/// A card per strategy; a card per part where the proof has no runs of its own.
pub(super) fn cards(view: &View<'_>) -> String {
    if view.strategies.is_empty() {
        return view.judgement.parts.iter().map(part).collect();
    }
    let strategies = view.strategies.iter();
    strategies
        .map(|strategy| {
            if strategy.name == BASELINE {
                yardstick(strategy)
            } else {
                card(view, strategy)
            }
        })
        .collect()
}

/// A part in short: whether it holds, and the quickest strategy beside the control.
fn part(part: &PartJudgement) -> String {
    let (class, word) = if part.holds {
        ("parallel", "Holds")
    } else {
        ("refuted", "Does not hold")
    };
    let strategies = &part.judgement.strategies;
    let quickest = strategies
        .iter()
        .filter(|verdict| verdict.strategy != CONTROL)
        .max_by(|one, other| one.speedup.median.total_cmp(&other.speedup.median));
    let control = strategies.iter().find(|verdict| verdict.strategy == CONTROL);
    let big = quickest.map_or_else(String::new, |verdict| {
        format!(
            "<p class=\"big\">{} <span>{}</span></p>",
            times(verdict.speedup.median),
            escape(&verdict.strategy)
        )
    });
    let beside = control.map_or_else(String::new, |verdict| {
        format!(
            "<p class=\"quiet\">{}: {}</p>",
            escape(&verdict.strategy),
            times(verdict.speedup.median)
        )
    });
    let claim = if part.claim.is_empty() { &part.name } else { &part.claim };
    format!(
        "<article class=\"card {class}\"><p class=\"word\">{}{word}</p><h3>{}</h3>{big}{beside}</article>",
        mark(part.holds),
        escape(&sentence_case(claim)),
    )
}

fn card(view: &View<'_>, strategy: &Strategy<'_>) -> String {
    let Some(verdict) = strategy.verdict else {
        return format!(
            "<article class=\"card inconclusive\"><h3>{}</h3></article>",
            escape(strategy.name)
        );
    };
    let class = meaning(&verdict.verdict);
    let drawing = glyph(Some(&verdict.verdict));
    let word = match &verdict.verdict {
        Verdict::Serialised { cause } => format!("serialised: {}", cause.name()),
        other => other.name().to_owned(),
    };
    let next = match &verdict.verdict {
        Verdict::Inconclusive { what_to_change, .. } if verdict.advice.is_empty() => what_to_change,
        _ => &verdict.advice,
    };
    let next = if next.is_empty() {
        String::new()
    } else {
        format!("<p class=\"next\">{}</p>", prose(next))
    };
    let evidence: String = verdict
        .evidence
        .iter()
        .map(|line| format!("<li>{}</li>", prose(line)))
        .collect();
    let evidence = if evidence.is_empty() {
        String::new()
    } else {
        format!("<details><summary>Evidence</summary><ul>{evidence}</ul></details>")
    };
    let (low, high) = (figure(verdict.speedup.low), figure(verdict.speedup.high));
    let tasks = strategy
        .runs
        .iter()
        .map(|run| run.tasks)
        .max()
        .unwrap_or(view.proof.tasks);
    let workers = strategy
        .runs
        .iter()
        .map(|run| run.workers)
        .max()
        .unwrap_or(view.proof.workers);
    let cores = cores(
        verdict.cores_used.median,
        best_cores(&view.proof.machine, workers, tasks),
    );
    format!(
        "<article class=\"card {class}\">\
         <p class=\"word\">{drawing}{word}</p>\
         <h3>{name}</h3>\
         <p class=\"big\">{speedup} <span>as fast as sequential</span></p>\
         <p class=\"quiet\">95\u{a0}% interval {low} to {high}</p>\
         {cores}\
         <div class=\"rest\"><p class=\"says\">{sentence}</p>{next}{evidence}</div></article>",
        word = escape(&sentence_case(&word)),
        name = escape(strategy.name),
        speedup = times(verdict.speedup.median),
        sentence = prose(&verdict.sentence),
    )
}

fn yardstick(strategy: &Strategy<'_>) -> String {
    let wall = strategy.median_wall_ns().map_or_else(String::new, |wall| {
        format!(
            "<p class=\"big\">{} <span>median of {}</span></p>",
            duration(wall),
            count(strategy.runs.len(), "run")
        )
    });
    format!(
        "<article class=\"card baseline\"><p class=\"word\">{}The yardstick</p><h3>{}</h3>{wall}\
         <p class=\"says\">The same work, one task after the other on one core, measured in the same proof.</p></article>",
        glyph(None),
        escape(strategy.name),
    )
}

/// Cores as boxes, as much of them filled as was used.
fn cores(used: f64, best: f64) -> String {
    if !used.is_finite() {
        return String::new();
    }
    let best = if best.is_finite() { best } else { used.max(1.0) };
    let boxes = (best.max(used).ceil() as usize).clamp(1, 100_000);
    let drawing = if boxes <= MAX_BOXES {
        let shapes: String = (0..boxes)
            .map(|index| {
                let left = index * 14;
                let filled = (used - index as f64).clamp(0.0, 1.0) * 12.0;
                format!(
                    "<rect x='{left}.5' y='.5' width='11' height='11' fill='none' stroke='currentColor' stroke-opacity='.55'/>\
                     <rect x='{left}' y='0' width='{filled:.2}' height='12' fill='var(--useful)'/>"
                )
            })
            .collect();
        format!(
            "<svg viewBox=\"0 0 {width} 12\" width=\"{width}\" aria-hidden=\"true\">{shapes}</svg>",
            width = boxes * 14 - 2
        )
    } else {
        format!(
            "<span class=\"meter\" aria-hidden=\"true\"><i style=\"width:{}\"></i></span>",
            place(used / best)
        )
    };
    format!(
        "<p class=\"cores\">{drawing}<span>{} of {} cores used</span></p>",
        figure(used),
        trimmed(best)
    )
}

/// A number of cores: `2`, or `2.5` where a quota says so.
pub(super) fn trimmed(cores: f64) -> String {
    if cores.fract() == 0.0 {
        super::text::whole(cores as i64)
    } else {
        figure(cores)
    }
}

/// Capitalises the first letter.
pub(super) fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
