//! Medians and their intervals, the same on every run.
//!
//! The bootstrap draws from a generator with a fixed seed: a verdict computed
//! again from a file is the same verdict.

use crate::Interval;

/// Enough that the interval's bounds move by less than its width shows.
const RESAMPLES: usize = 2000;

/// Any number: fixed, so that results repeat.
const SEED: u64 = 0x6d75_6c74_696c_616e;

/// The value that `share` of the sorted values do not exceed; 0 when there is none.
pub(crate) fn percentile(sorted: &[u64], share: f64) -> u64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0)
}

/// The middle value, the mean of the middle two when their number is even; 0 when there is none.
///
/// ```
/// assert_eq!(multilane_lab::median(&[3.0, 1.0, 2.0]), 2.0);
/// ```
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The median and its 95 % bootstrap interval.
///
/// ```
/// let interval = multilane_lab::bootstrap(&[1.9, 1.95, 1.92, 1.91, 1.94]);
/// assert_eq!(interval.median, 1.92);
/// assert!(interval.low >= 1.9 && interval.high <= 1.95);
/// ```
pub fn bootstrap(values: &[f64]) -> Interval {
    let mut medians: Vec<f64> = resamples(values.len())
        .map(|positions| median(&positions.iter().map(|position| values[*position]).collect::<Vec<_>>()))
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let position = (share * (medians.len().saturating_sub(1)) as f64).round() as usize;
        medians.get(position).copied().unwrap_or(0.0)
    };
    Interval {
        low: at(0.025),
        median: median(values),
        high: at(0.975),
    }
}

/// The share of resamples in which `holds` says yes to the drawn positions.
pub(crate) fn share_of_resamples(length: usize, mut holds: impl FnMut(&[usize]) -> bool) -> f64 {
    let mut drawn = 0usize;
    let mut yes = 0usize;
    for positions in resamples(length) {
        drawn += 1;
        yes += usize::from(holds(&positions));
    }
    if drawn == 0 { 0.0 } else { yes as f64 / drawn as f64 }
}

/// Positions drawn with replacement, as many as there are values, many times over.
fn resamples(length: usize) -> impl Iterator<Item = Vec<usize>> {
    let mut state = SEED;
    let count = if length == 0 { 0 } else { RESAMPLES };
    (0..count).map(move |_| (0..length).map(|_| next_below(&mut state, length)).collect())
}

/// Positions drawn with replacement from several lists of these lengths at once, `count` times.
pub(crate) fn positions(count: usize, lengths: Vec<usize>) -> impl Iterator<Item = Vec<Vec<usize>>> {
    let mut state = SEED;
    let count = if lengths.contains(&0) { 0 } else { count };
    (0..count).map(move |_| {
        let draw = |length: &usize| (0..*length).map(|_| next_below(&mut state, *length)).collect();
        lengths.iter().map(draw).collect()
    })
}

/// The ratio of the medians of two lists that were not measured in pairs, and its 95 % bootstrap interval.
pub(crate) fn ratio_interval(above: &[f64], below: &[f64]) -> Interval {
    let ratio = |above: &[f64], below: &[f64]| match median(below) {
        unit if unit > 0.0 => median(above) / unit,
        _ => 0.0,
    };
    let drawn = positions(RESAMPLES / 2, vec![above.len(), below.len()]).map(|places| {
        let pick = |values: &[f64], places: &[usize]| places.iter().map(|place| values[*place]).collect::<Vec<_>>();
        ratio(&pick(above, &places[0]), &pick(below, &places[1]))
    });
    let mut ratios: Vec<f64> = drawn.collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratio(above, below);
    let at = |share: f64| {
        let place = (share * ratios.len().saturating_sub(1) as f64).round() as usize;
        ratios.get(place).copied().unwrap_or(middle)
    };
    Interval {
        low: at(0.025).min(middle),
        median: middle,
        high: at(0.975).max(middle),
    }
}

/// SplitMix64, reduced by multiplication.
fn next_below(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    ((u128::from(mixed) * bound as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::{bootstrap, median, percentile, ratio_interval, share_of_resamples};

    #[test]
    fn median_of_few() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[5.0]), 5.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sorted: Vec<u64> = (1..=100).collect();
        let at = |share| percentile(&sorted, share);
        assert_eq!((at(0.5), at(0.9), at(0.99), at(1.0), at(0.0)), (50, 90, 99, 100, 1));
        assert_eq!(percentile(&[7], 0.5), 7);
        assert_eq!(percentile(&[], 0.5), 0);
    }

    #[test]
    fn one_value_is_its_own_interval() {
        let interval = bootstrap(&[1.5]);
        assert_eq!((interval.low, interval.median, interval.high), (1.5, 1.5, 1.5));
        assert_eq!(bootstrap(&[]).high, 0.0);
    }

    #[test]
    fn one_outlier_of_seven_does_not_move_the_median() {
        let interval = bootstrap(&[1.9, 1.9, 1.9, 1.9, 1.9, 1.9, 0.4]);
        assert_eq!((interval.median, interval.high), (1.9, 1.9));
        assert!(interval.low >= 1.9, "{interval:?}");
    }

    #[test]
    fn the_interval_covers_the_truth_about_as_often_as_it_says() {
        // Uniform noise around 10 from a generator that is not the one under test.
        let mut state = 12345u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24) - 0.5
        };
        let covered = (0..200)
            .filter(|_| {
                let values: Vec<f64> = (0..15).map(|_| 10.0 + noise()).collect();
                let interval = bootstrap(&values);
                interval.low <= 10.0 && 10.0 <= interval.high
            })
            .count();
        assert!((180..=199).contains(&covered), "{covered} of 200");
    }

    #[test]
    fn a_ratio_of_medians_has_both_lists_noise() {
        let interval = ratio_interval(&[20.0, 21.0, 19.0, 20.0], &[10.0, 10.0, 9.0, 11.0]);
        assert_eq!(interval.median, 2.0);
        assert!(interval.low < 1.95 && interval.high > 2.05, "{interval:?}");
        assert_eq!(ratio_interval(&[1.0], &[2.0]).high, 0.5);
        assert_eq!(ratio_interval(&[1.0], &[]).median, 0.0);
    }

    #[test]
    fn a_draw_repeats() {
        let draw = || share_of_resamples(5, |positions| positions.contains(&3));
        assert_eq!(draw(), draw());
        // 1 - (4/5)^5
        assert!((draw() - 0.672).abs() < 0.03, "{}", draw());
    }
}
