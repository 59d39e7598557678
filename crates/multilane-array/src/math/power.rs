//! Power: the exponential of a logarithm that carries about 15 bits more than a double.

use super::exponential::{EXPONENTIAL, LN_2_LOW};
use super::logarithm::{LN_2_HIGH, LN_2_REST, split};
use super::{ROUNDER, horner, patch};
use crate::simd::Doubles;

/// `((2 atanh(s) - 2 s) / s^3 - 2/3) / s^2` in powers of `s^2`; off by 2e-18 at most.
const SERIES: [f64; 8] = [
    0.11723063787600672,
    0.11706247320841309,
    0.13334804283783175,
    0.15384594970057874,
    0.18181818335322242,
    0.22222222221656196,
    0.28571428571429364,
    0.4,
];

/// 2/3 and the part of it beyond a double.
const TWO_THIRDS: [f64; 2] = [2.0 / 3.0, 3.700743415417188e-17];

/// The sum of two numbers, of which the first is larger or 0, and what its rounding lost.
#[inline(always)]
unsafe fn two_sum<V: Doubles>(a: V, b: V) -> (V, V) {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let sum = V::add(a, b);
        (sum, V::add(V::sub(a, sum), b))
    }
}

/// The product of two numbers, and what its rounding lost.
#[inline(always)]
unsafe fn two_product<V: Doubles>(a: V, b: V) -> (V, V) {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let product = V::mul(a, b);
        (product, V::fma(a, b, V::neg(product)))
    }
}

/// The logarithm of positive normal `x` in two parts.
#[inline(always)]
unsafe fn long_log<V: Doubles>(x: V) -> (V, V) {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let (k, m) = split(x);
        let one = V::splat(1.0);
        let f = V::sub(m, one);
        // s = f / (m + 1), both in two parts.
        let sum = V::add(m, one);
        let sum_low = V::sub(m, V::sub(sum, one));
        let inverse = V::div(one, sum);
        let s = V::mul(f, inverse);
        let s_low = V::mul(V::sub(V::fma(V::neg(s), sum, f), V::mul(s, sum_low)), inverse);

        let (z, z_low) = two_product(s, s);
        let z_low = V::fma(V::add(s, s), s_low, z_low);
        let (c, c_low) = two_sum(V::splat(TWO_THIRDS[0]), V::mul(z, horner(z, SERIES)));
        let c_low = V::add(c_low, V::splat(TWO_THIRDS[1]));
        let (cube, cube_low) = two_product(s, z);
        let cube_low = V::fma(s, z_low, V::fma(s_low, z, cube_low));
        let (t, t_low) = two_product(cube, c);
        let t_low = V::fma(cube, c_low, V::fma(cube_low, c, t_low));

        let (a, a_low) = two_sum(V::mul(k, V::splat(LN_2_HIGH)), V::add(s, s));
        let (b, b_low) = two_sum(a, t);
        let rest = V::fma(k, V::splat(LN_2_REST), V::fma(s_low, V::splat(2.0), t_low));
        two_sum(b, V::add(V::add(a_low, b_low), rest))
    }
}

/// `x` to the power `y`, as C has it.
#[inline(always)]
pub(crate) unsafe fn pow<V: Doubles>(x: V, y: V) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let size = V::abs(x);
        let (log, log_low) = long_log(size);
        let (p, p_low) = two_product(y, log);
        let p_low = V::fma(y, log_low, p_low);
        // Where the result is 0 or infinite anyway, the lower part could be large.
        let p_low = V::and(p_low, V::le(V::abs(p), V::splat(1000.0)));
        let p = V::clamp(p, V::splat(-750.0), V::splat(715.0));

        let n = V::round(V::mul(p, V::splat(std::f64::consts::LOG2_E)));
        let r = V::fma(n, V::splat(-std::f64::consts::LN_2), p);
        let r = V::add(r, V::fma(n, V::splat(-LN_2_LOW), p_low));
        let less_one = V::fma(V::mul(r, r), horner(r, EXPONENTIAL), r);
        let positive = V::scale(V::add(less_one, V::splat(1.0)), n);

        // A negative base: an odd whole exponent gives a negative power, a broken one NaN.
        let negative = V::lt(x, V::splat(0.0));
        let odd = V::shl63(V::add(y, V::splat(ROUNDER)));
        let signed = V::xor(positive, V::and(odd, negative));
        let broken = V::and(negative, V::ne(V::round(y), y));
        let result = V::select(broken, V::splat(f64::NAN), signed);

        let usual = V::and(
            V::and(
                V::le(V::splat(f64::MIN_POSITIVE), size),
                V::le(size, V::splat(f64::MAX)),
            ),
            V::le(V::abs(y), V::splat((1u64 << 50) as f64)),
        );
        patch(V::not(usual), x, y, result, f64::powf)
    }
}
