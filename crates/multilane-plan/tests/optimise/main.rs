//! Passes, memory planning and analyses: text in, text out, and random programs against the plain evaluator.

#![expect(clippy::unwrap_used, reason = "a test may unwrap")]

mod analysis;
mod constant_fold;
mod cse;
mod dce;
mod dialect;
mod fuse;
mod hoist;
mod memory;
mod orders;
mod pipeline;
mod programs;
#[cfg(feature = "testing")]
mod ranges;
mod simplify;

use expect_test::Expect;
use multilane_plan::{Plan, passes::Pass, text, verify};

/// Reads a plan, runs a pass and compares the text of what comes out.
#[track_caller]
fn check(pass: Pass, input: &str, expect: Expect) {
    let plan = check_quietly(pass, input).0;
    expect.assert_eq(&plan.to_string());
}

/// Reads a plan, runs a pass and returns what comes out and how much changed.
#[track_caller]
fn check_quietly(pass: Pass, input: &str) -> (Plan, usize) {
    let registry = dialect::registry();
    let mut plan = read(input);
    let changed = pass(&mut plan, &registry);
    if let Err(problems) = verify(&plan, &registry) {
        panic!("{problems:#?}\n{plan}");
    }
    let mut again = plan.clone();
    assert_eq!(
        pass(&mut again, &registry),
        0,
        "a second run finds more to do:\n{again}"
    );
    (plan, changed)
}

#[track_caller]
fn read(input: &str) -> Plan {
    text::parse(input, &dialect::registry()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}
