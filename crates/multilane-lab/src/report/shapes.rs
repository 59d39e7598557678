//! The outlines of the timeline as SVG paths, in a box that the page stretches to its width.

use std::fmt::Write as _;

use multilane_trace::{Status, Task};

use super::rows::{Bin, Content, Row, on_core};

/// Width of every drawing's box.
pub(super) const WIDTH: f64 = 1000.0;

/// Height of one row in the box; a bar leaves a tenth of it free above and below.
pub(super) const ROW: f64 = 10.0;

const BAR: f64 = 8.0;

/// From this many tasks on, a row draws no gaps between them: the gaps would hide the tasks.
const MAX_APART: usize = 90;

/// Maps times to the box.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) origin_ns: u64,
    pub(super) length_ns: u64,
}

impl Axis {
    pub(super) fn x(self, at_ns: u64) -> f64 {
        let since = at_ns.saturating_sub(self.origin_ns) as f64;
        (since / self.length_ns.max(1) as f64).clamp(0.0, 1.0) * WIDTH
    }
}

/// The cores used over time as a filled step line; the box is `WIDTH` by 100.
pub(super) fn cores(points: &[(u64, f64)], length_ns: u64, top: f64) -> String {
    let axis = Axis {
        origin_ns: 0,
        length_ns,
    };
    let mut path = String::from("M0 100");
    for (at_ns, used) in points.iter().filter(|point| point.1.is_finite()) {
        let _ = write!(
            path,
            "H{:.2}V{:.2}",
            axis.x(*at_ns),
            100.0 - (used / top).clamp(0.0, 1.0) * 100.0
        );
    }
    path.push_str("H1000V100z");
    path
}

/// One row: its life, its tasks, the part of them on a core, those that failed, and those on the critical path.
pub(super) fn row(row: &Row<'_>, axis: Axis, position: usize, critical: &[u64]) -> String {
    let top = position as f64 * ROW;
    let mut out = life(row, axis, top + ROW / 2.0);
    match &row.content {
        Content::Tasks(tasks) => {
            let apart = if tasks.len() > MAX_APART { "" } else { " apart" };
            let outline = |keep: &dyn Fn(&Task) -> bool, height: &dyn Fn(&Task) -> f64| -> String {
                tasks
                    .iter()
                    .filter(|task| keep(task))
                    .map(|task| bar(task, axis, top + 9.0, height(task)))
                    .collect()
            };
            push(&mut out, &format!("task{apart}"), &outline(&|_| true, &|_| BAR));
            push(
                &mut out,
                &format!("onto{apart}"),
                &outline(&|task| on_core(task) > 0.0, &|task| BAR * on_core(task)),
            );
            push(&mut out, "bad", &outline(&|task| task.status != Status::Done, &|_| BAR));
            if critical.len() > 1 {
                let path: String = tasks
                    .iter()
                    .filter(|task| critical.binary_search(&task.id).is_ok())
                    .map(|task| bar(task, axis, top + 9.9, 0.7))
                    .collect();
                push(&mut out, "critical", &path);
            }
        }
        Content::Bins(bins) => {
            push(&mut out, "task", &steps(bins, top + 9.0, |bin| bin.open));
            push(&mut out, "onto", &steps(bins, top + 9.0, |bin| bin.on_core));
            let width = WIDTH / bins.len() as f64;
            let bad: String = bins
                .iter()
                .enumerate()
                .filter(|(_, bin)| bin.failed > 0)
                .map(|(index, _)| format!("M{:.2} {:.2}v{BAR}", (index as f64 + 0.5) * width, top + 1.0))
                .collect();
            push(&mut out, "bad", &bad);
        }
    }
    out
}

fn push(out: &mut String, class: &str, path: &str) {
    if !path.is_empty() {
        let _ = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
    }
}

/// A thin line while the worker lives, dashed until it is ready.
fn life(row: &Row<'_>, axis: Axis, middle: f64) -> String {
    let Some(worker) = row.worker else { return String::new() };
    let end = if worker.ended_ns == 0 {
        axis.origin_ns.saturating_add(axis.length_ns)
    } else {
        worker.ended_ns
    };
    let [started, ready, ended] = [worker.started_ns, worker.ready_ns.max(worker.started_ns), end].map(|at| axis.x(at));
    let mut out = String::new();
    if ready > started {
        push(&mut out, "boot", &format!("M{started:.2} {middle:.2}H{ready:.2}"));
    }
    if ended > ready {
        push(&mut out, "base", &format!("M{ready:.2} {middle:.2}H{ended:.2}"));
    }
    out
}

fn bar(task: &Task, axis: Axis, bottom: f64, height: f64) -> String {
    let (left, right) = (axis.x(task.started_ns), axis.x(task.ended_ns));
    let width = (right - left).max(0.05);
    format!("M{left:.2} {bottom:.2}v-{height:.2}h{width:.2}v{height:.2}z")
}

fn steps(bins: &[Bin], bottom: f64, share: fn(&Bin) -> f64) -> String {
    let width = WIDTH / bins.len() as f64;
    let mut path = format!("M0 {bottom:.2}");
    let mut level = 0.0;
    for (index, bin) in bins.iter().enumerate() {
        let next = share(bin);
        if (next - level).abs() > 0.004 {
            let _ = write!(path, "H{:.2}V{:.2}", index as f64 * width, bottom - BAR * next);
            level = next;
        }
    }
    let _ = write!(path, "H{WIDTH}V{bottom:.2}z");
    path
}

/// Progress of tasks as lines; the box is `WIDTH` by 100.
pub(super) fn progress(points: &[(u64, f64)], axis: Axis) -> String {
    let mut path = String::new();
    for (at_ns, share) in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(
            path,
            "{command}{:.2} {:.2}",
            axis.x(*at_ns),
            100.0 - share.clamp(0.0, 1.0) * 100.0
        );
    }
    path
}
