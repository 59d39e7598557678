//! Any text is read as a plan or refused; what was read is printed, read again and optimised to a valid plan.
#![no_main]

use multilane_plan::{Registry, passes, text, verify};

libfuzzer_sys::fuzz_target!(|source: &str| {
    let registry = Registry::core().with(multilane_graph::dialect());
    let Ok(plan) = text::parse(source, &registry) else {
        return;
    };
    let again = text::parse(&text::print(&plan), &registry).expect("what is printed is read");
    assert_eq!(text::print(&again), text::print(&plan));
    let mut optimised = plan;
    passes::optimize(&mut optimised, &registry, passes::DEFAULT).expect("these passes exist");
    verify(&optimised, &registry).expect("passes keep a plan valid");
});
