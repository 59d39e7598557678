//! Applies actions one by one to states so small that making passes of them takes longer.
//!
//! Plain loops over the amplitudes that an action changes. Never starts work elsewhere.

use num_complex::{Complex, Complex64};

use crate::kernels::Float;
use crate::schedule::Action;

/// Applies an action.
pub(super) fn apply<T: Float>(amplitudes: &mut [Complex<T>], action: &Action) {
    let all = amplitudes.len() - 1;
    match action {
        Action::Phase { mask, factor } => {
            let mask = *mask as usize;
            each(all & !mask, mask, |basis| {
                amplitudes[basis] = narrow(wide(amplitudes[basis]) * factor);
            });
        }
        Action::Flip { target, controls } => {
            let bit = 1 << target;
            let free = all & !(controls.mask as usize | bit);
            each(free, controls.value as usize, |basis| {
                amplitudes.swap(basis, basis | bit)
            });
        }
        Action::Dense {
            targets,
            controls,
            matrix,
        } => {
            let own = action.target_mask() as usize;
            let free = all & !(controls.mask as usize | own);
            let places: Vec<usize> = (0..1usize << targets.len())
                .map(|row| (targets.iter().enumerate()).fold(0, |sum, (place, bit)| sum | (row >> place & 1) << bit))
                .collect();
            if let [_, second] = places[..] {
                let &[a, b, c, d] = &matrix[..] else { return };
                each(free, controls.value as usize, |basis| {
                    let (x, y) = (wide(amplitudes[basis]), wide(amplitudes[basis | second]));
                    amplitudes[basis] = narrow(a * x + b * y);
                    amplitudes[basis | second] = narrow(c * x + d * y);
                });
                return;
            }
            let mut before = vec![Complex64::ZERO; places.len()];
            each(free, controls.value as usize, |basis| {
                for (kept, place) in before.iter_mut().zip(&places) {
                    *kept = wide(amplitudes[basis | place]);
                }
                for (row, place) in matrix.chunks_exact(places.len()).zip(&places) {
                    let sum: Complex64 = row.iter().zip(&before).map(|(element, kept)| element * kept).sum();
                    amplitudes[basis | place] = narrow(sum);
                }
            });
        }
    }
}

/// Calls `work` for every number whose bits outside `free` are those of `value`, in ascending order.
#[inline(always)]
fn each(free: usize, value: usize, mut work: impl FnMut(usize)) {
    let mut subset = 0usize;
    loop {
        work(value | subset);
        subset = subset.wrapping_sub(free) & free;
        if subset == 0 {
            return;
        }
    }
}

#[inline(always)]
fn wide<T: Float>(amplitude: Complex<T>) -> Complex64 {
    Complex64::new(amplitude.re.to_f64(), amplitude.im.to_f64())
}

#[inline(always)]
fn narrow<T: Float>(amplitude: Complex64) -> Complex<T> {
    Complex::new(T::from_f64(amplitude.re), T::from_f64(amplitude.im))
}
