//! Gates as matrices, and exchanges of halves, on vectors of amplitudes.
//!
//! Places and offsets are counted in vectors. The places a gate visits are those whose
//! bits outside `mask` take every value, with the bits of the controls set as `value` says.

use super::simd::{Real, Vector};

/// A matrix and where it acts.
#[derive(Clone, Debug)]
pub(crate) struct Dense<T> {
    /// How many qubits.
    pub(crate) qubits: usize,
    /// Where each row's amplitudes lie from the first, in vectors.
    pub(crate) offsets: Vec<usize>,
    /// Elements as the kernel reads them; see [`Dense::arrange`].
    pub(crate) elements: Vec<T>,
    /// Whether imaginary parts are left out, since they are all 0.
    pub(crate) real: bool,
}

/// Rows that are computed together: so many sums fit the registers of every level.
const ROWS: usize = 4;

impl<T: Real> Dense<T> {
    /// Puts a matrix, given row by row as real and imaginary parts, into the kernel's order:
    /// groups of rows, in them column after column.
    pub(crate) fn arrange(qubits: usize, offsets: Vec<usize>, matrix: &[num_complex::Complex64]) -> Self {
        let rows = 1 << qubits;
        let real = matrix.iter().all(|element| element.im == 0.0);
        let mut elements = Vec::with_capacity(2 * matrix.len());
        let group = ROWS.min(rows);
        for first in (0..rows).step_by(group) {
            for column in 0..rows {
                for row in first..first + group {
                    let element = matrix[row * rows + column];
                    elements.push(T::from_f64(element.re));
                    if !real {
                        elements.push(T::from_f64(element.im));
                    }
                }
            }
        }
        Self {
            qubits,
            offsets,
            elements,
            real,
        }
    }
}

/// The places a gate visits; see the file's head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Places {
    /// Bits of targets and controls.
    pub(crate) mask: usize,
    /// Bits of the controls that have to be 1.
    pub(crate) value: usize,
    /// How many places there are.
    pub(crate) count: usize,
}

/// Multiplies by a matrix of `K` qubits.
///
/// # Safety
/// `re` and `im` are a chunk of vectors `V` that only the caller uses, and the places and
/// offsets lie in it; the processor has the level of `V`.
#[inline(always)]
pub(crate) unsafe fn dense<V: Vector, const K: usize, const N: usize, const R: usize, const REAL: bool>(
    re: *mut V::Element,
    im: *mut V::Element,
    places: Places,
    gate: &Dense<V::Element>,
) {
    let offsets: &[usize; N] = gate.offsets.as_slice().try_into().expect("one offset for each row");
    // SAFETY: the contract; elements are as many as `arrange` makes for this K and REAL.
    unsafe {
        let mut at = 0;
        for _ in 0..places.count {
            let base = (at | places.value) * V::LANES;
            let (re, im) = (re.add(base), im.add(base));
            let zero = V::splat(V::Element::from_f64(0.0));
            let (mut inputs_re, mut inputs_im) = ([zero; N], [zero; N]);
            if K > 2 {
                for row in 0..N {
                    inputs_re[row] = V::load(re.add(offsets[row] * V::LANES));
                    inputs_im[row] = V::load(im.add(offsets[row] * V::LANES));
                }
            }
            let mut element = gate.elements.as_ptr();
            for group in 0..N / R {
                let (mut sum_re, mut sum_im) = ([zero; R], [zero; R]);
                for column in 0..N {
                    let (x, y) = if K > 2 {
                        (inputs_re[column], inputs_im[column])
                    } else {
                        (
                            V::load(re.add(offsets[column] * V::LANES)),
                            V::load(im.add(offsets[column] * V::LANES)),
                        )
                    };
                    for row in 0..R {
                        let a = V::splat(*element);
                        sum_re[row] = if column == 0 {
                            a.mul(x)
                        } else {
                            a.mul_add(x, sum_re[row])
                        };
                        sum_im[row] = if column == 0 {
                            a.mul(y)
                        } else {
                            a.mul_add(y, sum_im[row])
                        };
                        if REAL {
                            element = element.add(1);
                        } else {
                            let b = V::splat(*element.add(1));
                            sum_re[row] = b.neg_mul_add(y, sum_re[row]);
                            sum_im[row] = b.mul_add(x, sum_im[row]);
                            element = element.add(2);
                        }
                    }
                }
                for row in 0..R {
                    let to = offsets[group * R + row] * V::LANES;
                    sum_re[row].store(re.add(to));
                    sum_im[row].store(im.add(to));
                }
            }
            at = (at | places.mask).wrapping_add(1) & !places.mask;
        }
    }
}

/// Exchanges amplitudes with those `offset` vectors further on.
///
/// # Safety
/// As for [`dense`].
#[inline(always)]
pub(crate) unsafe fn flip<V: Vector>(re: *mut V::Element, im: *mut V::Element, places: Places, offset: usize) {
    // SAFETY: the contract.
    unsafe {
        let mut at = 0;
        for _ in 0..places.count {
            let first = (at | places.value) * V::LANES;
            let second = first + offset * V::LANES;
            for part in [re, im] {
                let (x, y) = (V::load(part.add(first)), V::load(part.add(second)));
                y.store(part.add(first));
                x.store(part.add(second));
            }
            at = (at | places.mask).wrapping_add(1) & !places.mask;
        }
    }
}

/// Makes lane bit `bit` and the bit of `offset` change places, in `vectors` vectors.
///
/// # Safety
/// As for [`dense`].
#[inline(always)]
pub(crate) unsafe fn exchange<V: Vector>(
    re: *mut V::Element,
    im: *mut V::Element,
    vectors: usize,
    bit: usize,
    offset: usize,
) {
    // SAFETY: the contract.
    unsafe {
        let mut at = 0;
        for _ in 0..vectors / 2 {
            let (first, second) = (at * V::LANES, (at + offset) * V::LANES);
            for part in [re, im] {
                let (x, y) = V::load(part.add(first)).exchange(V::load(part.add(second)), bit);
                x.store(part.add(first));
                y.store(part.add(second));
            }
            at = (at | offset).wrapping_add(1) & !offset;
        }
    }
}
