//! What the page answers to a pointer or the keyboard: each row's tasks or bins as plain numbers.

use multilane_trace::Status;
use serde_json::{Value, json};

use super::{
    rows::{Content, Row, on_core},
    text::visible,
    view::Shown,
};

/// What the page needs to say what lies under a pointer; times are nanoseconds since the start of the lane.
pub(super) fn describe(shown: &Shown<'_>, rows: &[Row<'_>]) -> Value {
    let since = |at: u64| at.saturating_sub(shown.origin_ns);
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let (key, numbers): (&str, Vec<u64>) = match &row.content {
                Content::Tasks(tasks) => (
                    "tasks",
                    tasks
                        .iter()
                        .flat_map(|task| {
                            let permille = (on_core(task) * 1000.0).round() as u64;
                            let (start, end) = (since(task.started_ns), since(task.ended_ns));
                            let waited = task.started_ns.saturating_sub(task.ready_ns.max(task.queued_ns));
                            let waited = if task.queued_ns == 0 { 0 } else { waited };
                            [
                                start,
                                end,
                                permille,
                                task.function.into(),
                                status(task.status),
                                task.attempt.into(),
                                task.id,
                                waited,
                            ]
                        })
                        .collect(),
                ),
                Content::Bins(bins) => (
                    "bins",
                    bins.iter()
                        .flat_map(|bin| {
                            let permille = |share: f64| (share * 1000.0).round() as u64;
                            [
                                bin.started.into(),
                                permille(bin.open),
                                permille(bin.on_core),
                                bin.failed.into(),
                            ]
                        })
                        .collect(),
                ),
            };
            json!({"name": row.name(), "identity": visible(&row.identity()), key: numbers})
        })
        .collect();
    json!({
        "length": shown.analysis.makespan_ns,
        "functions": shown.trace.functions.iter().map(|name| visible(name)).collect::<Vec<_>>(),
        "cores": shown.analysis.cores_over_time,
        "rows": rows,
    })
}

/// The index of a status in the page's list of words.
fn status(status: Status) -> u64 {
    match status {
        Status::Done => 0,
        Status::Failed => 1,
        Status::Cancelled => 2,
        Status::TimedOut => 3,
        Status::Lost => 4,
    }
}
