//! The smallest of the most frequent labels, where labels are numbers below a bound.
//!
//! Few labels are compared with each other. Many are counted in an array with a place for every
//! label, which is never wiped: counts of an earlier row are below those of the next ones.

use crate::algorithms::room;

/// Up to this many labels are compared pair by pair.
const PAIRS: usize = 32;

/// Labels that are compared at once.
const WIDTH: usize = 8;

/// No label: all are below it.
const NONE: u32 = u32::MAX;

/// Counts labels; keeps its memory from row to row.
#[derive(Default)]
pub(crate) struct Tally {
    row: Vec<u32>,
    /// For every label `base` and how often it occurred in this row, or at most `base`.
    counts: Vec<u32>,
    base: u32,
    /// The label that won last.
    last: u32,
}

impl Tally {
    /// Makes room for labels below `bound`.
    pub(crate) fn widen(&mut self, bound: usize) {
        if self.counts.len() < bound {
            self.counts = room(bound, || 0);
            self.base = 0;
        }
    }

    /// The smallest of the most frequent labels, when there is any; all are below the bound.
    #[inline(always)]
    pub(crate) fn mode(&mut self, labels: impl ExactSizeIterator<Item = u32>) -> Option<u32> {
        self.row.clear();
        self.row.extend(labels);
        match self.row[..] {
            [] => None,
            [only] => Some(only),
            [left, right] => Some(left.min(right)),
            _ if self.row.len() <= PAIRS => Some(compared(&self.row)),
            _ => {
                self.last = self.usual().unwrap_or_else(|| self.counted());
                Some(self.last)
            }
        }
    }

    /// The label that won last, if it has more than half of this row too.
    #[inline(always)]
    fn usual(&self) -> Option<u32> {
        let times: u32 = self.row.iter().map(|&label| u32::from(label == self.last)).sum();
        (times as usize * 2 > self.row.len()).then_some(self.last)
    }

    #[inline(always)]
    fn counted(&mut self) -> u32 {
        let length = self.row.len() as u32;
        if self.base.checked_add(length).is_none() {
            self.counts.fill(0);
            self.base = 0;
        }
        let mut best = 0;
        for &label in &self.row {
            let place = &mut self.counts[label as usize];
            let count = (*place).max(self.base) + 1;
            *place = count;
            best = best.max(score(count, label));
        }
        self.base += length;
        labelled(best)
    }
}

/// Counts above labels, so that the greatest is the smallest of the most frequent labels.
#[inline(always)]
fn score(count: u32, label: u32) -> u64 {
    u64::from(count) << 32 | u64::from(!label)
}

#[inline(always)]
fn labelled(score: u64) -> u32 {
    !(score as u32)
}

/// Compares each of a few labels with all.
#[inline(always)]
fn compared(row: &[u32]) -> u32 {
    let mut padded = [NONE; PAIRS];
    padded[..row.len()].copy_from_slice(row);
    let mut best = 0;
    for some in padded[..row.len().next_multiple_of(WIDTH)].chunks_exact(WIDTH) {
        let mut counts = [0u32; WIDTH];
        for &other in row {
            for (count, &label) in counts.iter_mut().zip(some) {
                *count += u32::from(label == other);
            }
        }
        // What fills up the last ones never occurs.
        for (&label, count) in some.iter().zip(counts) {
            best = best.max(score(count, label));
        }
    }
    labelled(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;
    use std::collections::BTreeMap;

    const BOUND: usize = 40;

    fn expected(labels: &[u32]) -> Option<u32> {
        let mut counts = BTreeMap::new();
        for &label in labels {
            *counts.entry(label).or_insert(0) += 1;
        }
        counts
            .into_iter()
            .max_by_key(|&(label, count)| (count, Reverse(label)))
            .map(|(label, _)| label)
    }

    proptest! {
        #[test]
        fn finds_the_smallest_mode_of_row_after_row(
            rows in prop::collection::vec(prop::collection::vec(0..BOUND as u32, 0..150), 1..8),
            base in prop_oneof![Just(0), u32::MAX - 300..u32::MAX],
        ) {
            let mut tally = Tally::default();
            tally.widen(BOUND);
            // As after many rows: the counts run over in one of these.
            tally.base = base;
            for row in rows {
                prop_assert_eq!(tally.mode(row.iter().copied()), expected(&row));
            }
        }
    }
}
