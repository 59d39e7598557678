//! Traces and proofs whose truth is known because they are drawn by hand.
#![expect(dead_code, unreachable_pub, reason = "each test file uses a part of this")]
#![expect(clippy::unwrap_used, reason = "a drawing that does not parse fails its test")]

use multilane_lab::{BASELINE, Proof, Run};
use multilane_trace::{Machine, Meta, Progress, Task, Trace, Worker};

/// One character of a drawing, in nanoseconds.
pub const STEP_NS: u64 = 1_000_000;

/// Every drawing starts here: a time of 0 means "not known".
pub const ORIGIN_NS: u64 = 1_000_000_000;

/// Reads a drawing: a row per worker, a letter per task and step, `.` for nothing, `s` for starting.
///
/// All tasks are queued at the start and use a processor all the time. Lines
/// after the drawing change that: `queued b 4` (step), `needs b a`, `cpu b 3`,
/// `interpreter b 2`, `runqueue b 2`, `decode b 1` (steps of time).
pub fn trace(drawing: &str) -> Trace {
    let mut trace = Trace {
        functions: vec!["work".to_owned()],
        ..Trace::default()
    };
    let at = |step: usize| ORIGIN_NS + step as u64 * STEP_NS;
    let (rows, notes): (Vec<&str>, Vec<&str>) = drawing
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .partition(|line| line.starts_with('|'));
    for (index, row) in rows.iter().enumerate() {
        let row = row.trim_matches('|');
        let ready = row.chars().take_while(|letter| *letter == 's').count();
        trace.workers.push(Worker {
            index: index as u32,
            kind: "process".to_owned(),
            os_id: 100 + index as u32,
            started_ns: if ready > 0 { ORIGIN_NS } else { 1 },
            ready_ns: if ready > 0 { at(ready) } else { 1 },
            ended_ns: 0,
        });
        for letter in ('a'..='z').filter(|letter| *letter != 's' && row.contains(*letter)) {
            let from = row.find(letter).unwrap();
            let to = row.rfind(letter).unwrap() + 1;
            trace.tasks.push(Task {
                id: id(letter),
                worker: index as u32,
                queued_ns: ORIGIN_NS,
                ready_ns: ORIGIN_NS,
                started_ns: at(from),
                ended_ns: at(to),
                cpu_ns: (to - from) as u64 * STEP_NS,
                ..Task::default()
            });
        }
    }
    trace.meta = Meta {
        workers: rows.len() as u32,
        machine: cpus(8),
        start_ns: ORIGIN_NS,
        ..Meta::default()
    };
    for note in notes {
        let words: Vec<&str> = note.split_whitespace().collect();
        let (verb, task, value) = (words[0], id(words[1].chars().next().unwrap()), words[2]);
        if verb == "needs" {
            let other = id(value.chars().next().unwrap());
            trace.edges.push((task, other));
            let done = trace.tasks.iter().find(|one| one.id == other).unwrap().ended_ns;
            let task = trace.tasks.iter_mut().find(|one| one.id == task).unwrap();
            task.ready_ns = task.ready_ns.max(done);
            continue;
        }
        let steps: u64 = value.parse().unwrap();
        let task = trace.tasks.iter_mut().find(|one| one.id == task).unwrap();
        match verb {
            "queued" => {
                task.queued_ns = at(steps as usize);
                task.ready_ns = task.queued_ns;
            }
            "cpu" => task.cpu_ns = steps * STEP_NS,
            "interpreter" => task.interpreter_wait_ns = steps * STEP_NS,
            "runqueue" => task.run_queue_ns = steps * STEP_NS,
            "decode" => task.decode_ns = steps * STEP_NS,
            other => panic!("unknown note {other}"),
        }
    }
    trace
}

/// The number of a drawn task.
pub fn id(letter: char) -> u64 {
    u64::from(letter) - u64::from('a') + 1
}

/// A machine with this many processors.
pub fn cpus(cpus: u32) -> Machine {
    Machine {
        cpus_online: cpus,
        cpus_affinity: cpus,
        ..Machine::default()
    }
}

/// What one strategy measures in every repeat, in milliseconds and shares.
#[derive(Clone)]
pub struct Way {
    pub strategy: &'static str,
    /// Wall clock per repeat.
    pub wall_ms: Vec<f64>,
    /// CPU time over wall clock.
    pub cores: f64,
    /// A drawing of the run, stretched to its wall clock.
    pub drawing: &'static str,
    /// Kind of the workers.
    pub kind: &'static str,
}

/// A way whose repeats all take the same time.
pub fn way(strategy: &'static str, wall_ms: f64, cores: f64) -> Way {
    Way {
        strategy,
        wall_ms: vec![wall_ms; 7],
        cores,
        drawing: "",
        kind: "process",
    }
}

impl Way {
    pub fn walls(mut self, wall_ms: &[f64]) -> Self {
        self.wall_ms = wall_ms.to_vec();
        self
    }

    pub fn drawn(mut self, drawing: &'static str) -> Self {
        self.drawing = drawing;
        self
    }

    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }
}

/// A proof of two tasks on two workers on two processors.
pub fn proof(ways: &[Way]) -> Proof {
    let mut proof = Proof {
        name: "test".to_owned(),
        tasks: 2,
        workers: 2,
        machine: cpus(2),
        ..Proof::default()
    };
    for way in ways {
        for (repeat, wall_ms) in way.wall_ms.iter().enumerate() {
            let workers = if way.strategy == BASELINE { 1 } else { proof.workers };
            proof.runs.push(run(way, repeat as u32, proof.tasks, workers, *wall_ms));
        }
    }
    proof
}

/// One run of a way.
pub fn run(way: &Way, repeat: u32, tasks: u32, workers: u32, wall_ms: f64) -> Run {
    let wall_ns = (wall_ms * 1e6) as u64;
    let trace = (!way.drawing.is_empty()).then(|| {
        let mut trace = stretch(trace(way.drawing), wall_ns);
        for worker in &mut trace.workers {
            worker.kind = way.kind.to_owned();
        }
        trace
    });
    Run {
        strategy: way.strategy.to_owned(),
        repeat,
        tasks,
        workers,
        wall_ns,
        cpu_ns: (wall_ns as f64 * way.cores).round() as u64,
        steal_ns: 0,
        trace,
    }
}

/// The same trace, with its last task ending at `wall_ns`.
fn stretch(mut trace: Trace, wall_ns: u64) -> Trace {
    let end = trace.tasks.iter().map(|task| task.ended_ns).max().unwrap() - ORIGIN_NS;
    let scale = |time: u64| (time as f64 * wall_ns as f64 / end as f64) as u64;
    let place = |at: u64| {
        if at <= ORIGIN_NS {
            at
        } else {
            ORIGIN_NS + scale(at - ORIGIN_NS)
        }
    };
    for task in &mut trace.tasks {
        task.queued_ns = place(task.queued_ns);
        task.ready_ns = place(task.ready_ns);
        task.started_ns = place(task.started_ns);
        task.ended_ns = place(task.ended_ns);
        task.cpu_ns = scale(task.cpu_ns);
        task.interpreter_wait_ns = scale(task.interpreter_wait_ns);
        task.run_queue_ns = scale(task.run_queue_ns);
        task.decode_ns = scale(task.decode_ns);
    }
    for worker in &mut trace.workers {
        worker.ready_ns = place(worker.ready_ns);
    }
    trace
}

/// Adds progress of every task at its quarters.
pub fn with_progress(mut trace: Trace) -> Trace {
    for task in &trace.tasks {
        for quarter in 1..=4 {
            let at_ns = task.started_ns + task.wall_ns() * quarter / 4;
            trace.progress.push(Progress {
                task: task.id,
                at_ns,
                done: quarter,
                total: 4,
            });
        }
    }
    trace
}
