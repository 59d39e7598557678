//! Simulation against a plain simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod alone;
mod common;
mod engine;
mod gradients;
mod live;
mod measurements;
mod observables;
mod plans;
mod states;
