//! A whole number that threads change at once without a lock.

use crate::error::SyncError;
use crate::sync::atomic::{AtomicI64, Ordering};

/// 64 bits, with one order of changes that all threads agree on.
#[derive(Debug)]
pub struct AtomicInt(AtomicI64);

impl AtomicInt {
    /// A counter with that value.
    pub fn new(value: i64) -> Self {
        Self(AtomicI64::new(value))
    }

    /// The value.
    pub fn load(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Sets the value.
    pub fn store(&self, value: i64) {
        self.0.store(value, Ordering::SeqCst);
    }

    /// Sets the value and returns the one before.
    pub fn swap(&self, value: i64) -> i64 {
        self.0.swap(value, Ordering::SeqCst)
    }

    /// Adds and returns the value before.
    ///
    /// # Errors
    /// [`SyncError::Overflow`]; the value stays.
    pub fn add(&self, change: i64) -> Result<i64, SyncError> {
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |value| value.checked_add(change))
            .map_err(|_| SyncError::Overflow)
    }

    /// Sets the value if it is `expected`; whether it was.
    pub fn compare_and_set(&self, expected: i64, value: i64) -> bool {
        self.0
            .compare_exchange(expected, value, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }
}
