//! Vectors of floats at three levels of the instruction set, behind one trait.
//!
//! Everything here is a single instruction or a few; loops, polynomials and decisions
//! live in `math`, `strip` and `block`. The level is chosen at run time: code that is
//! generic over [`Vector`] is inlined into one function per level that enables the
//! level's instructions. Never allocates, never looks at a plan.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod pair;
pub(crate) mod portable;
mod vector;

use std::sync::OnceLock;

pub(crate) use pair::Pair;
pub(crate) use vector::{Binary, Doubles, Unary, VECTORS, Vector};

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust: any processor, and interpreters of Rust such as Miri.
    Portable,
    /// x86-64 with AVX2 and fused multiply-add.
    Avx2Fma,
    /// x86-64 with AVX-512 F, DQ, BW and VL.
    Avx512,
}

impl Level {
    /// The best level of this processor.
    pub fn detect() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| *Self::available().last().expect("the portable level is always there"))
    }

    /// All levels of this processor, from the slowest to the fastest.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 {
                levels.push(Self::Avx2Fma);
            }
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
            {
                levels.push(Self::Avx512);
            }
        }
        levels
    }

    /// Its name, as shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2Fma => "avx2+fma",
            Self::Avx512 => "avx512",
        }
    }

    /// Bytes in a strip: the elements that stay in registers while a program runs over them.
    pub(crate) const fn strip_bytes(self) -> usize {
        match self {
            Self::Avx2Fma => 32 * VECTORS,
            Self::Portable | Self::Avx512 => 64 * VECTORS,
        }
    }
}

/// Asks for a line of memory that is read soon; any address will do.
#[inline(always)]
pub(crate) fn prefetch(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every x86-64 processor has this instruction, which never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}

/// Makes stores that went around the caches visible to other threads.
pub(crate) fn fence_streams() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every x86-64 processor has this instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}
