//! Triangles: how many there are, and at how many each node is a corner.
//!
//! Nodes are renamed by falling degree and every edge is kept at its later end only, so that no list is
//! long and each triangle is met once, from its last corner. Directions, self-loops and repeated edges
//! do not count. Nodes of the highest degrees also have rows of bits, which meet in a few instructions.

mod meet;
mod order;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use multilane_plan::Lanes;

use self::meet::{Level, Tally};
use self::order::Ordered;
use super::lanes::{PerLane, go_on, ranges};
use crate::{Graph, GraphError};

/// Nodes in one piece of counting; the next free lane takes the next piece.
const PIECE_NODES: usize = 64;

/// How many triangles the graph has.
pub fn triangles(graph: &Graph, lanes: &dyn Lanes) -> Result<u64, GraphError> {
    let ordered = Ordered::new(graph.both(lanes)?, lanes)?;
    let level = Level::best();
    let total = AtomicU64::new(0);
    let scratch = PerLane::new(lanes, || Tally::new(&ordered, None));
    ranges(lanes, ordered.nodes(), PIECE_NODES, |range, lane| {
        if !lanes.stopped() {
            total.fetch_add(meet::count(level, &ordered, range, &mut scratch.of(lane)), Relaxed);
        }
    });
    go_on(lanes)?;
    Ok(total.into_inner())
}

/// At how many triangles each node is a corner.
pub fn triangles_of_nodes(graph: &Graph, lanes: &dyn Lanes) -> Result<Vec<i64>, GraphError> {
    let ordered = Ordered::new(graph.both(lanes)?, lanes)?;
    let level = Level::best();
    let counts: Vec<AtomicI64> = (0..ordered.nodes()).map(|_| AtomicI64::new(0)).collect();
    let mut scratch = PerLane::new(lanes, || Tally::new(&ordered, Some(&counts)));
    ranges(lanes, ordered.nodes(), PIECE_NODES, |range, lane| {
        if !lanes.stopped() {
            meet::count(level, &ordered, range, &mut scratch.of(lane));
        }
    });
    go_on(lanes)?;
    scratch.iter_mut().for_each(Tally::finish);
    let mut by_node = vec![0; counts.len()];
    for (&node, count) in ordered.names().iter().zip(counts) {
        by_node[node as usize] = count.into_inner();
    }
    Ok(by_node)
}
