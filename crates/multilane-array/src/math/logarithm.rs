//! Natural logarithm: the exponent times ln(2), plus a series in `f / (2 + f)`.

use super::horner;
use crate::simd::Doubles;

/// `(2 atanh(s) - 2 s) / s^3` in powers of `s^2`, where `s = f / (2 + f)` and `1 + f` is
/// between the square roots of 1/2 and of 2; off by 4e-16 of the least of its terms.
const SERIES: [f64; 7] = [
    0.1461646325895801,
    0.15331720502376558,
    0.18182889158299903,
    0.22222211134341624,
    0.2857142862597826,
    0.399999999998995,
    0.666666666666667,
];

/// ln(2) with 20 zeros at its end, so that products with exponents are exact.
pub(super) const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;

/// What is left of it.
pub(super) const LN_2_REST: f64 = 1.908_214_929_270_587_7e-10;

const MANTISSA: u64 = (1 << 52) - 1;

/// Splits positive normal `x` into `2^k * m`, with `m` between the square roots of 1/2 and 2.
#[inline(always)]
pub(super) unsafe fn split<V: Doubles>(x: V) -> (V, V) {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let one = V::from_bits(1.0f64.to_bits());
        let offset = V::from_bits(std::f64::consts::FRAC_1_SQRT_2.to_bits());
        // The exponent of x / sqrt(1/2), biased as exponents are.
        let shifted = V::add_bits(V::sub_bits(x, offset), one);
        let exponent = V::and(shifted, V::from_bits(!MANTISSA));
        let m = V::sub_bits(x, V::sub_bits(exponent, one));
        // A small integer in the low bits of 2^52 makes that much more.
        let two_52 = 4_503_599_627_370_496.0f64;
        let k = V::sub(V::or(V::shr52(shifted), V::splat(two_52)), V::splat(two_52 + 1023.0));
        (k, m)
    }
}

/// Natural logarithm.
#[inline(always)]
pub(crate) unsafe fn log<V: Doubles>(x: V) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let small = V::lt(x, V::splat(f64::MIN_POSITIVE));
        let two_54 = 18_014_398_509_481_984.0;
        let normal = V::select(small, V::mul(x, V::splat(two_54)), x);
        let (k, m) = split(normal);
        let k = V::sub(k, V::and(small, V::splat(54.0)));

        let f = V::sub(m, V::splat(1.0));
        let s = V::div(f, V::add(f, V::splat(2.0)));
        let z = V::mul(s, s);
        let series = V::mul(z, horner(z, SERIES));
        let half_square = V::mul(V::mul(f, f), V::splat(0.5));
        let low = V::fma(s, V::add(half_square, series), V::mul(k, V::splat(LN_2_REST)));
        let result = V::fma(k, V::splat(LN_2_HIGH), V::sub(f, V::sub(half_square, low)));

        let zero = V::splat(0.0);
        let result = V::select(V::eq(x, zero), V::splat(f64::NEG_INFINITY), result);
        let result = V::select(V::lt(x, zero), V::splat(f64::NAN), result);
        // Infinity and NaN are their own logarithms.
        V::select(V::lt(x, V::splat(f64::INFINITY)), result, x)
    }
}
