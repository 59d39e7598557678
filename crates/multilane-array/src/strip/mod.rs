//! The strip machine: values stay in eight vector registers while a program runs over them.
//!
//! An accumulator of eight vectors (64 doubles with AVX-512), operations whose other operands come
//! from memory, and one dispatch per operation and strip: a chain of arithmetic runs at the speed
//! of its arithmetic. Bodies of one float type with truth values; others go to `block`.

mod code;
mod machine;
mod schedule;
mod streaming;

use multilane_plan::DType;

use crate::body::Body;
use crate::place::Place;
use crate::simd::{Level, Vector};
use streaming::Streaming;

pub(crate) use code::Instruction;

/// A body as instructions of the machine.
#[derive(Debug)]
pub(crate) struct Program {
    code: Vec<Instruction>,
    /// The same with stores of float arrays around the caches.
    streaming: Streaming,
    /// The one float type.
    pub(crate) float: DType,
    /// Elements of a strip.
    pub(crate) strip: usize,
    /// Temporary strips.
    pub(crate) temporaries: usize,
    /// For every array and every source, whether the source is read after the array is written.
    late_reads: Vec<Vec<bool>>,
    execute: Execute,
}

/// Which stores a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    /// Through the caches.
    Cached,
    /// Around them; results are aligned for whole vectors.
    Streamed,
}

type Execute = unsafe fn(&[Instruction], *const Place, Strips, *mut u64);

/// The elements of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strips {
    /// The first element.
    pub(crate) first: usize,
    /// How many strips.
    pub(crate) count: usize,
    /// The elements of each strip that reductions see: all of it but for a last strip.
    pub(crate) seen: (usize, usize),
}

impl Program {
    /// The program of a body, if the machine can run it.
    pub(crate) fn new(body: &Body, level: Level) -> Option<Self> {
        let scheduled = schedule::schedule(body)?;
        let strip = level.strip_bytes() / scheduled.float.size();
        Some(Self {
            late_reads: scheduled.late_reads(body),
            streaming: Streaming::new(&scheduled.code, body, scheduled.temporaries),
            code: scheduled.code,
            float: scheduled.float,
            strip,
            temporaries: scheduled.temporaries,
            execute: execute_at(level, scheduled.float),
        })
    }

    /// Whether an array that lies in the memory of a source would be read after it is written.
    pub(crate) fn late_read(&self, array: usize, source: usize) -> bool {
        self.late_reads[array][source]
    }

    /// Runs over strips.
    ///
    /// # Safety
    /// The processor has the program's level. Places are valid for the strips, and `lanes` has 16
    /// words for every reduction.
    pub(crate) unsafe fn run(&self, stores: Stores, places: *const Place, strips: Strips, lanes: *mut u64) {
        match stores {
            // SAFETY: the caller's promise.
            Stores::Cached => unsafe { (self.execute)(&self.code, places, strips, lanes) },
            Stores::Streamed => self.streaming.run(self.strip, strips, |code, strips| {
                // SAFETY: the caller's promise; together, the parts cover all strips.
                unsafe { (self.execute)(code, places, strips, lanes) }
            }),
        }
    }
}

/// Makes the functions of one vector type at one level: the machine, and the functions
/// it calls out of line because they need the registers for themselves.
macro_rules! machine {
    ($(#[$attribute:meta])* $name:ident, $vector:ty) => {
        mod $name {
            use super::{Instruction, Place, Strips, Vector, machine};
            use crate::math::Function;

            type Element = <$vector as Vector>::Element;

            $(#[$attribute])*
            unsafe fn function(function: Function, strip: *mut Element) {
                // SAFETY: the caller's promise.
                unsafe { machine::function::<$vector>(function, strip) }
            }

            $(#[$attribute])*
            unsafe fn power(base: *mut Element, exponent: *const Element) {
                // SAFETY: the caller's promise.
                unsafe { machine::power::<$vector>(base, exponent) }
            }

            $(#[$attribute])*
            pub(super) unsafe fn execute(code: &[Instruction], places: *const Place, strips: Strips, lanes: *mut u64) {
                // SAFETY: the caller's promise.
                unsafe { machine::execute::<$vector>(code, places, strips, lanes, function, power) }
            }
        }
    };
}

machine!(
    #[inline(never)]
    portable_f64,
    crate::simd::portable::F64
);
machine!(
    #[inline(never)]
    portable_f32,
    crate::simd::portable::F32
);
#[cfg(target_arch = "x86_64")]
machine!(
    #[inline(never)]
    #[target_feature(enable = "avx2,fma")]
    avx2_f64,
    crate::simd::avx2::F64
);
#[cfg(target_arch = "x86_64")]
machine!(
    #[inline(never)]
    #[target_feature(enable = "avx2,fma")]
    avx2_f32,
    crate::simd::avx2::F32
);
#[cfg(target_arch = "x86_64")]
machine!(
    #[inline(never)]
    #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
    avx512_f64,
    crate::simd::avx512::F64
);
#[cfg(target_arch = "x86_64")]
machine!(
    #[inline(never)]
    #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
    avx512_f32,
    crate::simd::avx512::F32
);

fn execute_at(level: Level, float: DType) -> Execute {
    match (level, float) {
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, DType::F64) => avx512_f64::execute,
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, _) => avx512_f32::execute,
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2Fma, DType::F64) => avx2_f64::execute,
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2Fma, _) => avx2_f32::execute,
        (_, DType::F64) => portable_f64::execute,
        _ => portable_f32::execute,
    }
}
