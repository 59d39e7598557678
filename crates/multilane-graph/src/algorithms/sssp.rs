//! Shortest ways along weighted edges, by delta-stepping.
//!
//! Nodes wait in buckets of distances; all lanes empty the nearest bucket together, and each keeps
//! buckets of its own for what it finds. A distance is the least sum over all ways, added up from the
//! source, so that it is the same at any number of lanes and for any width of the buckets.

mod buckets;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

use multilane_plan::Lanes;

use self::buckets::Buckets;
use super::bfs::{UNREACHED, bfs};
use super::lanes::{PerLane, check_node, go_on, ranges};
use super::memory::room;
use super::prefetch::prefetch;
use crate::{Csr, Graph, GraphError, WeightSlice};

/// Beyond the open buckets.
const FAR: u8 = u8::MAX;
/// Nodes in one piece of a bucket.
const PIECE_NODES: usize = 64;
/// How many nodes before its turn the row of a node is asked for.
const AHEAD: usize = 4;
/// How many cache lines of a row are asked for; the processor foresees the rest of a longer one.
const AHEAD_LINES: usize = 8;
/// How many edges are looked at together.
const BATCH: usize = 32;
/// A row longer than this is shared by the lanes.
const HUB_EDGES: usize = 16 * 1024;
/// A bucket with fewer nodes costs less than waking a lane.
const ALONE_NODES: usize = 64;
/// A lane that comes to the end of a bucket goes on with what itself put there, up to this many nodes.
const FUSED_NODES: usize = 1000;

/// Distances from `source` to every node; infinite where there is no way. Without weights every edge counts 1.
pub fn sssp(graph: &Graph, source: usize, lanes: &dyn Lanes) -> Result<Vec<f64>, GraphError> {
    sssp_with(graph, source, None, lanes)
}

/// [`sssp`] with buckets of a given width, which changes the time it takes and never the result.
pub fn sssp_with(graph: &Graph, source: usize, width: Option<f64>, lanes: &dyn Lanes) -> Result<Vec<f64>, GraphError> {
    if let Some(width) = width
        && !(width > 0.0 && width.is_finite())
    {
        return Err(GraphError::Argument {
            argument: "width",
            value: width.to_string(),
            expected: "a positive number",
        });
    }
    match graph.out().weight_slice() {
        WeightSlice::None => {
            let far = |steps: i32| {
                if steps == UNREACHED {
                    f64::INFINITY
                } else {
                    f64::from(steps)
                }
            };
            Ok(bfs(graph, source, lanes)?.into_iter().map(far).collect())
        }
        WeightSlice::F32(weights) => Stepping::new(graph, weights, width, lanes).run(check_node(graph, source)?),
        WeightSlice::F64(weights) => Stepping::new(graph, weights, width, lanes).run(check_node(graph, source)?),
    }
}

/// A width that makes few buckets and repeats little: as far as the typical edge, less where rows are long.
fn typical_width<W: Copy + Into<f64>>(out: &Csr, weights: &[W]) -> f64 {
    let step = (weights.len() / 4096).max(1);
    let sample: Vec<f64> = weights
        .iter()
        .step_by(step)
        .map(|&weight| weight.into())
        .filter(|w| w.is_finite())
        .collect();
    let mean = sample.iter().sum::<f64>() / sample.len().max(1) as f64;
    let row = out.num_entries() as f64 / out.num_nodes().max(1) as f64;
    let width = mean / row.max(1.0);
    if width > 0.0 && width.is_finite() { width } else { 1.0 }
}

struct Stepping<'a, W> {
    out: &'a Csr,
    weights: &'a [W],
    lanes: &'a dyn Lanes,
    per_width: f64,
    /// The bits of distances: for numbers of at least 0 they are ordered as the numbers are.
    distances: Vec<AtomicU64>,
    /// The distance from which a node's edges were followed last.
    followed: Vec<AtomicU64>,
    /// The open bucket of a node's distance, or [`FAR`]; never nearer than the distance is. So small that it stays in
    /// cache, where it tells of nearly every edge that it leads to nothing.
    near: Vec<AtomicU8>,
    /// Whether an edge below 0 was met.
    negative: AtomicBool,
}

/// What a lane has found.
struct Found {
    buckets: Buckets,
    /// Nodes with long rows, and the distances to follow them from.
    hubs: Vec<(u32, f64)>,
}

impl<'a, W: Copy + Into<f64> + Sync> Stepping<'a, W> {
    fn new(graph: &'a Graph, weights: &'a [W], width: Option<f64>, lanes: &'a dyn Lanes) -> Self {
        let nodes = graph.num_nodes();
        let infinite = || AtomicU64::new(f64::INFINITY.to_bits());
        Self {
            out: graph.out(),
            weights,
            lanes,
            per_width: 1.0 / width.unwrap_or_else(|| typical_width(graph.out(), weights)),
            distances: room(nodes, infinite),
            followed: room(nodes, infinite),
            near: room(nodes, || AtomicU8::new(FAR)),
            negative: AtomicBool::new(false),
        }
    }

    fn bucket(&self, distance: f64) -> u64 {
        (distance * self.per_width) as u64
    }

    /// The open bucket of a distance, or [`FAR`].
    #[inline]
    fn place(&self, distance: f64, base: f64) -> u8 {
        // A cast to an integer saturates; a bucket before the first open one is as good as the first.
        (distance * self.per_width - base) as u8
    }

    fn run(self, source: u32) -> Result<Vec<f64>, GraphError> {
        self.distances[source as usize].store(0f64.to_bits(), Relaxed);
        let mut found = PerLane::new(self.lanes, || Found {
            buckets: Buckets::new(),
            hubs: Vec::new(),
        });
        let mut frontier = vec![source];
        let mut bucket = 0;
        loop {
            go_on(self.lanes)?;
            self.empty(&frontier, bucket, &mut found);
            if self.negative.load(Relaxed) {
                return Err(self.negative_edge());
            }
            frontier.clear();
            let Some(next) = self.nearest(&mut found) else { break };
            bucket = next;
            for lane in found.iter_mut() {
                frontier.append(lane.buckets.take(bucket));
            }
        }
        Ok(self
            .distances
            .into_iter()
            .map(|bits| f64::from_bits(bits.into_inner()))
            .collect())
    }

    /// The nearest bucket that any lane has nodes in.
    fn nearest(&self, found: &mut PerLane<Found>) -> Option<u64> {
        if let Some(open) = found.iter_mut().filter_map(|lane| lane.buckets.first()).min() {
            return Some(open);
        }
        let place = |node: u32| self.bucket(f64::from_bits(self.distances[node as usize].load(Relaxed)));
        let base = found
            .iter_mut()
            .filter_map(|lane| lane.buckets.nearest_far(&place))
            .min()?;
        found.iter_mut().for_each(|lane| lane.buckets.reopen(base, &place));
        Some(base)
    }

    /// Follows the edges of the nodes of a bucket.
    fn empty(&self, frontier: &[u32], bucket: u64, found: &mut PerLane<Found>) {
        if self.lanes.count() == 1 || frontier.len() <= ALONE_NODES {
            let mut here = found.of(0);
            self.follow_all(frontier, bucket, &mut here);
            self.fuse(bucket, &mut here);
        } else {
            let lists = &*found;
            let last = frontier.len() - frontier.len().min(self.lanes.count() * PIECE_NODES);
            ranges(self.lanes, frontier.len(), PIECE_NODES, |range, lane| {
                let mut here = lists.of(lane);
                let ending = range.start >= last;
                self.follow_all(&frontier[range], bucket, &mut here);
                if ending {
                    self.fuse(bucket, &mut here);
                }
            });
        }
        let mut hubs = Vec::new();
        for lane in found.iter_mut() {
            hubs.append(&mut lane.hubs);
        }
        for (node, distance) in hubs {
            let row = self.out.range(node as usize);
            let lists = &*found;
            ranges(self.lanes, row.len(), HUB_EDGES / 2, |part, lane| {
                let mut here = lists.of(lane);
                self.relax(
                    distance,
                    row.start + part.start..row.start + part.end,
                    &mut here.buckets,
                );
            });
        }
    }

    /// Goes on with what the lane itself put into the bucket, which saves a meeting of the lanes.
    fn fuse(&self, bucket: u64, here: &mut Found) {
        loop {
            let nodes = here.buckets.take(bucket);
            if nodes.is_empty() || nodes.len() > FUSED_NODES {
                return;
            }
            let nodes = std::mem::take(nodes);
            self.follow_all(&nodes, bucket, here);
        }
    }

    /// Follows the edges of nodes, and asks for the rows of the next ones meanwhile: they lie anywhere.
    fn follow_all(&self, nodes: &[u32], bucket: u64, here: &mut Found) {
        for (at, &node) in nodes.iter().enumerate() {
            if let Some(&later) = nodes.get(at + 2 * AHEAD) {
                prefetch(self.out.offsets(), later as usize);
                prefetch(&self.distances, later as usize);
                prefetch(&self.followed, later as usize);
            }
            if let Some(&next) = nodes.get(at + AHEAD) {
                let row = self.out.range(next as usize);
                for line in row.step_by(16).take(AHEAD_LINES) {
                    prefetch(self.out.targets(), line);
                    prefetch(self.weights, line);
                }
            }
            self.follow(node, bucket, here);
        }
    }

    /// Follows the edges of a node that still belongs to the bucket and was not followed from here before.
    #[inline]
    fn follow(&self, node: u32, bucket: u64, here: &mut Found) {
        let bits = self.distances[node as usize].load(Relaxed);
        let distance = f64::from_bits(bits);
        if bits >= self.followed[node as usize].load(Relaxed) || self.bucket(distance) < bucket {
            return;
        }
        self.followed[node as usize].store(bits, Relaxed);
        let row = self.out.range(node as usize);
        if row.len() > HUB_EDGES && self.lanes.count() > 1 {
            here.hubs.push((node, distance));
        } else {
            self.relax(distance, row, &mut here.buckets);
        }
    }

    /// Offers a way over each of the edges.
    #[inline]
    fn relax(&self, distance: f64, edges: Range<usize>, buckets: &mut Buckets) {
        let mut negative = false;
        let base = buckets.base() as f64;
        let rows = self.out.targets()[edges.clone()]
            .chunks(BATCH)
            .zip(self.weights[edges].chunks(BATCH));
        for (targets, weights) in rows {
            // First all that may be of use, so that their distances arrive together; exchanges would keep them apart.
            let mut useful = [(0u32, 0f64); BATCH];
            let mut count = 0;
            for (&node, &weight) in targets.iter().zip(weights) {
                let weight: f64 = weight.into();
                negative |= weight < 0.0;
                let offer = distance + weight;
                useful[count] = (node, offer);
                if self.place(offer, base) <= self.near[node as usize].load(Relaxed) {
                    prefetch(&self.distances, node as usize);
                    count += 1;
                }
            }
            for &(node, offer) in &useful[..count] {
                if self.improve(node, offer) {
                    buckets.put(self.bucket(offer), node);
                    // Another lane may have stored a nearer one in between; then this one is merely less sharp.
                    self.near[node as usize].store(self.place(offer, base), Relaxed);
                }
            }
        }
        if negative {
            self.negative.store(true, Relaxed);
        }
    }

    /// Makes a node's distance the offer, if that is less; whether it was.
    #[inline]
    fn improve(&self, node: u32, offer: f64) -> bool {
        // A sum below 0 has the sign bit set: as bits it is more than all others, and never taken.
        let offer = offer.to_bits();
        let place = &self.distances[node as usize];
        let mut known = place.load(Relaxed);
        while offer < known {
            match place.compare_exchange_weak(known, offer, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => known = now,
            }
        }
        false
    }

    /// The error for the first edge below 0.
    #[cold]
    fn negative_edge(&self) -> GraphError {
        let edge = self.weights.iter().position(|&weight| weight.into() < 0.0);
        let edge = edge.expect("an edge below 0 was met");
        GraphError::NegativeWeight {
            algorithm: "sssp",
            node: self.out.offsets().partition_point(|&start| start <= edge) - 1,
            weight: self.weights[edge].into(),
        }
    }
}
