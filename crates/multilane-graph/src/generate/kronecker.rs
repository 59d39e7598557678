//! Kronecker graphs with the parameters of Graph 500 and GAP.

use multilane_plan::Lanes;

use super::Edges;
use super::random::{Permutation, Random};
use crate::error::GraphError;
use crate::graph::{EdgeOptions, Graph};
use crate::limits;
use crate::shared::{Shared, part, pieces, reserve};

/// Shares of the quadrants, in units of 2^-32: .57, .19, .19, and the rest.
const TOP_LEFT: u32 = (0.57 * 4_294_967_296.0) as u32;
const TOP: u32 = (0.76 * 4_294_967_296.0) as u32;
const TOP_AND_BOTTOM_LEFT: u32 = (0.95 * 4_294_967_296.0) as u32;

/// Edges of a Kronecker graph of `2^scale` nodes with `edge_factor` edges for each node.
///
/// Nodes are numbered at random. Self-loops and repeated edges occur.
pub fn kronecker_edges(scale: u32, edge_factor: usize, seed: u64, lanes: &dyn Lanes) -> Result<Edges, GraphError> {
    let nodes = 1u128.checked_shl(scale).unwrap_or(u128::MAX);
    let wanted = nodes.saturating_mul(edge_factor as u128);
    refuse_ends_and_rows(nodes, wanted)?;
    if scale > 31 {
        return Err(GraphError::Argument {
            argument: "scale",
            value: scale.to_string(),
            expected: "a number from 0 to 31",
        });
    }
    let edges = usize::try_from(wanted).map_err(|_| GraphError::OutOfMemory {
        bytes: wanted.saturating_mul(8),
        free: None,
    })?;
    let permutation = Permutation::new(scale, seed);
    edges_by(edges, lanes, |edge| {
        let mut random = Random::at(seed, edge);
        let (mut source, mut target) = (0u32, 0u32);
        let mut bits = 0u64;
        for bit in 0..scale {
            bits = if bit % 2 == 0 { random.next() } else { bits >> 32 };
            let draw = bits as u32;
            let down = draw >= TOP;
            let right = (draw >= TOP_LEFT) & !down | (draw >= TOP_AND_BOTTOM_LEFT);
            source = source << 1 | u32::from(down);
            target = target << 1 | u32::from(right);
        }
        (permutation.apply(source), permutation.apply(target))
    })
}

/// A Kronecker graph; `options.nodes` is ignored.
pub fn kronecker(
    scale: u32,
    edge_factor: usize,
    seed: u64,
    options: EdgeOptions,
    lanes: &dyn Lanes,
) -> Result<Graph, GraphError> {
    let (sources, targets) = kronecker_edges(scale, edge_factor, seed, lanes)?;
    let options = EdgeOptions {
        nodes: Some(1 << scale),
        ..options
    };
    Graph::from_edges(&sources, &targets, crate::WeightSlice::None, options, lanes)
}

/// Refuses a graph for whose edges, as both of their ends and as rows, there is no memory.
pub(super) fn refuse_ends_and_rows(nodes: u128, edges: u128) -> Result<(), GraphError> {
    let rows = limits::building_bytes(nodes, edges, 0);
    limits::refuse_beyond_memory(edges.saturating_mul(8).saturating_add(rows))
}

/// Edges that each follow from their position.
pub(super) fn edges_by(
    edges: usize,
    lanes: &dyn Lanes,
    edge: impl Fn(u64) -> (u32, u32) + Sync,
) -> Result<Edges, GraphError> {
    let (mut sources, mut targets) = (reserve::<u32>(edges)?, reserve::<u32>(edges)?);
    let (to_sources, to_targets) = (Shared::new(sources.as_mut_ptr()), Shared::new(targets.as_mut_ptr()));
    let pieces = pieces(edges, 1 << 14, lanes);
    lanes.run(pieces, &|piece, _| {
        if lanes.stopped() {
            return;
        }
        for position in part(edges, pieces, piece) {
            let (source, target) = edge(position as u64);
            // SAFETY: the parts of the pieces are disjoint and inside the reserved memory.
            unsafe {
                to_sources.write(position, source);
                to_targets.write(position, target);
            }
        }
    });
    if lanes.stopped() {
        return Err(GraphError::Stopped);
    }
    // SAFETY: the parts of all pieces cover every position.
    unsafe {
        sources.set_len(edges);
        targets.set_len(edges);
    }
    Ok((sources, targets))
}
