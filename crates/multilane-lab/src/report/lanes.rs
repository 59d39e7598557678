//! Cores used over time and a row per worker, one figure per strategy, all on one time scale.

use serde_json::Value;

use super::{
    cards::trimmed,
    pointer::describe,
    progress,
    rows::{Row, rows},
    shapes::{self, Axis, ROW, WIDTH},
    text::{count, duration, escape, figure, percent, place, ticks, whole},
    view::{Shown, Strategy, View},
};

/// A lane shorter than this share of the longest is hard to read: the page then starts with each lane at full width.
const MIN_SHARE: f64 = 0.08;

/// The figure with its lanes, and appends what the page needs to answer a pointer to `data`.
pub(super) fn figure_of(view: &View<'_>, data: &mut Vec<Value>) -> Option<String> {
    let shown: Vec<_> = view
        .strategies
        .iter()
        .filter_map(|strategy| strategy.shown.as_ref().map(|shown| (strategy, shown)))
        .collect();
    let longest = shown.iter().map(|(_, shown)| shown.analysis.makespan_ns).max()?;
    let shortest = shown.iter().map(|(_, shown)| shown.analysis.makespan_ns).min()?;
    let fit = (shortest as f64) < MIN_SHARE * longest as f64;
    let all = view.proof.machine.cpus_usable();
    let most = shown
        .iter()
        .flat_map(|(_, shown)| shown.analysis.cores_over_time.iter().map(|point| point.1));
    let top = most.filter(|cores| cores.is_finite()).fold(all.max(1.0), f64::max);
    let lanes: String = shown
        .iter()
        .map(|(strategy, shown)| lane(strategy, shown, longest, (all, top), data))
        .collect();
    let class = if fit { "lanes fit" } else { "lanes" };
    let tools = if shown.len() > 1 {
        format!(
            "<div class=\"tools\" hidden><button type=\"button\" data-scale=\"shared\" aria-pressed=\"{}\">One time scale</button>\
             <button type=\"button\" data-scale=\"own\" aria-pressed=\"{fit}\">Each at full width</button></div>",
            !fit
        )
    } else {
        String::new()
    };
    Some(format!("<div class=\"{class}\">{tools}{lanes}</div>"))
}

fn lane(
    strategy: &Strategy<'_>,
    shown: &Shown<'_>,
    longest: u64,
    (all, top): (f64, f64),
    data: &mut Vec<Value>,
) -> String {
    let analysis = &shown.analysis;
    let axis = Axis {
        origin_ns: shown.origin_ns,
        length_ns: analysis.makespan_ns,
    };
    let (rows, hidden) = rows(shown);
    let number = data.len();
    data.push(describe(shown, &rows));
    let mut critical = analysis.critical_path.clone();
    critical.sort_unstable();
    let paths: String = rows
        .iter()
        .enumerate()
        .map(|(position, row)| shapes::row(row, axis, position, &critical))
        .collect();
    let more = if hidden > 0 {
        format!("<p class=\"quiet\">{} more are not drawn.</p>", count(hidden, "worker"))
    } else {
        String::new()
    };
    let which = if strategy.runs.len() > 1 {
        format!(
            "; run {} of {}, the one nearest to the median",
            shown.run.repeat.saturating_add(1),
            strategy.runs.len()
        )
    } else {
        String::new()
    };
    format!(
        "<figure class=\"lane\" data-lane=\"{number}\" style=\"--share:{share:.4}\">\
         <figcaption><b>{name}</b> <small>{makespan}, {cores} cores used on average{which}</small></figcaption>\
         {over}{progress}{workers}{scale}{more}{table}</figure>",
        share = analysis.makespan_ns as f64 / longest as f64,
        name = escape(strategy.name),
        makespan = duration(analysis.makespan_ns as f64),
        cores = figure(analysis.cores_used),
        over = over_time(shown, all, top),
        progress = progress::strip(shown, axis),
        workers = workers(strategy.name, analysis.tasks, &rows, &paths),
        scale = scales(analysis.makespan_ns, longest),
        table = table(&rows),
    )
}

/// Cores used over time.
fn over_time(shown: &Shown<'_>, all: f64, top: f64) -> String {
    let points = &shown.analysis.cores_over_time;
    let path = shapes::cores(points, shown.analysis.makespan_ns, top);
    let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let level = if all > 0.0 {
        format!("<i class=\"level all\" style=\"top:{}\"></i>", place(1.0 - all / top))
    } else {
        String::new()
    };
    let upper = if all > 0.0 { all } else { top };
    format!(
        "<div class=\"strip over\"><div class=\"gutter\" aria-hidden=\"true\"><span style=\"top:{at};transform:translateY(-50%)\">{upper} cores</span>\
         <span style=\"bottom:0;transform:translateY(50%)\">0</span></div>\
         <div class=\"track\">{level}<div class=\"plot\" role=\"img\" aria-label=\"Cores used over time: {mean} on average, {most} at most\">\
         <svg viewBox=\"0 0 {WIDTH} 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path class=\"area\" d=\"{path}\"/></svg>\
         </div></div></div>",
        at = place(1.0 - upper / top),
        upper = trimmed(upper),
        mean = figure(shown.analysis.cores_used),
        most = figure(most),
    )
}

fn workers(strategy: &str, tasks: usize, rows: &[Row<'_>], paths: &str) -> String {
    let (height, every) = match rows.len() {
        0..=8 => (1.5, 1),
        9..=24 => (0.95, 1),
        25..=64 => (0.5, 4),
        _ => (0.25, 16),
    };
    let names: String = rows
        .iter()
        .enumerate()
        .filter(|(position, _)| position % every == 0)
        .map(|(position, row)| {
            let at = place((position as f64 + 0.5) / rows.len() as f64);
            format!("<span style=\"top:{at}\">{}</span>", escape(&row.name()))
        })
        .collect();
    format!(
        "<div class=\"strip workers\"><div class=\"gutter\" aria-hidden=\"true\">{names}</div>\
         <div class=\"track\" style=\"height:{:.3}rem\" tabindex=\"0\" role=\"group\" aria-label=\"Timeline of {}: {} on {}. \
         Arrow keys move from task to task, Escape leaves.\">\
         <div class=\"plot\"><svg viewBox=\"0 0 {WIDTH} {}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">{paths}</svg></div></div></div>",
        height * rows.len() as f64,
        escape(strategy),
        count(tasks, "task"),
        count(rows.len(), "worker"),
        rows.len() as f64 * ROW,
    )
}

/// Two time scales of which the page shows one: shared by all lanes, or the lane's own.
pub(super) fn scales(own: u64, longest: u64) -> String {
    let scale = |class: &str, length: u64| {
        let length = length as f64;
        let labels: String = ticks(length, 5)
            .into_iter()
            .map(|tick| {
                let end = if tick > length * 0.94 { " class=\"end\"" } else { "" };
                format!(
                    "<span{end} style=\"left:{}\">{}</span>",
                    place(tick / length),
                    duration(tick)
                )
            })
            .collect();
        format!("<div class=\"scale {class}\">{labels}</div>")
    };
    format!(
        "<div class=\"strip\" aria-hidden=\"true\"><div></div><div class=\"axis\">{}{}</div></div>",
        scale("shared", longest),
        scale("own", own)
    )
}

/// The rows in numbers, for those who cannot see the figure or want to be exact.
fn table(rows: &[Row<'_>]) -> String {
    let body: String = rows
        .iter()
        .map(|row| {
            let totals = row.totals;
            let span = if totals.tasks == 0 {
                "<td>\u{2013}</td><td>\u{2013}</td>".to_owned()
            } else {
                format!("<td>{}</td><td>{}</td>", duration(totals.first_ns as f64), duration(totals.last_ns as f64))
            };
            let share = if totals.open_ns == 0 { 0.0 } else { totals.cpu_ns as f64 / totals.open_ns as f64 };
            format!(
                "<tr><th scope=\"row\">{} <small>{}</small></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>{span}</tr>",
                escape(&row.name()),
                escape(&row.identity()),
                whole(totals.tasks as i64),
                whole(totals.failed as i64),
                duration(totals.open_ns as f64),
                duration(totals.cpu_ns as f64),
                percent(share),
            )
        })
        .collect();
    format!(
        "<details><summary>The same in numbers</summary><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Workers in numbers\">\
         <table><thead><tr><th scope=\"col\">Worker</th><th scope=\"col\">Tasks</th><th scope=\"col\">Failed</th><th scope=\"col\">In tasks</th>\
         <th scope=\"col\">On a core</th><th scope=\"col\">Share</th><th scope=\"col\">First start</th><th scope=\"col\">Last end</th></tr></thead>\
         <tbody>{body}</tbody></table></div></details>"
    )
}
