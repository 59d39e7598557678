//! Work whose cost and whose limit are known by construction: what sweeps and their probes run.
//!
//! Pure arithmetic over its arguments. Starts no thread and keeps nothing.

use std::hint::black_box;

/// A chain of dependent steps that no compiler and no processor shortens.
pub fn spin(iterations: u64) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..iterations {
        state ^= state << 13;
        state ^= state >> 7;
        state = black_box(state ^ (state << 17));
    }
    state
}

/// One array from two others: as little arithmetic as memory traffic can have. Moves 24 bytes an element.
pub fn triad(out: &mut [f64], one: &[f64], two: &[f64]) {
    for (out, (one, two)) in out.iter_mut().zip(one.iter().zip(two)) {
        *out = one + 0.5 * two;
    }
    black_box(out);
}

/// `val = sin(val) * cos(val) + val`, so many times over each element; the sum of all. In the widest vectors that the
/// processor is sure to have.
pub fn elementwise(elements: u32, iterations: u32) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor was just asked whether it has these instructions.
        return unsafe { elementwise_avx2(elements, iterations) };
    }
    iterate(elements, iterations)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn elementwise_avx2(elements: u32, iterations: u32) -> f64 {
    iterate(elements, iterations)
}

/// Elements that stay in registers and the first cache while they are iterated.
const BLOCK: usize = 64;

#[inline(always)]
fn iterate(elements: u32, iterations: u32) -> f64 {
    let mut sum = 0.0;
    let mut from = 0;
    while from < elements {
        let mut values: [f32; BLOCK] = std::array::from_fn(|index| (from as usize + index) as f32 / elements as f32);
        for _ in 0..iterations {
            for value in &mut values {
                *value += sine(*value) * cosine(*value);
            }
        }
        let here = BLOCK.min((elements - from) as usize);
        sum += values[..here].iter().map(|value| f64::from(*value)).sum::<f64>();
        from = from.saturating_add(BLOCK as u32);
    }
    sum
}

/// Taylor's series: values start in 0 to 1 and the kernel draws them to half of pi, so no range has to be reduced.
#[inline(always)]
fn sine(x: f32) -> f32 {
    let square = x * x;
    let terms = [
        -1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        -1.0 / 5040.0,
        1.0 / 120.0,
        -1.0 / 6.0,
        1.0,
    ];
    x * terms.into_iter().fold(0.0, |sum, term| sum * square + term)
}

#[inline(always)]
fn cosine(x: f32) -> f32 {
    let square = x * x;
    let terms = [
        1.0 / 479_001_600.0,
        -1.0 / 3_628_800.0,
        1.0 / 40_320.0,
        -1.0 / 720.0,
        1.0 / 24.0,
        -1.0 / 2.0,
        1.0,
    ];
    terms.into_iter().fold(0.0, |sum, term| sum * square + term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_kernel_computes_what_it_says() {
        for (elements, iterations) in [(1, 0), (100, 1), (1000, 10), (65, 500)] {
            let expected: f64 = (0..elements)
                .map(|element| {
                    let mut value = f64::from(element) / f64::from(elements);
                    (0..iterations).for_each(|_| value += value.sin() * value.cos());
                    value
                })
                .sum();
            // Both the one that this processor takes and the one that every processor has.
            for found in [elementwise(elements, iterations), iterate(elements, iterations)] {
                assert!(
                    (found - expected).abs() <= 1e-5 * f64::from(elements),
                    "{found} for {expected}"
                );
            }
        }
    }

    #[test]
    fn arithmetic_is_not_optimised_away() {
        assert_ne!(spin(1), spin(2));
        assert_eq!(spin(1000), spin(1000));
    }

    #[test]
    fn the_triad_is_one_plus_half_of_the_other() {
        let mut out = [0.0; 3];
        triad(&mut out, &[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]);
        assert_eq!(out, [2.0, 4.0, 6.0]);
    }
}
