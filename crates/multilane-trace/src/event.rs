//! The events of a run as plain data.
//!
//! Times are `CLOCK_MONOTONIC` nanoseconds, comparable across the processes of
//! one boot. Zero means "not known" unless a field says otherwise.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    TraceError, columns,
    container::{self, Kind},
};

/// The version of the data below that this build writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// The core of a task whose core was not recorded.
pub const UNKNOWN_CORE: u16 = u16::MAX;

/// Everything recorded about one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// The version of this data, [`FORMAT`] when written by this build.
    #[serde(deserialize_with = "container::known_format::<FORMAT, _>")]
    pub format: u32,
    /// What ran where.
    pub meta: Meta,
    /// Names that [`Task::function`] indexes.
    pub functions: Vec<String>,
    /// Every worker that existed, replaced ones included.
    pub workers: Vec<Worker>,
    /// Every attempt at a task.
    #[serde(with = "columns::tasks")]
    pub tasks: Vec<Task>,
    /// Pairs of a task and a task that it waited for.
    pub edges: Vec<(u64, u64)>,
    /// What tasks said about their own progress.
    #[serde(with = "columns::progress")]
    pub progress: Vec<Progress>,
    /// What threads were seen doing.
    #[serde(with = "columns::samples")]
    pub samples: Vec<Sample>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            format: FORMAT,
            meta: Meta::default(),
            functions: Vec::new(),
            workers: Vec::new(),
            tasks: Vec::new(),
            edges: Vec::new(),
            progress: Vec::new(),
            samples: Vec::new(),
        }
    }
}

impl Trace {
    /// The container's description of a trace.
    pub const KIND: Kind = Kind {
        name: "trace",
        format: FORMAT,
    };

    /// Writes the trace to a file; `.mltrace` is the usual ending.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), TraceError> {
        container::save(Self::KIND, self, path.as_ref())
    }

    /// Reads a trace from a file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        container::load(Self::KIND, path.as_ref())
    }

    /// The name of a function, `?` when the index is out of range.
    pub fn function_name(&self, index: u32) -> &str {
        self.functions.get(index as usize).map_or("?", String::as_str)
    }
}

/// What ran, where, and the window that was observed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// The user's name for the run.
    pub label: String,
    /// The backend that ran it.
    pub backend: String,
    /// Why this backend.
    pub backend_reason: String,
    /// Worker slots, as asked for.
    pub workers: u32,
    /// Wall clock at creation, nanoseconds since 1970.
    pub created_unix_ns: u64,
    /// Start of the observed window.
    pub start_ns: u64,
    /// End of the observed window.
    pub end_ns: u64,
    /// The machine.
    pub machine: Machine,
    /// Versions and build facts by name: `python`, `multilane`, `gil` (`on` or `off`).
    pub versions: BTreeMap<String, String>,
}

/// The machine a run was recorded on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The processor's name for itself.
    pub cpu_model: String,
    /// Operating system and kernel.
    pub os: String,
    /// The machine's name; empty when it was not recorded.
    pub hostname: String,
    /// Logical processors that are online.
    pub cpus_online: u32,
    /// Logical processors that this process may run on.
    pub cpus_affinity: u32,
    /// Processors' worth of time that the control group grants; 0 when unlimited.
    pub cpus_quota: f64,
    /// Memory that this process may use.
    pub memory_bytes: u64,
}

impl Machine {
    /// Processors' worth of time that this process can get: affinity and quota respected.
    ///
    /// ```
    /// # use multilane_trace::Machine;
    /// let machine = Machine { cpus_online: 8, cpus_affinity: 4, cpus_quota: 2.5, ..Machine::default() };
    /// assert_eq!(machine.cpus_usable(), 2.5);
    /// ```
    pub fn cpus_usable(&self) -> f64 {
        let cpus = if self.cpus_affinity > 0 {
            self.cpus_affinity
        } else {
            self.cpus_online
        };
        if self.cpus_quota > 0.0 {
            self.cpus_quota.min(f64::from(cpus))
        } else {
            f64::from(cpus)
        }
    }
}

/// One worker from its start to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Worker {
    /// What [`Task::worker`] refers to.
    pub index: u32,
    /// `process`, `thread` or `main`.
    pub kind: String,
    /// Process id of a process, thread id of a thread.
    pub os_id: u32,
    /// When its start was asked for.
    pub started_ns: u64,
    /// When it could take its first task.
    pub ready_ns: u64,
    /// When it ended; 0 while it lives.
    pub ended_ns: u64,
}

/// How an attempt at a task ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It returned.
    #[default]
    Done,
    /// It raised.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It ran past its limit.
    TimedOut,
    /// Its worker died.
    Lost,
}

impl Status {
    /// The name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
        }
    }
}

/// One attempt at one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The task; attempts share it.
    pub id: u64,
    /// Index into [`Trace::functions`].
    pub function: u32,
    /// [`Worker::index`] of the worker that ran it.
    pub worker: u32,
    /// 1 for the first attempt.
    pub attempt: u16,
    /// How it ended.
    pub status: Status,
    /// When it entered the queue.
    pub queued_ns: u64,
    /// When the last dependency was done.
    pub ready_ns: u64,
    /// When a worker took it.
    pub started_ns: u64,
    /// When its result was published.
    pub ended_ns: u64,
    /// When the parent saw the result.
    pub collected_ns: u64,
    /// Thread CPU time from start to end, serialising on the worker included.
    pub cpu_ns: u64,
    /// Parent: serialising the arguments.
    pub encode_ns: u64,
    /// Worker: reading the arguments.
    pub decode_ns: u64,
    /// Worker: serialising the result.
    pub result_encode_ns: u64,
    /// Parent: reading the result.
    pub result_decode_ns: u64,
    /// Waiting for the interpreter lock between start and end.
    pub interpreter_wait_ns: u64,
    /// Runnable, but not on a processor, between start and end.
    pub run_queue_ns: u64,
    /// Processor at the start, [`UNKNOWN_CORE`] when not known.
    pub core_start: u16,
    /// Processor at the end, [`UNKNOWN_CORE`] when not known.
    pub core_end: u16,
    /// Bytes of arguments.
    pub bytes_in: u64,
    /// Bytes of result.
    pub bytes_out: u64,
    /// The task that submitted it; 0 when none did.
    pub parent: u64,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            id: 0,
            function: 0,
            worker: 0,
            attempt: 1,
            status: Status::Done,
            queued_ns: 0,
            ready_ns: 0,
            started_ns: 0,
            ended_ns: 0,
            collected_ns: 0,
            cpu_ns: 0,
            encode_ns: 0,
            decode_ns: 0,
            result_encode_ns: 0,
            result_decode_ns: 0,
            interpreter_wait_ns: 0,
            run_queue_ns: 0,
            core_start: UNKNOWN_CORE,
            core_end: UNKNOWN_CORE,
            bytes_in: 0,
            bytes_out: 0,
            parent: 0,
        }
    }
}

impl Task {
    /// Time from start to end; 0 when it never ran.
    pub fn wall_ns(&self) -> u64 {
        if self.started_ns == 0 {
            0
        } else {
            self.ended_ns.saturating_sub(self.started_ns)
        }
    }
}

/// A task's own word on how far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The task.
    pub task: u64,
    /// When it said so.
    pub at_ns: u64,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 when it did not say.
    pub total: u64,
}

/// What a worker's thread was doing at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// [`Worker::index`] of the worker.
    pub worker: u32,
    /// When it was looked at.
    pub at_ns: u64,
    /// One of [`sample_kind`].
    pub kind: u8,
}

/// Values of [`Sample::kind`].
pub mod sample_kind {
    /// Nothing could be told.
    pub const UNKNOWN: u8 = 0;
    /// On a processor, or runnable.
    pub const RUNNING: u8 = 1;
    /// Waiting for the interpreter lock.
    pub const INTERPRETER_LOCK: u8 = 2;
    /// Waiting for another lock.
    pub const OTHER_LOCK: u8 = 3;
    /// Asleep or polling.
    pub const SLEEP: u8 = 4;
    /// In any other system call.
    pub const OTHER: u8 = 5;
}
