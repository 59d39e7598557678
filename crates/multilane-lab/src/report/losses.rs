//! Where the time went: a stacked bar per strategy, and each part of it in words.

use crate::Decomposition;

use super::{
    text::{count, duration, escape, percent, place},
    view::View,
};

/// Parts below this share of the workers' time are left out of the words, not out of the bar.
const WORTH_A_WORD: f64 = 0.0005;

/// Parts from this share on are labelled inside the bar.
const WORTH_A_LABEL: f64 = 0.09;

/// A part of the workers' time.
struct Kind {
    class: &'static str,
    name: &'static str,
    meaning: &'static str,
    /// Textures leave no room for a label.
    solid: bool,
    share: fn(&Decomposition) -> f64,
}

const KINDS: &[Kind] = &[
    Kind {
        class: "useful",
        name: "useful",
        meaning: "on a core, doing the work of the tasks",
        solid: true,
        share: |parts| parts.useful,
    },
    Kind {
        class: "interpreter",
        name: "interpreter lock",
        meaning: "in a task, ready to go on, while another thread held Python\u{2019}s interpreter lock (the GIL)",
        solid: true,
        share: |parts| parts.interpreter_wait,
    },
    Kind {
        class: "queue",
        name: "queue for a core",
        meaning: "in a task, ready to go on, while the core ran something else",
        solid: true,
        share: |parts| parts.run_queue,
    },
    Kind {
        class: "waiting",
        name: "waiting",
        meaning: "in a task, off the core for another reason: sleep, files, network, locks",
        solid: true,
        share: |parts| parts.waiting,
    },
    Kind {
        class: "packing",
        name: "packing",
        meaning: "turning arguments and results into bytes and back",
        solid: true,
        share: |parts| parts.serialisation,
    },
    Kind {
        class: "dispatch",
        name: "hand-over",
        meaning: "between two tasks, although a task was waiting",
        solid: false,
        share: |parts| parts.dispatch,
    },
    Kind {
        class: "imbalance",
        name: "uneven tasks",
        meaning: "idle at the end, while other workers still worked",
        solid: false,
        share: |parts| parts.load_imbalance,
    },
    Kind {
        class: "serial",
        name: "too few tasks",
        meaning: "idle because tasks waited for each other or came too slowly",
        solid: false,
        share: |parts| parts.serial_fraction,
    },
    Kind {
        class: "startup",
        name: "start-up",
        meaning: "a worker was starting and could not take a task yet",
        solid: false,
        share: |parts| parts.start_up,
    },
    Kind {
        class: "idle",
        name: "idle",
        meaning: "nothing to do anywhere",
        solid: false,
        share: |parts| parts.idle,
    },
];

/// The figure, or nothing when no run was recorded.
pub(super) fn figure(view: &View<'_>) -> Option<String> {
    let shown = || {
        view.strategies
            .iter()
            .filter_map(|strategy| strategy.shown.as_ref().map(|shown| (strategy, shown)))
    };
    shown().next()?;
    let bars: String = shown()
        .map(|(strategy, shown)| {
            let analysis = &shown.analysis;
            let all = analysis.makespan_ns as f64 * analysis.workers as f64;
            format!(
                "<div class=\"spent\"><h3>{} <small>{} \u{d7} {}</small></h3>{}{}</div>",
                escape(strategy.name),
                count(analysis.workers, "worker"),
                duration(analysis.makespan_ns as f64),
                stack(&analysis.decomposition),
                words(&analysis.decomposition, all)
            )
        })
        .collect();
    let met = KINDS
        .iter()
        .filter(|kind| shown().any(|(_, shown)| (kind.share)(&shown.analysis.decomposition) >= WORTH_A_WORD));
    let glossary: String = met
        .map(|kind| {
            format!(
                "<dt><i class=\"part-{}\"></i>{}</dt><dd>{}</dd>",
                kind.class, kind.name, kind.meaning
            )
        })
        .collect();
    Some(format!("{bars}<dl class=\"glossary\">{glossary}</dl>"))
}

fn stack(parts: &Decomposition) -> String {
    let segments: String = KINDS
        .iter()
        .filter(|kind| (kind.share)(parts) > 0.0)
        .map(|kind| {
            let share = (kind.share)(parts);
            let label = if kind.solid && share >= WORTH_A_LABEL {
                percent(share)
            } else {
                String::new()
            };
            let thin = if label.is_empty() { " thin" } else { "" };
            format!(
                "<span class=\"part-{}{thin}\" style=\"width:{}\">{label}</span>",
                kind.class,
                place(share)
            )
        })
        .collect();
    format!("<div class=\"stack\" aria-hidden=\"true\">{segments}</div>")
}

fn words(parts: &Decomposition, all_ns: f64) -> String {
    let mut met: Vec<&Kind> = KINDS
        .iter()
        .filter(|kind| (kind.share)(parts) >= WORTH_A_WORD)
        .collect();
    met.sort_by(|one, other| (other.share)(parts).total_cmp(&(one.share)(parts)));
    let items: String = met
        .iter()
        .map(|kind| {
            let share = (kind.share)(parts);
            format!(
                "<li><i class=\"part-{}\"></i><span>{} {} <span class=\"quiet\">({})</span></span></li>",
                kind.class,
                percent(share),
                kind.name,
                duration(share * all_ns)
            )
        })
        .collect();
    format!("<ul class=\"parts\">{items}</ul>")
}
