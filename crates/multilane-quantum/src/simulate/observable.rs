//! Sums of Pauli products, applied to a state.

use std::sync::{Mutex, PoisonError};

use multilane_plan::Lanes;
use num_complex::{Complex, Complex64};

use super::blocks::{BLOCK, each};
use super::observe::{Pauli, PauliTerm};
use crate::kernels::Float;

/// A product of Pauli matrices as bits.
struct Product {
    /// Bits that it inverts.
    flips: usize,
    /// Bits of which each that is 1 inverts the sign, before they are inverted.
    signs: usize,
    /// Its coefficient, times `i` for each Y.
    factor: Complex64,
}

impl Product {
    fn new(term: &PauliTerm) -> Self {
        let mut product = Self {
            flips: 0,
            signs: 0,
            factor: term.coefficient.into(),
        };
        for (qubit, pauli) in &term.factors {
            let bit = 1 << qubit;
            product.flips |= if *pauli == Pauli::Z { 0 } else { bit };
            product.signs |= if *pauli == Pauli::X { 0 } else { bit };
            product.factor *= if *pauli == Pauli::Y {
                Complex64::I
            } else {
                Complex64::ONE
            };
        }
        product
    }
}

/// Writes the product of a sum of Pauli products with a state; returns the expectation value. The sum of the
/// terms is made block by block, so the state is read and the result written about once.
pub(super) fn apply<T: Float>(
    terms: &[PauliTerm],
    state: &[Complex<T>],
    result: &mut [Complex<T>],
    lanes: &dyn Lanes,
) -> f64 {
    let products: Vec<Product> = terms.iter().map(Product::new).collect();
    let blocks: Vec<Mutex<&mut [Complex<T>]>> = result.chunks_mut(BLOCK).map(Mutex::new).collect();
    let values = each(blocks.len(), lanes, |block| {
        let mut own = blocks[block].lock().unwrap_or_else(PoisonError::into_inner);
        let first = block * BLOCK;
        let mut sums = vec![Complex64::ZERO; own.len()];
        for product in &products {
            for (place, sum) in sums.iter_mut().enumerate() {
                let from = (first + place) ^ product.flips;
                let amplitude = state[from];
                let term = product.factor * Complex64::new(amplitude.re.to_f64(), amplitude.im.to_f64());
                *sum += if (from & product.signs).count_ones().is_multiple_of(2) {
                    term
                } else {
                    -term
                };
            }
        }
        let mut value = 0.0;
        for ((sum, to), amplitude) in sums.iter().zip(own.iter_mut()).zip(&state[first..]) {
            value += sum.re * amplitude.re.to_f64() + sum.im * amplitude.im.to_f64();
            *to = Complex::new(T::from_f64(sum.re), T::from_f64(sum.im));
        }
        value
    });
    values.iter().sum()
}
