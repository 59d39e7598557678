//! Letting a moment pass: longer each time, first on the processor, then by letting others run.

use crate::sync::{spin_loop, yield_now};

/// How often a thread let a moment pass so far.
pub(crate) struct Backoff(u32);

impl Backoff {
    /// The last moment that is spent on the processor.
    const SPINS: u32 = 6;
    /// The last moment at all. To sleep and be woken costs some microseconds, about as much as all of them.
    const MOMENTS: u32 = 10;

    pub(crate) fn new() -> Self {
        Self(0)
    }

    /// After another thread was first at a word: it has gone on since, so this one tries again soon.
    #[inline]
    pub(crate) fn retry(&mut self) {
        for _ in 0..1 << self.0.min(Self::SPINS) {
            spin_loop();
        }
        self.0 += u32::from(self.0 <= Self::SPINS);
    }

    /// While another thread is in the middle of something: it may need this processor to go on.
    #[inline]
    pub(crate) fn pause(&mut self) {
        if self.0 <= Self::SPINS && !cfg!(loom) {
            self.retry();
        } else {
            yield_now();
            self.0 += u32::from(self.0 <= Self::MOMENTS);
        }
    }

    /// Whether it is time to sleep.
    pub(crate) fn is_spent(&self) -> bool {
        self.0 > Self::MOMENTS
    }
}
