//! Where the edges of a CSR come from: arrays of a caller, or another CSR.

use multilane_plan::Lanes;

use super::Csr;
use crate::node::NodeId;
use crate::shared::{part, pieces};
use crate::weights::WeightSlice;

/// Edges in a fixed order, cut into pieces that can be read side by side.
pub(crate) trait Stream: Sync {
    /// Number of pieces; piece by piece gives all edges in order.
    fn pieces(&self) -> usize;
    /// About how many edges there are.
    fn edges(&self) -> usize;
    /// Calls `found(row, target, place of the weight)` for every edge of a piece.
    fn each(&self, piece: usize, found: impl FnMut(u32, u32, usize));
    /// The weights of the places.
    fn weights(&self) -> WeightSlice<'_>;
    /// Whether the targets of every row come in rising order.
    fn sorted(&self) -> bool {
        false
    }
}

/// Pieces below this many edges are not worth a lane.
const GRAIN: usize = 1 << 16;

/// Arrays of sources and targets, checked.
pub(crate) struct EdgeArrays<'a, N> {
    pub(crate) sources: &'a [N],
    pub(crate) targets: &'a [N],
    pub(crate) weights: WeightSlice<'a>,
    /// Every edge in both directions.
    pub(crate) both_ways: bool,
    pub(crate) self_loops: bool,
    pub(crate) pieces: usize,
}

impl<'a, N: NodeId> EdgeArrays<'a, N> {
    pub(crate) fn new(sources: &'a [N], targets: &'a [N], weights: WeightSlice<'a>, lanes: &dyn Lanes) -> Self {
        Self {
            sources,
            targets,
            weights,
            both_ways: false,
            self_loops: true,
            pieces: pieces(sources.len(), GRAIN, lanes),
        }
    }
}

impl<N: NodeId> Stream for EdgeArrays<'_, N> {
    fn pieces(&self) -> usize {
        self.pieces
    }

    fn edges(&self) -> usize {
        self.sources.len() << u32::from(self.both_ways)
    }

    #[inline(always)]
    fn each(&self, piece: usize, mut found: impl FnMut(u32, u32, usize)) {
        let range = part(self.sources.len(), self.pieces, piece);
        let start = range.start;
        let ends = self.sources[range.clone()].iter().zip(&self.targets[range]);
        for (place, (source, target)) in ends.enumerate() {
            let (source, target) = (source.bits(), target.bits());
            if source == target {
                if self.self_loops {
                    found(source, target, start + place);
                }
                continue;
            }
            found(source, target, start + place);
            if self.both_ways {
                found(target, source, start + place);
            }
        }
    }

    fn weights(&self) -> WeightSlice<'_> {
        self.weights
    }
}

/// The edges of a CSR, the other way round.
pub(crate) struct Transposed<'a> {
    csr: &'a Csr,
    bounds: Vec<usize>,
}

impl<'a> Transposed<'a> {
    pub(crate) fn new(csr: &'a Csr, lanes: &dyn Lanes) -> Self {
        let bounds = csr.balanced(pieces(csr.num_entries() + csr.num_nodes(), GRAIN, lanes));
        Self { csr, bounds }
    }
}

impl Stream for Transposed<'_> {
    fn pieces(&self) -> usize {
        self.bounds.len() - 1
    }

    fn edges(&self) -> usize {
        self.csr.num_entries()
    }

    #[inline(always)]
    fn each(&self, piece: usize, mut found: impl FnMut(u32, u32, usize)) {
        for node in self.bounds[piece]..self.bounds[piece + 1] {
            for place in self.csr.range(node) {
                found(self.csr.targets[place], node as u32, place);
            }
        }
    }

    fn weights(&self) -> WeightSlice<'_> {
        self.csr.weight_slice()
    }

    fn sorted(&self) -> bool {
        true
    }
}

/// The rows of a CSR, and behind each of them, if wanted, the same row of its transpose.
pub(crate) struct Merged<'a> {
    csr: &'a Csr,
    back: bool,
    bounds: Vec<usize>,
}

impl<'a> Merged<'a> {
    /// The rows as they are.
    pub(crate) fn one(csr: &'a Csr, lanes: &dyn Lanes) -> Self {
        let bounds = csr.balanced(pieces(csr.num_entries() + csr.num_nodes(), GRAIN, lanes));
        Self {
            csr,
            back: false,
            bounds,
        }
    }

    /// Every edge from both of its ends; a self-loop has two.
    pub(crate) fn both_ways(csr: &'a Csr, lanes: &dyn Lanes) -> Self {
        Self {
            back: true,
            ..Self::one(csr, lanes)
        }
    }
}

impl Stream for Merged<'_> {
    fn pieces(&self) -> usize {
        self.bounds.len() - 1
    }

    fn edges(&self) -> usize {
        self.csr.num_entries() << u32::from(self.back)
    }

    #[inline(always)]
    fn each(&self, piece: usize, mut found: impl FnMut(u32, u32, usize)) {
        for node in self.bounds[piece]..self.bounds[piece + 1] {
            for place in self.csr.range(node) {
                found(node as u32, self.csr.targets[place], place);
                if self.back {
                    found(self.csr.targets[place], node as u32, place);
                }
            }
        }
    }

    fn weights(&self) -> WeightSlice<'_> {
        self.csr.weight_slice()
    }
}
