//! What a device is to the rest: something that loads a kernel, takes operations through queues, and ends them in slots.

use crate::{GpuError, Kernel};

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The way to it.
    pub route: &'static str,
    /// Its name.
    pub device: String,
    /// Its driver, and the version.
    pub driver: String,
    /// Queues that it has for a program at once.
    pub queues: u32,
    /// Whether it is made of the processors that submit to it.
    pub software: bool,
}

/// What a session is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// What it runs.
    pub kernel: Kernel,
    /// Queues; operations of one end in the order of submission or overlap, as the device likes.
    pub queues: u32,
    /// Submissions that can be in flight, each with a result of its own.
    pub slots: u32,
    /// Operations in a submission, one after the other.
    pub batch: u32,
    /// Submissions of a run whose begin and end the device stamps.
    pub stamps: u32,
}

/// The most submissions of a session that are stamped.
pub(crate) const MOST_STAMPS: u32 = 2_048;

/// A device that runs kernels.
pub trait Device: Send + Sync {
    /// What it says of itself.
    fn facts(&self) -> &Facts;

    /// Makes all that a kernel needs: its code, inputs, a result for each slot, queues.
    ///
    /// # Errors
    ///
    /// The device has no memory for it, or not so many queues.
    fn load(&self, setup: Setup) -> Result<Box<dyn Session>, GpuError>;
}

/// A kernel on a device, ready to run.
pub trait Session: Send + Sync {
    /// Hands a slot's operations to a queue, and returns without waiting for them.
    ///
    /// The caller has waited for what it submitted to this slot before; nobody else uses the slot meanwhile. `stamp` is
    /// the number under which begin and end are kept, below those of the set-up; the later one of two counts.
    ///
    /// # Errors
    ///
    /// The driver refuses.
    fn submit(&self, queue: u32, slot: u32, stamp: Option<u32>) -> Result<(), GpuError>;

    /// Waits until what was submitted to a slot has ended; returns at once when nothing was.
    ///
    /// # Errors
    ///
    /// The device failed.
    fn wait(&self, slot: u32) -> Result<(), GpuError>;

    /// Reads a slot's result.
    ///
    /// # Errors
    ///
    /// The device failed.
    fn read(&self, slot: u32) -> Result<Vec<f32>, GpuError>;

    /// Reads the first stamps, each a begin and an end in nanoseconds on the device's clock.
    ///
    /// # Errors
    ///
    /// The device failed, or keeps no time.
    fn stamps(&self, count: u32) -> Result<Vec<(u64, u64)>, GpuError>;
}

/// Bytes between the results of two slots, so that each begins where a device lets a binding begin.
#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "cuda"))]
pub(crate) fn stride(kernel: Kernel) -> u64 {
    (kernel.lengths()[2] as u64 * 4).next_multiple_of(256)
}
