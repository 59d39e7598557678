//! Cancels gates with their inverses, when all between them commutes; drops `id`.
//!
//! Gates that a condition decides about stay.

use num_complex::Complex64;

use super::kept::Kept;
use super::place::{Placed, placed, same_place};
use crate::circuit::{Angle, Circuit, Gate, Matrix};

/// Removes pairs of gates that undo each other; returns how many gates went.
pub fn cancel_inverses(circuit: &mut Circuit) -> usize {
    let instructions = circuit.take_instructions();
    let mut kept = Kept::new(circuit.qubits(), instructions.len());
    let mut removed = 0;
    for instruction in instructions {
        let Some(gate) = placed(&instruction) else {
            kept.push(instruction);
            continue;
        };
        if *gate.0 == Gate::Id {
            removed += 1;
            continue;
        }
        let undone = |before: &_| placed(before).filter(|before| undoes(*before, gate)).map(drop);
        match kept.find(&instruction, undone) {
            Some((before, ())) => {
                kept.remove(before);
                removed += 2;
            }
            None => kept.push(instruction),
        }
    }
    circuit.set_instructions(kept.finish());
    removed
}

fn undoes(first: Placed<'_>, second: Placed<'_>) -> bool {
    let nothing = |x: &Angle, y: &Angle| Angle::sum(&[x, y]).and_then(|sum| sum.number()) == Some(0.0);
    let inverse = match (first.0, second.0) {
        (Gate::P(x), Gate::P(y))
        | (Gate::Rx(x), Gate::Rx(y))
        | (Gate::Ry(x), Gate::Ry(y))
        | (Gate::Rz(x), Gate::Rz(y)) => nothing(x, y),
        (Gate::U(theta, phi, lambda), Gate::U(x, y, z)) => nothing(theta, x) && nothing(phi, z) && nothing(lambda, y),
        (Gate::Unitary(x), Gate::Unitary(y)) => are_inverse(x, y),
        (Gate::P(_) | Gate::Rx(_) | Gate::Ry(_) | Gate::Rz(_) | Gate::U(..) | Gate::Unitary(_), _) => false,
        (first, second) => first.inverse() == *second,
    };
    inverse && same_place(first, second)
}

/// Whether one matrix is the conjugate transpose of the other, but for rounding.
fn are_inverse(first: &Matrix, second: &Matrix) -> bool {
    let rows = first.rows();
    let close = |(at, element): (usize, &Complex64)| {
        let other = second.elements()[at % rows * rows + at / rows].conj();
        (element - other).l1_norm() <= 8.0 * f64::EPSILON
    };
    rows == second.rows() && first.elements().iter().enumerate().all(close)
}
