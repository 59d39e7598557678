//! Writes a trace as Chrome JSON, which Perfetto and `chrome://tracing` open.
//!
//! A track per worker, a slice per attempt, an arrow per dependency, and the
//! cores in use as a counter. Times are microseconds from the start of the trace.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{Task, Trace, UNKNOWN_CORE, load::steps};

/// All tracks belong to one process in the viewer: workers are comparable rows.
const PROCESS: u32 = 1;

/// Points of the counter: enough for a wide screen.
const COUNTER_POINTS: usize = 1000;

impl Trace {
    /// The trace as Chrome JSON.
    pub fn to_perfetto(&self) -> String {
        let origin = self.first_event_ns();
        let mut events = self.names();
        events.extend(
            self.tasks
                .iter()
                .filter(|task| task.wall_ns() > 0)
                .map(|task| self.slice(task, origin)),
        );
        events.extend(self.arrows(origin));
        events.extend(self.counter(origin));
        events.extend(self.progress.iter().map(|progress| {
            json!({"ph": "C", "name": format!("progress of task {}", progress.task), "pid": PROCESS,
                "ts": micros(progress.at_ns, origin), "args": {"done": progress.done}})
        }));
        json!({
            "displayTimeUnit": "ms",
            "otherData": {"label": self.meta.label, "backend": self.meta.backend, "versions": self.meta.versions},
            "traceEvents": events,
        })
        .to_string()
    }

    fn first_event_ns(&self) -> u64 {
        let started = self.tasks.iter().map(|task| task.started_ns).filter(|at| *at > 0);
        let window = Some(self.meta.start_ns).filter(|at| *at > 0);
        started.chain(window).min().unwrap_or(0)
    }

    fn names(&self) -> Vec<Value> {
        let label = if self.meta.label.is_empty() {
            "run"
        } else {
            &self.meta.label
        };
        let mut events = vec![json!({"ph": "M", "name": "process_name", "pid": PROCESS,
            "args": {"name": format!("multilane: {label}")}})];
        for worker in &self.workers {
            let name = format!("{} {} (id {})", worker.kind, worker.index, worker.os_id);
            events.push(
                json!({"ph": "M", "name": "thread_name", "pid": PROCESS, "tid": track(worker.index),
                "args": {"name": name}}),
            );
            events.push(
                json!({"ph": "M", "name": "thread_sort_index", "pid": PROCESS, "tid": track(worker.index),
                "args": {"sort_index": worker.index}}),
            );
        }
        events
    }

    fn slice(&self, task: &Task, origin: u64) -> Value {
        let mut args = json!({"task": task.id, "status": task.status.name(), "cpu_us": task.cpu_ns as f64 / 1e3});
        let mut note = |name: &str, value: u64| {
            if value > 0 {
                args[name] = json!(value);
            }
        };
        note("attempt", if task.attempt > 1 { task.attempt.into() } else { 0 });
        note("queued_for_us", since(task.started_ns, task.queued_ns) / 1000);
        note("decode_us", task.decode_ns / 1000);
        note("encode_us", task.result_encode_ns / 1000);
        note("interpreter_wait_us", task.interpreter_wait_ns / 1000);
        note("run_queue_us", task.run_queue_ns / 1000);
        note("bytes_in", task.bytes_in);
        note("bytes_out", task.bytes_out);
        note("parent", task.parent);
        if task.core_start != UNKNOWN_CORE {
            args["core"] = json!(task.core_start);
        }
        json!({"ph": "X", "name": self.function_name(task.function), "cat": "task", "pid": PROCESS,
            "tid": track(task.worker), "ts": micros(task.started_ns, origin),
            "dur": task.wall_ns() as f64 / 1e3, "args": args})
    }

    fn arrows(&self, origin: u64) -> Vec<Value> {
        // The last attempt is the one whose result the dependent saw.
        let by_id: HashMap<u64, &Task> = self
            .tasks
            .iter()
            .filter(|task| task.wall_ns() > 0)
            .map(|task| (task.id, task))
            .collect();
        let mut events = Vec::with_capacity(self.edges.len() * 2);
        for (number, (to, from)) in self.edges.iter().enumerate() {
            let (Some(from), Some(to)) = (by_id.get(from), by_id.get(to)) else {
                continue;
            };
            // An arrow binds to the slice around its time: the end itself lies outside.
            let leaves = from.ended_ns - 1;
            events.push(
                json!({"ph": "s", "name": "needs", "cat": "dependency", "id": number, "pid": PROCESS,
                "tid": track(from.worker), "ts": micros(leaves, origin)}),
            );
            events.push(
                json!({"ph": "f", "bp": "e", "name": "needs", "cat": "dependency", "id": number,
                "pid": PROCESS, "tid": track(to.worker), "ts": micros(to.started_ns, origin)}),
            );
        }
        events
    }

    fn counter(&self, origin: u64) -> Vec<Value> {
        let end = self.tasks.iter().map(|task| task.ended_ns).max().unwrap_or(origin);
        let intervals = self.tasks.iter().filter(|task| task.wall_ns() > 0).map(|task| {
            (
                task.started_ns,
                task.ended_ns,
                task.cpu_ns as f64 / task.wall_ns() as f64,
            )
        });
        steps((origin, end), COUNTER_POINTS.min(self.tasks.len() * 4), intervals)
            .into_iter()
            .chain([(end, 0.0)])
            .map(|(at, cores)| {
                json!({"ph": "C", "name": "cores used", "pid": PROCESS, "ts": micros(at, origin),
                    "args": {"cores": (cores * 1e3).round() / 1e3}})
            })
            .collect()
    }
}

/// The viewer's row of a worker; 0 is taken by the process.
fn track(worker: u32) -> u64 {
    u64::from(worker) + 1
}

fn since(later: u64, earlier: u64) -> u64 {
    if earlier == 0 { 0 } else { later.saturating_sub(earlier) }
}

fn micros(at_ns: u64, origin: u64) -> f64 {
    at_ns.saturating_sub(origin) as f64 / 1e3
}
