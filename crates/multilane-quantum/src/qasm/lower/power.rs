//! Powers of gates: of rotations by their angle, of everything else by eigenvalues.
//!
//! A power that is no whole number is the principal one: every eigenvalue `exp(i a)` becomes `exp(i a k)`, with `a`
//! above -pi and up to pi.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

use num_complex::Complex64;

use super::modify::times;
use crate::{Angle, Gate, Instruction, MAX_MATRIX_QUBITS, Matrix, Operation};

/// The power of a gate that is a gate again; `None` when only its matrix tells.
pub(super) fn of_gate(gate: &Gate, exponent: f64) -> Option<Gate> {
    let whole = exponent.fract() == 0.0;
    // Within `half` of zero, every eigenvalue's angle is the principal one.
    let scaled = |angle: &Angle, half: f64| match angle {
        _ if whole => Some(times(angle, exponent)),
        Angle::Number(number) => (number.abs() < half).then(|| Angle::Number(number * exponent)),
        // Nobody knows the value yet: the same rotation, so many times as far.
        _ => Some(times(angle, exponent)),
    };
    let phase = |angle: f64| Some(Gate::P((angle * exponent).into()));
    match gate {
        Gate::Id => Some(Gate::Id),
        Gate::X | Gate::Y | Gate::H | Gate::Swap if whole => Some(if exponent % 2.0 == 0.0 {
            return None;
        } else {
            gate.clone()
        }),
        Gate::Z if whole && exponent % 2.0 != 0.0 => Some(Gate::Z),
        Gate::Z if exponent == 0.5 => Some(Gate::S),
        Gate::S if exponent == 0.5 => Some(Gate::T),
        Gate::X if exponent == 0.5 => Some(Gate::Sx),
        Gate::Z => phase(PI),
        Gate::S => phase(FRAC_PI_2),
        Gate::Sdg => phase(-FRAC_PI_2),
        Gate::T => phase(FRAC_PI_4),
        Gate::Tdg => phase(-FRAC_PI_4),
        Gate::P(angle) => match angle {
            Angle::Number(number) if !whole => phase(principal(*number)),
            _ => scaled(angle, PI).map(Gate::P),
        },
        Gate::GlobalPhase(angle) => match angle {
            Angle::Number(number) if !whole => Some(Gate::GlobalPhase((principal(*number) * exponent).into())),
            _ => scaled(angle, PI).map(Gate::GlobalPhase),
        },
        Gate::Rx(angle) => scaled(angle, TAU).map(Gate::Rx),
        Gate::Ry(angle) => scaled(angle, TAU).map(Gate::Ry),
        Gate::Rz(angle) => scaled(angle, TAU).map(Gate::Rz),
        _ => None,
    }
}

/// The same angle above -pi and up to pi.
fn principal(angle: f64) -> f64 {
    let reduced = angle.rem_euclid(TAU);
    if reduced > PI { reduced - TAU } else { reduced }
}

/// The power of gates on a few qubits; `None` for too many qubits, late angles, or what is no gate.
pub(super) fn of_instructions(instructions: &[Instruction], exponent: f64, qubits: &[usize]) -> Option<Matrix> {
    if qubits.is_empty() || qubits.len() > MAX_MATRIX_QUBITS {
        return None;
    }
    Matrix::new(power(&product(instructions, qubits)?, 1 << qubits.len(), exponent)?).ok()
}

/// The matrix of gates, row by row, the first qubit as the least significant bit.
fn product(instructions: &[Instruction], qubits: &[usize]) -> Option<Vec<Complex64>> {
    let rows = 1 << qubits.len();
    let bit_of = |qubit: usize| qubits.iter().position(|known| *known == qubit);
    let mut matrix = identity(rows);
    for instruction in instructions {
        let Operation::Gate {
            gate,
            controls,
            targets,
        } = &instruction.operation
        else {
            if matches!(instruction.operation, Operation::Barrier { .. }) {
                continue;
            }
            return None;
        };
        let elements = gate.matrix()?;
        let (mut mask, mut wanted) = (0, 0);
        for control in controls {
            let bit = bit_of(control.qubit)?;
            mask |= 1 << bit;
            wanted |= usize::from(control.positive) << bit;
        }
        let bits = targets
            .iter()
            .map(|target| bit_of(*target))
            .collect::<Option<Vec<_>>>()?;
        let small = 1 << bits.len();
        let spread = |index: usize| {
            let placed = bits.iter().enumerate().map(|(at, bit)| (index >> at & 1) << bit);
            placed.sum::<usize>()
        };
        let all = spread(small - 1);
        let mut old = vec![Complex64::ZERO; small];
        for base in (0..rows).filter(|base| base & all == 0 && base & mask == wanted) {
            for column in 0..rows {
                for (index, old) in old.iter_mut().enumerate() {
                    *old = matrix[(base | spread(index)) * rows + column];
                }
                for row in 0..small {
                    let sum = (0..small).map(|index| elements[row * small + index] * old[index]).sum();
                    matrix[(base | spread(row)) * rows + column] = sum;
                }
            }
        }
    }
    Some(matrix)
}

fn identity(rows: usize) -> Vec<Complex64> {
    (0..rows * rows)
        .map(|at| Complex64::from(f64::from(at / rows == at % rows)))
        .collect()
}

/// The principal power of a unitary matrix.
///
/// Its Hermitian and skew parts have the same eigenvectors, so those of a mixture of the two are its own: unless the
/// mixture makes two eigenvalues equal that are not, which the check finds; then another mixture is tried.
fn power(matrix: &[Complex64], rows: usize, exponent: f64) -> Option<Vec<Complex64>> {
    for weight in [0.7310585786, 1.9221179, 0.3180339887, 3.3027756] {
        let mixture: Vec<Complex64> = (0..rows * rows)
            .map(|at| {
                let (element, mirrored) = (matrix[at], matrix[at % rows * rows + at / rows].conj());
                (element + mirrored) / 2.0 + (element - mirrored) * Complex64::new(0.0, -weight / 2.0)
            })
            .collect();
        let vectors = eigenvectors(mixture, rows);
        let image = multiply(matrix, &vectors, rows);
        let values: Vec<Complex64> = (0..rows)
            .map(|column| {
                (0..rows)
                    .map(|row| vectors[row * rows + column].conj() * image[row * rows + column])
                    .sum()
            })
            .collect();
        let off = (0..rows * rows).map(|at| (image[at] - vectors[at] * values[at % rows]).norm());
        if off.fold(0.0, f64::max) > 1e-10 {
            continue;
        }
        let raised: Vec<Complex64> = (0..rows * rows)
            .map(|at| {
                let (row, column) = (at / rows, at % rows);
                (0..rows)
                    .map(|k| {
                        let angle = values[k].arg();
                        // Rounding must not carry -1 to the other end of the range.
                        let angle = if angle + PI < 1e-9 { PI } else { angle };
                        let value = Complex64::from_polar(1.0, angle * exponent);
                        vectors[row * rows + k] * value * vectors[column * rows + k].conj()
                    })
                    .sum()
            })
            .collect();
        return Some(raised);
    }
    None
}

fn multiply(left: &[Complex64], right: &[Complex64], rows: usize) -> Vec<Complex64> {
    (0..rows * rows)
        .map(|at| {
            let (row, column) = (at / rows, at % rows);
            (0..rows).map(|k| left[row * rows + k] * right[k * rows + column]).sum()
        })
        .collect()
}

/// The eigenvectors of a Hermitian matrix, as columns, by Jacobi's rotations.
fn eigenvectors(mut matrix: Vec<Complex64>, rows: usize) -> Vec<Complex64> {
    let mut vectors = identity(rows);
    for _sweep in 0..60 {
        let mut off = 0.0;
        for p in 0..rows {
            for q in p + 1..rows {
                let element = matrix[p * rows + q];
                off += element.norm_sqr();
                if element.norm() < 1e-300 {
                    continue;
                }
                let phase = element / element.norm();
                let difference = matrix[q * rows + q].re - matrix[p * rows + p].re;
                // At most an eighth of a turn, which makes the sweeps converge.
                let angle = 0.5 * (2.0 * element.norm() / difference).atan();
                let (sin, cos) = angle.sin_cos();
                rotate_columns(&mut matrix, rows, (p, q), (cos, sin), phase);
                rotate_columns(&mut vectors, rows, (p, q), (cos, sin), phase);
                // The rows turn as the columns did, conjugated.
                for k in 0..rows {
                    let (a, b) = (matrix[p * rows + k], matrix[q * rows + k]);
                    matrix[p * rows + k] = a * cos - b * sin * phase;
                    matrix[q * rows + k] = a * sin * phase.conj() + b * cos;
                }
            }
        }
        if off < 1e-28 {
            break;
        }
    }
    vectors
}

fn rotate_columns(
    matrix: &mut [Complex64],
    rows: usize,
    (p, q): (usize, usize),
    (cos, sin): (f64, f64),
    phase: Complex64,
) {
    for k in 0..rows {
        let (a, b) = (matrix[k * rows + p], matrix[k * rows + q]);
        matrix[k * rows + p] = a * cos - b * sin * phase.conj();
        matrix[k * rows + q] = a * sin * phase + b * cos;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_a_power_is_the_gate() {
        let circuit = [
            (Gate::H, vec![], 0),
            (Gate::X, vec![crate::Control::on(0)], 1),
            (Gate::Ry(0.7.into()), vec![crate::Control::off(2)], 1),
            (Gate::T, vec![], 2),
            (Gate::H, vec![], 2),
        ];
        let instructions: Vec<Instruction> = circuit
            .into_iter()
            .map(|(gate, controls, target)| Instruction {
                operation: Operation::Gate {
                    gate,
                    controls,
                    targets: vec![target],
                },
                condition: None,
            })
            .collect();
        let whole = product(&instructions, &[0, 1, 2]).unwrap();
        let third = power(&whole, 8, 1.0 / 3.0).unwrap();
        let again = multiply(&third, &multiply(&third, &third, 8), 8);
        for (a, b) in whole.iter().zip(&again) {
            assert!((a - b).norm() < 1e-12, "{a} {b}");
        }
    }

    #[test]
    fn roots_of_degenerate_gates_are_principal() {
        for gate in [Gate::X, Gate::Y, Gate::H, Gate::Swap] {
            let rows = 1 << gate.targets();
            let matrix = gate.matrix().unwrap();
            let root = power(&matrix, rows, 0.5).unwrap();
            for (a, b) in matrix.iter().zip(multiply(&root, &root, rows)) {
                assert!((a - b).norm() < 1e-12);
            }
            let trace: Complex64 = (0..rows).map(|at| root[at * rows + at]).sum();
            assert!((trace.im - 1.0).abs() < 1e-12, "-1 becomes i, not -i");
        }
    }
}
