//! Breadth-first search that turns around where that is cheaper.
//!
//! Reads the rows of both directions and gives the number of steps to every node, the
//! same at any number of lanes. Small levels run on the calling thread; the graph is never changed.

use std::ops::Range;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};

use multilane_plan::Lanes;

use super::bits::Bits;
use super::lanes::{PerLane, check_node, chunks, go_on, ranges};
use crate::{Csr, Graph, GraphError};

/// What [`bfs`] writes for a node that it cannot reach.
pub const UNREACHED: i32 = -1;

/// Bottom-up when the frontier has more than this part of the unexplored edges, as Beamer, Asanović and Patterson found.
const TURN_EDGES: u64 = 15;
/// Top-down again when the frontier has fewer than this part of the nodes.
const TURN_NODES: u64 = 18;
/// A level with fewer edges costs less than waking a lane.
const ALONE_EDGES: u64 = 8 * 1024;
/// Edges in one piece of a top-down level.
const PIECE_EDGES: u64 = 16 * 1024;
/// Words of nodes in one piece of a bottom-up level.
const PIECE_WORDS: usize = 64;

/// Steps from `source` to every node along the edges; [`UNREACHED`] where there is no way.
pub fn bfs(graph: &Graph, source: usize, lanes: &dyn Lanes) -> Result<Vec<i32>, GraphError> {
    let source = check_node(graph, source)?;
    let (out, into) = (graph.out(), graph.incoming(lanes)?);
    let nodes = graph.num_nodes();
    if nodes > i32::MAX as usize {
        return Err(GraphError::Argument {
            argument: "graph",
            value: format!("one of {nodes} nodes"),
            expected: "a graph whose longest way can be counted in 32 bits",
        });
    }
    let mut distances = vec![0i32; nodes];
    chunks(lanes, &mut distances, 1 << 16, |_, chunk, _| chunk.fill(UNREACHED));
    let search = Search {
        out,
        into,
        lanes,
        done: Bits::empty(nodes),
        distances: distances.into_iter().map(AtomicI32::new).collect(),
    };
    search.run(source)?;
    Ok(search.distances.into_iter().map(AtomicI32::into_inner).collect())
}

/// For every node the first of its in-neighbours that is one step nearer to the source; -1 for the
/// source itself and for nodes that it does not reach.
///
/// `distances` is what [`bfs`] gave for the same graph.
pub fn bfs_parents(graph: &Graph, distances: &[i32], lanes: &dyn Lanes) -> Result<Vec<i64>, GraphError> {
    if distances.len() != graph.num_nodes() {
        return Err(GraphError::AttributeLength {
            name: "distances".to_owned(),
            len: distances.len(),
            nodes: graph.num_nodes(),
        });
    }
    let into = graph.incoming(lanes)?;
    let mut parents = vec![-1i64; distances.len()];
    chunks(lanes, &mut parents, 1 << 13, |start, chunk, _| {
        if lanes.stopped() {
            return;
        }
        for (node, parent) in (start..).zip(chunk) {
            let steps = distances[node];
            if steps > 0 {
                let nearer = into
                    .neighbours(node)
                    .iter()
                    .find(|&&from| distances[from as usize] == steps - 1);
                *parent = nearer.map_or(-1, |&from| i64::from(from));
            }
        }
    });
    go_on(lanes)?;
    Ok(parents)
}

struct Search<'a> {
    out: &'a Csr,
    into: &'a Csr,
    lanes: &'a dyn Lanes,
    /// Nodes that are reached, or found to have no way in.
    done: Bits,
    distances: Vec<AtomicI32>,
}

/// What a lane finds in one level.
#[derive(Default)]
struct Found {
    nodes: Vec<u32>,
    edges: u64,
}

impl Search<'_> {
    fn run(&self, source: u32) -> Result<(), GraphError> {
        let nodes = self.out.num_nodes() as u64;
        self.done.add_alone(source);
        self.distances[source as usize].store(0, Relaxed);
        let mut found = PerLane::new(self.lanes, Found::default);
        let mut frontier = vec![source];
        let mut edges = self.out.degree(source as usize) as u64;
        let mut unexplored = self.out.num_entries() as u64;
        let mut steps = 0;
        while !frontier.is_empty() {
            go_on(self.lanes)?;
            if edges > unexplored / TURN_EDGES && edges > ALONE_EDGES {
                let mut front = Bits::empty(self.out.num_nodes());
                for &node in &frontier {
                    front.add_alone(node);
                }
                let mut awake = frontier.len() as u64;
                loop {
                    go_on(self.lanes)?;
                    steps += 1;
                    let before = awake;
                    let next = Bits::empty(self.out.num_nodes());
                    awake = self.bottom_up(&front, &next, steps);
                    front = next;
                    if awake < before && awake <= nodes / TURN_NODES {
                        break;
                    }
                }
                frontier = self.listed(&front, &mut found);
                // Nearly all is explored, so the way down goes on to the end.
                edges = 1;
            } else {
                steps += 1;
                unexplored = unexplored.saturating_sub(edges);
                if edges <= ALONE_EDGES || self.lanes.count() == 1 {
                    let mut here = found.of(0);
                    self.top_down::<true>(&frontier, None, steps, &mut here);
                } else {
                    self.top_down_together(&frontier, steps, &found);
                }
                frontier.clear();
                edges = 0;
                for lane in found.iter_mut() {
                    frontier.append(&mut lane.nodes);
                    edges += std::mem::take(&mut lane.edges);
                }
            }
        }
        Ok(())
    }

    /// One level from the frontier outwards, cut into pieces of edges so that one hub is shared by all lanes.
    fn top_down_together(&self, frontier: &[u32], steps: i32, found: &PerLane<Found>) {
        let mut ends = Vec::with_capacity(frontier.len());
        let mut edges = 0;
        for &node in frontier {
            edges += self.out.degree(node as usize) as u64;
            ends.push(edges);
        }
        let pieces = edges.div_ceil(PIECE_EDGES);
        self.lanes.run(pieces as usize, &|piece, lane| {
            let range = piece as u64 * PIECE_EDGES..((piece as u64 + 1) * PIECE_EDGES).min(edges);
            let mut here = found.of(lane);
            self.top_down::<false>(frontier, Some((&ends, range)), steps, &mut here);
        });
    }

    /// Reaches what the frontier's edges lead to: all of them, or a range of them counted over the whole frontier.
    fn top_down<const ALONE: bool>(
        &self,
        frontier: &[u32],
        part: Option<(&[u64], Range<u64>)>,
        steps: i32,
        here: &mut Found,
    ) {
        let mut reach = |list: &[u32]| {
            for &node in list {
                let missing = !self.done.has(node)
                    && if ALONE {
                        self.done.add_alone(node)
                    } else {
                        self.done.add(node)
                    };
                if missing {
                    self.distances[node as usize].store(steps, Relaxed);
                    here.nodes.push(node);
                    here.edges += self.out.degree(node as usize) as u64;
                }
            }
        };
        let Some((ends, range)) = part else {
            return frontier
                .iter()
                .for_each(|&node| reach(self.out.neighbours(node as usize)));
        };
        let mut at = ends.partition_point(|&end| end <= range.start);
        let mut start = range.start;
        while start < range.end {
            let list = self.out.neighbours(frontier[at] as usize);
            let skipped = list.len() as u64 - (ends[at] - start);
            let end = ends[at].min(range.end);
            reach(&list[skipped as usize..(skipped + (end - start)) as usize]);
            start = end;
            at += 1;
        }
    }

    /// One level by asking every node that is not done for a neighbour in `front`; gives how many were reached.
    fn bottom_up(&self, front: &Bits, next: &Bits, steps: i32) -> u64 {
        let nodes = self.out.num_nodes();
        let total = AtomicU64::new(0);
        ranges(self.lanes, self.done.words().len(), PIECE_WORDS, |words, _| {
            let mut awake = 0;
            for word in words {
                let done = self.done.words()[word].load(Relaxed);
                let mut open = !done;
                if word * 64 + 64 > nodes {
                    open &= (1 << (nodes % 64)) - 1;
                }
                let (mut reached, mut hopeless) = (0u64, 0u64);
                while open != 0 {
                    let bit = open.trailing_zeros();
                    open &= open - 1;
                    let node = (word * 64) as u32 + bit;
                    let list = self.into.neighbours(node as usize);
                    if list.iter().any(|&from| front.has(from)) {
                        self.distances[node as usize].store(steps, Relaxed);
                        reached |= 1 << bit;
                    } else if list.is_empty() {
                        hopeless |= 1 << bit;
                    }
                }
                next.words()[word].store(reached, Relaxed);
                self.done.words()[word].store(done | reached | hopeless, Relaxed);
                awake += u64::from(reached.count_ones());
            }
            total.fetch_add(awake, Relaxed);
        });
        total.into_inner()
    }

    /// The nodes of a set, as a list.
    fn listed(&self, set: &Bits, found: &mut PerLane<Found>) -> Vec<u32> {
        let lists = &*found;
        ranges(self.lanes, set.words().len(), 1 << 12, |words, lane| {
            let mut here = lists.of(lane);
            for word in words {
                let mut bits = set.words()[word].load(Relaxed);
                while bits != 0 {
                    here.nodes.push((word * 64) as u32 + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
        });
        let mut nodes = Vec::new();
        for lane in found.iter_mut() {
            nodes.append(&mut lane.nodes);
        }
        nodes
    }
}
