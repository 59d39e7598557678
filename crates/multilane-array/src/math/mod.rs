//! Sine, cosine, exponential, logarithm, power and hyperbolic tangent of vectors.
//!
//! Within 1 unit in the last place of the true value (2 for sine, cosine and `tanh`); held to that by
//! `tests/ulp.rs`. Written with
//! fused multiply-adds and without decisions per lane, so every level gives the same
//! bits. Lanes that the fast way cannot do (arguments of a sine beyond 2^21, odd cases
//! of a power) are computed one by one with the functions of the standard library.

mod exponential;
mod logarithm;
mod power;
mod trigonometric;

use crate::simd::{Binary, Doubles, Unary};

/// `1.5 * 2^52`: adding it to a small whole number leaves that number in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Lanes of the widest vector, a pair of AVX-512.
const MOST_LANES: usize = 16;

/// A polynomial by Horner's rule, from the highest coefficient down.
#[inline(always)]
unsafe fn horner<V: Doubles, const N: usize>(x: V, coefficients: [f64; N]) -> V {
    // SAFETY: the caller is of the vector's level.
    unsafe {
        let mut sum = V::splat(coefficients[0]);
        let mut i = 1;
        while i < N {
            sum = V::fma(sum, x, V::splat(coefficients[i]));
            i += 1;
        }
        sum
    }
}

/// Replaces the lanes of `result` where `mask` holds by `f` of the same lanes of `a` and `b`.
#[cold]
#[inline(never)]
fn one_by_one(
    lanes: usize,
    mask: &[f64; MOST_LANES],
    a: &[f64; MOST_LANES],
    b: &[f64; MOST_LANES],
    result: &mut [f64; MOST_LANES],
    f: fn(f64, f64) -> f64,
) {
    for i in 0..lanes {
        if mask[i].to_bits() != 0 {
            result[i] = f(a[i], b[i]);
        }
    }
}

/// Lanes of `fast` where `mask` does not hold, `f(a, b)` where it does.
#[inline(always)]
unsafe fn patch<V: Doubles>(mask: V, a: V, b: V, fast: V, f: fn(f64, f64) -> f64) -> V {
    const { assert!(V::LANES <= MOST_LANES) };
    // SAFETY: the caller is of the vector's level, and the arrays have room for its lanes.
    unsafe {
        if !V::any(mask) {
            return fast;
        }
        let mut lanes = [[0.0; MOST_LANES]; 4];
        V::store(mask, lanes[0].as_mut_ptr());
        V::store(a, lanes[1].as_mut_ptr());
        V::store(b, lanes[2].as_mut_ptr());
        V::store(fast, lanes[3].as_mut_ptr());
        let [mask, a, b, result] = &mut lanes;
        one_by_one(V::LANES, mask, a, b, result, f);
        V::load(result.as_ptr())
    }
}

/// A function of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Exp,
    Log,
    Sin,
    Cos,
    Tanh,
}

/// Names a function for [`Vector::widely`](crate::simd::Vector::widely).
macro_rules! named {
    ($($name:ident = $function:path,)*) => {$(
        pub(crate) struct $name;

        impl Unary for $name {
            #[inline(always)]
            unsafe fn apply<V: Doubles>(a: V) -> V {
                // SAFETY: the trait's contract.
                unsafe { $function(a) }
            }
        }
    )*};
}

named! {
    Exp = exponential::exp,
    Log = logarithm::log,
    Sin = trigonometric::sin,
    Cos = trigonometric::cos,
    Tanh = exponential::tanh,
}

/// Names the power for [`Vector::widely2`](crate::simd::Vector::widely2).
pub(crate) struct Pow;

impl Binary for Pow {
    #[inline(always)]
    unsafe fn apply<V: Doubles>(a: V, b: V) -> V {
        // SAFETY: the trait's contract.
        unsafe { power::pow(a, b) }
    }
}
