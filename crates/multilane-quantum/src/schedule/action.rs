//! What the kernels can do, on numbered bits of the state.

use num_complex::Complex64;

/// Bits that decide whether an action applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Controls {
    /// The bits.
    pub(crate) mask: u64,
    /// What they have to be.
    pub(crate) value: u64,
}

/// A square matrix, row by row.
pub(crate) type Matrix = Vec<Complex64>;

/// One thing that is done to the state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Multiplies by a matrix.
    Dense {
        /// Bits it acts on, the first as the least significant of rows.
        targets: Vec<usize>,
        /// Where it applies.
        controls: Controls,
        /// Row by row.
        matrix: Matrix,
    },
    /// Inverts a bit.
    Flip {
        /// The bit.
        target: usize,
        /// Where it applies.
        controls: Controls,
    },
    /// Multiplies where all bits of a mask are 1.
    Phase {
        /// The bits.
        mask: u64,
        /// By what.
        factor: Complex64,
    },
}

impl Action {
    /// Bits whose value it may change.
    pub(crate) fn target_mask(&self) -> u64 {
        match self {
            Self::Dense { targets, .. } => targets.iter().fold(0, |mask, bit| mask | 1 << bit),
            Self::Flip { target, .. } => 1 << target,
            Self::Phase { .. } => 0,
        }
    }

    /// Bits it reads and leaves as they are.
    pub(crate) fn control_mask(&self) -> u64 {
        match self {
            Self::Dense { controls, .. } | Self::Flip { controls, .. } => controls.mask,
            Self::Phase { mask, .. } => *mask,
        }
    }

    /// All its bits.
    pub(crate) fn mask(&self) -> u64 {
        self.target_mask() | self.control_mask()
    }

    /// Its matrix on `bits`, which contain all of its own.
    pub(crate) fn matrix_on(&self, bits: &[usize]) -> Matrix {
        let size = 1 << bits.len();
        let spread = |row: usize| -> u64 {
            bits.iter()
                .enumerate()
                .fold(0, |mask, (place, bit)| mask | ((row >> place & 1) as u64) << bit)
        };
        let mut matrix = vec![Complex64::ZERO; size * size];
        for row in 0..size {
            for column in 0..size {
                matrix[row * size + column] = self.element(spread(row), spread(column));
            }
        }
        matrix
    }

    /// The element that leads from basis state `from` to `to`.
    fn element(&self, to: u64, from: u64) -> Complex64 {
        let same = f64::from(to == from);
        match self {
            Self::Phase { mask, factor } => {
                if from & mask == *mask {
                    factor * same
                } else {
                    same.into()
                }
            }
            Self::Flip { target, controls } => {
                let reached = if from & controls.mask == controls.value {
                    from ^ 1 << target
                } else {
                    from
                };
                f64::from(reached == to).into()
            }
            Self::Dense {
                targets,
                controls,
                matrix,
            } => {
                if from & controls.mask != controls.value {
                    return same.into();
                }
                let mask = self.target_mask();
                if (to ^ from) & !mask != 0 {
                    return Complex64::ZERO;
                }
                let index = |state: u64| {
                    targets
                        .iter()
                        .enumerate()
                        .fold(0, |row, (place, bit)| row | ((state >> bit & 1) as usize) << place)
                };
                matrix[index(to) << targets.len() | index(from)]
            }
        }
    }
}

/// The product of two square matrices: `right` first.
pub(crate) fn product(left: &Matrix, right: &Matrix) -> Matrix {
    let size = 1 << (left.len().ilog2() / 2);
    let mut matrix = vec![Complex64::ZERO; size * size];
    for row in 0..size {
        for inner in 0..size {
            let factor = left[row * size + inner];
            if factor != Complex64::ZERO {
                for column in 0..size {
                    matrix[row * size + column] += factor * right[inner * size + column];
                }
            }
        }
    }
    matrix
}

/// Whether a matrix is the identity, but for rounding.
pub(crate) fn is_identity(matrix: &Matrix) -> bool {
    let size = 1 << (matrix.len().ilog2() / 2);
    matrix.iter().enumerate().all(|(at, element)| {
        let wanted = f64::from(at / size == at % size);
        (element - wanted).l1_norm() <= 4.0 * f64::EPSILON
    })
}
