//! Products of two states, apart for the values of one qubit: what small operators between them come to.
//!
//! Many operators are asked about together. Those on low qubits share one pass over both states, and so do a few
//! at a time of those on high ones; in between the states stay in the cache.

use multilane_plan::Lanes;
use num_complex::{Complex, Complex64};

use super::blocks::{BLOCK, each};
use crate::kernels::Float;

/// An operator, and where it acts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// The qubit; without one the operator is a number where the controls agree.
    pub(super) target: Option<usize>,
    /// Bits of the controls.
    pub(super) mask: usize,
    /// What they have to be.
    pub(super) value: usize,
    /// Which products are asked for: for each of `0 0`, `0 1`, `1 0` and `1 1` two bits, one for each part.
    pub(super) needed: u8,
}

/// For each value of the target in the left state and each in the right one the sum of `conj(left) * right` over all
/// states whose controls agree; real and imaginary parts that are not needed are 0.
pub(super) type Transition = [Complex64; 4];

/// Neighbours that lie in one piece when several high qubits are looked at.
const PIECE: usize = 1 << 9;

/// High qubits that are looked at together.
const TOGETHER: usize = 4;

/// The transitions of all sites. The same bits at any number of lanes.
pub(super) fn transitions<T: Float>(
    left: &[Complex<T>],
    right: &[Complex<T>],
    sites: &[Site],
    lanes: &dyn Lanes,
) -> Vec<Transition> {
    let states = left.len();
    let block = BLOCK.min(states);
    let mut found = vec![[Complex64::ZERO; 4]; sites.len()];
    let is_low = |site: &Site| site.target.is_none_or(|target| 1 << target < block);
    let low: Vec<usize> = (0..sites.len()).filter(|number| is_low(&sites[*number])).collect();
    let parts = if low.is_empty() { 0 } else { states / block };
    let sums = each(parts, lanes, |part| {
        let base = part * block;
        let (left, right) = (&left[base..][..block], &right[base..][..block]);
        let one = |number: &usize| {
            let site = &sites[*number];
            let target = site.target.map_or(0, |target| 1 << target);
            in_place(
                site,
                base,
                block,
                [left, &left[target..]],
                [right, &right[target..]],
                target,
            )
        };
        low.iter().map(one).collect::<Vec<Transition>>()
    });
    add(&mut found, &low, sums);

    let mut high: Vec<(usize, usize)> = (sites.iter().enumerate())
        .filter(|(_, site)| !is_low(site))
        .filter_map(|(number, site)| Some((site.target?, number)))
        .collect();
    high.sort_unstable();
    while !high.is_empty() {
        let mut targets: Vec<usize> = high.iter().map(|(target, _)| *target).collect();
        targets.dedup();
        targets.truncate(TOGETHER);
        let last = targets.last().copied().unwrap_or(0);
        let now: Vec<usize> = high
            .iter()
            .take_while(|(target, _)| *target <= last)
            .map(|(_, number)| *number)
            .collect();
        high.drain(..now.len());
        let mask = targets.iter().fold(0, |mask, target| mask | 1usize << target);
        let places: Vec<usize> = (0..1usize << targets.len())
            .map(|number| {
                (targets.iter().enumerate()).fold(0, |all, (bit, target)| all | (number >> bit & 1) << target)
            })
            .collect();
        let sums = each((states / PIECE) >> targets.len(), lanes, |part| {
            let base = spread(part * PIECE, mask);
            let one = |number: &usize| {
                let (site, mut sum) = (&sites[*number], [Complex64::ZERO; 4]);
                let target = site.target.map_or(0, |target| 1 << target);
                for place in places.iter().filter(|place| **place & target == 0) {
                    let base = base | place;
                    let pieces = |state| [piece(state, base), piece(state, base | target)];
                    plus(&mut sum, &in_place(site, base, PIECE, pieces(left), pieces(right), 0));
                }
                sum
            };
            now.iter().map(one).collect::<Vec<Transition>>()
        });
        add(&mut found, &now, sums);
    }
    found
}

fn piece<T>(state: &[Complex<T>], base: usize) -> &[Complex<T>] {
    &state[base..][..PIECE]
}

/// Adds what each part found to the sums of its sites, part after part.
fn add(found: &mut [Transition], numbers: &[usize], parts: Vec<Vec<Transition>>) {
    for part in parts {
        for (number, value) in numbers.iter().zip(part) {
            plus(&mut found[*number], &value);
        }
    }
}

fn plus(sum: &mut Transition, value: &Transition) {
    sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
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

/// What a site comes to in `length` neighbouring states from `base` on, given where the target is 0 and where it is 1;
/// `inside` is the target's bit when both are the same neighbours.
fn in_place<T: Float>(
    site: &Site,
    base: usize,
    length: usize,
    left: [&[Complex<T>]; 2],
    right: [&[Complex<T>]; 2],
    inside: usize,
) -> Transition {
    let outside = site.mask & !(length - 1);
    if base & outside != site.value & outside {
        return [Complex64::ZERO; 4];
    }
    let free = Free {
        mask: site.mask & (length - 1) | inside,
        value: site.value & (length - 1),
        length,
    };
    let mut found = [Complex64::ZERO; 4];
    for (number, found) in found.iter_mut().enumerate() {
        let (left, right) = (left[number >> 1], right[number & 1]);
        match site.needed >> (2 * number) & 3 {
            0 => {}
            1 => found.re = sum::<T, false>(left, right, free),
            2 => found.im = sum::<T, true>(left, right, free),
            _ => *found = Complex64::new(sum::<T, false>(left, right, free), sum::<T, true>(left, right, free)),
        }
    }
    found
}

/// Places among so many whose bits in a mask are those of a value.
#[derive(Clone, Copy)]
struct Free {
    mask: usize,
    value: usize,
    length: usize,
}

/// The real or the imaginary part of the sum of `conj(left) * right`.
fn sum<T: Float, const IMAGINARY: bool>(left: &[Complex<T>], right: &[Complex<T>], free: Free) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if crate::kernels::Level::detect() >= crate::kernels::Level::Avx2Fma {
        // SAFETY: the processor has the level.
        return unsafe { sum_avx2::<T, IMAGINARY>(left, right, free) };
    }
    sum_all::<T, IMAGINARY>(left, right, free)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn sum_avx2<T: Float, const IMAGINARY: bool>(left: &[Complex<T>], right: &[Complex<T>], free: Free) -> f64 {
    sum_all::<T, IMAGINARY>(left, right, free)
}

#[inline(always)]
fn sum_all<T: Float, const IMAGINARY: bool>(left: &[Complex<T>], right: &[Complex<T>], free: Free) -> f64 {
    let Free { mask, value, length } = free;
    // Places whose bits below the lowest of the mask differ are neighbours.
    let run = if mask == 0 { length } else { 1 << mask.trailing_zeros() };
    let runs = (length >> mask.count_ones()) / run;
    let (mut at, mut total) = (0, 0.0);
    for _ in 0..runs {
        let first = at | value;
        total += product::<T, IMAGINARY>(&left[first..][..run], &right[first..][..run]);
        at = ((at | mask) + run) & !mask;
    }
    total
}

/// One part of the sum of `conj(x) * y`; sums side by side, which vectors can hold.
#[inline(always)]
fn product<T: Float, const IMAGINARY: bool>(x: &[Complex<T>], y: &[Complex<T>]) -> f64 {
    let parts = |x: Complex<T>, y: Complex<T>| {
        let (xr, xi, yr, yi) = (x.re.to_f64(), x.im.to_f64(), y.re.to_f64(), y.im.to_f64());
        if IMAGINARY {
            (xr * yi, xi * yr)
        } else {
            (xr * yr, xi * yi)
        }
    };
    let mut sums = [0.0; 8];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<4>(), y.as_chunks::<4>());
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..4 {
            let (first, second) = parts(x[lane], y[lane]);
            sums[2 * lane] += first;
            sums[2 * lane + 1] += second;
        }
    }
    for (x, y) in x_rest.iter().zip(y_rest) {
        let (first, second) = parts(*x, *y);
        sums[0] += first;
        sums[1] += second;
    }
    let (first, second) = (
        sums[0] + sums[2] + sums[4] + sums[6],
        sums[1] + sums[3] + sums[5] + sums[7],
    );
    if IMAGINARY { first - second } else { first + second }
}

#[cfg(test)]
mod tests {
    use multilane_plan::Serial;

    use super::*;

    /// Numbers that look random.
    fn state<T: Float>(qubits: usize, seed: u64) -> Vec<Complex<T>> {
        let mut seed = seed;
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            T::from_f64((seed >> 40) as f64 / f64::from(1 << 24) - 0.5)
        };
        (0..1 << qubits).map(|_| Complex::new(next(), next())).collect()
    }

    fn check<T: Float>(qubits: usize, sites: &[Site]) {
        let (left, right) = (state::<T>(qubits, 1), state::<T>(qubits, 2));
        let wide = |value: Complex<T>| Complex64::new(value.re.to_f64(), value.im.to_f64());
        let found = transitions(&left, &right, sites, &Serial);
        for (site, found) in sites.iter().zip(found) {
            let target = site.target.map_or(0, |target| 1usize << target);
            let mut wanted = [Complex64::ZERO; 4];
            for at in (0..1usize << qubits).filter(|at| at & site.mask == site.value && at & target == 0) {
                for (number, sum) in wanted.iter_mut().enumerate() {
                    let (a, b) = (at | (target * (number >> 1)), at | (target * (number & 1)));
                    *sum += wide(left[a]).conj() * wide(right[b]);
                }
            }
            for (number, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                let part = |bit: u8| f64::from(site.needed >> (2 * number as u8 + bit) & 1);
                let wanted = Complex64::new(wanted.re * part(0), wanted.im * part(1));
                assert!((found - wanted).norm() < 1e-10, "{site:?}: {found} instead of {wanted}");
            }
        }
    }

    #[test]
    fn all_places_of_targets_and_controls() {
        for qubits in [1, 3, 12, 15] {
            let mut sites = Vec::new();
            for target in (0..qubits).map(Some).chain([None]) {
                for (controls, needed) in [
                    (0, 255),
                    (0b101, 0b0010_1000),
                    (1 << 14 | 1 << 12, 255),
                    (1 << 13 | 2, 0b1000_0001),
                ] {
                    let mask = controls & ((1 << qubits) - 1) & !target.map_or(0, |target| 1usize << target);
                    // One of the controls, if any, has to be 0.
                    let value = mask & mask.wrapping_sub(1);
                    sites.push(Site {
                        target,
                        mask,
                        value,
                        needed,
                    });
                }
            }
            check::<f64>(qubits, &sites);
            check::<f32>(qubits, &sites);
        }
    }
}
