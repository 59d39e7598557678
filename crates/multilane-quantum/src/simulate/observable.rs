//! Sums of Pauli products, applied to a state.
//!
//! Products that invert the same bits differ only in signs, so each such group takes one reading of the state. All is
//! done block by block.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use multilane_plan::Lanes;
use num_complex::{Complex, Complex64};

use super::blocks::{BLOCK, each};
use super::observe::{Pauli, PauliTerm};
use crate::kernels::Float;

/// Products that invert the same bits: for each the bits of which each that is 1 inverts the sign, before they are
/// inverted themselves, and its coefficient times `i` for each Y.
type Group = Vec<(usize, Complex64)>;

/// Groups by the bits that they invert.
fn groups(terms: &[PauliTerm]) -> BTreeMap<usize, Group> {
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for term in terms {
        let (mut flips, mut signs, mut factor) = (0, 0, Complex64::from(term.coefficient));
        for (qubit, pauli) in &term.factors {
            let bit = 1 << qubit;
            flips |= if *pauli == Pauli::Z { 0 } else { bit };
            signs |= if *pauli == Pauli::X { 0 } else { bit };
            factor *= if *pauli == Pauli::Y {
                Complex64::I
            } else {
                Complex64::ONE
            };
        }
        groups.entry(flips).or_default().push((signs, factor));
    }
    groups
}

/// Writes the product of a sum of Pauli products with a state; returns the expectation value.
pub(super) fn apply<T: Float>(
    terms: &[PauliTerm],
    state: &[Complex<T>],
    result: &mut [Complex<T>],
    lanes: &dyn Lanes,
) -> f64 {
    let groups = groups(terms);
    let blocks: Vec<Mutex<&mut [Complex<T>]>> = result.chunks_mut(BLOCK).map(Mutex::new).collect();
    let values = each(blocks.len(), lanes, |block| {
        let mut own = blocks[block].lock().unwrap_or_else(PoisonError::into_inner);
        let (sums, value) = of_block(&groups, block, state);
        for (sum, to) in sums.iter().zip(own.iter_mut()) {
            *to = Complex::new(T::from_f64(sum.re), T::from_f64(sum.im));
        }
        value
    });
    values.iter().sum()
}

/// The expectation value of a sum of Pauli products.
pub(super) fn value<T: Float>(terms: &[PauliTerm], state: &[Complex<T>], lanes: &dyn Lanes) -> f64 {
    let groups = groups(terms);
    let values = each(state.len().div_ceil(BLOCK), lanes, |block| {
        of_block(&groups, block, state).1
    });
    values.iter().sum()
}

/// A block of the product of a sum with a state, and what it adds to the expectation value.
fn of_block<T: Float>(groups: &BTreeMap<usize, Group>, block: usize, state: &[Complex<T>]) -> (Vec<Complex64>, f64) {
    let first = block * BLOCK;
    let own = &state[first..state.len().min(first + BLOCK)];
    let mut sums = vec![Complex64::ZERO; own.len()];
    for (flips, group) in groups {
        add(
            &mut sums,
            first ^ (flips & !(BLOCK - 1)),
            flips & (BLOCK - 1),
            group,
            state,
        );
    }
    let one =
        |(sum, amplitude): (&Complex64, &Complex<T>)| sum.re * amplitude.re.to_f64() + sum.im * amplitude.im.to_f64();
    let value = sums.iter().zip(own).map(one).sum();
    (sums, value)
}

/// Adds what a group makes of the block from `first` on, whose places are inverted by `flips`.
fn add<T: Float>(sums: &mut [Complex64], first: usize, flips: usize, group: &Group, state: &[Complex<T>]) {
    #[cfg(target_arch = "x86_64")]
    if crate::kernels::Level::detect() >= crate::kernels::Level::Avx2Fma {
        // SAFETY: the processor has the level.
        return unsafe { add_avx2(sums, first, flips, group, state) };
    }
    add_all(sums, first, flips, group, state);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn add_avx2<T: Float>(sums: &mut [Complex64], first: usize, flips: usize, group: &Group, state: &[Complex<T>]) {
    add_all(sums, first, flips, group, state);
}

#[inline(always)]
fn add_all<T: Float>(sums: &mut [Complex64], first: usize, flips: usize, group: &Group, state: &[Complex<T>]) {
    let (mut re, mut im) = (vec![0.0; sums.len()], vec![0.0; sums.len()]);
    for (signs, factor) in group {
        // Bits above the block are the same for all of it.
        let odd = (first & signs & !(BLOCK - 1)).count_ones() % 2 == 1;
        let factor = if odd { -factor } else { *factor };
        let low = (signs & (BLOCK - 1)) as u64;
        if factor.re != 0.0 {
            weigh(&mut re, low, factor.re);
        }
        if factor.im != 0.0 {
            weigh(&mut im, low, factor.im);
        }
    }
    for (place, sum) in sums.iter_mut().enumerate() {
        let from = place ^ flips;
        let amplitude = state[first + from];
        *sum += Complex64::new(re[from], im[from]) * Complex64::new(amplitude.re.to_f64(), amplitude.im.to_f64());
    }
}

/// Adds a factor to the weight of every place, its sign inverted for each bit of `signs` that is 1 there.
#[inline(always)]
fn weigh(weights: &mut [f64], signs: u64, factor: f64) {
    for (place, weight) in weights.iter_mut().enumerate() {
        // The parity of a dozen bits, by operations that vectors have.
        let mut odd = place as u64 & signs;
        odd ^= odd >> 8;
        odd ^= odd >> 4;
        odd ^= odd >> 2;
        odd ^= odd >> 1;
        *weight += f64::from_bits(factor.to_bits() ^ odd << 63);
    }
}
