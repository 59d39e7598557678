//! Runs the passes of a compiled circuit over a register.

use std::sync::Mutex;

use multilane_plan::Lanes;

use super::state::Register;
use crate::error::QuantumError;
use crate::kernels::{Chunk, Float, PhaseScratch, run_chunk};
use crate::memory::Memory;
use crate::schedule::Compiled;

/// States above so many bytes are written around the caches.
const STREAM_BYTES: usize = 8 << 20;

/// The memory of one lane.
struct Own {
    scratch: Memory,
    phases: PhaseScratch,
}

/// The start of a state that pieces write different parts of.
struct Start<T>(*mut T);

// SAFETY: pieces write different chunks.
unsafe impl<T> Sync for Start<T> {}

impl<T> Start<T> {
    fn at(&self, amplitude: u64) -> *mut T {
        self.0.wrapping_add(2 * amplitude as usize)
    }
}

/// Runs all passes. With `fresh`, all amplitudes are 0 and the first becomes 1.
pub(crate) fn execute<T: Float>(
    compiled: &Compiled<T>,
    register: &mut Register<T>,
    fresh: bool,
    lanes: &dyn Lanes,
) -> Result<(), QuantumError> {
    // Two parts of a chunk, and room for a vector when a chunk is less.
    let bytes = ((2 * size_of::<T>()) << compiled.scratch_bits).max(256);
    let most = compiled.passes.iter().map(|pass| pass.outside.len()).max().unwrap_or(0);
    let count = if most == 0 { 1 } else { lanes.count() };
    let own: Option<Vec<Mutex<Own>>> = (0..count)
        .map(|_| {
            Some(Mutex::new(Own {
                scratch: Memory::zeroed(bytes)?,
                phases: PhaseScratch::default(),
            }))
        })
        .collect();
    let own = own.ok_or(QuantumError::OutOfMemory {
        qubits: compiled.qubits,
        precision: T::NAME,
        bytes: (bytes * count) as u128,
        available: 0,
    })?;
    let start = Start(register.start());
    let stream = (2 * size_of::<T>()) << compiled.qubits > STREAM_BYTES;
    for (number, pass) in compiled.passes.iter().enumerate() {
        if lanes.stopped() {
            return Err(QuantumError::Stopped);
        }
        let piece = |piece: usize, lane: usize| {
            if lanes.stopped() {
                return;
            }
            let outside = pass.outside.iter().enumerate();
            let base = outside.fold(0, |base, (place, bit)| base | ((piece >> place & 1) as u64) << bit);
            let mut own = own[lane].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let own = &mut *own;
            let mut chunk = Chunk {
                state: start.at(base),
                base,
                layout: &pass.layout,
                bits: pass.bits,
                scratch: own.scratch.start().cast(),
                phases: &mut own.phases,
                fresh: fresh && number == 0,
                stream,
            };
            // SAFETY: bases differ in bits outside the chunk, so no two pieces share an
            // amplitude; the lane's scratch is locked and holds the largest chunk; the
            // level was compiled for and detected on this processor.
            unsafe { run_chunk(compiled.level, &mut chunk, &pass.steps) };
        };
        if pass.outside.is_empty() {
            piece(0, 0);
        } else {
            lanes.run(1 << pass.outside.len(), &piece);
        }
    }
    if lanes.stopped() {
        Err(QuantumError::Stopped)
    } else {
        Ok(())
    }
}
