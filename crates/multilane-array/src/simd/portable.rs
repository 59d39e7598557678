//! Vectors of plain Rust: arrays of 8 doubles or 16 singles.
//!
//! Gives the same bits as the other levels: a fused multiply-add is `mul_add`, which
//! rounds once everywhere, if slowly on a processor without the instruction.

use super::{Binary, Doubles, Pair, Unary, Vector};

/// Eight doubles.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct F64([f64; 8]);

/// Sixteen singles.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct F32([f32; 16]);

/// Everything that reads the same for both widths.
macro_rules! vector {
    ($name:ident, $element:ident, $bits:ident, $lanes:literal, { $($rest:tt)* }) => {
        impl $name {
            #[inline(always)]
            fn map(self, f: impl Fn($element) -> $element) -> Self {
                Self(std::array::from_fn(|i| f(self.0[i])))
            }

            #[inline(always)]
            fn zip(self, b: Self, f: impl Fn($element, $element) -> $element) -> Self {
                Self(std::array::from_fn(|i| f(self.0[i], b.0[i])))
            }

            #[inline(always)]
            fn zip_bits(self, b: Self, f: impl Fn($bits, $bits) -> $bits) -> Self {
                self.zip(b, |a, b| $element::from_bits(f(a.to_bits(), b.to_bits())))
            }

            #[inline(always)]
            fn compare(self, b: Self, f: impl Fn($element, $element) -> bool) -> Self {
                self.zip(b, |a, b| $element::from_bits(if f(a, b) { $bits::MAX } else { 0 }))
            }
        }

        impl Vector for $name {
            type Element = $element;
            type Wide = F64;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn add_one(a: $element, b: $element) -> $element {
                a + b
            }

            #[inline(always)]
            unsafe fn splat(value: f64) -> Self {
                Self([value as $element; $lanes])
            }

            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: the caller's pointer is valid for all lanes.
                Self(unsafe { from.cast::<[$element; $lanes]>().read_unaligned() })
            }

            #[inline(always)]
            unsafe fn store(a: Self, to: *mut $element) {
                // SAFETY: the caller's pointer is valid for all lanes.
                unsafe { to.cast::<[$element; $lanes]>().write_unaligned(a.0) }
            }

            #[inline(always)]
            unsafe fn stream(a: Self, to: *mut $element) {
                // SAFETY: as of `store`.
                unsafe { Self::store(a, to) }
            }

            #[inline(always)]
            unsafe fn add(a: Self, b: Self) -> Self {
                a.zip(b, |a, b| a + b)
            }

            #[inline(always)]
            unsafe fn sub(a: Self, b: Self) -> Self {
                a.zip(b, |a, b| a - b)
            }

            #[inline(always)]
            unsafe fn mul(a: Self, b: Self) -> Self {
                a.zip(b, |a, b| a * b)
            }

            #[inline(always)]
            unsafe fn div(a: Self, b: Self) -> Self {
                a.zip(b, |a, b| a / b)
            }

            #[inline(always)]
            unsafe fn sqrt(a: Self) -> Self {
                a.map($element::sqrt)
            }

            #[inline(always)]
            unsafe fn neg(a: Self) -> Self {
                a.map(|a| -a)
            }

            #[inline(always)]
            unsafe fn abs(a: Self) -> Self {
                a.map($element::abs)
            }

            #[inline(always)]
            unsafe fn fma(a: Self, b: Self, c: Self) -> Self {
                Self(std::array::from_fn(|i| a.0[i].mul_add(b.0[i], c.0[i])))
            }

            #[inline(always)]
            unsafe fn min(a: Self, b: Self) -> Self {
                a.zip(b, |a, b| if a.is_nan() || a < b { a } else { b })
            }

            #[inline(always)]
            unsafe fn max(a: Self, b: Self) -> Self {
                a.zip(b, |a, b| if a.is_nan() || a > b { a } else { b })
            }

            #[inline(always)]
            unsafe fn clamp(a: Self, low: Self, high: Self) -> Self {
                let below = high.zip(a, |high, a| if high < a { high } else { a });
                low.zip(below, |low, a| if low > a { low } else { a })
            }

            #[inline(always)]
            unsafe fn eq(a: Self, b: Self) -> Self {
                a.compare(b, |a, b| a == b)
            }

            #[inline(always)]
            unsafe fn ne(a: Self, b: Self) -> Self {
                a.compare(b, |a, b| a != b)
            }

            #[inline(always)]
            unsafe fn lt(a: Self, b: Self) -> Self {
                a.compare(b, |a, b| a < b)
            }

            #[inline(always)]
            unsafe fn le(a: Self, b: Self) -> Self {
                a.compare(b, |a, b| a <= b)
            }

            #[inline(always)]
            unsafe fn select(mask: Self, yes: Self, no: Self) -> Self {
                Self(std::array::from_fn(|i| if mask.0[i].to_bits() != 0 { yes.0[i] } else { no.0[i] }))
            }

            #[inline(always)]
            unsafe fn any(mask: Self) -> bool {
                mask.0.iter().any(|lane| lane.to_bits() != 0)
            }

            #[inline(always)]
            unsafe fn and(a: Self, b: Self) -> Self {
                a.zip_bits(b, |a, b| a & b)
            }

            #[inline(always)]
            unsafe fn or(a: Self, b: Self) -> Self {
                a.zip_bits(b, |a, b| a | b)
            }

            #[inline(always)]
            unsafe fn xor(a: Self, b: Self) -> Self {
                a.zip_bits(b, |a, b| a ^ b)
            }

            #[inline(always)]
            unsafe fn not(a: Self) -> Self {
                a.zip_bits(a, |a, _| !a)
            }

            #[inline(always)]
            unsafe fn load_mask(from: *const u8) -> Self {
                // SAFETY: the caller's pointer is valid for as many bytes as lanes.
                let bytes = unsafe { from.cast::<[u8; $lanes]>().read() };
                Self(bytes.map(|byte| $element::from_bits(if byte != 0 { $bits::MAX } else { 0 })))
            }

            #[inline(always)]
            unsafe fn store_mask(a: Self, to: *mut u8) {
                let bytes = a.0.map(|lane| u8::from(lane.to_bits() != 0));
                // SAFETY: the caller's pointer is valid for as many bytes as lanes.
                unsafe { to.cast::<[u8; $lanes]>().write(bytes) }
            }

            $($rest)*
        }
    };
}

vector!(F64, f64, u64, 8, {
    #[inline(always)]
    unsafe fn widely<F: Unary>(a: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { F::apply(a) }
    }

    #[inline(always)]
    unsafe fn widely_pair<F: Unary>(pair: [Self; 2]) -> [Self; 2] {
        // SAFETY: the trait's contract.
        unsafe { F::apply(Pair(pair)).0 }
    }

    #[inline(always)]
    unsafe fn widely2<F: Binary>(a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { F::apply(a, b) }
    }
});

vector!(F32, f32, u32, 16, {
    #[inline(always)]
    unsafe fn widely<F: Unary>(a: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let [low, high] = a.widen();
            Self::narrow(F::apply(low), F::apply(high))
        }
    }

    #[inline(always)]
    unsafe fn widely_pair<F: Unary>(pair: [Self; 2]) -> [Self; 2] {
        // SAFETY: the trait's contract.
        unsafe {
            let Pair([a, b]) = F::apply(Pair(pair[0].widen()));
            let Pair([c, d]) = F::apply(Pair(pair[1].widen()));
            [Self::narrow(a, b), Self::narrow(c, d)]
        }
    }

    #[inline(always)]
    unsafe fn widely2<F: Binary>(a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let ([low_a, high_a], [low_b, high_b]) = (a.widen(), b.widen());
            Self::narrow(F::apply(low_a, low_b), F::apply(high_a, high_b))
        }
    }
});

impl F32 {
    #[inline(always)]
    fn widen(self) -> [F64; 2] {
        [0, 8].map(|start| F64(std::array::from_fn(|i| f64::from(self.0[start + i]))))
    }

    #[inline(always)]
    fn narrow(low: F64, high: F64) -> Self {
        Self(std::array::from_fn(
            |i| if i < 8 { low.0[i] } else { high.0[i - 8] } as f32,
        ))
    }
}

impl Doubles for F64 {
    #[inline(always)]
    unsafe fn from_bits(bits: u64) -> Self {
        Self([f64::from_bits(bits); 8])
    }

    #[inline(always)]
    unsafe fn add_bits(a: Self, b: Self) -> Self {
        a.zip_bits(b, u64::wrapping_add)
    }

    #[inline(always)]
    unsafe fn sub_bits(a: Self, b: Self) -> Self {
        a.zip_bits(b, u64::wrapping_sub)
    }

    #[inline(always)]
    unsafe fn shl52(a: Self) -> Self {
        a.zip_bits(a, |a, _| a << 52)
    }

    #[inline(always)]
    unsafe fn shl63(a: Self) -> Self {
        a.zip_bits(a, |a, _| a << 63)
    }

    #[inline(always)]
    unsafe fn shr52(a: Self) -> Self {
        a.zip_bits(a, |a, _| a >> 52)
    }

    #[inline(always)]
    unsafe fn round(a: Self) -> Self {
        a.map(f64::round_ties_even)
    }

    #[inline(always)]
    unsafe fn scale(a: Self, n: Self) -> Self {
        // Two factors, because one power of two does not reach from 1 to the subnormals;
        // the first product is exact.
        a.zip(n, |a, n| {
            let half = (n * 0.5).round_ties_even();
            a * power_of_two(half) * power_of_two(n - half)
        })
    }
}

/// `2^n` for whole `n` in -1022..=1023; anything for others.
#[inline(always)]
fn power_of_two(n: f64) -> f64 {
    f64::from_bits(((n as i64).wrapping_add(1023) as u64) << 52)
}
