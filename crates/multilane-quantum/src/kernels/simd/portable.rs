//! Vectors as arrays: the compiler makes of them what the processor has, on 64-bit ARM instructions of NEON.
//!
//! One lane is the vector for gates that a wider one has no room for.

use super::Vector;

/// Whether every processor of this kind multiplies and adds in one instruction, as all with NEON do. Elsewhere a fused
/// product is a call.
const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// `2^B` numbers.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T, const B: usize, const N: usize>([T; N]);

macro_rules! plain {
    ($element:ty, $bits:literal, $lanes:literal) => {
        impl Vector for Plain<$element, $bits, $lanes> {
            type Element = $element;
            const BITS: usize = $bits;

            #[inline(always)]
            unsafe fn splat(value: $element) -> Self {
                Self([value; $lanes])
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: the trait's contract; an array has the alignment of its elements.
                Self(unsafe { from.cast::<[$element; $lanes]>().read() })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: as in `load`.
                unsafe { to.cast::<[$element; $lanes]>().write(self.0) }
            }
            #[inline(always)]
            unsafe fn stream(self, to: *mut $element) {
                // SAFETY: as in `load`.
                unsafe { self.store(to) }
            }
            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                let mut out = self.0;
                for lane in 0..$lanes {
                    out[lane] *= other.0[lane];
                }
                Self(out)
            }
            #[inline(always)]
            unsafe fn mul_add(self, b: Self, c: Self) -> Self {
                let mut out = c.0;
                for lane in 0..$lanes {
                    out[lane] = if FUSED {
                        self.0[lane].mul_add(b.0[lane], c.0[lane])
                    } else {
                        out[lane] + self.0[lane] * b.0[lane]
                    };
                }
                Self(out)
            }
            #[inline(always)]
            unsafe fn neg_mul_add(self, b: Self, c: Self) -> Self {
                let mut out = c.0;
                for lane in 0..$lanes {
                    out[lane] = if FUSED {
                        (-self.0[lane]).mul_add(b.0[lane], c.0[lane])
                    } else {
                        out[lane] - self.0[lane] * b.0[lane]
                    };
                }
                Self(out)
            }
            #[inline(always)]
            unsafe fn exchange(self, other: Self, bit: usize) -> (Self, Self) {
                let (mut first, mut second) = (self.0, other.0);
                for lane in 0..$lanes {
                    if lane >> bit & 1 == 0 {
                        second[lane] = self.0[lane | 1 << bit];
                    } else {
                        first[lane] = other.0[lane ^ 1 << bit];
                    }
                }
                (Self(first), Self(second))
            }
            #[inline(always)]
            unsafe fn split(first: Self, second: Self) -> (Self, Self) {
                let at = |place: usize| {
                    if place < $lanes {
                        first.0[place]
                    } else {
                        second.0[place - $lanes]
                    }
                };
                (
                    Self(std::array::from_fn(|lane| at(2 * lane))),
                    Self(std::array::from_fn(|lane| at(2 * lane + 1))),
                )
            }
            #[inline(always)]
            unsafe fn join(re: Self, im: Self) -> (Self, Self) {
                let at = |place: usize| {
                    if place % 2 == 0 {
                        re.0[place / 2]
                    } else {
                        im.0[place / 2]
                    }
                };
                (
                    Self(std::array::from_fn(at)),
                    Self(std::array::from_fn(|lane| at($lanes + lane))),
                )
            }
            #[inline(always)]
            unsafe fn part(first: Self, second: Self) -> (Self, Self) {
                // SAFETY: the trait's contract.
                unsafe { Self::split(first, second) }
            }
            #[inline(always)]
            unsafe fn unite(re: Self, im: Self) -> (Self, Self) {
                // SAFETY: the trait's contract.
                unsafe { Self::join(re, im) }
            }
        }
    };
}

plain!(f64, 0, 1);
plain!(f32, 0, 1);
plain!(f64, 2, 4);
plain!(f32, 3, 8);
