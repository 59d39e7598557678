//! Vectors of AVX2 with fused multiply-add: 4 doubles or 8 singles.

use std::arch::x86_64::*;

use super::Vector;

/// Four doubles.
#[derive(Clone, Copy)]
pub(crate) struct F64x4(__m256d);

/// Eight singles.
#[derive(Clone, Copy)]
pub(crate) struct F32x8(__m256);

/// Functions whose whole body is intrinsics of this level.
macro_rules! ops {
    ($($name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $body:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the trait's contract: the processor has this level, pointers are valid.
            unsafe { $body }
        }
    )*};
}

impl Vector for F64x4 {
    type Element = f64;
    const BITS: usize = 2;

    ops! {
        splat(value: f64) -> Self = Self(_mm256_set1_pd(value));
        load(from: *const f64) -> Self = Self(_mm256_loadu_pd(from));
        mul(self: Self, other: Self) -> Self = Self(_mm256_mul_pd(self.0, other.0));
        store(self: Self, to: *mut f64) = _mm256_storeu_pd(to, self.0);
        stream(self: Self, to: *mut f64) = _mm256_stream_pd(to, self.0);
        mul_add(self: Self, b: Self, c: Self) -> Self = Self(_mm256_fmadd_pd(self.0, b.0, c.0));
        neg_mul_add(self: Self, b: Self, c: Self) -> Self = Self(_mm256_fnmadd_pd(self.0, b.0, c.0));
        exchange(self: Self, other: Self, bit: usize) -> (Self, Self) = if bit == 0 {
            (Self(_mm256_unpacklo_pd(self.0, other.0)), Self(_mm256_unpackhi_pd(self.0, other.0)))
        } else {
            (
                Self(_mm256_permute2f128_pd::<0x20>(self.0, other.0)),
                Self(_mm256_permute2f128_pd::<0x31>(self.0, other.0)),
            )
        };
        split(first: Self, second: Self) -> (Self, Self) = {
            let even = _mm256_permute2f128_pd::<0x20>(first.0, second.0);
            let odd = _mm256_permute2f128_pd::<0x31>(first.0, second.0);
            (Self(_mm256_unpacklo_pd(even, odd)), Self(_mm256_unpackhi_pd(even, odd)))
        };
        join(re: Self, im: Self) -> (Self, Self) = {
            let low = _mm256_unpacklo_pd(re.0, im.0);
            let high = _mm256_unpackhi_pd(re.0, im.0);
            (Self(_mm256_permute2f128_pd::<0x20>(low, high)), Self(_mm256_permute2f128_pd::<0x31>(low, high)))
        };
        part(first: Self, second: Self) -> (Self, Self) =
            (Self(_mm256_unpacklo_pd(first.0, second.0)), Self(_mm256_unpackhi_pd(first.0, second.0)));
        unite(re: Self, im: Self) -> (Self, Self) =
            (Self(_mm256_unpacklo_pd(re.0, im.0)), Self(_mm256_unpackhi_pd(re.0, im.0)));
    }
}

impl Vector for F32x8 {
    type Element = f32;
    const BITS: usize = 3;

    ops! {
        splat(value: f32) -> Self = Self(_mm256_set1_ps(value));
        load(from: *const f32) -> Self = Self(_mm256_loadu_ps(from));
        mul(self: Self, other: Self) -> Self = Self(_mm256_mul_ps(self.0, other.0));
        store(self: Self, to: *mut f32) = _mm256_storeu_ps(to, self.0);
        stream(self: Self, to: *mut f32) = _mm256_stream_ps(to, self.0);
        mul_add(self: Self, b: Self, c: Self) -> Self = Self(_mm256_fmadd_ps(self.0, b.0, c.0));
        neg_mul_add(self: Self, b: Self, c: Self) -> Self = Self(_mm256_fnmadd_ps(self.0, b.0, c.0));
        exchange(self: Self, other: Self, bit: usize) -> (Self, Self) = match bit {
            0 => (
                Self(_mm256_blend_ps::<0xAA>(self.0, _mm256_moveldup_ps(other.0))),
                Self(_mm256_blend_ps::<0xAA>(_mm256_movehdup_ps(self.0), other.0)),
            ),
            1 => {
                let (a, b) = (_mm256_castps_pd(self.0), _mm256_castps_pd(other.0));
                (
                    Self(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b))),
                    Self(_mm256_castpd_ps(_mm256_unpackhi_pd(a, b))),
                )
            }
            _ => (
                Self(_mm256_permute2f128_ps::<0x20>(self.0, other.0)),
                Self(_mm256_permute2f128_ps::<0x31>(self.0, other.0)),
            ),
        };
        split(first: Self, second: Self) -> (Self, Self) = {
            let low = _mm256_permute2f128_ps::<0x20>(first.0, second.0);
            let high = _mm256_permute2f128_ps::<0x31>(first.0, second.0);
            (Self(_mm256_shuffle_ps::<0x88>(low, high)), Self(_mm256_shuffle_ps::<0xDD>(low, high)))
        };
        join(re: Self, im: Self) -> (Self, Self) = {
            let low = _mm256_unpacklo_ps(re.0, im.0);
            let high = _mm256_unpackhi_ps(re.0, im.0);
            (Self(_mm256_permute2f128_ps::<0x20>(low, high)), Self(_mm256_permute2f128_ps::<0x31>(low, high)))
        };
        part(first: Self, second: Self) -> (Self, Self) =
            (Self(_mm256_shuffle_ps::<0x88>(first.0, second.0)), Self(_mm256_shuffle_ps::<0xDD>(first.0, second.0)));
        unite(re: Self, im: Self) -> (Self, Self) =
            (Self(_mm256_unpacklo_ps(re.0, im.0)), Self(_mm256_unpackhi_ps(re.0, im.0)));
    }
}
