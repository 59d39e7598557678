//! Every machine at every level gives the bits of the plain evaluator.

use crate::common::{Backwards, Random, Threads, every_way, expected, inputs, needs_elements, random_fused, run, same};
use multilane_plan::{DType, Registry, Serial, verify};
use proptest::prelude::*;

const FLOATS: [DType; 2] = [DType::F64, DType::Bool];
const SINGLES: [DType; 2] = [DType::F32, DType::Bool];

fn check(seed: u64, dtypes: &[DType], ops: usize, len: usize) {
    let mut random = Random::new(seed);
    let plan = random_fused(&mut random, dtypes, ops);
    verify(&plan, &Registry::core()).expect("generated plans are valid");
    let len = if needs_elements(&plan) { len.max(1) } else { len };
    let inputs = inputs(&mut random, &plan, len);
    let expected = expected(&plan, &inputs);
    for (way, compiled) in every_way(&plan) {
        let got = run(&compiled, &plan, &inputs, len, &Serial);
        same(&format!("{way}, {len} elements"), &plan, &expected, &got);
    }
}

/// Few cases where every step is interpreted.
fn cases(many: u32) -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 3 } else { many },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn doubles_agree(seed: u64, ops in 1..30_usize, len in 0..300_usize) {
        check(seed, &FLOATS, ops, len);
    }

    #[test]
    fn singles_agree(seed: u64, ops in 1..30_usize, len in 0..300_usize) {
        check(seed, &SINGLES, ops, len);
    }

    #[test]
    fn mixed_types_agree(seed: u64, ops in 1..30_usize, len in 0..300_usize) {
        check(seed, &DType::ALL, ops, len);
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn pieces_and_lanes_do_not_show(seed: u64, ops in 1..12_usize, len in 8_000..40_000_usize) {
        let len = if cfg!(miri) { len / 8 } else { len };
        for dtypes in [&FLOATS[..], &SINGLES, &DType::ALL] {
            let mut random = Random::new(seed);
            let plan = random_fused(&mut random, dtypes, ops);
            let inputs = inputs(&mut random, &plan, len);
            let expected = expected(&plan, &inputs);
            for (way, compiled) in every_way(&plan) {
                let compiled = compiled.always_shared();
                same(&format!("{way} backwards"), &plan, &expected, &run(&compiled, &plan, &inputs, len, &Backwards));
                for threads in [2, 5] {
                    let got = run(&compiled, &plan, &inputs, len, &Threads(threads));
                    same(&format!("{way} {threads} threads"), &plan, &expected, &got);
                }
            }
        }
    }
}

#[test]
fn every_length_agrees() {
    let most = if cfg!(miri) { 20 } else { 300 };
    for len in (0..most).chain([4095, 4096, 4097]) {
        check(7 + len as u64 % 3, &FLOATS, 9, len);
        check(7 + len as u64 % 3, &SINGLES, 9, len);
    }
}

#[test]
fn bodies_too_large_for_the_strip_machine_agree() {
    for seed in 0..if cfg!(miri) { 1 } else { 4 } {
        check(seed, &FLOATS, 600, 130);
    }
}
