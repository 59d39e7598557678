//! Atomics and the mutex that a loom test can explore: std's, or loom's under `cfg(loom)`.

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
