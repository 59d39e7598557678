//! The trait that kernels are written against.
//!
//! A mask is a vector whose lanes are all ones or all zeros, so that masks live in the
//! same registers as numbers. Functions take their operands as arguments rather than
//! `self`, to read like the instructions they become.

/// Vectors of one strip: the accumulator of the strip machine.
pub(crate) const VECTORS: usize = 8;

/// A register of floats.
///
/// # Safety
/// All functions need a processor of the vector's level, and must be inlined into a
/// function that enables it to be fast.
pub(crate) trait Vector: Copy {
    /// What one lane holds.
    type Element: Copy + PartialOrd;
    /// The double-precision vector of the same level.
    type Wide: Doubles;
    /// How many lanes there are; divides 16.
    const LANES: usize;

    /// The sum of two elements.
    fn add_one(a: Self::Element, b: Self::Element) -> Self::Element;

    unsafe fn splat(value: f64) -> Self;
    unsafe fn load(from: *const Self::Element) -> Self;
    unsafe fn store(a: Self, to: *mut Self::Element);
    /// A store around the caches; `to` is aligned for the whole vector.
    unsafe fn stream(a: Self, to: *mut Self::Element);

    unsafe fn add(a: Self, b: Self) -> Self;
    unsafe fn sub(a: Self, b: Self) -> Self;
    unsafe fn mul(a: Self, b: Self) -> Self;
    unsafe fn div(a: Self, b: Self) -> Self;
    unsafe fn sqrt(a: Self) -> Self;
    unsafe fn neg(a: Self) -> Self;
    unsafe fn abs(a: Self) -> Self;
    /// `a * b + c`, rounded once.
    unsafe fn fma(a: Self, b: Self, c: Self) -> Self;
    /// The smaller; NaN when either is; `b` when they are equal.
    unsafe fn min(a: Self, b: Self) -> Self;
    /// The larger; NaN when either is; `b` when they are equal.
    unsafe fn max(a: Self, b: Self) -> Self;
    /// `a`, but not below `low` or above `high`; NaN stays NaN.
    unsafe fn clamp(a: Self, low: Self, high: Self) -> Self;

    unsafe fn eq(a: Self, b: Self) -> Self;
    unsafe fn ne(a: Self, b: Self) -> Self;
    unsafe fn lt(a: Self, b: Self) -> Self;
    unsafe fn le(a: Self, b: Self) -> Self;
    unsafe fn select(mask: Self, yes: Self, no: Self) -> Self;
    unsafe fn any(mask: Self) -> bool;
    unsafe fn and(a: Self, b: Self) -> Self;
    unsafe fn or(a: Self, b: Self) -> Self;
    unsafe fn xor(a: Self, b: Self) -> Self;
    unsafe fn not(a: Self) -> Self;
    /// A mask from bytes, of which any but 0 is true.
    unsafe fn load_mask(from: *const u8) -> Self;
    /// Bytes 0 and 1 from a mask.
    unsafe fn store_mask(a: Self, to: *mut u8);

    /// A function of doubles, applied lane by lane and rounded back.
    unsafe fn widely<F: Unary>(a: Self) -> Self;
    /// The same for two vectors side by side: what takes long in one, the other fills.
    unsafe fn widely_pair<F: Unary>(pair: [Self; 2]) -> [Self; 2];
    /// The same with two operands.
    unsafe fn widely2<F: Binary>(a: Self, b: Self) -> Self;
}

/// A register of doubles whose bits can be worked on.
///
/// # Safety
/// As of [`Vector`].
pub(crate) trait Doubles: Vector<Element = f64> {
    unsafe fn from_bits(bits: u64) -> Self;
    /// Adds lanes as integers.
    unsafe fn add_bits(a: Self, b: Self) -> Self;
    /// Subtracts lanes as integers.
    unsafe fn sub_bits(a: Self, b: Self) -> Self;
    /// Shifts lanes left by 52 bits: a small integer becomes an exponent.
    unsafe fn shl52(a: Self) -> Self;
    /// Shifts lanes left by 63 bits: the lowest bit becomes the sign.
    unsafe fn shl63(a: Self) -> Self;
    /// Shifts lanes right by 52 bits, bringing in zeros.
    unsafe fn shr52(a: Self) -> Self;
    /// The nearest whole number, to even in the middle.
    unsafe fn round(a: Self) -> Self;
    /// `a * 2^n`, rounded once, for whole `n` in -1100..=1100 and `a` near 1.
    unsafe fn scale(a: Self, n: Self) -> Self;
}

/// A function of one vector of doubles. A type and not a closure, because a closure does not
/// have the instructions of the function it is written in unless it is inlined there.
///
/// # Safety
/// As of [`Vector`].
pub(crate) trait Unary {
    unsafe fn apply<V: Doubles>(a: V) -> V;
}

/// A function of two vectors of doubles.
///
/// # Safety
/// As of [`Vector`].
pub(crate) trait Binary {
    unsafe fn apply<V: Doubles>(a: V, b: V) -> V;
}
