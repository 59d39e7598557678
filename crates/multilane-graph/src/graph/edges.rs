//! Graphs from arrays of sources and targets.

use multilane_plan::Lanes;

use super::Graph;
use crate::csr::{Duplicates, EdgeArrays, build};
use crate::error::GraphError;
use crate::limits;
use crate::node::NodeId;
use crate::shared::{Shared, part};
use crate::weights::WeightSlice;

/// How edges become a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeOptions {
    /// Number of nodes; without it one more than the largest that an edge names.
    pub nodes: Option<usize>,
    /// Whether edges have a direction.
    pub directed: bool,
    /// Whether edges from a node to itself stay.
    pub self_loops: bool,
    /// What happens to several edges between the same nodes.
    pub duplicates: Duplicates,
}

impl Default for EdgeOptions {
    fn default() -> Self {
        Self {
            nodes: None,
            directed: true,
            self_loops: true,
            duplicates: Duplicates::Keep,
        }
    }
}

impl Graph {
    /// Builds a graph from edges `sources[i] -> targets[i]`; the arrays are read, not copied.
    pub fn from_edges<N: NodeId>(
        sources: &[N],
        targets: &[N],
        weights: WeightSlice<'_>,
        options: EdgeOptions,
        lanes: &dyn Lanes,
    ) -> Result<Self, GraphError> {
        if sources.len() != targets.len() {
            return Err(GraphError::LengthMismatch {
                sources: sources.len(),
                targets: targets.len(),
            });
        }
        weights.expect_count(sources.len())?;
        let mut edges = EdgeArrays::new(sources, targets, weights, lanes);
        let nodes = checked_nodes(&edges, options.nodes, lanes)?;
        edges.both_ways = !options.directed;
        edges.self_loops = options.self_loops;
        Ok(Self::from_csr(
            build(&edges, nodes, options.duplicates, lanes)?,
            options.directed,
        ))
    }
}

/// The number of nodes, after a look at every edge and every weight.
fn checked_nodes<N: NodeId>(
    edges: &EdgeArrays<'_, N>,
    given: Option<usize>,
    lanes: &dyn Lanes,
) -> Result<usize, GraphError> {
    let (len, pieces) = (edges.sources.len(), edges.pieces);
    let mut found = vec![(0u64, None); pieces];
    let all = Shared::new(found.as_mut_ptr());
    lanes.run(pieces, &|piece, _| {
        let range = part(len, pieces, piece);
        let largest = |ids: &[N]| ids.iter().fold(0, |largest, id| id.ordered().max(largest));
        let nan = edges.weights.first_nan(range.clone());
        let largest = largest(&edges.sources[range.clone()]).max(largest(&edges.targets[range]));
        // SAFETY: every piece writes its own element.
        unsafe { all.write(piece, (largest, nan)) };
    });
    let largest = found.iter().map(|piece| piece.0).max().unwrap_or(0);
    let nodes = match given {
        Some(nodes) => limits::checked_nodes(nodes as u128)?,
        None if len == 0 => 0,
        None => usize::try_from(largest).map_or(crate::MAX_NODES, |largest| {
            largest.saturating_add(1).min(crate::MAX_NODES)
        }),
    };
    if len > 0 && largest >= nodes as u64 {
        return Err(out_of_range(edges, nodes));
    }
    match found.iter().find_map(|piece| piece.1) {
        Some(edge) => Err(GraphError::NanWeight { edge }),
        None => Ok(nodes),
    }
}

/// The error for the first edge that names a node at or above `nodes`, or below 0.
#[cold]
fn out_of_range<N: NodeId>(edges: &EdgeArrays<'_, N>, nodes: usize) -> GraphError {
    let outside = |id: &N| id.ordered() >= nodes as u64;
    let ends = edges.sources.iter().zip(edges.targets);
    let (edge, node) = ends
        .enumerate()
        .find_map(|(edge, (source, target))| {
            [source, target]
                .into_iter()
                .find(|id| outside(id))
                .map(|id| (edge, id.wide()))
        })
        .expect("the largest end of all edges is outside");
    GraphError::NodeOutOfRange { edge, node, nodes }
}
