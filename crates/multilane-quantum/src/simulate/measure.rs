//! Measures one qubit: draws what it is, and removes the other possibility.
//!
//! A pass that reads and one that writes, on all lanes, the same bits for any number of them. The state has length 1
//! afterwards.

use multilane_plan::Lanes;
use num_complex::{Complex, Complex64};

use super::blocks::{BLOCK, SIDE_BY_SIDE, each, weight, weights_side_by_side};
use super::execute::over_groups;
use super::state::Register;
use crate::kernels::{Float, Level};
use crate::schedule::per_value;

/// Measures a qubit with a random number from 0 to below 1; returns whether it is 1.
pub(super) fn measure<T: Float>(register: &mut Register<T>, qubit: usize, point: f64, lanes: &dyn Lanes) -> bool {
    let [zero, one] = weights(register.amplitudes(), qubit, lanes);
    let found = point * (zero + one) >= zero && one > 0.0;
    let kept = if found { one } else { zero };
    keep(register, qubit, found, 1.0 / kept.sqrt(), lanes);
    found
}

/// The probabilities of a qubit's two values, not divided by their sum.
fn weights<T: Float>(amplitudes: &[Complex<T>], qubit: usize, lanes: &dyn Lanes) -> [f64; 2] {
    let run = 1usize << qubit;
    let blocks = each(amplitudes.len().div_ceil(BLOCK), lanes, |block| {
        let first = block * BLOCK;
        let own = &amplitudes[first..amplitudes.len().min(first + BLOCK)];
        let mut sums = [0.0; 2];
        if run < SIDE_BY_SIDE {
            let parts = weights_side_by_side(own);
            for (number, part) in parts.into_iter().enumerate() {
                sums[number >> qubit & 1] += part;
            }
        } else {
            for (number, run_of) in own.chunks(run).enumerate() {
                sums[((first >> qubit) + number) & 1] += weight(run_of);
            }
        }
        sums
    });
    blocks
        .iter()
        .fold([0.0; 2], |all, own| [all[0] + own[0], all[1] + own[1]])
}

/// Multiplies where the qubit has a value by `scale`, and elsewhere by 0.
fn keep<T: Float>(register: &mut Register<T>, qubit: usize, value: bool, scale: f64, lanes: &dyn Lanes) {
    let factors = if value { [0.0, scale] } else { [scale, 0.0] };
    let level = Level::detect();
    if let Some(gate) = per_value(register.qubits(), level, qubit, factors.map(Complex64::from)) {
        return over_groups(level, register, &gate, lanes);
    }
    // Fewer amplitudes than a vector has lanes.
    for (basis, amplitude) in register.amplitudes_mut().iter_mut().enumerate() {
        let factor = factors[basis >> qubit & 1];
        amplitude.re = T::from_f64(amplitude.re.to_f64() * factor);
        amplitude.im = T::from_f64(amplitude.im.to_f64() * factor);
    }
}
