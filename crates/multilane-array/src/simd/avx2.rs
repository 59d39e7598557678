//! Vectors of AVX2 with fused multiply-add: 4 doubles or 8 singles.

use std::arch::x86_64::*;

use super::{Binary, Doubles, Pair, Unary, Vector};

/// Four doubles.
#[derive(Clone, Copy)]
pub(crate) struct F64(__m256d);

/// Eight singles.
#[derive(Clone, Copy)]
pub(crate) struct F32(__m256);

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

impl Vector for F64 {
    type Element = f64;
    type Wide = Self;
    const LANES: usize = 4;

    #[inline(always)]
    fn add_one(a: f64, b: f64) -> f64 {
        a + b
    }

    ops! {
        splat(value: f64) -> Self = Self(_mm256_set1_pd(value));
        load(from: *const f64) -> Self = Self(_mm256_loadu_pd(from));
        store(a: Self, to: *mut f64) = _mm256_storeu_pd(to, a.0);
        stream(a: Self, to: *mut f64) = _mm256_stream_pd(to, a.0);
        add(a: Self, b: Self) -> Self = Self(_mm256_add_pd(a.0, b.0));
        sub(a: Self, b: Self) -> Self = Self(_mm256_sub_pd(a.0, b.0));
        mul(a: Self, b: Self) -> Self = Self(_mm256_mul_pd(a.0, b.0));
        div(a: Self, b: Self) -> Self = Self(_mm256_div_pd(a.0, b.0));
        sqrt(a: Self) -> Self = Self(_mm256_sqrt_pd(a.0));
        neg(a: Self) -> Self = Self(_mm256_xor_pd(a.0, _mm256_set1_pd(-0.0)));
        abs(a: Self) -> Self = Self(_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.0));
        fma(a: Self, b: Self, c: Self) -> Self = Self(_mm256_fmadd_pd(a.0, b.0, c.0));
        // The instruction gives its second operand when one is NaN: right unless only the first is.
        min(a: Self, b: Self) -> Self = Self(_mm256_blendv_pd(
            _mm256_min_pd(a.0, b.0), a.0, _mm256_cmp_pd::<_CMP_UNORD_Q>(a.0, a.0),
        ));
        max(a: Self, b: Self) -> Self = Self(_mm256_blendv_pd(
            _mm256_max_pd(a.0, b.0), a.0, _mm256_cmp_pd::<_CMP_UNORD_Q>(a.0, a.0),
        ));
        clamp(a: Self, low: Self, high: Self) -> Self = Self(_mm256_max_pd(low.0, _mm256_min_pd(high.0, a.0)));
        eq(a: Self, b: Self) -> Self = Self(_mm256_cmp_pd::<_CMP_EQ_OQ>(a.0, b.0));
        ne(a: Self, b: Self) -> Self = Self(_mm256_cmp_pd::<_CMP_NEQ_UQ>(a.0, b.0));
        lt(a: Self, b: Self) -> Self = Self(_mm256_cmp_pd::<_CMP_LT_OQ>(a.0, b.0));
        le(a: Self, b: Self) -> Self = Self(_mm256_cmp_pd::<_CMP_LE_OQ>(a.0, b.0));
        select(mask: Self, yes: Self, no: Self) -> Self = Self(_mm256_blendv_pd(no.0, yes.0, mask.0));
        any(mask: Self) -> bool = _mm256_movemask_pd(mask.0) != 0;
        and(a: Self, b: Self) -> Self = Self(_mm256_and_pd(a.0, b.0));
        or(a: Self, b: Self) -> Self = Self(_mm256_or_pd(a.0, b.0));
        xor(a: Self, b: Self) -> Self = Self(_mm256_xor_pd(a.0, b.0));
        not(a: Self) -> Self = Self(_mm256_xor_pd(a.0, _mm256_castsi256_pd(_mm256_set1_epi64x(-1))));
        load_mask(from: *const u8) -> Self = {
            let bytes = _mm_cvtsi32_si128(from.cast::<i32>().read_unaligned());
            let zero = _mm256_cmpeq_epi64(_mm256_cvtepu8_epi64(bytes), _mm256_setzero_si256());
            Self::not(Self(_mm256_castsi256_pd(zero)))
        };
        store_mask(a: Self, to: *mut u8) = to.cast::<u32>().write_unaligned(spread_bits(_mm256_movemask_pd(a.0) as u32));
    }

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
}

impl Doubles for F64 {
    ops! {
        from_bits(bits: u64) -> Self = Self(_mm256_castsi256_pd(_mm256_set1_epi64x(bits as i64)));
        add_bits(a: Self, b: Self) -> Self = Self(_mm256_castsi256_pd(_mm256_add_epi64(
            _mm256_castpd_si256(a.0), _mm256_castpd_si256(b.0),
        )));
        sub_bits(a: Self, b: Self) -> Self = Self(_mm256_castsi256_pd(_mm256_sub_epi64(
            _mm256_castpd_si256(a.0), _mm256_castpd_si256(b.0),
        )));
        shl52(a: Self) -> Self = Self(_mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(a.0))));
        shl63(a: Self) -> Self = Self(_mm256_castsi256_pd(_mm256_slli_epi64::<63>(_mm256_castpd_si256(a.0))));
        shr52(a: Self) -> Self = Self(_mm256_castsi256_pd(_mm256_srli_epi64::<52>(_mm256_castpd_si256(a.0))));
        round(a: Self) -> Self = Self(_mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a.0));
        // Two factors, because one power of two does not reach from 1 to the subnormals;
        // the first product is exact.
        scale(a: Self, n: Self) -> Self = {
            let half = Self::round(Self::mul(n, Self::splat(0.5)));
            let rest = Self::sub(n, half);
            Self::mul(Self::mul(a, power_of_two(half)), power_of_two(rest))
        };
    }
}

/// `2^n` for whole `n` in -1022..=1023.
#[inline(always)]
unsafe fn power_of_two(n: F64) -> F64 {
    // SAFETY: callers run on a processor of this level.
    unsafe {
        // The low bits of the sum are `n` as an integer; the shift leaves nothing else.
        let whole = F64::add(n, F64::splat(6_755_399_441_055_744.0));
        F64::shl52(F64::add_bits(whole, F64::from_bits(1023)))
    }
}

/// Bit `i` of the lowest four to byte `i`.
#[inline(always)]
fn spread_bits(mask: u32) -> u32 {
    mask.wrapping_mul(0x0020_4081) & 0x0101_0101
}

impl Vector for F32 {
    type Element = f32;
    type Wide = F64;
    const LANES: usize = 8;

    #[inline(always)]
    fn add_one(a: f32, b: f32) -> f32 {
        a + b
    }

    ops! {
        splat(value: f64) -> Self = Self(_mm256_set1_ps(value as f32));
        load(from: *const f32) -> Self = Self(_mm256_loadu_ps(from));
        store(a: Self, to: *mut f32) = _mm256_storeu_ps(to, a.0);
        stream(a: Self, to: *mut f32) = _mm256_stream_ps(to, a.0);
        add(a: Self, b: Self) -> Self = Self(_mm256_add_ps(a.0, b.0));
        sub(a: Self, b: Self) -> Self = Self(_mm256_sub_ps(a.0, b.0));
        mul(a: Self, b: Self) -> Self = Self(_mm256_mul_ps(a.0, b.0));
        div(a: Self, b: Self) -> Self = Self(_mm256_div_ps(a.0, b.0));
        sqrt(a: Self) -> Self = Self(_mm256_sqrt_ps(a.0));
        neg(a: Self) -> Self = Self(_mm256_xor_ps(a.0, _mm256_set1_ps(-0.0)));
        abs(a: Self) -> Self = Self(_mm256_andnot_ps(_mm256_set1_ps(-0.0), a.0));
        fma(a: Self, b: Self, c: Self) -> Self = Self(_mm256_fmadd_ps(a.0, b.0, c.0));
        min(a: Self, b: Self) -> Self = Self(_mm256_blendv_ps(
            _mm256_min_ps(a.0, b.0), a.0, _mm256_cmp_ps::<_CMP_UNORD_Q>(a.0, a.0),
        ));
        max(a: Self, b: Self) -> Self = Self(_mm256_blendv_ps(
            _mm256_max_ps(a.0, b.0), a.0, _mm256_cmp_ps::<_CMP_UNORD_Q>(a.0, a.0),
        ));
        clamp(a: Self, low: Self, high: Self) -> Self = Self(_mm256_max_ps(low.0, _mm256_min_ps(high.0, a.0)));
        eq(a: Self, b: Self) -> Self = Self(_mm256_cmp_ps::<_CMP_EQ_OQ>(a.0, b.0));
        ne(a: Self, b: Self) -> Self = Self(_mm256_cmp_ps::<_CMP_NEQ_UQ>(a.0, b.0));
        lt(a: Self, b: Self) -> Self = Self(_mm256_cmp_ps::<_CMP_LT_OQ>(a.0, b.0));
        le(a: Self, b: Self) -> Self = Self(_mm256_cmp_ps::<_CMP_LE_OQ>(a.0, b.0));
        select(mask: Self, yes: Self, no: Self) -> Self = Self(_mm256_blendv_ps(no.0, yes.0, mask.0));
        any(mask: Self) -> bool = _mm256_movemask_ps(mask.0) != 0;
        and(a: Self, b: Self) -> Self = Self(_mm256_and_ps(a.0, b.0));
        or(a: Self, b: Self) -> Self = Self(_mm256_or_ps(a.0, b.0));
        xor(a: Self, b: Self) -> Self = Self(_mm256_xor_ps(a.0, b.0));
        not(a: Self) -> Self = Self(_mm256_xor_ps(a.0, _mm256_castsi256_ps(_mm256_set1_epi32(-1))));
        load_mask(from: *const u8) -> Self = {
            let bytes = _mm_loadl_epi64(from.cast());
            let zero = _mm256_cmpeq_epi32(_mm256_cvtepu8_epi32(bytes), _mm256_setzero_si256());
            Self::not(Self(_mm256_castsi256_ps(zero)))
        };
        store_mask(a: Self, to: *mut u8) = {
            let mask = _mm256_movemask_ps(a.0) as u32;
            to.cast::<u32>().write_unaligned(spread_bits(mask & 15));
            to.add(4).cast::<u32>().write_unaligned(spread_bits(mask >> 4));
        };
    }

    #[inline(always)]
    unsafe fn widely<F: Unary>(a: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let [low, high] = widen(a);
            narrow(F::apply(low), F::apply(high))
        }
    }

    #[inline(always)]
    unsafe fn widely_pair<F: Unary>(pair: [Self; 2]) -> [Self; 2] {
        // SAFETY: the trait's contract.
        unsafe {
            let Pair([a, b]) = F::apply(Pair(widen(pair[0])));
            let Pair([c, d]) = F::apply(Pair(widen(pair[1])));
            [narrow(a, b), narrow(c, d)]
        }
    }

    #[inline(always)]
    unsafe fn widely2<F: Binary>(a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let ([low_a, high_a], [low_b, high_b]) = (widen(a), widen(b));
            narrow(F::apply(low_a, low_b), F::apply(high_a, high_b))
        }
    }
}

#[inline(always)]
unsafe fn widen(a: F32) -> [F64; 2] {
    // SAFETY: callers run on a processor of this level.
    unsafe {
        [
            F64(_mm256_cvtps_pd(_mm256_castps256_ps128(a.0))),
            F64(_mm256_cvtps_pd(_mm256_extractf128_ps::<1>(a.0))),
        ]
    }
}

#[inline(always)]
unsafe fn narrow(low: F64, high: F64) -> F32 {
    // SAFETY: callers run on a processor of this level.
    unsafe { F32(_mm256_set_m128(_mm256_cvtpd_ps(high.0), _mm256_cvtpd_ps(low.0))) }
}
