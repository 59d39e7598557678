//! Runs the passes of a compiled circuit over a register.

use std::sync::{Mutex, PoisonError};

use multilane_plan::Lanes;

use super::state::Register;
use crate::error::QuantumError;
use crate::kernels::{Chunk, Float, Level, PhaseScratch, Stream, run_chunk, run_stream};
use crate::memory::Memory;
use crate::schedule::{Chunks, Compiled, Pass};

/// States above so many bytes are written around the caches.
const STREAM_BYTES: usize = 8 << 20;

/// Bytes of a piece of work that needs no scratch: of small states and of large ones.
const PIECE_BYTES: [usize; 2] = [256 << 10, 2 << 20];

/// Pieces there are at least of a large state.
const PIECES: usize = 64;

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

/// Runs all passes. Where the circuit was made for a fresh state, all qubits are 0 before, whatever the register holds.
pub(crate) fn execute<T: Float>(
    compiled: &Compiled<T>,
    register: &mut Register<T>,
    lanes: &dyn Lanes,
) -> Result<(), QuantumError> {
    execute_watched(compiled, register, lanes, &mut |_| {})
}

/// As [`execute`]; calls `after` with the number of each pass when it is done.
pub(super) fn execute_watched<T: Float>(
    compiled: &Compiled<T>,
    register: &mut Register<T>,
    lanes: &dyn Lanes,
    after: &mut dyn FnMut(usize),
) -> Result<(), QuantumError> {
    let own = scratch(compiled, lanes)?;
    let start = Start(register.start());
    for (number, pass) in compiled.passes.iter().enumerate() {
        if lanes.stopped() {
            return Err(QuantumError::Stopped);
        }
        match pass {
            Pass::Chunks(pass) => through_scratch(compiled, pass, &start, &own, lanes),
            Pass::Stream(gate) => in_place(compiled.level, gate, &start, lanes),
        }
        after(number);
    }
    if compiled.written.count_ones() < compiled.qubits as u32 && !register.is_fresh() {
        clear(register, !compiled.written, lanes);
    }
    if lanes.stopped() {
        Err(QuantumError::Stopped)
    } else {
        Ok(())
    }
}

/// Scratch for the largest chunk, for each lane that may run one.
fn scratch<T: Float>(compiled: &Compiled<T>, lanes: &dyn Lanes) -> Result<Vec<Mutex<Own>>, QuantumError> {
    let (mut count, mut bits) = (0, 0);
    for pass in &compiled.passes {
        if let Pass::Chunks(pass) = pass {
            count = count.max(if pass.outside.is_empty() { 1 } else { lanes.count() });
            bits = bits.max(pass.bits);
        }
    }
    // Two parts of a chunk, and room for a vector when a chunk is less.
    let bytes = ((2 * size_of::<T>()) << bits).max(256);
    let one = |_| {
        Some(Mutex::new(Own {
            scratch: Memory::any(bytes)?,
            phases: PhaseScratch::default(),
        }))
    };
    let own: Option<Vec<Mutex<Own>>> = (0..count).map(one).collect();
    own.ok_or(QuantumError::OutOfMemory {
        qubits: compiled.qubits,
        precision: T::NAME,
        bytes: (bytes * count) as u128,
        available: 0,
    })
}

fn through_scratch<T: Float>(
    compiled: &Compiled<T>,
    pass: &Chunks<T>,
    start: &Start<T>,
    own: &[Mutex<Own>],
    lanes: &dyn Lanes,
) {
    let stream = (2 * size_of::<T>()) << compiled.qubits > STREAM_BYTES;
    let piece = |piece: usize, lane: usize| {
        if lanes.stopped() {
            return;
        }
        let outside = pass.outside.iter().enumerate();
        let base = outside.fold(0, |base, (place, bit)| base | ((piece >> place & 1) as u64) << bit);
        let mut own = own[lane].lock().unwrap_or_else(PoisonError::into_inner);
        let own = &mut *own;
        let mut chunk = Chunk {
            state: start.at(base),
            base,
            layout: &pass.layout,
            bits: pass.bits,
            scratch: own.scratch.start().cast(),
            phases: &mut own.phases,
            fresh: pass.read_bits.is_none(),
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

/// Applies a gate that was made for this register and a level that the processor has.
pub(super) fn over_groups<T: Float>(level: Level, register: &mut Register<T>, gate: &Stream<T>, lanes: &dyn Lanes) {
    in_place(level, gate, &Start(register.start()), lanes);
}

fn in_place<T: Float>(level: Level, gate: &Stream<T>, start: &Start<T>, lanes: &dyn Lanes) {
    let unit_bytes = gate.groups_of_unit() * level.vector_bytes() * 2;
    let [least, most] = PIECE_BYTES;
    let length = ((gate.units * unit_bytes / PIECES).clamp(least, most) / unit_bytes).max(1);
    let piece = |piece: usize, _lane: usize| {
        if !lanes.stopped() {
            let units = piece * length..gate.units.min((piece + 1) * length);
            // SAFETY: pieces have different units, which share no group; the gate was made for a state of so many
            // qubits and this level, which was detected on this processor.
            unsafe { run_stream(level, start.at(0), gate, units) };
        }
    };
    match gate.units.div_ceil(length) {
        1 => piece(0, 0),
        pieces => lanes.run(pieces, &piece),
    }
}

/// Makes all amplitudes 0 that have one of some bits.
fn clear<T: Float>(register: &mut Register<T>, bits: u64, lanes: &dyn Lanes) {
    let qubits = register.qubits();
    // Neighbours that have the bits alike.
    let run_bits = (bits.trailing_zeros() as usize).min(qubits);
    let (runs, start) = (1usize << (qubits - run_bits), Start(register.start()));
    let length = ((PIECE_BYTES[0] / (2 * size_of::<T>())) >> run_bits).max(1);
    lanes.run(runs.div_ceil(length), &|piece, _lane| {
        for run in piece * length..runs.min((piece + 1) * length) {
            let first = (run as u64) << run_bits;
            if first & bits != 0 {
                // SAFETY: the run lies in the register, and other pieces have other runs; zeros are numbers.
                unsafe { start.at(first).write_bytes(0, 2 << run_bits) };
            }
        }
    });
}
