//! Two vectors of doubles as one.
//!
//! A function of vectors is a long chain of instructions that wait for each other; written over a pair, it has twice as
//! much to do at any time, loads its constants once, and looks once for lanes that need special care. Never more than
//! the operations of the two.

use super::{Binary, Doubles, Unary, Vector};

/// Two vectors, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Pair<V>(pub(crate) [V; 2]);

/// Operations that are done to each of the two.
macro_rules! each {
    ($($name:ident($($arg:ident),*);)*) => {$(
        #[inline(always)]
        unsafe fn $name($($arg: Self),*) -> Self {
            // SAFETY: the trait's contract.
            unsafe { Self([V::$name($($arg.0[0]),*), V::$name($($arg.0[1]),*)]) }
        }
    )*};
}

impl<V: Doubles> Vector for Pair<V> {
    type Element = f64;
    type Wide = Self;
    const LANES: usize = 2 * V::LANES;

    each! {
        add(a, b); sub(a, b); mul(a, b); div(a, b); sqrt(a); neg(a); abs(a); fma(a, b, c); min(a, b); max(a, b);
        clamp(a, low, high); eq(a, b); ne(a, b); lt(a, b); le(a, b); select(mask, yes, no); and(a, b); or(a, b);
        xor(a, b); not(a);
    }

    #[inline(always)]
    fn add_one(a: f64, b: f64) -> f64 {
        a + b
    }

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self([V::splat(value); 2]) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self([V::load(from), V::load(from.add(V::LANES))]) }
    }

    #[inline(always)]
    unsafe fn store(a: Self, to: *mut f64) {
        // SAFETY: the trait's contract.
        unsafe {
            V::store(a.0[0], to);
            V::store(a.0[1], to.add(V::LANES));
        }
    }

    #[inline(always)]
    unsafe fn stream(a: Self, to: *mut f64) {
        // SAFETY: the trait's contract.
        unsafe {
            V::stream(a.0[0], to);
            V::stream(a.0[1], to.add(V::LANES));
        }
    }

    #[inline(always)]
    unsafe fn any(mask: Self) -> bool {
        // SAFETY: the trait's contract.
        unsafe { V::any(V::or(mask.0[0], mask.0[1])) }
    }

    #[inline(always)]
    unsafe fn load_mask(from: *const u8) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self([V::load_mask(from), V::load_mask(from.add(V::LANES))]) }
    }

    #[inline(always)]
    unsafe fn store_mask(a: Self, to: *mut u8) {
        // SAFETY: the trait's contract.
        unsafe {
            V::store_mask(a.0[0], to);
            V::store_mask(a.0[1], to.add(V::LANES));
        }
    }

    #[inline(always)]
    unsafe fn widely<F: Unary>(a: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { F::apply(a) }
    }

    #[inline(always)]
    unsafe fn widely_pair<F: Unary>(pair: [Self; 2]) -> [Self; 2] {
        // SAFETY: the trait's contract.
        unsafe { [F::apply(pair[0]), F::apply(pair[1])] }
    }

    #[inline(always)]
    unsafe fn widely2<F: Binary>(a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { F::apply(a, b) }
    }
}

impl<V: Doubles> Doubles for Pair<V> {
    each! {
        add_bits(a, b); sub_bits(a, b); shl52(a); shl63(a); shr52(a); round(a); scale(a, n);
    }

    #[inline(always)]
    unsafe fn from_bits(bits: u64) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self([V::from_bits(bits); 2]) }
    }
}
