//! What ran when: the record of a run, and the same as a trace.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use multilane_plan::cost::Mode;
use multilane_trace as trace;

use crate::clock;

/// All executions in one run of what runs next to each other: one operation, or several side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupTime {
    /// The operations and what they make: `core.fused y`.
    pub label: String,
    /// Where its region is: empty for the body, else operation and region, from the outside in.
    pub region: Vec<usize>,
    /// Its operations, as places in that region.
    pub indices: Vec<usize>,
    /// How many groups of its region come before it.
    pub level: usize,
    /// How it used the lanes, most of the time: where the prediction is close, both ways are tried.
    pub mode: Mode,
    /// Lanes it had then.
    pub lanes: usize,
    /// When the first execution started; 0 when there was none.
    pub start_ns: u64,
    /// When the last execution ended.
    pub end_ns: u64,
    /// Time of all executions.
    pub busy_ns: u64,
    /// How often it ran.
    pub iterations: u64,
    /// Bytes that all executions read and wrote in order, by the operations' own account.
    pub bytes: u64,
    /// What the cost model said that these executions would take.
    pub predicted_ns: f64,
}

impl GroupTime {
    /// Bytes a second, over the time of all executions; `None` when nothing was moved or timed.
    pub fn bandwidth(&self) -> Option<f64> {
        (self.bytes > 0 && self.busy_ns > 0).then(|| self.bytes as f64 * 1e9 / self.busy_ns as f64)
    }
}

/// What was measured of a group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    start_ns: u64,
    end_ns: u64,
    busy_ns: u64,
    iterations: u64,
    /// How many of them on all lanes, of a group that could be on one as well.
    wide: u64,
    predicted_ns: f64,
}

impl Tally {
    /// Adds an execution with its mode and what was predicted for it.
    pub(super) fn add(&mut self, start_ns: u64, end_ns: u64, mode: Mode, predicted_ns: f64) {
        if self.iterations == 0 {
            self.start_ns = start_ns;
        }
        self.end_ns = end_ns;
        self.busy_ns += end_ns.saturating_sub(start_ns);
        self.iterations += 1;
        self.wide += u64::from(mode == Mode::Wide);
        self.predicted_ns += predicted_ns;
    }

    /// What its executions were predicted to take.
    pub(super) fn predicted_ns(&self) -> f64 {
        self.predicted_ns
    }

    /// The group with what was measured; its bytes are for one execution before, `lanes` are those of the run.
    pub(super) fn complete(&self, group: &GroupTime, lanes: usize) -> GroupTime {
        let (mode, lanes) = match group.mode {
            Mode::Serial | Mode::Wide if 2 * self.wide > self.iterations => (Mode::Wide, lanes),
            Mode::Serial | Mode::Wide if self.iterations > 0 => (Mode::Serial, 1),
            mode => (mode, group.lanes),
        };
        GroupTime {
            mode,
            lanes,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            busy_ns: self.busy_ns,
            iterations: self.iterations,
            bytes: group.bytes.saturating_mul(self.iterations),
            predicted_ns: self.predicted_ns,
            ..group.clone()
        }
    }
}

/// What one lane did in one execution of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneTime {
    /// Index into the groups of the run.
    pub group: usize,
    /// The lane.
    pub lane: usize,
    /// Start of its first piece.
    pub start_ns: u64,
    /// End of its last piece.
    pub end_ns: u64,
    /// CPU time in its pieces.
    pub cpu_ns: u64,
    /// Pieces it ran.
    pub pieces: u64,
    /// The thread that was the lane.
    pub thread: u32,
    /// Processor at the start.
    pub core_start: u16,
    /// Processor at the end.
    pub core_end: u16,
}

/// What the lanes do in the operation that runs now.
#[derive(Debug)]
pub(super) struct LaneLog {
    lanes: Vec<Mutex<LaneTime>>,
}

impl LaneLog {
    pub(super) fn new(lanes: usize) -> Self {
        Self {
            lanes: (0..lanes).map(|_| Mutex::default()).collect(),
        }
    }

    /// Runs a piece and notes it.
    pub(super) fn note(&self, lane: usize, piece: impl FnOnce()) {
        let (start_ns, core_start) = (clock::now_ns(), clock::core());
        let cpu_ns = clock::thread_cpu_ns();
        piece();
        let cpu_ns = clock::thread_cpu_ns().saturating_sub(cpu_ns);
        let Some(lane) = self.lanes.get(lane) else { return };
        let mut time = lane.lock().unwrap_or_else(PoisonError::into_inner);
        if time.pieces == 0 {
            time.start_ns = start_ns;
            time.core_start = core_start;
            time.thread = rustix::thread::gettid().as_raw_nonzero().get() as u32;
        }
        time.end_ns = clock::now_ns();
        time.core_end = clock::core();
        time.cpu_ns += cpu_ns;
        time.pieces += 1;
    }

    /// Takes out what the lanes did since the last call.
    pub(super) fn take(&self, group: usize, into: &mut Vec<LaneTime>) {
        for (index, lane) in self.lanes.iter().enumerate() {
            let time = std::mem::take(&mut *lane.lock().unwrap_or_else(PoisonError::into_inner));
            if time.pieces > 0 {
                into.push(LaneTime {
                    group,
                    lane: index,
                    ..time
                });
            }
        }
    }
}

/// Writes a run as a trace: a worker for each lane, and a task for what each lane did in each
/// execution, or for each group where lanes were not recorded. The caller fills in the
/// facts of the machine.
pub(super) fn to_trace(plan: &str, groups: &[GroupTime], lanes: &[LaneTime], window: (u64, u64)) -> trace::Trace {
    let meta = trace::Meta {
        label: plan.to_owned(),
        backend: "plan".to_owned(),
        workers: groups.iter().map(|group| group.lanes).max().unwrap_or(1) as u32,
        start_ns: window.0,
        ..trace::Meta::default()
    };
    let mut recorder = trace::Recorder::new(meta);
    let functions: Vec<u32> = groups.iter().map(|group| recorder.function(&group.label)).collect();
    let whole;
    let spans = if lanes.is_empty() {
        whole = without_lanes(groups);
        &whole[..]
    } else {
        lanes
    };
    let mut threads: BTreeMap<usize, (u32, u64)> = BTreeMap::new();
    for (index, span) in spans.iter().enumerate() {
        let Some(group) = groups.get(span.group) else { continue };
        threads.entry(span.lane).or_insert((span.thread, span.start_ns));
        recorder.push_task(trace::Task {
            id: index as u64 + 1,
            function: functions[span.group],
            worker: span.lane as u32,
            queued_ns: span.start_ns,
            ready_ns: span.start_ns,
            started_ns: span.start_ns,
            ended_ns: span.end_ns,
            collected_ns: span.end_ns,
            cpu_ns: span.cpu_ns,
            core_start: span.core_start,
            core_end: span.core_end,
            // An execution's bytes are shared out over its lanes.
            bytes_in: group.bytes / group.iterations.max(1) / group.lanes.max(1) as u64,
            ..trace::Task::default()
        });
    }
    for (lane, (thread, first_ns)) in threads {
        recorder.push_worker(trace::Worker {
            index: lane as u32,
            kind: if lane == 0 { "main" } else { "thread" }.to_owned(),
            os_id: thread,
            started_ns: window.0.min(first_ns),
            ready_ns: window.0.min(first_ns),
            ended_ns: 0,
        });
    }
    recorder.finish(window.1)
}

fn without_lanes(groups: &[GroupTime]) -> Vec<LaneTime> {
    let ran = groups.iter().enumerate().filter(|(_, group)| group.iterations > 0);
    ran.map(|(index, group)| LaneTime {
        group: index,
        start_ns: group.start_ns,
        end_ns: group.end_ns,
        cpu_ns: group.busy_ns,
        pieces: 1,
        core_start: trace::UNKNOWN_CORE,
        core_end: trace::UNKNOWN_CORE,
        ..LaneTime::default()
    })
    .collect()
}
