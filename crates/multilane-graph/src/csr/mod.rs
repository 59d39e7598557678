//! Compressed rows: for every node the nodes at the other ends of its edges.
//!
//! A [`Csr`] never changes once it is made. Neighbours of a node are sorted, and
//! neighbours that occur several times stand in the order their edges came in.

mod build;
mod by_weight;
mod sort;
mod stream;

use std::ops::Range;

use multilane_plan::Lanes;

pub(crate) use build::build;
pub(crate) use by_weight::{ByWeight, Step};
pub(crate) use stream::{EdgeArrays, Merged, Stream, Transposed};

use crate::error::GraphError;
use crate::weights::{WeightSlice, Weights};

/// What happens to edges between the same two nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// All of them stay.
    #[default]
    Keep,
    /// The first stays, with its weight.
    First,
    /// One stays, with the sum of the weights.
    Sum,
}

/// Compressed rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Csr {
    offsets: Vec<usize>,
    targets: Vec<u32>,
    weights: Weights,
}

impl Csr {
    /// Takes offsets, targets and weights that somebody else computed, and checks them.
    ///
    /// Rows whose targets are not sorted are sorted.
    pub fn new(
        offsets: Vec<usize>,
        targets: Vec<u32>,
        weights: Weights,
        lanes: &dyn Lanes,
    ) -> Result<Self, GraphError> {
        check_offsets(&offsets, targets.len())?;
        let nodes = offsets.len() - 1;
        if nodes > crate::MAX_NODES {
            return Err(GraphError::TooManyNodes { nodes: nodes as i128 });
        }
        weights.as_slice().expect_count(targets.len())?;
        if let Some(edge) = targets.iter().position(|&target| target as usize >= nodes) {
            return Err(GraphError::NodeOutOfRange {
                edge,
                node: i128::from(targets[edge]),
                nodes,
            });
        }
        if let Some(edge) = weights.as_slice().first_nan(0..targets.len()) {
            return Err(GraphError::NanWeight { edge });
        }
        let csr = Self {
            offsets,
            targets,
            weights,
        };
        if (0..nodes).all(|node| csr.neighbours(node).is_sorted()) {
            return Ok(csr);
        }
        build(&Merged::one(&csr, lanes), nodes, Duplicates::Keep, lanes)
    }

    pub(crate) fn from_parts(offsets: Vec<usize>, targets: Vec<u32>, weights: Weights) -> Self {
        debug_assert_eq!(offsets.last(), Some(&targets.len()));
        Self {
            offsets,
            targets,
            weights,
        }
    }

    /// Number of rows.
    pub fn num_nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of entries of all rows.
    pub fn num_entries(&self) -> usize {
        self.targets.len()
    }

    /// Where each row starts in [`Csr::targets`], and where the last one ends.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The rows, one behind the other.
    pub fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// The weights of the entries.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The weights of the entries, borrowed.
    pub fn weight_slice(&self) -> WeightSlice<'_> {
        self.weights.as_slice()
    }

    /// The positions of a row in [`Csr::targets`].
    #[inline]
    pub fn range(&self, node: usize) -> Range<usize> {
        self.offsets[node]..self.offsets[node + 1]
    }

    /// The row of a node, sorted.
    #[inline]
    pub fn neighbours(&self, node: usize) -> &[u32] {
        &self.targets[self.range(node)]
    }

    /// The length of a row.
    #[inline]
    pub fn degree(&self, node: usize) -> usize {
        self.offsets[node + 1] - self.offsets[node]
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        self.offsets.capacity() * size_of::<usize>() + self.targets.capacity() * 4 + self.weights.bytes()
    }

    /// Bounds of ranges of rows of about equal work: entries, and one unit for each row.
    pub fn balanced(&self, pieces: usize) -> Vec<usize> {
        let nodes = self.num_nodes();
        let work = |node: usize| self.offsets[node] + node;
        let total = work(nodes);
        let mut bounds = Vec::with_capacity(pieces + 1);
        bounds.push(0);
        for piece in 1..pieces {
            let goal = (total as u128 * piece as u128 / pieces as u128) as usize;
            let (mut low, mut high) = (bounds[piece - 1], nodes);
            while low < high {
                let middle = low + (high - low) / 2;
                if work(middle) < goal {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            bounds.push(low);
        }
        bounds.push(nodes);
        bounds
    }

    /// The same edges the other way round.
    pub(crate) fn transposed(&self, lanes: &dyn Lanes) -> Result<Self, GraphError> {
        build(&Transposed::new(self, lanes), self.num_nodes(), Duplicates::Keep, lanes)
    }
}

/// Refuses offsets that do not start at 0, fall, or do not end at the number of targets.
fn check_offsets(offsets: &[usize], targets: usize) -> Result<(), GraphError> {
    let wrong = |position: usize, least: usize, most: usize| GraphError::Offsets {
        position,
        offset: offsets.get(position).map_or(-1, |&offset| offset as i128),
        least,
        most,
    };
    if offsets.first() != Some(&0) {
        return Err(wrong(0, 0, 0));
    }
    if let Some(position) = offsets
        .windows(2)
        .position(|pair| pair[0] > pair[1] || pair[1] > targets)
    {
        return Err(wrong(position + 1, offsets[position], targets));
    }
    if offsets.last() != Some(&targets) {
        return Err(wrong(offsets.len() - 1, targets, targets));
    }
    Ok(())
}
