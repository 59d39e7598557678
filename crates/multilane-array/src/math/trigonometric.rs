//! Sine and cosine: the argument less a multiple of pi, in two parts, then one polynomial.

use super::{ROUNDER, horner, patch};
use crate::simd::Doubles;

/// Up to here the multiple of pi is exact to far below the last bit of the result.
const LIMIT: f64 = (1u64 << 21) as f64;

/// `(sin(r) / r - 1) / r^2` in powers of `r^2`, on |r| <= pi / 2; off by 5e-22 at most.
const SINE: [f64; 9] = [
    -8.006068067760318e-18,
    2.8104687581056057e-15,
    -7.647139121249811e-13,
    1.6059043479404786e-10,
    -2.5052108382391253e-8,
    2.7557319223971264e-6,
    -1.9841269841269806e-4,
    8.333333333333333e-3,
    -1.6666666666666666e-1,
];

/// Pi in three parts that do not overlap. The second one ends in so many zeros that its products
/// with multiples up to the limit are exact.
const PI: [f64; 3] = [std::f64::consts::PI, 1.224646798818428e-16, 3.2892513872648515e-26];

/// Half of it.
const HALF_PI: [f64; 3] = [PI[0] / 2.0, PI[1] / 2.0, PI[2] / 2.0];

/// Sine.
#[inline(always)]
pub(crate) unsafe fn sin<V: Doubles>(x: V) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let size = V::abs(x);
        let whole = V::fma(size, V::splat(std::f64::consts::FRAC_1_PI), V::splat(ROUNDER));
        let multiple = V::sub(whole, V::splat(ROUNDER));
        let sine = reduced(size, multiple, PI);
        // An odd multiple of pi turns the sign, and so does a negative argument.
        let sign = V::xor(V::shl63(whole), V::xor(x, size));
        let far = V::not(V::le(size, V::splat(LIMIT)));
        patch(far, x, x, V::xor(sine, sign), |x, _| x.sin())
    }
}

/// Cosine.
#[inline(always)]
pub(crate) unsafe fn cos<V: Doubles>(x: V) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let size = V::abs(x);
        // The odd multiple of pi/2 next to the argument, 2k + 1; the cosine is then the sine
        // of what is left, with its sign turned when k is even.
        let quotient = V::fma(size, V::splat(std::f64::consts::FRAC_1_PI), V::splat(-0.5));
        let whole = V::add(quotient, V::splat(ROUNDER));
        let k = V::sub(whole, V::splat(ROUNDER));
        let odd = V::fma(k, V::splat(2.0), V::splat(1.0));
        let sine = reduced(size, odd, HALF_PI);
        let sign = V::shl63(V::add_bits(whole, V::from_bits(1)));
        let far = V::not(V::le(size, V::splat(LIMIT)));
        patch(far, x, x, V::xor(sine, sign), |x, _| x.cos())
    }
}

/// The sine of `x - multiple * unit`, which is within pi/2 of 0.
#[inline(always)]
unsafe fn reduced<V: Doubles>(x: V, multiple: V, unit: [f64; 3]) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        // The first difference is exact. So is the second where digits cancel; elsewhere what its rounding
        // lost is kept.
        let first = V::fma(multiple, V::splat(-unit[0]), x);
        let r = V::fma(multiple, V::splat(-unit[1]), first);
        let lost = V::fma(multiple, V::splat(-unit[1]), V::sub(first, r));
        let lost = V::fma(multiple, V::splat(-unit[2]), lost);

        let square = V::mul(r, r);
        let square_low = V::fma(r, r, V::neg(square));
        let slope = V::mul(r, horner(square, SINE));
        // What was lost counts times the cosine of r, for which a parabola is near enough.
        let tail = V::mul(lost, V::fma(square, V::splat(-0.405), V::splat(1.0)));
        V::add(r, V::fma(square, slope, V::fma(square_low, slope, tail)))
    }
}
