//! Sums over a state in fixed blocks, so that they have the same bits for any number of lanes.

use std::sync::Mutex;

use multilane_plan::Lanes;
use num_complex::Complex;

use crate::kernels::Float;

/// Amplitudes of a block.
pub(super) const BLOCK: usize = 1 << 12;

/// The results of `work` for each of some blocks, in order.
pub(super) fn each<R: Send>(blocks: usize, lanes: &dyn Lanes, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    // A few blocks at a time, so that short ones are not outweighed by handing them out.
    let group = blocks.div_ceil(256);
    let pieces = blocks.div_ceil(group.max(1));
    let results: Vec<Mutex<Vec<R>>> = (0..pieces).map(|_| Mutex::new(Vec::new())).collect();
    let piece = |piece: usize, _lane: usize| {
        let own = (piece * group..blocks.min((piece + 1) * group)).map(&work).collect();
        *results[piece].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = own;
    };
    if pieces <= 1 {
        (0..pieces).for_each(|number| piece(number, 0));
    } else {
        lanes.run(pieces, &piece);
    }
    (results.into_iter())
        .flat_map(|result| result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
        .collect()
}

/// The probability of each block.
pub(super) fn weights<T: Float>(amplitudes: &[Complex<T>], lanes: &dyn Lanes) -> Vec<f64> {
    each(amplitudes.len().div_ceil(BLOCK), lanes, |block| {
        weight(&amplitudes[block * BLOCK..amplitudes.len().min((block + 1) * BLOCK)])
    })
}

/// Sums that are made side by side, which vectors can hold.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// The probability of some amplitudes.
pub(super) fn weight<T: Float>(amplitudes: &[Complex<T>]) -> f64 {
    weights_side_by_side(amplitudes).iter().sum()
}

/// The probabilities of every eighth of some amplitudes, from the first on, the second, and so on.
pub(super) fn weights_side_by_side<T: Float>(amplitudes: &[Complex<T>]) -> [f64; SIDE_BY_SIDE] {
    #[cfg(target_arch = "x86_64")]
    if crate::kernels::Level::detect() >= crate::kernels::Level::Avx2Fma {
        // SAFETY: the processor has the level.
        return unsafe { weights_avx2(amplitudes) };
    }
    weights_of_eights(amplitudes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn weights_avx2<T: Float>(amplitudes: &[Complex<T>]) -> [f64; SIDE_BY_SIDE] {
    weights_of_eights(amplitudes)
}

#[inline(always)]
fn weights_of_eights<T: Float>(amplitudes: &[Complex<T>]) -> [f64; SIDE_BY_SIDE] {
    // Real and imaginary parts are neighbours: sums of their own need no lane to be moved.
    let mut sums = [[0.0; 2]; SIDE_BY_SIDE];
    let (eights, rest) = amplitudes.as_chunks::<SIDE_BY_SIDE>();
    for eight in eights {
        for (sum, amplitude) in sums.iter_mut().zip(eight) {
            let parts = [amplitude.re.to_f64(), amplitude.im.to_f64()];
            sum[0] += parts[0] * parts[0];
            sum[1] += parts[1] * parts[1];
        }
    }
    for (sum, amplitude) in sums.iter_mut().zip(rest) {
        sum[0] += probability(*amplitude);
    }
    sums.map(|[re, im]| re + im)
}

/// The probability of an amplitude.
pub(super) fn probability<T: Float>(amplitude: Complex<T>) -> f64 {
    let (re, im) = (amplitude.re.to_f64(), amplitude.im.to_f64());
    re * re + im * im
}
