//! Holds two sweeps against each other: whether a change is real.

use serde::{Deserialize, Serialize};

use crate::{Interval, statistics::ratio_interval};

use super::{Scaling, points::points};

/// A difference smaller than this is nobody's business, however sure it is.
const SMALL: f64 = 0.03;

/// How throughput changed at one point that both sweeps measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The workload.
    pub workload: String,
    /// The size.
    pub size: String,
    /// The strategy.
    pub strategy: String,
    /// Workers.
    pub workers: u32,
    /// Throughput of the second sweep over that of the first.
    pub ratio: Interval,
    /// `faster`, `slower`, `same`, or `unknown` where the interval does not decide.
    pub says: String,
}

/// Compares every point that both sweeps have.
pub fn compare_scalings(first: &Scaling, second: &Scaling) -> Vec<Change> {
    let mut found = Vec::new();
    for key in first.series() {
        let after = points(second, key);
        for before in points(first, key) {
            let Some(after) = after.iter().find(|point| point.workers == before.workers) else {
                continue;
            };
            let ratio = ratio_interval(&after.throughputs(), &before.throughputs());
            let few = before.kept.len().min(after.kept.len()) < 3;
            found.push(Change {
                workload: key.0.to_owned(),
                size: key.1.to_owned(),
                strategy: key.2.to_owned(),
                workers: before.workers,
                ratio,
                says: if few { "unknown" } else { says(ratio) }.to_owned(),
            });
        }
    }
    found
}

pub(super) fn says(ratio: Interval) -> &'static str {
    let (least, most) = (1.0 / (1.0 + SMALL), 1.0 + SMALL);
    match ratio {
        Interval { low, .. } if low > 1.0 && ratio.median >= most => "faster",
        Interval { high, .. } if high < 1.0 && ratio.median <= least => "slower",
        Interval { low, high, .. } if low >= least * 0.98 && high <= most * 1.02 => "same",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sample;

    fn sweep(walls: &[u64]) -> Scaling {
        let sample = |(repeat, wall_ns): (usize, &u64)| Sample {
            workers: 2,
            operations: 100,
            wall_ns: *wall_ns,
            repeat: repeat as u32,
            ..Sample::default()
        };
        Scaling {
            samples: walls.iter().enumerate().map(sample).collect(),
            ..Scaling::default()
        }
    }

    #[track_caller]
    fn check(before: &[u64], after: &[u64], expected: &str) {
        let changes = compare_scalings(&sweep(before), &sweep(after));
        assert_eq!(changes[0].says, expected, "{:?}", changes[0].ratio);
    }

    #[test]
    fn a_change_is_real_when_its_interval_says_so() {
        let quiet = [1000, 1010, 990, 1005, 995, 1000, 1002];
        check(&quiet, &quiet.map(|wall| wall * 12 / 10), "slower");
        check(&quiet, &quiet.map(|wall| wall * 8 / 10), "faster");
        check(&quiet, &quiet.map(|wall| wall + 2), "same");
        check(&quiet, &[700, 1400, 900, 1300, 1000, 800, 1500], "unknown");
        check(&quiet, &[500, 500], "unknown");
    }

    #[test]
    fn what_only_one_has_is_left_out() {
        assert!(compare_scalings(&sweep(&[1000; 3]), &Scaling::default()).is_empty());
    }
}
