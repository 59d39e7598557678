//! Exponential and hyperbolic tangent: a power of two times a polynomial.

use super::{ROUNDER, horner};
use crate::simd::Doubles;

/// `(exp(r) - 1 - r) / r^2` in powers of `r`, on |r| <= ln(2) / 2; off by 2e-18 at most.
pub(super) const EXPONENTIAL: [f64; 11] = [
    2.091468013569995e-09,
    2.5105207436985358e-08,
    2.755727365952505e-07,
    2.755725542319278e-06,
    2.48015873255348e-05,
    1.9841269874802504e-04,
    1.3888888888883752e-03,
    8.333333333326141e-03,
    4.166666666666667e-02,
    1.666666666666667e-01,
    0.5,
];

/// The part of ln(2) beyond the 53 bits of the constant.
pub(super) const LN_2_LOW: f64 = 2.3190468138462996e-17;

/// `exp(r + low) - 1` for |r| <= ln(2) / 2 and a `low` far below it.
#[inline(always)]
unsafe fn less_one<V: Doubles>(r: V, low: V) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe { V::add(r, V::fma(V::mul(r, r), horner(r, EXPONENTIAL), low)) }
}

/// Exponential.
#[inline(always)]
pub(crate) unsafe fn exp<V: Doubles>(x: V) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        // Beyond these the result is 0 or infinite, and stays so.
        let x = V::clamp(x, V::splat(-750.0), V::splat(715.0));
        let n = V::round(V::mul(x, V::splat(std::f64::consts::LOG2_E)));
        let r = V::fma(n, V::splat(-std::f64::consts::LN_2), x);
        let r = V::fma(n, V::splat(-LN_2_LOW), r);
        let less_one = V::fma(V::mul(r, r), horner(r, EXPONENTIAL), r);
        V::scale(V::add(less_one, V::splat(1.0)), n)
    }
}

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) unsafe fn tanh<V: Doubles>(x: V) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let size = V::abs(x);
        // From 20 on the result is 1 to the last bit.
        let double = V::clamp(V::add(size, size), V::splat(0.0), V::splat(40.0));
        let n = V::round(V::mul(double, V::splat(std::f64::consts::LOG2_E)));
        let first = V::fma(n, V::splat(-std::f64::consts::LN_2), double);
        let r = V::fma(n, V::splat(-LN_2_LOW), first);
        let low = V::fma(n, V::splat(-LN_2_LOW), V::sub(first, r));
        let power = V::shl52(V::add_bits(V::add(n, V::splat(ROUNDER)), V::from_bits(1023)));
        // exp(2x) - 1, exact near 0 because the power of two is then 1.
        let t = V::fma(power, less_one(r, low), V::sub(power, V::splat(1.0)));
        let positive = V::div(t, V::add(t, V::splat(2.0)));
        V::xor(positive, V::xor(x, size))
    }
}
