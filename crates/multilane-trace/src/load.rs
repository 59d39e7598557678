//! Turns intervals with a weight into a curve over time.
//!
//! Used for "cores used": an interval is a task, its weight the share of a core
//! that it used. Knows nothing of either.

/// Spreads weighted intervals over `points` equal steps of `start_ns..end_ns`.
///
/// Each step holds the time-weighted sum of the weights that were active in it.
///
/// ```
/// // One core for the first half, two for the second.
/// let curve = multilane_trace::steps((0, 100), 2, [(0, 100, 1.0), (50, 100, 1.0)]);
/// assert_eq!(curve, [(0, 1.0), (50, 2.0)]);
/// ```
pub fn steps(
    window: (u64, u64),
    points: usize,
    intervals: impl IntoIterator<Item = (u64, u64, f64)>,
) -> Vec<(u64, f64)> {
    let (start_ns, end_ns) = window;
    let length = end_ns.saturating_sub(start_ns);
    if length == 0 || points == 0 {
        return Vec::new();
    }
    // Fewer nanoseconds than points would make empty steps.
    let points = points.min(usize::try_from(length).unwrap_or(usize::MAX));
    let width = length as f64 / points as f64;
    // A long interval adds to a running sum at its two ends only, so that the
    // cost does not depend on how many steps it covers.
    let mut level_change = vec![0.0; points + 1];
    let mut partial = vec![0.0; points];
    for (from, to, weight) in intervals {
        let from = from.clamp(start_ns, end_ns) - start_ns;
        let to = to.clamp(start_ns, end_ns) - start_ns;
        if to <= from {
            continue;
        }
        let (from, to) = (from as f64 / width, to as f64 / width);
        let first = (from as usize).min(points - 1);
        let last = (to as usize).min(points - 1);
        if first == last {
            partial[first] += weight * (to - from);
        } else {
            partial[first] += weight * ((first + 1) as f64 - from);
            partial[last] += weight * (to - last as f64);
            level_change[first + 1] += weight;
            level_change[last] -= weight;
        }
    }
    let mut level = 0.0;
    (0..points)
        .map(|step| {
            level += level_change[step];
            let at = start_ns + (step as f64 * width) as u64;
            // Adding and removing a weight may leave a rounding error below zero.
            (at, f64::max(level + partial[step], 0.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[track_caller]
    fn check(points: usize, intervals: &[(u64, u64, f64)], expect: &[f64]) {
        let curve = steps((1000, 1100), points, intervals.iter().copied());
        let values: Vec<f64> = curve.iter().map(|point| (point.1 * 1e6).round() / 1e6).collect();
        assert_eq!(values, expect);
    }

    #[test]
    fn an_empty_window_has_no_points() {
        assert!(steps((5, 5), 10, [(0, 9, 1.0)]).is_empty());
        assert!(steps((9, 5), 10, [(0, 9, 1.0)]).is_empty());
    }

    #[test]
    fn intervals_are_clipped_to_the_window() {
        check(2, &[(0, 9999, 1.0)], &[1.0, 1.0]);
        check(2, &[(0, 900, 1.0), (2000, 3000, 1.0)], &[0.0, 0.0]);
    }

    #[test]
    fn a_step_holds_the_average() {
        check(4, &[(1000, 1010, 1.0)], &[0.4, 0.0, 0.0, 0.0]);
        check(4, &[(1020, 1080, 0.5)], &[0.1, 0.5, 0.5, 0.1]);
    }

    #[test]
    fn the_area_is_the_sum_of_the_intervals() {
        let curve = steps((0, 997), 13, [(3, 500, 1.0), (400, 997, 0.7), (990, 991, 1.0)]);
        let area: f64 = curve.iter().map(|point| point.1 * 997.0 / 13.0).sum();
        assert!((area - (497.0 + 597.0 * 0.7 + 1.0)).abs() < 1e-6, "{area}");
    }
}
