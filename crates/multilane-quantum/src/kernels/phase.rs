//! Runs of diagonal gates as one product of phases.
//!
//! Any number of diagonal gates is a set of factors, each for the amplitudes whose bits
//! are all 1 in a mask. Bits outside the chunk are the same for all of it, so a factor is
//! left with the bits inside: none, one, two or more. Factors of up to two bits become a
//! table for each block of the lowest bits, by doubling; others are multiplied one by one.

use num_complex::Complex64;

use super::simd::{Real, Vector};

/// Bits of a block that has one table.
const LOW: usize = 7;

/// Amplitudes of a block.
const BLOCK: usize = 1 << LOW;

/// Below so many factors each is multiplied by itself.
const FEW: usize = 2;

/// A diagonal of a chunk.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhaseRun {
    /// Factors, by the bits inside the chunk: those outside, and the factor.
    pub(crate) groups: Vec<(usize, Vec<(u64, Complex64)>)>,
}

/// Memory for the tables of one lane.
#[derive(Default)]
pub(crate) struct PhaseScratch {
    factors: Vec<(usize, Complex64)>,
    scales: Vec<Complex64>,
    low: Vec<[Complex64; LOW]>,
    pairs: Vec<(usize, usize, Complex64)>,
}

const ONE: Complex64 = Complex64::ONE;

/// Multiplies the chunk of `2^bits` amplitudes whose bits outside are `base`.
///
/// # Safety
/// `re` and `im` are a chunk of at least one vector `V` that only the caller uses; the
/// processor has the level of `V`.
#[inline(always)]
pub(crate) unsafe fn phases<V: Vector>(
    re: *mut V::Element,
    im: *mut V::Element,
    bits: usize,
    base: u64,
    run: &PhaseRun,
    scratch: &mut PhaseScratch,
) {
    collect(run, base, &mut scratch.factors);
    let few = scratch.factors.len() <= FEW;
    // SAFETY: the contract.
    unsafe {
        for (mask, factor) in &scratch.factors {
            if few || mask.count_ones() > 2 {
                single::<V>(re, im, bits, *mask, *factor);
            }
        }
        if !few {
            table::<V>(re, im, bits, scratch);
        }
    }
}

/// Factors of this chunk that are not 1.
fn collect(run: &PhaseRun, base: u64, factors: &mut Vec<(usize, Complex64)>) {
    factors.clear();
    for (inside, parts) in &run.groups {
        let mut product = ONE;
        for (outside, factor) in parts {
            if base & outside == *outside {
                product *= factor;
            }
        }
        if product != ONE {
            factors.push((*inside, product));
        }
    }
}

/// Multiplies the amplitudes with all bits of `mask`.
#[inline(always)]
unsafe fn single<V: Vector>(re: *mut V::Element, im: *mut V::Element, bits: usize, mask: usize, factor: Complex64) {
    let lanes = mask & (V::LANES - 1);
    let places = mask >> V::BITS;
    let (mut x, mut y) = ([V::Element::from_f64(1.0); 16], [V::Element::from_f64(0.0); 16]);
    for lane in 0..V::LANES {
        if lane & lanes == lanes {
            (x[lane], y[lane]) = (V::Element::from_f64(factor.re), V::Element::from_f64(factor.im));
        }
    }
    let count = (1 << (bits - V::BITS)) >> places.count_ones();
    // SAFETY: the contract of `phases`.
    unsafe {
        let (x, y) = (V::load(x.as_ptr()), V::load(y.as_ptr()));
        let mut at = 0;
        for _ in 0..count {
            times::<V>(re, im, (at | places) * V::LANES, x, y);
            at = (at | places).wrapping_add(1) & !places;
        }
    }
}

/// Multiplies the vector at `at` by a vector of factors.
#[inline(always)]
unsafe fn times<V: Vector>(re: *mut V::Element, im: *mut V::Element, at: usize, x: V, y: V) {
    // SAFETY: the contract of `phases`.
    unsafe {
        let (a, b) = (V::load(re.add(at)), V::load(im.add(at)));
        b.neg_mul_add(y, a.mul(x)).store(re.add(at));
        b.mul_add(x, a.mul(y)).store(im.add(at));
    }
}

/// Multiplies by all factors of up to two bits.
#[inline(always)]
unsafe fn table<V: Vector>(re: *mut V::Element, im: *mut V::Element, bits: usize, scratch: &mut PhaseScratch) {
    let low = LOW.min(bits);
    let inner = prepare(bits, low, scratch);
    let zero = V::Element::from_f64(0.0);
    let (mut x, mut y) = ([zero; BLOCK], [zero; BLOCK]);
    let (mut inner_x, mut inner_y) = ([zero; BLOCK], [zero; BLOCK]);
    if inner {
        fill_inner(low, &scratch.pairs, &mut inner_x, &mut inner_y);
    }
    let (x, y) = (x.as_mut_ptr(), y.as_mut_ptr());
    for block in 0..1 << (bits - low) {
        let (scale, turns) = (scratch.scales[block], &scratch.low[block]);
        let plain = turns[..low].iter().all(|turn| *turn == ONE);
        let start = block << low;
        // SAFETY: the contract of `phases`; tables hold a block.
        unsafe {
            if plain && !inner {
                if scale != ONE {
                    let (a, b) = (
                        V::splat(V::Element::from_f64(scale.re)),
                        V::splat(V::Element::from_f64(scale.im)),
                    );
                    for at in (start..start + (1 << low)).step_by(V::LANES) {
                        times::<V>(re, im, at, a, b);
                    }
                }
                continue;
            }
            // The first vector, then twice as many for each further bit.
            let mut first = [scale; 16];
            for bit in 0..V::BITS {
                for lane in 0..1 << bit {
                    first[lane | 1 << bit] = first[lane] * turns[bit];
                }
            }
            for (lane, factor) in first.iter().enumerate().take(V::LANES) {
                *x.add(lane) = V::Element::from_f64(factor.re);
                *y.add(lane) = V::Element::from_f64(factor.im);
            }
            for (bit, turn) in turns.iter().enumerate().take(low).skip(V::BITS) {
                let (a, b) = (
                    V::splat(V::Element::from_f64(turn.re)),
                    V::splat(V::Element::from_f64(turn.im)),
                );
                for at in (0..1 << bit).step_by(V::LANES) {
                    let (c, d) = (V::load(x.add(at)), V::load(y.add(at)));
                    d.neg_mul_add(b, c.mul(a)).store(x.add(at + (1 << bit)));
                    d.mul_add(a, c.mul(b)).store(y.add(at + (1 << bit)));
                }
            }
            for at in (0..1 << low).step_by(V::LANES) {
                let (mut a, mut b) = (V::load(x.add(at)), V::load(y.add(at)));
                if inner {
                    let (c, d) = (V::load(inner_x.as_ptr().add(at)), V::load(inner_y.as_ptr().add(at)));
                    (a, b) = (b.neg_mul_add(d, a.mul(c)), b.mul_add(c, a.mul(d)));
                }
                times::<V>(re, im, start + at, a, b);
            }
        }
    }
}

/// Works out, for each block, its scale and the factor of each low bit; returns whether
/// factors of two low bits are among the pairs.
fn prepare(bits: usize, low: usize, scratch: &mut PhaseScratch) -> bool {
    let PhaseScratch {
        factors,
        scales,
        low: turns,
        pairs,
    } = scratch;
    let (mut constant, mut linear) = (ONE, [ONE; usize::BITS as usize]);
    pairs.clear();
    let mut inner = false;
    for (mask, factor) in factors.iter() {
        match mask.count_ones() {
            0 => constant *= factor,
            1 => linear[mask.trailing_zeros() as usize] *= factor,
            2 => {
                let (first, second) = (mask.trailing_zeros() as usize, mask.ilog2() as usize);
                inner |= second < low;
                pairs.push((first, second, *factor));
            }
            _ => {}
        }
    }
    scales.clear();
    turns.clear();
    scales.push(constant);
    turns.push(std::array::from_fn(|bit| linear[bit]));
    for (high, factor) in linear.iter().enumerate().take(bits).skip(low) {
        for block in 0..1 << (high - low) {
            let (mut scale, mut turn) = (scales[block] * factor, turns[block]);
            for (first, _, factor) in pairs.iter().filter(|(_, second, _)| *second == high) {
                if *first < low {
                    turn[*first] *= factor;
                } else if block >> (first - low) & 1 == 1 {
                    scale *= factor;
                }
            }
            scales.push(scale);
            turns.push(turn);
        }
    }
    inner
}

/// The product of the factors of two low bits, for each amplitude of a block.
fn fill_inner<T: Real>(low: usize, pairs: &[(usize, usize, Complex64)], x: &mut [T; BLOCK], y: &mut [T; BLOCK]) {
    for at in 0..1 << low {
        let mut product = ONE;
        for (first, second, factor) in pairs {
            if *second < low && at >> first & at >> second & 1 == 1 {
                product *= factor;
            }
        }
        (x[at], y[at]) = (T::from_f64(product.re), T::from_f64(product.im));
    }
}
