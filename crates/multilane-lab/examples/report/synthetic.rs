//! Made-up proofs of every kind that a report has to show.
//!
//! Computed from a seeded generator, so the same every time. Nothing here was measured.

use multilane_lab::{BASELINE, CONTROL, Check, Part, PartKind, Proof, Run};
use multilane_trace::{Machine, Meta, Progress, Status, Task, Trace, Worker};

const MS: u64 = 1_000_000;

/// How a strategy treats its tasks.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Worker slots.
    pub(crate) workers: u32,
    /// CPU time of one task.
    pub(crate) work_ns: u64,
    /// How much longer a task takes than it computes.
    pub(crate) stretch: f64,
    /// The share of that surplus spent on the interpreter lock; the rest is sleep.
    pub(crate) lock: f64,
    /// Time from one task's end to the next one's start.
    pub(crate) gap_ns: u64,
    /// Until a worker is ready.
    pub(crate) start_up_ns: u64,
    /// What the workers are.
    pub(crate) kind: &'static str,
}

/// A small generator: the figures need variety, not quality.
struct Noise(u64);

impl Noise {
    /// A factor between `1 - spread` and `1 + spread`.
    fn factor(&mut self, spread: f64) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        1.0 + spread * (((self.0 >> 33) as f64 / f64::from(u32::MAX >> 1)) * 2.0 - 1.0)
    }
}

/// One run of `tasks` tasks, each given to the worker that is free first.
pub(crate) fn run(strategy: &str, repeat: u32, tasks: u32, shape: Shape) -> Run {
    let mut noise = Noise(u64::from(repeat) * 7_919 + strategy.len() as u64);
    let start = 1_000 * MS;
    let mut free: Vec<u64> = vec![start + shape.start_up_ns; shape.workers as usize];
    let mut trace = Trace {
        meta: Meta {
            label: strategy.to_owned(),
            backend: shape.kind.to_owned(),
            workers: shape.workers,
            created_unix_ns: 1_767_225_600_000_000_000,
            start_ns: start,
            machine: machine(),
            ..Meta::default()
        },
        functions: vec!["count_words".to_owned()],
        ..Trace::default()
    };
    for index in 0..shape.workers {
        trace.workers.push(Worker {
            index,
            kind: shape.kind.to_owned(),
            os_id: if shape.kind == "main" { 4_100 } else { 4_242 + index },
            started_ns: start,
            ready_ns: start + shape.start_up_ns,
            ended_ns: 0,
        });
    }
    for id in 1..=u64::from(tasks) {
        let (worker, at) = free
            .iter()
            .copied()
            .enumerate()
            .min_by_key(|slot| slot.1)
            .unwrap_or_default();
        let cpu_ns = (shape.work_ns as f64 * noise.factor(0.08)) as u64;
        let wall = (cpu_ns as f64 * shape.stretch * noise.factor(0.02)).max(cpu_ns as f64) as u64;
        let started_ns = at + shape.gap_ns;
        trace.tasks.push(Task {
            id,
            worker: worker as u32,
            queued_ns: start,
            ready_ns: start,
            started_ns,
            ended_ns: started_ns + wall,
            collected_ns: started_ns + wall + 20_000,
            cpu_ns,
            decode_ns: shape.gap_ns / 4,
            interpreter_wait_ns: ((wall - cpu_ns) as f64 * shape.lock) as u64,
            ..Task::default()
        });
        free[worker] = started_ns + wall;
    }
    let end = trace.tasks.iter().map(|task| task.ended_ns).max().unwrap_or(start);
    trace.meta.end_ns = end;
    Run {
        strategy: strategy.to_owned(),
        repeat,
        tasks,
        workers: shape.workers,
        wall_ns: end - start,
        cpu_ns: trace.tasks.iter().map(|task| task.cpu_ns).sum(),
        steal_ns: u64::from(repeat % 3) * MS / 4,
        trace: Some(trace),
    }
}

/// A machine with two processors.
pub(crate) fn machine() -> Machine {
    Machine {
        cpu_model: "AMD EPYC 9B14".to_owned(),
        os: "Linux 6.1, Debian 12".to_owned(),
        hostname: String::new(),
        cpus_online: 2,
        cpus_affinity: 2,
        cpus_quota: 0.0,
        memory_bytes: 8_321_499_136,
    }
}

fn versions() -> std::collections::BTreeMap<String, String> {
    [("python", "3.11.2"), ("multilane", "0.1.0"), ("gil", "on")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn held(name: &str, detail: &str) -> Check {
    Check {
        name: name.to_owned(),
        passed: true,
        detail: detail.to_owned(),
    }
}

/// One process computing, the others sleeping: every shape the samples use.
fn shapes(workers: u32, work_ns: u64) -> [(&'static str, Shape); 4] {
    let alone = Shape {
        workers: 1,
        work_ns,
        stretch: 1.002,
        lock: 0.0,
        gap_ns: 4_000,
        start_up_ns: 0,
        kind: "main",
    };
    let crowd = f64::from(workers);
    [
        (BASELINE, alone),
        (
            CONTROL,
            Shape {
                workers,
                stretch: crowd * 1.02,
                lock: 0.96,
                kind: "thread",
                ..alone
            },
        ),
        (
            "multilane threads",
            Shape {
                workers,
                stretch: crowd * 1.01,
                lock: 0.95,
                kind: "thread",
                ..alone
            },
        ),
        (
            "multilane processes",
            Shape {
                workers,
                stretch: 1.01,
                gap_ns: 30_000,
                start_up_ns: 6 * MS,
                kind: "process",
                ..alone
            },
        ),
    ]
}

fn proof_of(name: &str, function: &str, tasks: u32, workers: u32, work_ns: u64) -> Proof {
    let mut proof = Proof {
        name: name.to_owned(),
        function: function.to_owned(),
        tasks,
        workers,
        control_must_fail: true,
        machine: machine(),
        versions: versions(),
        ..Proof::default()
    };
    for repeat in 0..7 {
        for (strategy, shape) in shapes(workers, work_ns) {
            proof.runs.push(run(strategy, repeat, tasks, shape));
        }
    }
    proof.checks = vec![
        held(
            "results equal to the sequential run",
            "all 7 repeats of 3 strategies gave the same 8 results",
        ),
        held("no worker died", ""),
    ];
    proof
}

/// Eight CPU-bound tasks on two workers.
pub(crate) fn words() -> Proof {
    proof_of("words of the standard library", "words:count_words", 8, 2, 96 * MS)
}

/// As little of it as a verdict needs, for tests that keep it in a file.
pub(crate) fn small() -> Proof {
    let mut proof = words();
    proof.runs.retain(|run| run.repeat < 3);
    proof
}

/// Tasks that sleep: concurrent, not parallel.
pub(crate) fn sleep() -> Proof {
    let mut proof = proof_of("sleep", "time:sleep", 4, 2, 40_000);
    for run in &mut proof.runs {
        let shape = shapes(2, 40_000)
            .into_iter()
            .find(|(name, _)| *name == run.strategy)
            .map(|(_, shape)| shape);
        if let Some(shape) = shape {
            *run = self::run(
                &run.strategy,
                run.repeat,
                4,
                Shape {
                    stretch: 2_500.0,
                    lock: 0.0,
                    ..shape
                },
            );
        }
    }
    proof
}

/// A proof with a failed check, a failed task, a dead worker and dependencies.
pub(crate) fn broken() -> Proof {
    let mut proof = words();
    proof.checks.push(Check {
        name: "results equal to the sequential run".to_owned(),
        passed: false,
        detail: "task 3 gave 41,007 instead of 41,008".to_owned(),
    });
    for run in proof
        .runs
        .iter_mut()
        .filter(|run| run.strategy == "multilane processes")
    {
        if let Some(trace) = run.trace.as_mut() {
            trace.tasks[3].status = Status::Lost;
            trace.tasks[5].status = Status::Failed;
            trace.workers[1].ended_ns = trace.tasks[3].ended_ns;
            trace.edges = vec![(3, 1), (5, 3), (7, 5)];
        }
    }
    proof
}

/// The built-in set: four proofs, and no runs of its own.
pub(crate) fn builtin() -> Proof {
    let part = |kind, claim: &str, proof| Part {
        kind,
        claim: claim.to_owned(),
        proof,
    };
    let mut progress = proof_of("progress", "multilane.proofs:spin", 2, 2, 180 * MS);
    for run in &mut progress.runs {
        if let Some(trace) = run.trace.as_mut() {
            let reports = trace.tasks.iter().flat_map(|task| {
                let (id, start, wall) = (task.id, task.started_ns, task.wall_ns());
                (0..=20).map(move |done| Progress {
                    task: id,
                    at_ns: start + wall * done / 20,
                    done,
                    total: 20,
                })
            });
            trace.progress = reports.collect();
        }
    }
    let mut flat = proof_of("flat time", "multilane.proofs:spin", 2, 2, 150 * MS);
    for repeat in 0..7 {
        for (strategy, shape) in shapes(2, 150 * MS) {
            let shape = if strategy == BASELINE {
                shape
            } else {
                Shape { stretch: 1.01, ..shape }
            };
            flat.runs.push(run(strategy, repeat, 1, shape));
        }
    }
    Proof {
        name: "the built-in proofs".to_owned(),
        machine: machine(),
        versions: versions(),
        workers: 2,
        control_must_fail: true,
        parts: vec![
            part(PartKind::Progress, "progress bars advance together", progress),
            part(
                PartKind::WallClock,
                "the wall clock beats the measured sequential time",
                proof_of("wall clock", "multilane.proofs:words", 4, 2, 90 * MS),
            ),
            part(PartKind::FlatTime, "as many tasks as cores take as long as one", flat),
            part(
                PartKind::CpuBound,
                "CPU-bound work uses more than one core",
                proof_of("CPU-bound", "multilane.proofs:primes", 8, 2, 60 * MS),
            ),
        ],
        ..Proof::default()
    }
}

/// Many small tasks on many workers: `tasks` of them in every run.
pub(crate) fn many(tasks: u32) -> Proof {
    let mut proof = Proof {
        name: format!("{tasks} small tasks"),
        function: "words:tokenise".to_owned(),
        tasks,
        workers: 32,
        machine: Machine {
            cpus_online: 32,
            cpus_affinity: 32,
            ..machine()
        },
        versions: versions(),
        ..Proof::default()
    };
    for repeat in 0..3 {
        for (strategy, shape) in shapes(32, 60_000) {
            proof.runs.push(run(strategy, repeat, tasks, shape));
        }
    }
    proof
}

/// A proof in which every string tries to leave its place.
pub(crate) fn hostile() -> Proof {
    let attack = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"&{{headline}}\u{202e}";
    let mut proof = words();
    proof.name = attack.to_owned();
    proof.function = attack.to_owned();
    proof.machine.cpu_model = attack.to_owned();
    proof.machine.os = attack.to_owned();
    proof.machine.hostname = attack.to_owned();
    proof.versions.insert(attack.to_owned(), attack.to_owned());
    proof.versions.insert("multilane".to_owned(), attack.to_owned());
    proof.checks = vec![Check {
        name: attack.to_owned(),
        passed: false,
        detail: attack.to_owned(),
    }];
    for run in &mut proof.runs {
        if run.strategy == "multilane threads" {
            run.strategy = attack.to_owned();
        }
        if let Some(trace) = run.trace.as_mut() {
            trace.functions = vec![attack.to_owned()];
            for worker in &mut trace.workers {
                worker.kind = attack.to_owned();
            }
        }
    }
    let part = Proof {
        parts: Vec::new(),
        ..proof.clone()
    };
    proof.parts = vec![Part {
        kind: PartKind::WallClock,
        claim: attack.to_owned(),
        proof: part,
    }];
    proof
}
