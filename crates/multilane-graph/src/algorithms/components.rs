//! Connected components, after Afforest (Sutton, Ben-Nun, Barak 2018).
//!
//! A forest over the nodes, every node below its parent's number or at it. The first two
//! neighbours of every node are joined first; that usually leaves one large tree, whose
//! nodes need not look at the rest of their edges. Reads the graph, writes its own arrays.

use std::sync::atomic::{AtomicU32, Ordering};

use multilane_plan::Lanes;

use super::memory::advise;
use crate::csr::Csr;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::prefetch::prefetch;
use crate::shared::{PerLane, part, pieces, reserve};

/// How many neighbours of every node are joined before the large tree is looked for.
const FIRST_NEIGHBOURS: usize = 2;

/// How many nodes before its turn the tree of a node's neighbour is asked for, and twice as many the row.
const AHEAD: usize = 16;

/// Nodes that are asked for their tree to find the large one.
const SAMPLES: usize = 1024;

/// The smallest node of each node's component; edges are followed in both directions.
///
/// The result is the same at any number of lanes.
pub fn components(graph: &Graph, lanes: &dyn Lanes) -> Result<Vec<u32>, GraphError> {
    let nodes = graph.num_nodes();
    let incoming = if graph.is_directed() {
        Some(graph.incoming(lanes)?)
    } else {
        None
    };
    let mut forest = reserve::<AtomicU32>(nodes)?;
    advise(&mut forest);
    forest.extend((0..nodes as u32).map(AtomicU32::new));
    let rows = graph.out();
    for first in 0..FIRST_NEIGHBOURS {
        over_nodes(nodes, lanes, |node| {
            if node + 2 * AHEAD < nodes {
                prefetch(rows.targets(), rows.offsets()[node + 2 * AHEAD] + first);
                if let Some(&later) = rows.neighbours(node + AHEAD).get(first) {
                    prefetch(&forest, later as usize);
                }
            }
            if let Some(&neighbour) = rows.neighbours(node).get(first) {
                link(&forest, node as u32, neighbour);
            }
        });
        compress(&forest, lanes);
    }
    let large = large_tree(&forest);
    let bounds = rows.balanced(pieces(rows.num_entries() + nodes, 1 << 14, lanes));
    lanes.run(bounds.len() - 1, &|piece, _| {
        if lanes.stopped() {
            return;
        }
        for node in bounds[piece]..bounds[piece + 1] {
            if Some(forest[node].load(Ordering::Relaxed)) == large {
                continue;
            }
            link_rest(&forest, rows, node, FIRST_NEIGHBOURS);
            if let Some(incoming) = incoming {
                link_rest(&forest, incoming, node, 0);
            }
        }
    });
    if lanes.stopped() {
        return Err(GraphError::Stopped);
    }
    compress(&forest, lanes);
    Ok(forest.into_iter().map(AtomicU32::into_inner).collect())
}

/// How many components there are, from what [`components`] returned.
pub fn count_components(components: &[u32], lanes: &dyn Lanes) -> usize {
    let counts = PerLane::new(lanes, || 0usize);
    let cuts = pieces(components.len(), 1 << 14, lanes);
    lanes.run(cuts, &|piece, lane| {
        let range = part(components.len(), cuts, piece);
        let roots = range.filter(|&node| components[node] as usize == node).count();
        // SAFETY: the lane is the one `run` gave.
        unsafe { *counts.get(lane) += roots };
    });
    counts.into_all().sum()
}

fn over_nodes(nodes: usize, lanes: &dyn Lanes, each: impl Fn(usize) + Sync) {
    let cuts = pieces(nodes, 1 << 13, lanes);
    lanes.run(cuts, &|piece, _| part(nodes, cuts, piece).for_each(&each));
}

fn link_rest(forest: &[AtomicU32], rows: &Csr, node: usize, from: usize) {
    for &neighbour in rows.neighbours(node).iter().skip(from) {
        link(forest, node as u32, neighbour);
    }
}

/// Joins the trees of two nodes: the larger root goes below the smaller one.
#[inline]
fn link(forest: &[AtomicU32], left: u32, right: u32) {
    let parent = |node: u32| forest[node as usize].load(Ordering::Relaxed);
    let (mut left, mut right) = (parent(left), parent(right));
    while left != right {
        let (low, high) = (left.min(right), left.max(right));
        let above = parent(high);
        if above == low {
            break;
        }
        // Relaxed is enough: a parent is a number below the node's own, whoever wrote it, and
        // the numbers along a path only fall. Lanes meet before anybody reads the result.
        if above == high
            && forest[high as usize]
                .compare_exchange(high, low, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            break;
        }
        left = parent(parent(high));
        right = parent(low);
    }
}

/// Hangs every node directly below its root.
fn compress(forest: &[AtomicU32], lanes: &dyn Lanes) {
    over_nodes(forest.len(), lanes, |node| {
        let mut parent = forest[node].load(Ordering::Relaxed);
        loop {
            let above = forest[parent as usize].load(Ordering::Relaxed);
            if above == parent {
                break;
            }
            parent = above;
        }
        forest[node].store(parent, Ordering::Relaxed);
    });
}

/// The root that most of some nodes have.
fn large_tree(forest: &[AtomicU32]) -> Option<u32> {
    let step = (forest.len() / SAMPLES).max(1);
    let mut roots: Vec<u32> = forest
        .iter()
        .step_by(step)
        .map(|root| root.load(Ordering::Relaxed))
        .collect();
    roots.sort_unstable();
    roots
        .chunk_by(|left, right| left == right)
        .max_by_key(|run| run.len())
        .map(|run| run[0])
}
