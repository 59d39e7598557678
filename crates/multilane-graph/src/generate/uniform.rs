//! Uniform random graphs: both ends of every edge are drawn from all nodes.

use multilane_plan::Lanes;

use super::Edges;
use super::kronecker::{edges_by, refuse_ends_and_rows};
use super::random::Random;
use crate::error::GraphError;
use crate::graph::{EdgeOptions, Graph};
use crate::limits;

/// Edges of a uniform graph. Self-loops and repeated edges occur.
pub fn uniform_edges(nodes: usize, edges: usize, seed: u64, lanes: &dyn Lanes) -> Result<Edges, GraphError> {
    refuse_ends_and_rows(nodes as u128, edges as u128)?;
    let bound = limits::checked_nodes(nodes as u128)? as u32;
    if bound == 0 && edges > 0 {
        return Err(GraphError::Argument {
            argument: "edges",
            value: edges.to_string(),
            expected: "0, the only number without nodes",
        });
    }
    edges_by(edges, lanes, |edge| {
        let mut random = Random::at(seed, edge);
        (random.below(bound), random.below(bound))
    })
}

/// A uniform graph; `options.nodes` is ignored.
pub fn uniform(
    nodes: usize,
    edges: usize,
    seed: u64,
    options: EdgeOptions,
    lanes: &dyn Lanes,
) -> Result<Graph, GraphError> {
    let (sources, targets) = uniform_edges(nodes, edges, seed, lanes)?;
    let options = EdgeOptions {
        nodes: Some(nodes),
        ..options
    };
    Graph::from_edges(&sources, &targets, crate::WeightSlice::None, options, lanes)
}
