//! Core numbers, by peeling all lanes at once.
//!
//! The core number of a node is the largest `k` for which it belongs to a part of the graph where
//! every node has at least `k` neighbours. Directions, self-loops and repeated edges do not count.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use multilane_plan::Lanes;

use super::lanes::{PerLane, go_on, ranges};
use super::memory::room;
use crate::{Csr, Graph, GraphError};

/// Nodes that are looked at in one piece.
const PIECE_NODES: usize = 1 << 12;

/// The core number of every node.
pub fn core_numbers(graph: &Graph, lanes: &dyn Lanes) -> Result<Vec<i64>, GraphError> {
    let rows = graph.both(lanes)?;
    let nodes = rows.num_nodes();
    // What is left of each node's degree; once it is peeled, its core number.
    let left = room(nodes, || AtomicU32::new(0));
    ranges(lanes, nodes, PIECE_NODES, |range, _| {
        for node in range {
            let degree = others(rows, node).count();
            left[node].store(
                u32::try_from(degree).expect("a node has fewer neighbours than there are nodes"),
                Relaxed,
            );
        }
    });

    // Nodes that are not peeled, in rising order; thinned out whenever half of them are gone.
    let mut remaining: Vec<u32> = (0..nodes as u32).collect();
    let mut found = PerLane::new(lanes, Found::default);
    let mut level = 0;
    let mut peeled = 0;
    while peeled < remaining.len() {
        go_on(lanes)?;
        let lists = &found;
        let here = &remaining;
        ranges(lanes, here.len(), PIECE_NODES, |range, lane| {
            let mut found = lists.of(lane);
            for &node in &here[range] {
                let degree = left[node as usize].load(Relaxed);
                if degree == level {
                    found.waiting.push(node);
                } else if degree > level {
                    found.next = found.next.min(degree);
                }
            }
        });
        let mut wave = Vec::new();
        let mut next = u32::MAX;
        for lane in found.iter_mut() {
            wave.append(&mut lane.waiting);
            next = next.min(std::mem::replace(&mut lane.next, u32::MAX));
        }
        if wave.is_empty() {
            // Everything below the least degree that is left is done.
            level = next;
            continue;
        }
        while !wave.is_empty() {
            peeled += wave.len();
            let (lists, here) = (&found, &wave);
            ranges(lanes, here.len(), 64, |range, lane| {
                let mut found = lists.of(lane);
                here[range]
                    .iter()
                    .for_each(|&node| peel(rows, &left, node, level, &mut found.waiting));
            });
            wave.clear();
            found.iter_mut().for_each(|lane| wave.append(&mut lane.waiting));
        }
        level += 1;
        if peeled * 2 > remaining.len() {
            remaining.retain(|&node| left[node as usize].load(Relaxed) >= level);
            peeled = 0;
        }
    }
    Ok(left.into_iter().map(|number| i64::from(number.into_inner())).collect())
}

/// What a lane finds while it looks.
struct Found {
    waiting: Vec<u32>,
    next: u32,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            next: u32::MAX,
        }
    }
}

/// Takes a node away from its neighbours; those that fall to the level wait for their turn.
fn peel(rows: &Csr, left: &[AtomicU32], node: u32, level: u32, waiting: &mut Vec<u32>) {
    for other in others(rows, node as usize) {
        let degree = &left[other as usize];
        if degree.load(Relaxed) <= level {
            continue;
        }
        // Two lanes may both have seen `level + 1`: only the one that takes the last step peels it, the other takes
        // its step back.
        match degree.fetch_sub(1, Relaxed) {
            before if before == level + 1 => waiting.push(other),
            before if before <= level => {
                degree.fetch_add(1, Relaxed);
            }
            _ => {}
        }
    }
}

/// The neighbours of a node, each once, without itself.
fn others(rows: &Csr, node: usize) -> impl Iterator<Item = u32> + '_ {
    let row = rows.neighbours(node);
    row.iter()
        .enumerate()
        .filter(move |&(at, &other)| other as usize != node && (at == 0 || row[at - 1] != other))
        .map(|(_, &other)| other)
}
