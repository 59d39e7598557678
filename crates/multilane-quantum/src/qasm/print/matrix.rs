//! Matrices as gates: rotations between basis states that differ in one bit, each a gate on one qubit that all others
//! control.
//!
//! In the order of Gray's code, neighbours differ in one bit, so the elements below the diagonal are turned to zero
//! between neighbours, from the bottom up; what is left are phases of basis states.

use std::fmt::Write as _;

use num_complex::Complex64;

use crate::Matrix;

/// Turns smaller than this are left out: they are rounding.
const NOTHING: f64 = 1e-15;

/// The body of a gate on the qubits `a0`, `a1` and so on that does what the matrix does. It uses `u` and `gphase`.
pub(super) fn body(matrix: &Matrix) -> String {
    let (qubits, rows) = (matrix.qubits(), matrix.rows());
    let gray: Vec<usize> = (0..rows).map(|index| index ^ index >> 1).collect();
    let mut left: Vec<Vec<Complex64>> = gray
        .iter()
        .map(|row| {
            gray.iter()
                .map(|column| matrix.elements()[row * rows + column])
                .collect()
        })
        .collect();
    let mut turns = Vec::new();
    for column in 0..rows - 1 {
        for row in (column + 1..rows).rev() {
            let (upper, lower) = (left[row - 1][column], left[row][column]);
            let length = upper.norm().hypot(lower.norm());
            if lower.norm() <= NOTHING {
                continue;
            }
            let (a, b) = (upper / length, lower / length);
            let (above, below) = left.split_at_mut(row);
            for (upper, lower) in above[row - 1].iter_mut().zip(&mut below[0]) {
                let (x, y) = (*upper, *lower);
                *upper = a.conj() * x + b.conj() * y;
                *lower = a * y - b * x;
            }
            turns.push((gray[row - 1], gray[row], a, b));
        }
    }
    let mut text = String::new();
    for (index, state) in gray.iter().enumerate() {
        let phase = left[index][index].arg();
        phase_of_state(&mut text, phase, *state, qubits, None);
    }
    for (first, second, a, b) in turns.into_iter().rev() {
        let target = (first ^ second).trailing_zeros() as usize;
        // The rotation's columns are (a, b) and (-b*, a*), of the first state and the second.
        let mut columns = [[a, b], [-b.conj(), a.conj()]];
        if first >> target & 1 == 1 {
            columns = [[columns[1][1], columns[1][0]], [columns[0][1], columns[0][0]]];
        }
        turn(&mut text, columns, first, qubits, target);
    }
    text
}

/// `ctrl @ negctrl @ ` for all qubits but the target, and their names.
fn controls(state: usize, qubits: usize, target: Option<usize>) -> (String, Vec<String>) {
    let others = (0..qubits).filter(|qubit| Some(*qubit) != target);
    others
        .map(|qubit| {
            let word = if state >> qubit & 1 == 1 {
                "ctrl @ "
            } else {
                "negctrl @ "
            };
            (word, format!("a{qubit}"))
        })
        .unzip()
}

fn phase_of_state(text: &mut String, phase: f64, state: usize, qubits: usize, target: Option<usize>) {
    if phase.abs() > NOTHING {
        let (words, names) = controls(state, qubits, target);
        let _ = writeln!(text, "  {words}gphase({phase:?}) {};", names.join(", "));
    }
}

/// A gate on the target where the other qubits are those of the state.
fn turn(text: &mut String, columns: [[Complex64; 2]; 2], state: usize, qubits: usize, target: usize) {
    let [[w00, w10], [w01, w11]] = columns;
    let theta = 2.0 * w10.norm().atan2(w00.norm());
    let (phase, phi, lambda) = if w00.norm() > w10.norm() {
        let phase = w00.arg();
        let phi = if w10.norm() > NOTHING { w10.arg() - phase } else { 0.0 };
        (phase, phi, w11.arg() - phase - phi)
    } else {
        let phase = if w00.norm() > NOTHING { w00.arg() } else { 0.0 };
        (phase, w10.arg() - phase, (-w01).arg() - phase)
    };
    let (words, mut names) = controls(state, qubits, Some(target));
    phase_of_state(text, phase, state, qubits, Some(target));
    names.push(format!("a{target}"));
    let _ = writeln!(text, "  {words}u({theta:?}, {phi:?}, {lambda:?}) {};", names.join(", "));
}
