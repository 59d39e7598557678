//! Vectors of floats at three levels of the instruction set, behind one trait.
//!
//! Everything here is an instruction or a few; loops live beside it. Code that is generic
//! over [`Vector`] is inlined into one function for each level, which enables the
//! level's instructions. Never allocates.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::{F32x8, F64x4};
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::{F32x16, F64x8};
pub(crate) use portable::Plain;

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust: any processor.
    Portable,
    /// x86-64 with AVX2 and fused multiply-add.
    Avx2Fma,
    /// x86-64 with AVX-512 F.
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
        levels.extend(wide_levels());
        levels
    }

    /// Bytes of a vector.
    pub(crate) const fn vector_bytes(self) -> usize {
        match self {
            Self::Portable | Self::Avx2Fma => 32,
            Self::Avx512 => 64,
        }
    }

    /// Where `part` leaves the bit of an amplitude's number among the bits of the lanes.
    ///
    /// The instructions work within 16 bytes: the bit that tells the two vectors apart comes next to those that fit, and
    /// those above make room.
    pub(crate) const fn lane_of<T>(self, bit: usize) -> usize {
        let within = (16 / (2 * size_of::<T>())).ilog2() as usize;
        let top = self.lanes::<T>().ilog2() as usize - 1;
        match self {
            Self::Portable => bit,
            _ if bit < within => bit,
            _ if bit == top => within,
            _ => bit + 1,
        }
    }

    /// Numbers of a vector.
    pub(crate) const fn lanes<T>(self) -> usize {
        self.vector_bytes() / size_of::<T>()
    }
}

/// The levels above the portable one.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn wide_levels() -> Vec<Level> {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let mut levels = vec![Level::Avx2Fma, Level::Avx512];
    levels.truncate(match (avx2, is_x86_feature_detected!("avx512f")) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    });
    levels
}

/// The levels above the portable one: none, since what other processors have is what all of their kind have.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn wide_levels() -> Vec<Level> {
    Vec::new()
}

/// A real number that amplitudes are made of.
pub trait Real: Copy + Send + Sync + 'static + PartialEq + std::fmt::Debug {
    /// `f32` or `f64`.
    const NAME: &'static str;
    /// Rounds to this type.
    fn from_f64(value: f64) -> Self;
    /// Widens.
    fn to_f64(self) -> f64;
}

impl Real for f64 {
    const NAME: &'static str = "f64";
    fn from_f64(value: f64) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
}

impl Real for f32 {
    const NAME: &'static str = "f32";
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

/// Some numbers side by side.
///
/// # Safety
/// Every function needs a processor of the vector's level, and pointers that are valid
/// for the numbers they stand for.
pub(crate) trait Vector: Copy {
    /// What one number is.
    type Element: Real;
    /// The base-2 logarithm of how many there are.
    const BITS: usize;
    /// How many there are.
    const LANES: usize = 1 << Self::BITS;

    unsafe fn splat(value: Self::Element) -> Self;
    unsafe fn load(from: *const Self::Element) -> Self;
    unsafe fn store(self, to: *mut Self::Element);
    /// Stores around the caches; `to` is aligned to the vector.
    unsafe fn stream(self, to: *mut Self::Element);
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * b + c`
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`
    unsafe fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// Exchanges lane bit `bit` with which of the two vectors it is.
    unsafe fn exchange(self, other: Self, bit: usize) -> (Self, Self);
    /// Real and imaginary parts of two vectors of pairs.
    unsafe fn split(first: Self, second: Self) -> (Self, Self);
    /// Undoes `split`.
    unsafe fn join(re: Self, im: Self) -> (Self, Self);
    /// As `split`, but with lanes where [`Level::lane_of`] says: an instruction for each part.
    unsafe fn part(first: Self, second: Self) -> (Self, Self);
    /// Undoes `part`.
    unsafe fn unite(re: Self, im: Self) -> (Self, Self);
}
