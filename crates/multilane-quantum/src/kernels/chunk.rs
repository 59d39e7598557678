//! Runs all steps of a batch on one chunk, or a gate on some of its units; compiled once for each level and precision.

use std::ops::Range;

use super::dense::{Dense, Places, dense, exchange, flip};
use super::move_in::{self, Layout};
use super::phase::{PhaseRun, PhaseScratch, phases};
#[cfg(target_arch = "x86_64")]
use super::simd::{F32x8, F32x16, F64x4, F64x8};
use super::simd::{Level, Plain, Real, Vector};
use super::stream::{Stream, stream};

/// One thing that is done to a chunk.
#[derive(Clone, Debug)]
pub(crate) struct Step<T> {
    /// Done only where these qubits outside the chunk ...
    pub(crate) outside_mask: u64,
    /// ... have these values.
    pub(crate) outside_value: u64,
    /// What is done.
    pub(crate) kind: StepKind<T>,
}

/// What is done.
#[derive(Clone, Debug)]
pub(crate) enum StepKind<T> {
    /// A matrix; one lane at a time when `narrow`.
    Dense {
        /// The matrix.
        gate: Dense<T>,
        /// Where.
        places: Places,
        /// Whether lanes are not used.
        narrow: bool,
    },
    /// An exchange of halves.
    Flip {
        /// Where.
        places: Places,
        /// How far apart.
        offset: usize,
        /// Whether lanes are not used.
        narrow: bool,
    },
    /// A lane bit and another bit change places.
    Exchange {
        /// The lane bit.
        bit: usize,
        /// The other bit's weight, in vectors.
        offset: usize,
    },
    /// Diagonal gates.
    Phases(PhaseRun),
}

/// A chunk, its state and one lane's memory.
pub(crate) struct Chunk<'a, T> {
    /// The chunk's first amplitude in the state.
    pub(crate) state: *mut T,
    /// The number of that amplitude.
    pub(crate) base: u64,
    /// Where the others lie.
    pub(crate) layout: &'a Layout,
    /// How many qubits are local.
    pub(crate) bits: usize,
    /// Scratch: real parts, then imaginary parts.
    pub(crate) scratch: *mut T,
    /// Tables.
    pub(crate) phases: &'a mut PhaseScratch,
    /// Whether the chunk holds nothing yet: its first amplitude becomes 1, the others 0.
    pub(crate) fresh: bool,
    /// Write around the caches.
    pub(crate) stream: bool,
}

/// Reads a chunk, runs the steps, and writes it back.
///
/// # Safety
/// The chunk's state and scratch hold its layout, and only the caller uses them; steps
/// were scheduled for this layout and level, and the processor has the level.
pub(crate) unsafe fn run_chunk<T: Float>(level: Level, chunk: &mut Chunk<'_, T>, steps: &[Step<T>]) {
    // SAFETY: the contract.
    unsafe { T::run(level, chunk, steps) }
}

/// Applies a gate to some of its units, where they lie in the state.
///
/// # Safety
/// The state holds the gate's groups, and only the caller uses those of these units; the gate was made for this
/// level, and the processor has it.
pub(crate) unsafe fn run_stream<T: Float>(level: Level, state: *mut T, gate: &Stream<T>, units: Range<usize>) {
    // SAFETY: the contract.
    unsafe { T::run_stream(level, state, gate, units) }
}

/// A real number that there are vectors of.
pub trait Float: Real {
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "only this crate calls it")]
    unsafe fn run(level: Level, chunk: &mut Chunk<'_, Self>, steps: &[Step<Self>]);

    #[doc(hidden)]
    #[expect(private_interfaces, reason = "only this crate calls it")]
    unsafe fn run_stream(level: Level, state: *mut Self, gate: &Stream<Self>, units: Range<usize>);
}

macro_rules! levels {
    ($element:ty, $one:ty, $plain:ty, $avx2:ty, $avx512:ty, $name2:ident, $name512:ident, $stream2:ident, $stream512:ident) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn $name2(chunk: &mut Chunk<'_, $element>, steps: &[Step<$element>]) {
            // SAFETY: the contract of `run_chunk`.
            unsafe { run::<$avx2, $one>(chunk, steps) }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        unsafe fn $name512(chunk: &mut Chunk<'_, $element>, steps: &[Step<$element>]) {
            // SAFETY: the contract of `run_chunk`.
            unsafe { run::<$avx512, $one>(chunk, steps) }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn $stream2(state: *mut $element, gate: &Stream<$element>, units: Range<usize>) {
            // SAFETY: the contract of `run_stream`.
            unsafe { stream::<$avx2>(state, gate, units) }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        unsafe fn $stream512(state: *mut $element, gate: &Stream<$element>, units: Range<usize>) {
            // SAFETY: the contract of `run_stream`.
            unsafe { stream::<$avx512>(state, gate, units) }
        }

        impl Float for $element {
            #[expect(private_interfaces, reason = "only this crate calls it")]
            unsafe fn run(level: Level, chunk: &mut Chunk<'_, Self>, steps: &[Step<Self>]) {
                // SAFETY: the contract of `run_chunk`.
                unsafe {
                    match level {
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512 => $name512(chunk, steps),
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx2Fma => $name2(chunk, steps),
                        _ => run::<$plain, $one>(chunk, steps),
                    }
                }
            }

            #[expect(private_interfaces, reason = "only this crate calls it")]
            unsafe fn run_stream(level: Level, state: *mut Self, gate: &Stream<Self>, units: Range<usize>) {
                // SAFETY: the contract of `run_stream`.
                unsafe {
                    match level {
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512 => $stream512(state, gate, units),
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx2Fma => $stream2(state, gate, units),
                        _ => stream::<$plain>(state, gate, units),
                    }
                }
            }
        }
    };
}

levels!(
    f64,
    Plain<f64, 0, 1>,
    Plain<f64, 2, 4>,
    F64x4,
    F64x8,
    avx2_f64,
    avx512_f64,
    stream_avx2_f64,
    stream_avx512_f64
);
levels!(
    f32,
    Plain<f32, 0, 1>,
    Plain<f32, 3, 8>,
    F32x8,
    F32x16,
    avx2_f32,
    avx512_f32,
    stream_avx2_f32,
    stream_avx512_f32
);

#[inline(always)]
unsafe fn run<V: Vector, One: Vector<Element = V::Element>>(
    chunk: &mut Chunk<'_, V::Element>,
    steps: &[Step<V::Element>],
) {
    let amplitudes = 1usize << chunk.bits;
    // SAFETY: the contract of `run_chunk`. Chunks smaller than a vector go one by one.
    unsafe {
        let (re, im) = (chunk.scratch, chunk.scratch.add(amplitudes.max(V::LANES)));
        let small = chunk.layout.run_bits < V::BITS;
        if chunk.fresh {
            for part in [re, im] {
                for at in 0..amplitudes {
                    *part.add(at) = V::Element::from_f64(0.0);
                }
            }
            *re = V::Element::from_f64(1.0);
        } else if small {
            move_in::read::<One>(chunk.layout, chunk.state, re, im);
        } else {
            move_in::read::<V>(chunk.layout, chunk.state, re, im);
        }
        for step in steps {
            if chunk.base & step.outside_mask != step.outside_value {
                continue;
            }
            match &step.kind {
                StepKind::Dense { gate, places, narrow } if *narrow => matrix::<One>(re, im, *places, gate),
                StepKind::Dense { gate, places, .. } => matrix::<V>(re, im, *places, gate),
                StepKind::Flip { places, offset, narrow } if *narrow => flip::<One>(re, im, *places, *offset),
                StepKind::Flip { places, offset, .. } => flip::<V>(re, im, *places, *offset),
                StepKind::Exchange { bit, offset } => {
                    exchange::<V>(re, im, amplitudes / V::LANES, *bit, *offset);
                }
                StepKind::Phases(run) if small => phases::<One>(re, im, chunk.bits, chunk.base, run, chunk.phases),
                StepKind::Phases(run) => phases::<V>(re, im, chunk.bits, chunk.base, run, chunk.phases),
            }
        }
        if small {
            move_in::write::<One, false>(chunk.layout, chunk.state, re, im);
        } else if chunk.stream {
            move_in::write::<V, true>(chunk.layout, chunk.state, re, im);
        } else {
            move_in::write::<V, false>(chunk.layout, chunk.state, re, im);
        }
    }
}

#[inline(always)]
unsafe fn matrix<V: Vector>(re: *mut V::Element, im: *mut V::Element, places: Places, gate: &Dense<V::Element>) {
    // SAFETY: the contract of `run_chunk`.
    unsafe {
        match (gate.qubits, gate.real) {
            (1, true) => dense::<V, 1, 2, 2, true>(re, im, places, gate),
            (1, false) => dense::<V, 1, 2, 2, false>(re, im, places, gate),
            (2, true) => dense::<V, 2, 4, 4, true>(re, im, places, gate),
            (2, false) => dense::<V, 2, 4, 4, false>(re, im, places, gate),
            (3, true) => dense::<V, 3, 8, 4, true>(re, im, places, gate),
            (3, false) => dense::<V, 3, 8, 4, false>(re, im, places, gate),
            (4, true) => dense::<V, 4, 16, 4, true>(re, im, places, gate),
            (4, false) => dense::<V, 4, 16, 4, false>(re, im, places, gate),
            (_, true) => dense::<V, 5, 32, 4, true>(re, im, places, gate),
            (_, false) => dense::<V, 5, 32, 4, false>(re, im, places, gate),
        }
    }
}
