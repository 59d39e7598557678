//! How much of the time a device worked, from the stamps of its operations.

/// A device's time between the middle of the start and the middle of the end of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Busy {
    /// Share of the time in which at least one submission was under way.
    pub share: f64,
    /// Submissions that were under way at a time, while there was one.
    pub at_once: f64,
    /// The median time of a submission on the device.
    pub median_ns: u64,
}

/// A tenth of a run is its start and another one its end, in which not all workers are there.
const MARGIN: u64 = 10;

/// Reads stamps, each a begin and an end; nothing from none.
///
/// ```
/// use multilane_gpu::busy;
/// let half = busy::busy(&[(0, 10), (20, 30), (40, 50), (60, 70), (80, 90)]).unwrap();
/// assert!((half.share - 0.5).abs() < 0.1 && half.at_once == 1.0 && half.median_ns == 10);
/// ```
pub fn busy(stamps: &[(u64, u64)]) -> Option<Busy> {
    let first = stamps.iter().map(|stamp| stamp.0).min()?;
    let last = stamps.iter().map(|stamp| stamp.1).max()?;
    let margin = last.saturating_sub(first) / MARGIN;
    let (from, to) = (first + margin, last.saturating_sub(margin));
    let mut cut: Vec<(u64, u64)> = stamps
        .iter()
        .map(|(begin, end)| (*begin.max(&from), *end.min(&to)))
        .filter(|(begin, end)| begin < end)
        .collect();
    cut.sort_unstable();
    let together: u64 = cut.iter().map(|(begin, end)| end - begin).sum();
    let mut covered = 0;
    let mut reached = from;
    for (begin, end) in cut {
        covered += end.saturating_sub(begin.max(reached));
        reached = reached.max(end);
    }
    let mut lengths: Vec<u64> = stamps.iter().map(|(begin, end)| end.saturating_sub(*begin)).collect();
    lengths.sort_unstable();
    Some(Busy {
        share: if to > from {
            covered as f64 / (to - from) as f64
        } else {
            0.0
        },
        at_once: if covered > 0 {
            together as f64 / covered as f64
        } else {
            0.0
        },
        median_ns: lengths[lengths.len() / 2],
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queues_that_overlap_are_counted_once() {
        let found = busy(&[(0, 100), (0, 100), (100, 200), (100, 200)]).unwrap();
        assert_eq!((found.share, found.at_once, found.median_ns), (1.0, 2.0, 100));
        assert_eq!(busy(&[]), None);
        assert_eq!(busy(&[(5, 5)]).unwrap().share, 0.0);
    }

    proptest! {
        #[test]
        fn agrees_with_counting_every_nanosecond(raw in prop::collection::vec((0u64..500, 1u64..100), 1..30)) {
            let stamps: Vec<(u64, u64)> = raw.iter().map(|(begin, length)| (*begin, begin + length)).collect();
            let first = stamps.iter().map(|stamp| stamp.0).min().unwrap();
            let last = stamps.iter().map(|stamp| stamp.1).max().unwrap();
            let margin = (last - first) / MARGIN;
            let running = |at: u64| stamps.iter().filter(|(begin, end)| *begin <= at && at < *end).count();
            let counts: Vec<usize> = (first + margin..last - margin).map(running).collect();
            let covered = counts.iter().filter(|count| **count > 0).count();
            let found = busy(&stamps).unwrap();
            prop_assert!((found.share - covered as f64 / counts.len() as f64).abs() < 1e-9);
            if covered > 0 {
                let at_once = counts.iter().sum::<usize>() as f64 / covered as f64;
                prop_assert!((found.at_once - at_once).abs() < 1e-9);
            }
        }
    }
}
