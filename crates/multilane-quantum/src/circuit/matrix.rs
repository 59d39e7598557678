//! Unitary matrices of gates on a few qubits.
//!
//! Row by row; the first qubit a gate acts on is the least significant bit of the row's
//! and the column's number.

use num_complex::Complex64;

use crate::error::QuantumError;

/// The largest number of qubits that a matrix acts on.
pub const MAX_MATRIX_QUBITS: usize = 5;

/// How far a product with the adjoint may be from the identity.
const TOLERANCE: f64 = 1e-8;

/// A unitary matrix on 1 to 5 qubits.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    qubits: usize,
    elements: Vec<Complex64>,
}

impl Matrix {
    /// Takes the elements, row by row; they have to be those of a unitary matrix.
    pub fn new(elements: impl Into<Vec<Complex64>>) -> Result<Self, QuantumError> {
        let elements = elements.into();
        let qubits = (1..=MAX_MATRIX_QUBITS)
            .find(|qubits| elements.len() == 1 << (2 * qubits))
            .ok_or(QuantumError::MatrixShape {
                elements: elements.len(),
            })?;
        let matrix = Self { qubits, elements };
        let deviation = matrix.deviation();
        // A comparison that is false for NaN.
        if deviation <= TOLERANCE {
            Ok(matrix)
        } else {
            Err(QuantumError::NotUnitary { deviation })
        }
    }

    /// How many qubits it acts on.
    pub fn qubits(&self) -> usize {
        self.qubits
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        1 << self.qubits
    }

    /// The elements, row by row.
    pub fn elements(&self) -> &[Complex64] {
        &self.elements
    }

    /// The conjugate transpose.
    #[must_use]
    pub fn adjoint(&self) -> Self {
        let rows = self.rows();
        let elements = (0..rows * rows).map(|at| self.elements[at % rows * rows + at / rows].conj());
        Self {
            qubits: self.qubits,
            elements: elements.collect(),
        }
    }

    /// The largest element of `self * self† - 1`; NaN when an element is.
    fn deviation(&self) -> f64 {
        let rows = self.rows();
        let mut worst = 0.0;
        for left in 0..rows {
            for right in 0..rows {
                let (a, b) = (
                    &self.elements[left * rows..][..rows],
                    &self.elements[right * rows..][..rows],
                );
                let product: Complex64 = a.iter().zip(b).map(|(x, y)| x * y.conj()).sum();
                let off = (product - f64::from(left == right)).norm();
                if off.is_nan() {
                    return off;
                }
                worst = off.max(worst);
            }
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_unitary() {
        let one = Complex64::ONE;
        let error = Matrix::new([one, one, one, one]).unwrap_err();
        assert!(matches!(error, QuantumError::NotUnitary { .. }), "{error}");
        assert!(Matrix::new([one * f64::NAN, one, one, one]).is_err());
        assert_eq!(
            Matrix::new([one; 3]).unwrap_err(),
            QuantumError::MatrixShape { elements: 3 }
        );
    }
}
