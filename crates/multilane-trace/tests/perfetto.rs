//! What the Perfetto export holds.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use multilane_trace::{Meta, Recorder, Status, Task, Trace, Worker};
use serde_json::Value;

fn two_dependent_tasks() -> Trace {
    let mut recorder = Recorder::new(Meta {
        label: "demo".into(),
        start_ns: 1_000_000,
        ..Meta::default()
    });
    let function = recorder.function("module.crunch");
    assert_eq!(recorder.function("module.crunch"), function);
    for index in 0..2 {
        recorder.push_worker(Worker {
            index,
            kind: "process".into(),
            os_id: 70 + index,
            ..Worker::default()
        });
    }
    let first = Task {
        id: 1,
        function,
        queued_ns: 1_000_000,
        started_ns: 1_002_000,
        ended_ns: 1_012_000,
        cpu_ns: 10_000,
        ..Task::default()
    };
    recorder.push_task(first);
    recorder.push_task(Task {
        id: 2,
        worker: 1,
        status: Status::Failed,
        started_ns: 1_020_000,
        ended_ns: 1_040_000,
        cpu_ns: 10_000,
        core_start: 3,
        bytes_in: 8,
        ..first
    });
    // Never ran: it has no slice.
    recorder.push_task(Task {
        id: 3,
        status: Status::Cancelled,
        started_ns: 0,
        ended_ns: 0,
        ..first
    });
    recorder.push_edge(2, 1);
    recorder.push_edge(3, 2);
    recorder.finish(1_050_000)
}

fn events(trace: &Trace, phase: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(&trace.to_perfetto()).unwrap();
    let all = json["traceEvents"].as_array().unwrap();
    all.iter().filter(|event| event["ph"] == phase).cloned().collect()
}

#[test]
fn a_slice_per_attempt_that_ran() {
    let slices = events(&two_dependent_tasks(), "X");
    assert_eq!(slices.len(), 2);
    assert_eq!(slices[0]["name"], "module.crunch");
    assert_eq!(slices[0]["ts"], 2.0);
    assert_eq!(slices[0]["dur"], 10.0);
    assert_eq!(slices[0]["args"]["queued_for_us"], 2);
    assert_eq!(slices[1]["args"]["status"], "failed");
    assert_eq!(slices[1]["args"]["core"], 3);
    assert_ne!(slices[0]["tid"], slices[1]["tid"]);
}

#[test]
fn a_track_per_worker() {
    let names = events(&two_dependent_tasks(), "M");
    let workers: Vec<_> = names.iter().filter(|event| event["name"] == "thread_name").collect();
    assert_eq!(workers.len(), 2);
    assert_eq!(workers[1]["args"]["name"], "process 1 (id 71)");
}

#[test]
fn an_arrow_joins_the_slices_of_a_dependency() {
    let trace = two_dependent_tasks();
    let (leaves, arrives) = (events(&trace, "s"), events(&trace, "f"));
    assert_eq!((leaves.len(), arrives.len()), (1, 1));
    assert_eq!(leaves[0]["id"], arrives[0]["id"]);
    let slice = &events(&trace, "X")[0];
    let end = slice["ts"].as_f64().unwrap() + slice["dur"].as_f64().unwrap();
    assert!(
        leaves[0]["ts"].as_f64().unwrap() < end,
        "an arrow must start inside its slice"
    );
}

#[test]
fn the_counter_shows_cores_used_and_returns_to_zero() {
    let counter = events(&two_dependent_tasks(), "C");
    let values: Vec<f64> = counter
        .iter()
        .map(|event| event["args"]["cores"].as_f64().unwrap())
        .collect();
    assert!(values.contains(&1.0) && values.contains(&0.5), "{values:?}");
    assert_eq!(values.last(), Some(&0.0));
}

#[test]
fn an_empty_trace_exports() {
    assert!(serde_json::from_str::<Value>(&Trace::default().to_perfetto()).is_ok());
}
