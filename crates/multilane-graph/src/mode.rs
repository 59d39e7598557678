//! The most frequent of a few labels.

mod tally;

pub(crate) use tally::Tally;

/// A label.
pub(crate) trait Label: Copy + Ord + Default + Send + Sync + 'static {
    /// Bits to spread labels over a table with; of a label that is a node number, that number.
    fn bits(self) -> u64;
    /// The label that is a node number.
    fn from_number(number: u32) -> Self;
}

impl Label for i32 {
    fn bits(self) -> u64 {
        self as u32 as u64
    }

    fn from_number(number: u32) -> Self {
        number as i32
    }
}

impl Label for i64 {
    fn bits(self) -> u64 {
        self as u64
    }

    fn from_number(number: u32) -> Self {
        i64::from(number)
    }
}

impl Label for u32 {
    fn bits(self) -> u64 {
        u64::from(self)
    }

    fn from_number(number: u32) -> Self {
        number
    }
}

/// Up to this many labels are sorted; a table pays off above.
const SORTED: usize = 24;

/// Counts labels; keeps its memory from node to node.
#[derive(Default)]
pub(crate) struct Counter<L> {
    /// The labels to be counted.
    pub(crate) labels: Vec<L>,
    table: Vec<(L, u32)>,
}

impl<L: Label> Counter<L> {
    /// Calls `best` for every label that occurs more often than all others do: one, or several that tie.
    ///
    /// `labels` may be in another order afterwards.
    #[inline]
    pub(crate) fn modes(&mut self, mut best: impl FnMut(L)) {
        let Some(majority) = self.majority() else {
            if self.labels.len() <= SORTED {
                self.sorted_modes(best);
            } else {
                self.counted_modes(best);
            }
            return;
        };
        best(majority);
    }

    /// The label of more than half of all, if there is one.
    fn majority(&self) -> Option<L> {
        let mut candidate = *self.labels.first()?;
        let mut lead = 0usize;
        for &label in &self.labels {
            if lead == 0 {
                candidate = label;
            }
            lead = if label == candidate { lead + 1 } else { lead - 1 };
        }
        let count = self.labels.iter().filter(|&&label| label == candidate).count();
        (count * 2 > self.labels.len()).then_some(candidate)
    }

    fn sorted_modes(&mut self, mut best: impl FnMut(L)) {
        self.labels.sort_unstable();
        let runs = || self.labels.chunk_by(|left, right| left == right);
        let most = runs().map(<[L]>::len).max().unwrap_or(0);
        for run in runs().filter(|run| run.len() == most) {
            best(run[0]);
        }
    }

    fn counted_modes(&mut self, mut best: impl FnMut(L)) {
        let size = (self.labels.len() * 2).next_power_of_two();
        self.table.clear();
        self.table.resize(size, (L::default(), 0));
        let shift = u64::BITS - size.trailing_zeros();
        let mut most = 0;
        for &label in &self.labels {
            let mut slot = (label.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize;
            loop {
                // Half of the table stays free, so that the search ends.
                let (held, count) = &mut self.table[slot];
                if *count == 0 {
                    *held = label;
                }
                if *held == label {
                    *count += 1;
                    most = most.max(*count);
                    break;
                }
                slot = (slot + 1) & (size - 1);
            }
        }
        for &(label, count) in &self.table {
            if count == most {
                best(label);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn finds_all_labels_that_tie(labels in prop::collection::vec(-3i64..9, 1..80)) {
            let mut counts = BTreeMap::new();
            for &label in &labels {
                *counts.entry(label).or_insert(0) += 1;
            }
            let most = *counts.values().max().unwrap();
            let expect: Vec<i64> = counts.iter().filter(|(_, count)| **count == most).map(|(label, _)| *label).collect();
            let mut counter = Counter { labels, table: Vec::new() };
            let mut found = Vec::new();
            counter.modes(|label| found.push(label));
            found.sort_unstable();
            prop_assert_eq!(found, expect);
        }
    }
}
