//! The parts of a proof: each kind can hold, and each can fail.

mod synthetic;

use expect_test::{Expect, expect};
use multilane_lab::{Part, PartKind, Proof, judge};

use synthetic::{Way, proof, way, with_progress};

const TOGETHER: &str = "|aaaa|\n|bbbb|";
const ONE_BY_ONE: &str = "|aaaabbbb|";

fn ways() -> [Way; 3] {
    [
        way("sequential", 1000.0, 1.0).drawn(ONE_BY_ONE),
        way("plain threads", 1000.0, 1.0).drawn(TOGETHER),
        way("multilane processes", 520.0, 1.9).drawn(TOGETHER),
    ]
}

#[track_caller]
fn check(kind: PartKind, mut proof: Proof, expect: Expect) {
    proof.name = "the part".to_owned();
    let whole = Proof {
        parts: vec![Part {
            kind,
            claim: "it is so".to_owned(),
            proof,
        }],
        ..Proof::default()
    };
    let judgement = judge(&whole);
    let part = &judgement.parts[0];
    assert_eq!(part.holds, judgement.claim_holds, "the whole holds when its parts do");
    expect.assert_eq(&format!(
        "{}: {}\n{}",
        if part.holds { "holds" } else { "fails" },
        part.sentence,
        judgement.headline
    ));
}

#[test]
fn wall_clock() {
    check(
        PartKind::WallClock,
        proof(&ways()),
        expect![[r#"
            holds: The work ran in parallel with multilane processes: 1.92 times as fast on 1.90 cores; plain threads: 1.00 times.
            Proofs that hold: 1 of 1."#]],
    );
    check(
        PartKind::WallClock,
        proof(&[ways()[0].clone(), way("multilane threads", 990.0, 1.0)]),
        expect![[r#"
            fails: The work with multilane threads: not parallel: it used 1.00 cores and finished 1.01 times (1.01 to 1.01) as fast as one task after another. No trace was recorded that could say why.
            Proofs that hold: 0 of 1."#]],
    );
}

#[test]
fn cpu_bound() {
    check(
        PartKind::CpuBound,
        proof(&ways()),
        expect![[r#"
            holds: The work ran in parallel with multilane processes: 1.92 times as fast on 1.90 cores; plain threads: 1.00 times. Alone the work uses a processor for 100 % of its time.
            Proofs that hold: 1 of 1."#]],
    );
    let waits = [way("sequential", 1000.0, 0.7), way("multilane processes", 520.0, 1.35)];
    check(
        PartKind::CpuBound,
        proof(&waits),
        expect![[r#"
            fails: Does not hold: the work waits: it uses a processor for only 70 % of its time.
            Proofs that hold: 0 of 1."#]],
    );
}

/// The ways, and runs of a single task that take this share of the time of two.
fn scaling(of_one: f64) -> Proof {
    let mut proof = proof(&ways());
    for run in proof.runs.clone() {
        let wall_ms = run.wall_ns as f64 / 1e6 * if run.strategy == "sequential" { 0.5 } else { of_one };
        let strategy = if run.strategy == "sequential" {
            "sequential"
        } else {
            "multilane processes"
        };
        proof.runs.push(synthetic::run(
            &way(strategy, wall_ms, 1.0),
            run.repeat,
            1,
            run.workers,
            wall_ms,
        ));
    }
    proof.runs.retain(|run| run.strategy != "plain threads");
    proof
}

#[test]
fn flat_time() {
    let mut flat = scaling(0.97);
    flat.runs.retain(|run| run.tasks == 2 || run.wall_ns != 970_000_000);
    check(
        PartKind::FlatTime,
        flat,
        expect![[r#"
            holds: The work ran in parallel with multilane processes: 1.92 times as fast on 1.90 cores. multilane processes: 2 tasks took 1.03 times (1.03 to 1.03) as long as one; sequential: 2 tasks took 2.00 times (2.00 to 2.00) as long as one.
            Proofs that hold: 1 of 1."#]],
    );
    let mut grows = scaling(0.7);
    grows.runs.retain(|run| run.tasks == 2 || run.wall_ns != 700_000_000);
    check(
        PartKind::FlatTime,
        grows,
        expect![[r#"
            fails: Does not hold: the time grew to 1.43 times (1.43 to 1.43), more than 1.33.
            Proofs that hold: 0 of 1."#]],
    );
    check(
        PartKind::FlatTime,
        proof(&ways()),
        expect![[r#"
            fails: Does not hold: no run with a single task was measured.
            Proofs that hold: 0 of 1."#]],
    );
}

/// The ways with progress; multilane's as drawn.
fn advancing(drawing: &'static str) -> Proof {
    let [sequential, control, multilane] = ways();
    let mut proof = proof(&[sequential, control, multilane.drawn(drawing)]);
    for run in &mut proof.runs {
        run.trace = run.trace.take().map(with_progress);
    }
    proof
}

#[test]
fn progress() {
    check(
        PartKind::Progress,
        advancing(TOGETHER),
        expect![[r#"
            holds: The work ran in parallel with multilane processes: 1.92 times as fast on 1.90 cores; plain threads: 1.00 times. multilane processes: when the first task ended, the slowest was 100 % done; sequential: when the first task ended, the slowest was 0 % done.
            Proofs that hold: 1 of 1."#]],
    );
    check(
        PartKind::Progress,
        advancing("|aaaa....|\n|..bbbbbb|"),
        expect![[r#"
            fails: Does not hold: when the first task ended, another was only 25 % done.
            Proofs that hold: 0 of 1."#]],
    );
    check(
        PartKind::Progress,
        proof(&ways()),
        expect![[r#"
            fails: Does not hold: no progress was recorded.
            Proofs that hold: 0 of 1."#]],
    );
}
