//! How far each task was over time, as the tasks themselves reported it.

use std::collections::BTreeMap;

use super::{
    lanes::scales,
    shapes::{self, Axis, WIDTH},
    text::{count, duration, escape},
    view::{Shown, View},
};

/// Tasks whose progress is drawn.
const MAX_LINES: usize = 24;

/// What tasks said of their own progress, a line per task; nothing when none did.
pub(super) fn strip(shown: &Shown<'_>, axis: Axis) -> String {
    let mut lines: BTreeMap<u64, Vec<(u64, f64)>> = BTreeMap::new();
    for point in shown.trace.progress.iter().filter(|point| point.total > 0) {
        lines
            .entry(point.task)
            .or_default()
            .push((point.at_ns, point.done as f64 / point.total as f64));
    }
    if lines.is_empty() {
        return String::new();
    }
    let paths: String = lines
        .values_mut()
        .take(MAX_LINES)
        .map(|points| {
            points.sort_by_key(|point| point.0);
            format!("<path class=\"advance\" d=\"{}\"/>", shapes::progress(points, axis))
        })
        .collect();
    format!(
        "<div class=\"strip progress\"><div class=\"gutter\" aria-hidden=\"true\"><span style=\"top:0;transform:translateY(-50%)\">done</span>\
         <span style=\"bottom:0;transform:translateY(50%)\">0</span></div><div class=\"track\">\
         <div class=\"plot\" role=\"img\" aria-label=\"Progress of {} over time, a line for each\">\
         <svg viewBox=\"0 0 {WIDTH} 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\">{paths}</svg></div></div></div>",
        count(lines.len(), "task")
    )
}

/// The progress that tasks reported, a figure per strategy on one time scale; nothing when no task did.
pub(super) fn figure_of(view: &View<'_>) -> Option<String> {
    let shown: Vec<_> = view
        .strategies
        .iter()
        .filter_map(|strategy| strategy.shown.as_ref().map(|shown| (strategy, shown)))
        .filter(|(_, shown)| shown.trace.progress.iter().any(|point| point.total > 0))
        .collect();
    let longest = shown.iter().map(|(_, shown)| shown.analysis.makespan_ns).max()?;
    let lanes: String = shown
        .into_iter()
        .map(|(strategy, shown)| {
            let length = shown.analysis.makespan_ns;
            let axis = Axis { origin_ns: shown.origin_ns, length_ns: length };
            format!(
                "<figure class=\"lane\" style=\"--share:{:.4}\"><figcaption><b>{}</b> <small>progress of {} over {}</small></figcaption>{}{}</figure>",
                length as f64 / longest as f64,
                escape(strategy.name),
                count(shown.analysis.tasks, "task"),
                duration(length as f64),
                strip(shown, axis),
                scales(length, longest)
            )
        })
        .collect();
    Some(format!("<div class=\"lanes\">{lanes}</div>"))
}
