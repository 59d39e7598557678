//! Products of two states, apart for the values of one qubit: what a small operator between them comes to.

use multilane_plan::Lanes;
use num_complex::{Complex, Complex64};

use super::blocks::{BLOCK, each};
use crate::kernels::Float;

/// Where an operator acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// The qubit; without one it is a number where the controls agree.
    pub(super) target: Option<usize>,
    /// Bits of the controls.
    pub(super) mask: usize,
    /// What they have to be.
    pub(super) value: usize,
}

/// For each two values of the target the sum of `conj(left) * right` over all states whose controls agree, by
/// `2 * left value + right value`; only the first without a target. The same bits at any number of lanes.
pub(super) fn transitions<T: Float>(
    left: &[Complex<T>],
    right: &[Complex<T>],
    site: Site,
    lanes: &dyn Lanes,
) -> [Complex64; 4] {
    let target = site.target.map_or(0, |target| 1usize << target);
    let mask = site.mask | target;
    // Places whose bits below the lowest of the mask differ are neighbours.
    let run = if mask == 0 {
        left.len()
    } else {
        1 << mask.trailing_zeros()
    }
    .min(BLOCK);
    let runs = (left.len() >> mask.count_ones()) / run;
    let group = (BLOCK / run).max(1);
    let parts = each(runs.div_ceil(group), lanes, |part| {
        let mut at = spread(part * group * run, mask);
        let mut sums = [Complex64::ZERO; 4];
        for _ in 0..group.min(runs - part * group) {
            let first = at | site.value;
            let second = first | target;
            let (a, b) = (&left[first..][..run], &right[first..][..run]);
            if target == 0 {
                sums[0] += product(a, b);
            } else {
                let (c, d) = (&left[second..][..run], &right[second..][..run]);
                for (sum, value) in sums.iter_mut().zip(products(a, b, c, d)) {
                    *sum += value;
                }
            }
            at = ((at | mask) + run) & !mask;
        }
        sums
    });
    let mut total = [Complex64::ZERO; 4];
    for part in parts {
        for (sum, value) in total.iter_mut().zip(part) {
            *sum += value;
        }
    }
    total
}

/// Puts a number into the bits outside a mask.
fn spread(number: usize, mask: usize) -> usize {
    let (mut number, mut left) = (number, mask);
    while left != 0 {
        let below = (1usize << left.trailing_zeros()) - 1;
        number = (number & !below) << 1 | number & below;
        left &= left - 1;
    }
    number
}

fn wide<T: Float>(amplitude: Complex<T>) -> (f64, f64) {
    (amplitude.re.to_f64(), amplitude.im.to_f64())
}

/// The sum of `conj(a) * b`.
fn product<T: Float>(a: &[Complex<T>], b: &[Complex<T>]) -> Complex64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let ((ar, ai), (br, bi)) = (wide(*a), wide(*b));
        re += ar * br + ai * bi;
        im += ar * bi - ai * br;
    }
    Complex64::new(re, im)
}

/// The sums of `conj(a) * b`, `conj(a) * d`, `conj(c) * b` and `conj(c) * d`.
fn products<T: Float>(a: &[Complex<T>], b: &[Complex<T>], c: &[Complex<T>], d: &[Complex<T>]) -> [Complex64; 4] {
    let mut sums = [[0.0; 4]; 2];
    for ((a, b), (c, d)) in a.iter().zip(b).zip(c.iter().zip(d)) {
        let ((ar, ai), (br, bi), (cr, ci), (dr, di)) = (wide(*a), wide(*b), wide(*c), wide(*d));
        // All of one left value side by side: vectors hold them.
        let (lr, li) = ([ar, ar, cr, cr], [ai, ai, ci, ci]);
        let (rr, ri) = ([br, dr, br, dr], [bi, di, bi, di]);
        for lane in 0..4 {
            sums[0][lane] += lr[lane] * rr[lane] + li[lane] * ri[lane];
            sums[1][lane] += lr[lane] * ri[lane] - li[lane] * rr[lane];
        }
    }
    std::array::from_fn(|lane| Complex64::new(sums[0][lane], sums[1][lane]))
}
