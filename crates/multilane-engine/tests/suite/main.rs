//! Tests of the backends as a front end uses them, without Python.
//!
//! [`backends`] holds what every backend does; [`processes`] what only worker
//! processes do. The worker is `tests/worker/main.rs`.

#![expect(clippy::unwrap_used, reason = "these are tests, outside of their functions too")]

mod backends;
mod common;
mod processes;
#[path = "../worker/work.rs"]
mod work;
