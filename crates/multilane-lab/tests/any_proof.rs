//! Whatever a file holds, it gets a judgement and survives being saved.

use multilane_lab::{Part, PartKind, Proof, Run, judge};
use multilane_trace::{Machine, Progress, Task, Trace, container};
use proptest::prelude::*;

prop_compose! {
    fn any_trace()(
        tasks in prop::collection::vec((0..5u64, 0..3u32, any::<[u64; 4]>()), 0..6),
        progress in prop::collection::vec((0..5u64, any::<[u64; 3]>()), 0..6),
    ) -> Trace {
        let tasks = tasks.into_iter().map(|(id, worker, [queued_ns, started_ns, ended_ns, cpu_ns])| {
            Task { id, worker, queued_ns, started_ns, ended_ns, cpu_ns, run_queue_ns: cpu_ns, ..Task::default() }
        }).collect();
        let progress = progress.into_iter().map(|(task, [at_ns, done, total])| Progress { task, at_ns, done, total }).collect();
        Trace { tasks, progress, ..Trace::default() }
    }
}

prop_compose! {
    fn any_run()(
        strategy in prop::sample::select(vec!["sequential", "plain threads", "multilane processes", ""]),
        repeat in 0..3u32, tasks in 0..3u32, workers in 0..3u32, times: [u64; 3], trace in prop::option::of(any_trace()),
    ) -> Run {
        let [wall_ns, cpu_ns, steal_ns] = times;
        Run { strategy: strategy.to_owned(), repeat, tasks, workers, wall_ns, cpu_ns, steal_ns, trace }
    }
}

prop_compose! {
    fn any_flat_proof()(
        runs in prop::collection::vec(any_run(), 0..12), tasks in 0..3u32, workers in 0..3u32,
        cpus_affinity in 0..9u32, cpus_quota in prop::sample::select(vec![0.0, -1.0, 0.5, 2.5, 1e300]),
        gil in prop::sample::select(vec!["on", "off"]), control_must_fail: bool,
    ) -> Proof {
        let versions = [("gil".to_owned(), gil.to_owned())].into();
        let machine = Machine { cpus_affinity, cpus_quota, ..Machine::default() };
        Proof { runs, tasks, workers, machine, versions, control_must_fail, ..Proof::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_proof_is_judged_and_kept(whole in any_flat_proof(), part in any_flat_proof(), kind in prop::sample::select(PartKind::ALL.to_vec())) {
        let whole = Proof { parts: vec![Part { kind, claim: "claim".to_owned(), proof: part }], ..whole };
        let judgement = judge(&whole);
        prop_assert_eq!(judgement.claim_holds, judgement.refusals.is_empty());
        for strategy in &judgement.strategies {
            prop_assert!(strategy.speedup.low <= strategy.speedup.high && strategy.efficiency.is_finite());
            prop_assert!(!strategy.sentence.is_empty());
        }
        let mut bytes = Vec::new();
        container::write(Proof::KIND, &whole, &mut bytes).unwrap();
        let read: Proof = container::read(Proof::KIND, &bytes, "run.mlproof".as_ref()).unwrap();
        prop_assert_eq!(judge(&read), judgement);
        prop_assert_eq!(read, whole);
    }
}
