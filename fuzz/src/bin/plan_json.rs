//! Any JSON is read as a plan or refused; what was read is written and read again.
#![no_main]

use multilane_plan::{Registry, dot, json};

libfuzzer_sys::fuzz_target!(|source: &str| {
    let registry = Registry::core().with(multilane_graph::dialect());
    let Ok(plan) = json::from_json(source, &registry) else {
        return;
    };
    let again = json::from_json(&json::to_json(&plan), &registry).expect("what is written is read");
    assert_eq!(json::to_json(&again), json::to_json(&plan));
    let _ = dot::to_dot(&plan);
});
