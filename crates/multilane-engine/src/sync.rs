//! Atomics that a loom test can explore: std's, or loom's under `cfg(loom)`.
//!
//! Only what processes share goes through here; loom builds leave the rest out.

#[cfg(loom)]
pub use loom::sync::atomic;
#[cfg(not(loom))]
pub use std::sync::atomic;
