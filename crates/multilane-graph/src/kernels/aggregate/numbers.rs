//! What is computed with: numbers, ways to reduce them, and weights.

use crate::layout::Layout;
use crate::weights::Weights;

/// A number that values of neighbours are reduced in.
pub(super) trait Number: Copy + Send + Sync + PartialOrd + 'static {
    const ZERO: Self;
    /// At most every other one.
    const LEAST: Self;
    /// At least every other one.
    const MOST: Self;
    /// The sum; integers wrap around.
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn from_f64(value: f64) -> Self;
    fn is_nan(self) -> bool;
}

macro_rules! number {
    ($type:ty, $least:expr, $most:expr, $plus:expr, $times:expr, $nan:expr) => {
        impl Number for $type {
            const ZERO: Self = 0 as $type;
            const LEAST: Self = $least;
            const MOST: Self = $most;

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                $plus(self, other)
            }

            #[inline(always)]
            fn times(self, other: Self) -> Self {
                $times(self, other)
            }

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                $nan(self)
            }
        }
    };
}

number!(
    f32,
    f32::NEG_INFINITY,
    f32::INFINITY,
    |a, b| a + b,
    |a, b| a * b,
    |a: f32| a.is_nan()
);
number!(
    f64,
    f64::NEG_INFINITY,
    f64::INFINITY,
    |a, b| a + b,
    |a, b| a * b,
    |a: f64| a.is_nan()
);
number!(i32, i32::MIN, i32::MAX, i32::wrapping_add, i32::wrapping_mul, |_| false);
number!(i64, i64::MIN, i64::MAX, i64::wrapping_add, i64::wrapping_mul, |_| false);

/// A way to make one number of several.
pub(super) trait Reduce: Send + Sync + 'static {
    /// What changes nothing, and is left where there is no neighbour.
    fn neutral<A: Number>() -> A;
    fn both<A: Number>(left: A, right: A) -> A;
}

pub(super) struct Sum;
pub(super) struct Least;
pub(super) struct Most;

impl Reduce for Sum {
    #[inline(always)]
    fn neutral<A: Number>() -> A {
        A::ZERO
    }

    #[inline(always)]
    fn both<A: Number>(left: A, right: A) -> A {
        left.plus(right)
    }
}

impl Reduce for Least {
    #[inline(always)]
    fn neutral<A: Number>() -> A {
        A::MOST
    }

    #[inline(always)]
    fn both<A: Number>(left: A, right: A) -> A {
        // NaN on either side stays, as in NumPy's `minimum`.
        if right < left || right.is_nan() { right } else { left }
    }
}

impl Reduce for Most {
    #[inline(always)]
    fn neutral<A: Number>() -> A {
        A::LEAST
    }

    #[inline(always)]
    fn both<A: Number>(left: A, right: A) -> A {
        if right > left || right.is_nan() { right } else { left }
    }
}

/// The weights of the entries of a layout.
pub(super) trait Weigh: Send + Sync + 'static {
    type Weight: Copy;
    /// The weights, or nothing when they are of another kind.
    fn of(layout: &Layout) -> Option<&[Self::Weight]>;
    /// A value times the weight of an entry.
    ///
    /// # Safety
    /// `weights` are those of the layout, and `entry` is one of its entries.
    unsafe fn weighed<A: Number>(value: A, weights: *const Self::Weight, entry: usize) -> A;
}

pub(super) struct Plain;

impl Weigh for Plain {
    type Weight = ();

    fn of(_: &Layout) -> Option<&[()]> {
        Some(&[])
    }

    #[inline(always)]
    unsafe fn weighed<A: Number>(value: A, _: *const (), _: usize) -> A {
        value
    }
}

impl Weigh for f32 {
    type Weight = Self;

    fn of(layout: &Layout) -> Option<&[Self]> {
        match &layout.weights {
            Weights::F32(weights) => Some(weights),
            _ => None,
        }
    }

    #[inline(always)]
    unsafe fn weighed<A: Number>(value: A, weights: *const Self, entry: usize) -> A {
        // SAFETY: there is a weight for every entry.
        value.times(A::from_f64(f64::from(unsafe { *weights.add(entry) })))
    }
}

impl Weigh for f64 {
    type Weight = Self;

    fn of(layout: &Layout) -> Option<&[Self]> {
        match &layout.weights {
            Weights::F64(weights) => Some(weights),
            _ => None,
        }
    }

    #[inline(always)]
    unsafe fn weighed<A: Number>(value: A, weights: *const Self, entry: usize) -> A {
        // SAFETY: there is a weight for every entry.
        value.times(A::from_f64(unsafe { *weights.add(entry) }))
    }
}
