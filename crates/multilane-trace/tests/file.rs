//! The file of a trace: what is written is read, and nothing else is.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use expect_test::{Expect, expect};
use multilane_trace::{Machine, Meta, Progress, Sample, Status, Task, Trace, TraceError, Worker, container};
use proptest::prelude::*;

fn bytes(trace: &Trace) -> Vec<u8> {
    let mut out = Vec::new();
    container::write(Trace::KIND, trace, &mut out).unwrap();
    out
}

fn read(bytes: &[u8]) -> Result<Trace, TraceError> {
    container::read(Trace::KIND, bytes, Path::new("run.mltrace"))
}

/// A file with this first line and this JSON, packed as the format asks.
fn packed(header: &str, json: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(json.as_bytes()).unwrap();
    [format!("{header}\n").into_bytes(), packer.finish().unwrap()].concat()
}

#[track_caller]
fn refused(bytes: &[u8], expect: Expect) {
    let error = read(bytes).unwrap_err();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    expect.assert_eq(&format!("{error}{hint}"));
}

#[test]
fn other_files_are_refused() {
    refused(
        b"",
        expect![[r#"
        `run.mltrace` is not a multilane trace file
        hint: give a file that multilane saved as a trace; its name usually ends in `.mltrace`"#]],
    );
    refused(
        &[0xff; 300],
        expect![[r#"
        `run.mltrace` is not a multilane trace file
        hint: give a file that multilane saved as a trace; its name usually ends in `.mltrace`"#]],
    );
    refused(
        &packed("multilane trace 1 more", "{}"),
        expect![[r#"
        `run.mltrace` is not a multilane trace file
        hint: give a file that multilane saved as a trace; its name usually ends in `.mltrace`"#]],
    );
    refused(
        &packed("multilane trace -1", "{}"),
        expect![[r#"
        `run.mltrace` is not a multilane trace file
        hint: give a file that multilane saved as a trace; its name usually ends in `.mltrace`"#]],
    );
    refused(
        &packed("multilane proof 1", "{}"),
        expect![[r#"
        `run.mltrace` is not a multilane trace file
        hint: it is a multilane proof file"#]],
    );
}

#[test]
fn a_newer_format_is_refused_whatever_it_holds() {
    refused(
        b"multilane trace 2\nanything",
        expect![[r#"
        `run.mltrace` has format 2, and this version reads up to format 1
        hint: update multilane, or save the file again with this version"#]],
    );
}

#[test]
fn a_file_cut_short_is_refused() {
    let whole = bytes(&Trace {
        functions: vec!["f".into(); 100],
        ..Trace::default()
    });
    refused(
        &whole[..whole.len() - 5],
        expect![[r#"
        `run.mltrace` is cut short or damaged: unexpected end of file
        hint: copy or save the file again"#]],
    );
    refused(
        b"multilane trace 1\n",
        expect![[r#"
        `run.mltrace` is cut short or damaged: unexpected end of file
        hint: copy or save the file again"#]],
    );
    for length in 0..whole.len() {
        assert!(
            read(&whole[..length]).is_err(),
            "{length} bytes of {} were accepted",
            whole.len()
        );
    }
}

#[test]
fn wrong_content_is_named() {
    let header = "multilane trace 1";
    refused(
        &packed(header, "[]"),
        expect!["`run.mltrace` holds data that is not a trace: expected an object"],
    );
    refused(
        &packed(header, "not json"),
        expect!["`run.mltrace` holds data that is not a trace: expected an object"],
    );
    refused(
        &packed(header, r#"{"tasks": {"rows": 2, "id": [1]}}"#),
        expect![
            "`run.mltrace` holds data that is not a trace: column `id` of `tasks` has 1 values, not 2 at line 1 column 33"
        ],
    );
    refused(
        &packed(header, r#"{"tasks": {"rows": 99999999999}}"#),
        expect![
            "`run.mltrace` holds data that is not a trace: `tasks` announces 99999999999 rows and holds none at line 1 column 32"
        ],
    );
    refused(
        &packed(header, r#"{"tasks": {"rows": 1, "status": ["lazy"]}}"#),
        expect![
            "`run.mltrace` holds data that is not a trace: unknown variant `lazy`, expected one of `done`, `failed`, `cancelled`, `timed_out`, `lost` at line 1 column 39"
        ],
    );
    refused(
        &packed(header, r#"{"tasks": {"rows": 1, "id": [-1]}}"#),
        expect![
            "`run.mltrace` holds data that is not a trace: invalid value: integer `-1`, expected u64 at line 1 column 31"
        ],
    );
    refused(
        &packed(header, r#"{"format": 2}"#),
        expect![
            "`run.mltrace` holds data that is not a trace: format 2 is newer than 1, the newest that this version reads at line 1 column 13"
        ],
    );
}

#[test]
fn unknown_and_missing_fields_read_as_defaults() {
    let json = r#"{"new": 1, "tasks": {"rows": 2, "id": [1, 2], "colour": ["red", "blue"]}, "meta": {"mood": "good"}}"#;
    let trace = read(&packed("multilane trace 1", json)).unwrap();
    let expected = Trace {
        tasks: vec![
            Task {
                id: 1,
                ..Task::default()
            },
            Task {
                id: 2,
                ..Task::default()
            },
        ],
        ..Trace::default()
    };
    assert_eq!(trace, expected);
}

#[test]
fn a_missing_file_keeps_the_reason() {
    let error = Trace::load("/nonexistent/run.mltrace").unwrap_err();
    let TraceError::Io { source, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    let error = Trace::default().save("/nonexistent/run.mltrace").unwrap_err();
    assert!(
        error.to_string().starts_with("cannot write `/nonexistent/run.mltrace`"),
        "{error}"
    );
}

#[test]
fn saving_leaves_one_file_and_replaces_the_old_one() {
    let folder = std::env::temp_dir().join(format!("multilane-trace-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("run.mltrace");
    Trace::default().save(&path).unwrap();
    let trace = Trace {
        functions: vec!["second".into()],
        ..Trace::default()
    };
    trace.save(&path).unwrap();
    assert_eq!(Trace::load(&path).unwrap(), trace);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_hundred_thousand_tasks_take_little_room() {
    let tasks = (0..100_000u64)
        .map(|id| Task {
            id,
            worker: (id % 2) as u32,
            queued_ns: 1_000_000_000_000 + id * 977,
            started_ns: 1_000_000_005_000 + id * 1013,
            ended_ns: 1_000_000_006_000 + id * 1013,
            cpu_ns: 900 + id % 37,
            ..Task::default()
        })
        .collect();
    let trace = Trace {
        tasks,
        ..Trace::default()
    };
    let written = bytes(&trace);
    assert!(written.len() < 30 * trace.tasks.len(), "{} bytes", written.len());
    assert_eq!(read(&written).unwrap(), trace);
}

fn any_status() -> impl Strategy<Value = Status> {
    prop::sample::select(vec![
        Status::Done,
        Status::Failed,
        Status::Cancelled,
        Status::TimedOut,
        Status::Lost,
    ])
}

/// Short, with what a writer must escape.
fn text() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\n\u{0}é🦀]{0,6}"
}

prop_compose! {
    fn any_task()(
        id: u64, function: u32, worker: u32, attempt: u16, status in any_status(), times: [u64; 5], costs: [u64; 7],
        core_start: u16, core_end: u16, bytes_in: u64, bytes_out: u64, parent: u64,
    ) -> Task {
        let [queued_ns, ready_ns, started_ns, ended_ns, collected_ns] = times;
        let [cpu_ns, encode_ns, decode_ns, result_encode_ns, result_decode_ns, interpreter_wait_ns, run_queue_ns] = costs;
        Task {
            id, function, worker, attempt, status, queued_ns, ready_ns, started_ns, ended_ns, collected_ns, cpu_ns,
            encode_ns, decode_ns, result_encode_ns, result_decode_ns, interpreter_wait_ns, run_queue_ns,
            core_start, core_end, bytes_in, bytes_out, parent,
        }
    }
}

prop_compose! {
    fn any_trace()(
        label in text(), backend in text(), versions in prop::collection::btree_map(text(), text(), 0..3),
        cpus_quota in 0.0..1e6f64, memory_bytes: u64, functions in prop::collection::vec(text(), 0..5),
        workers in prop::collection::vec((any::<u32>(), text(), any::<[u64; 3]>()), 0..4),
        tasks in prop::collection::vec(any_task(), 0..20), edges in prop::collection::vec(any::<(u64, u64)>(), 0..5),
        progress in prop::collection::vec(any::<[u64; 4]>(), 0..9),
        samples in prop::collection::vec(any::<(u32, u64, u8)>(), 0..9),
    ) -> Trace {
        Trace {
            meta: Meta {
                label, backend, versions,
                machine: Machine { cpus_quota, memory_bytes, ..Machine::default() },
                ..Meta::default()
            },
            functions,
            workers: workers.into_iter().map(|(index, kind, [started_ns, ready_ns, ended_ns])| Worker {
                index, kind, os_id: index, started_ns, ready_ns, ended_ns,
            }).collect(),
            tasks,
            edges,
            progress: progress.into_iter().map(|[task, at_ns, done, total]| Progress { task, at_ns, done, total }).collect(),
            samples: samples.into_iter().map(|(worker, at_ns, kind)| Sample { worker, at_ns, kind }).collect(),
            ..Trace::default()
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(trace in any_trace()) {
        prop_assert_eq!(read(&bytes(&trace)).unwrap(), trace);
    }

    #[test]
    fn any_trace_exports(trace in any_trace()) {
        prop_assert!(serde_json::from_str::<serde_json::Value>(&trace.to_perfetto()).is_ok());
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes: Vec<u8>) {
        let _ = read(&bytes);
        let _ = read(&[b"multilane trace 1\n".as_slice(), &bytes].concat());
    }

    /// A flipped byte in the packed part is found by its checksum.
    #[test]
    fn a_damaged_file_is_never_taken_for_another(trace in any_trace(), at: prop::sample::Index, flip in 1u8..) {
        let mut damaged = bytes(&trace);
        let at = at.index(damaged.len());
        damaged[at] ^= flip;
        if let Ok(read) = read(&damaged) {
            prop_assert_eq!(read, trace);
        }
    }

    /// Damage below the checksum: the JSON itself is wrong somewhere.
    #[test]
    fn damaged_json_never_panics(trace in any_trace(), at: prop::sample::Index, byte: u8) {
        let mut json = serde_json::to_string(&trace).unwrap().into_bytes();
        let at = at.index(json.len());
        json[at] = byte;
        let _ = read(&packed("multilane trace 1", &String::from_utf8_lossy(&json)));
    }
}
