//! Edges as they were read, in as few bytes as their nodes need, until they are rows.
//!
//! A quarter of the memory is saved against pairs of 32 bits on graphs of less than 16 million
//! nodes: what is read and what is built are in memory at the same time.

use std::sync::Mutex;

use multilane_plan::Lanes;

use super::ReadOptions;
use super::budget::Budget;
use crate::algorithms::lanes::lock;
use crate::csr::{Stream, build};
use crate::shared::{part, reserve};
use crate::weights::WeightSlice;
use crate::{Graph, GraphError, limits};

/// Room behind the last edge, so that eight bytes can be read at every edge.
const SLACK: usize = 8;
/// As many pieces as rows are built from: each has counters of its own.
const MOST_PIECES: usize = 256;

/// Edges of one block of text.
pub(super) struct Packed {
    bytes: Vec<u8>,
    /// Bytes of one end of an edge.
    width: usize,
    edges: usize,
    /// One more than the largest node.
    nodes: usize,
    /// One for each edge, or none at all.
    weights: Vec<f64>,
}

impl Packed {
    /// Packs pairs of ends.
    pub(super) fn new(ends: &[(u32, u32)], weights: &[f64]) -> Self {
        let largest = ends.iter().fold(0, |largest, ends| largest.max(ends.0).max(ends.1));
        let width = ((u32::BITS - largest.leading_zeros()).div_ceil(8) as usize).max(1);
        let mut bytes = vec![0; ends.len() * 2 * width + SLACK];
        for (place, &(source, target)) in ends.iter().enumerate() {
            let both = u64::from(source) | u64::from(target) << (8 * width);
            let at = place * 2 * width;
            // What is written too far is zero, and overwritten by the next edge.
            bytes[at..at + 8].copy_from_slice(&both.to_le_bytes());
        }
        Self {
            bytes,
            width,
            edges: ends.len(),
            nodes: if ends.is_empty() { 0 } else { largest as usize + 1 },
            weights: weights.to_vec(),
        }
    }

    /// How many edges there are.
    pub(super) fn edges(&self) -> usize {
        self.edges
    }

    /// The same edges between nodes of other numbers.
    pub(super) fn renumbered(mut self, numbers: &[u32]) -> Self {
        let mut ends = Vec::with_capacity(self.edges);
        self.each(|source, target| ends.push((numbers[source as usize], numbers[target as usize])));
        let weights = std::mem::take(&mut self.weights);
        Self {
            weights,
            ..Self::new(&ends, &[])
        }
    }

    /// The edges, in order.
    #[inline(always)]
    pub(super) fn each(&self, mut found: impl FnMut(u32, u32)) {
        // Widths as constants, so that the places are too.
        match self.width {
            1 => self.each_of::<1>(&mut found),
            2 => self.each_of::<2>(&mut found),
            3 => self.each_of::<3>(&mut found),
            _ => self.each_of::<4>(&mut found),
        }
    }

    #[inline(always)]
    fn each_of<const WIDTH: usize>(&self, found: &mut impl FnMut(u32, u32)) {
        let mask = (1u64 << (8 * WIDTH)) - 1;
        for at in (0..self.edges * 2 * WIDTH).step_by(2 * WIDTH) {
            let both = u64::from_le_bytes(self.bytes[at..at + 8].try_into().expect("a range of eight"));
            found((both & mask) as u32, (both >> (8 * WIDTH) & mask) as u32);
        }
    }
}

/// Edges of a whole file.
struct PackedEdges {
    parts: Vec<Packed>,
    /// How many edges come before each part.
    starts: Vec<usize>,
    pieces: usize,
    weights: Option<Vec<f64>>,
    both_ways: bool,
    self_loops: bool,
}

impl Stream for PackedEdges {
    fn pieces(&self) -> usize {
        self.pieces
    }

    fn edges(&self) -> usize {
        self.parts.iter().map(|part| part.edges).sum::<usize>() << u32::from(self.both_ways)
    }

    #[inline(always)]
    fn each(&self, piece: usize, mut found: impl FnMut(u32, u32, usize)) {
        for index in part(self.parts.len(), self.pieces, piece) {
            let mut place = self.starts[index];
            self.parts[index].each(|source, target| {
                if source != target {
                    found(source, target, place);
                    if self.both_ways {
                        found(target, source, place);
                    }
                } else if self.self_loops {
                    found(source, target, place);
                }
                place += 1;
            });
        }
    }

    fn weights(&self) -> WeightSlice<'_> {
        self.weights.as_deref().map_or(WeightSlice::None, WeightSlice::F64)
    }
}

/// Builds the graph of all edges of a file.
pub(super) fn graph(
    mut parts: Vec<Packed>,
    weighted: bool,
    directed: bool,
    least_nodes: usize,
    options: &ReadOptions,
    budget: &Budget,
    lanes: &dyn Lanes,
) -> Result<Graph, GraphError> {
    let nodes = parts.iter().map(|part| part.nodes).max().unwrap_or(0).max(least_nodes);
    let nodes = limits::checked_nodes(nodes as u128)?;
    budget.add(nodes as u64 * size_of::<usize>() as u64)?;
    let mut starts = Vec::with_capacity(parts.len());
    let mut edges = 0;
    for part in &parts {
        starts.push(edges);
        edges += part.edges;
    }
    let weights = if weighted {
        Some(joined(&mut parts, edges, lanes)?)
    } else {
        None
    };
    let edges = PackedEdges {
        pieces: parts.len().clamp(1, MOST_PIECES),
        parts,
        starts,
        weights,
        both_ways: !directed,
        self_loops: options.self_loops,
    };
    Ok(Graph::from_csr(
        build(&edges, nodes, options.duplicates, lanes)?,
        directed,
    ))
}

/// All weights in one place; each part's own are given back as soon as they are copied.
fn joined(parts: &mut [Packed], edges: usize, lanes: &dyn Lanes) -> Result<Vec<f64>, GraphError> {
    let mut all = reserve(edges)?;
    // Untouched zeros from the system: no memory until they are written.
    all.resize(edges, 0.0);
    let mut rest = all.as_mut_slice();
    let mut jobs = Vec::with_capacity(parts.len());
    for part in parts {
        let (own, behind) = rest.split_at_mut(part.edges);
        jobs.push(Mutex::new((own, &mut part.weights)));
        rest = behind;
    }
    lanes.run(jobs.len(), &|piece, _| {
        let mut job = lock(&jobs[piece]);
        let weights = std::mem::take(job.1);
        job.0.copy_from_slice(&weights);
    });
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn edges_come_back_as_they_were(bits in 1u32..33, ends in prop::collection::vec(any::<(u32, u32)>(), 0..50)) {
            let ends: Vec<(u32, u32)> = ends.into_iter().map(|(a, b)| (a >> (32 - bits), b >> (32 - bits))).collect();
            let packed = Packed::new(&ends, &[]);
            let mut found = Vec::new();
            packed.each(|source, target| found.push((source, target)));
            prop_assert_eq!(packed.nodes, ends.iter().map(|&(a, b)| a.max(b) as usize + 1).max().unwrap_or(0));
            prop_assert_eq!(found, ends);
        }
    }
}
