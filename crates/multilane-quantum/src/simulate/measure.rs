//! Measures one qubit: draws what it is, and removes the other possibility.
//!
//! Two passes over memory on all lanes, the same bits for any number of them. The state has length 1 afterwards.

use std::sync::{Mutex, PoisonError};

use multilane_plan::Lanes;
use num_complex::Complex;

use super::blocks::{BLOCK, SIDE_BY_SIDE, each, weight, weights_side_by_side};
use super::state::Register;
use crate::kernels::Float;

/// Amplitudes that are written by one piece of work.
const PIECE: usize = 1 << 16;

/// Measures a qubit with a random number from 0 to below 1; returns whether it is 1.
pub(super) fn measure<T: Float>(register: &mut Register<T>, qubit: usize, point: f64, lanes: &dyn Lanes) -> bool {
    let [zero, one] = weights(register.amplitudes(), qubit, lanes);
    let found = point * (zero + one) >= zero && one > 0.0;
    let kept = if found { one } else { zero };
    keep(register.amplitudes_mut(), qubit, found, 1.0 / kept.sqrt(), lanes);
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
fn keep<T: Float>(amplitudes: &mut [Complex<T>], qubit: usize, value: bool, scale: f64, lanes: &dyn Lanes) {
    let run = 1usize << qubit;
    let scale = T::from_f64(scale).to_f64();
    let work = |first: usize, own: &mut [Complex<T>]| {
        if run < SIDE_BY_SIDE {
            // Without a branch for each amplitude, since neighbours differ.
            let factors = if value { [0.0, scale] } else { [scale, 0.0] };
            for (basis, amplitude) in own.iter_mut().enumerate() {
                let factor = factors[basis >> qubit & 1];
                amplitude.re = T::from_f64(amplitude.re.to_f64() * factor);
                amplitude.im = T::from_f64(amplitude.im.to_f64() * factor);
            }
            return;
        }
        for (number, part) in own.chunks_mut(run).enumerate() {
            if (((first >> qubit) + number) & 1 == 1) == value {
                for amplitude in part {
                    amplitude.re = T::from_f64(amplitude.re.to_f64() * scale);
                    amplitude.im = T::from_f64(amplitude.im.to_f64() * scale);
                }
            } else {
                part.fill(Complex::new(T::from_f64(0.0), T::from_f64(0.0)));
            }
        }
    };
    if amplitudes.len() <= PIECE {
        return work(0, amplitudes);
    }
    let pieces: Vec<Mutex<&mut [Complex<T>]>> = amplitudes.chunks_mut(PIECE).map(Mutex::new).collect();
    lanes.run(pieces.len(), &|piece, _lane| {
        let mut own = pieces[piece].lock().unwrap_or_else(PoisonError::into_inner);
        work(piece * PIECE, &mut own);
    });
}
