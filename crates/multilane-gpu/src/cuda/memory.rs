//! Memory on a CUDA device, that of a kernel's inputs among it.

use std::sync::Arc;

use cudarc::driver::{result, sys};

use crate::{GpuError, Kernel};

use super::{During, Gpu};

/// Memory that gives itself back.
pub(super) struct Memory {
    gpu: Arc<Gpu>,
    pub(super) place: sys::CUdeviceptr,
}

impl Memory {
    pub(super) fn new(gpu: &Arc<Gpu>, bytes: usize) -> Result<Self, GpuError> {
        gpu.enter()?;
        // SAFETY: plain memory, given back once, in `drop`.
        let place = unsafe { result::malloc_sync(bytes) }.during("taking memory")?;
        Ok(Self {
            gpu: Arc::clone(gpu),
            place,
        })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // A device that failed gives nothing back, and there is nobody to tell.
            // SAFETY: whoever owns this has waited for the device to be done with it.
            let _ = unsafe { result::free_sync(self.place) };
        }
    }
}

/// The two inputs of a kernel.
pub(super) struct Inputs(pub(super) [Memory; 2]);

impl Inputs {
    pub(super) fn new(gpu: &Arc<Gpu>, kernel: Kernel) -> Result<Self, GpuError> {
        let filled = |values: &[f32]| -> Result<Memory, GpuError> {
            let memory = Memory::new(gpu, size_of_val(values))?;
            // SAFETY: there is room for the values, and the call returns when they are copied.
            unsafe { result::memcpy_htod_sync(memory.place, values) }.during("writing memory")?;
            Ok(memory)
        };
        let [left, right] = kernel.inputs();
        Ok(Self([filled(&left)?, filled(&right)?]))
    }
}
