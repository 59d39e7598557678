//! The search itself: buckets emptied, edges followed as far as the horizon, distances improved.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

use multilane_plan::Lanes;

use super::buckets::Buckets;
use crate::algorithms::lanes::{PerLane, go_on, ranges};
use crate::algorithms::memory::room;
use crate::csr::Step;
use crate::prefetch::prefetch;
use crate::{Graph, GraphError};

/// Beyond the open buckets.
const FAR: u8 = u8::MAX;
/// Nodes in one piece of a bucket.
const PIECE_NODES: usize = 64;
/// How many nodes before its turn the row of a node is asked for.
pub(super) const AHEAD: usize = 8;
/// How many cache lines of a row are asked for; the processor foresees the rest of a longer one.
pub(super) const AHEAD_LINES: usize = 4;
/// How many edges are looked at together.
const BATCH: usize = 32;
/// A row longer than this is shared by the lanes.
const HUB_EDGES: usize = 16 * 1024;
/// A bucket with fewer nodes costs less than waking a lane.
const ALONE_NODES: usize = 64;
/// A lane that comes to the end of a bucket goes on with what itself put there, up to this many nodes.
const FUSED_NODES: usize = 1000;
/// Buckets before the first horizon.
const FIRST_HORIZON: f64 = 4.0;
/// Nodes beyond the horizon ask when they have fewer than this part of the edges that were left alone.
const TURN: u64 = 8;

pub(super) struct Stepping<'a, W> {
    pub(super) graph: &'a Graph,
    pub(super) offsets: &'a [usize],
    pub(super) steps: &'a [Step<W>],
    pub(super) lanes: &'a dyn Lanes,
    per_width: f64,
    /// Ways as long as this or longer wait.
    horizon: f64,
    /// The horizon before: edges that lead before it are followed already.
    pub(super) last_horizon: f64,
    /// The bits of distances: for numbers of at least 0 they are ordered as the numbers are.
    pub(super) distances: Vec<AtomicU64>,
    /// The distance from which a node's edges were followed last.
    followed: Vec<AtomicU64>,
    /// The open bucket of a node's distance, or [`FAR`]; never nearer than the distance is. So small that it stays in
    /// cache, where it tells of nearly every edge that it leads to nothing.
    pub(super) near: Vec<AtomicU8>,
    /// Whether an edge below 0 was met.
    negative: AtomicBool,
}

/// What a lane has found.
pub(super) struct Found {
    pub(super) buckets: Buckets,
    /// Nodes with long rows.
    hubs: Vec<Hub>,
    /// Nodes with edges that lead beyond the horizon, each once.
    waiting: Vec<u32>,
    /// How far the nearest of these edges lead.
    beyond: f64,
    /// Edges of the nodes that were reached.
    met_edges: u64,
    /// Those that were followed.
    followed_edges: u64,
}

/// A node with a long row, the distance to follow it from, and whether that is the first one.
#[derive(Clone, Copy)]
struct Hub {
    node: u32,
    distance: f64,
    first: bool,
}

impl<'a, W: Copy + Into<f64> + Sync> Stepping<'a, W> {
    pub(super) fn new(graph: &'a Graph, steps: &'a [Step<W>], width: f64, lanes: &'a dyn Lanes) -> Self {
        let nodes = graph.num_nodes();
        let infinite = || AtomicU64::new(f64::INFINITY.to_bits());
        Self {
            graph,
            offsets: graph.out_offsets(),
            steps,
            lanes,
            per_width: 1.0 / width,
            horizon: width * FIRST_HORIZON,
            last_horizon: 0.0,
            distances: room(nodes, infinite),
            followed: room(nodes, infinite),
            near: room(nodes, || AtomicU8::new(FAR)),
            negative: AtomicBool::new(false),
        }
    }

    pub(super) fn run(mut self, source: u32) -> Result<Vec<f64>, GraphError> {
        self.distances[source as usize].store(0f64.to_bits(), Relaxed);
        let mut found = PerLane::new(self.lanes, || Found {
            buckets: Buckets::new(),
            hubs: Vec::new(),
            waiting: Vec::new(),
            beyond: f64::INFINITY,
            met_edges: 0,
            followed_edges: 0,
        });
        let mut frontier = vec![source];
        let mut bucket = 0;
        loop {
            self.empty(&frontier, bucket, &mut found)?;
            frontier.clear();
            let next = loop {
                match self.nearest(&mut found) {
                    Some(next) => break Some(next),
                    None if self.further(&mut found)? => {}
                    None => break None,
                }
            };
            let Some(next) = next else { break };
            bucket = next;
            for lane in found.iter_mut() {
                frontier.append(lane.buckets.take(bucket));
            }
        }
        let distance = |bits: AtomicU64| f64::from_bits(bits.into_inner());
        Ok(self.distances.into_iter().map(distance).collect())
    }

    /// Moves the horizon when all before it is done; whether there is anything beyond.
    fn further(&mut self, found: &mut PerLane<Found>) -> Result<bool, GraphError> {
        let mut waiting = Vec::new();
        let mut beyond = f64::INFINITY;
        let (mut met, mut followed) = (0, 0);
        for lane in found.iter_mut() {
            waiting.append(&mut lane.waiting);
            beyond = beyond.min(std::mem::replace(&mut lane.beyond, f64::INFINITY));
            met += lane.met_edges;
            followed += lane.followed_edges;
        }
        // Edges as long as infinity lead nowhere.
        if waiting.is_empty() || beyond == f64::INFINITY {
            return Ok(false);
        }
        self.last_horizon = self.horizon;
        let unmet = (self.steps.len() as u64).saturating_sub(met);
        if unmet < met.saturating_sub(followed) / TURN {
            self.horizon = f64::INFINITY;
            self.ask(found)?;
        } else {
            self.horizon = 2.0 * self.horizon.max(beyond);
            let lists = &*found;
            ranges(self.lanes, waiting.len(), PIECE_NODES, |range, lane| {
                let mut here = lists.of(lane);
                let here = &mut *here;
                self.ahead(&waiting[range], |node| {
                    let distance = f64::from_bits(self.distances[node as usize].load(Relaxed));
                    let row = self.row(node);
                    let done = row.start + self.before(distance, self.last_horizon, row.clone());
                    if self.relax(distance, done..row.end, here) {
                        here.waiting.push(node);
                    }
                });
            });
        }
        self.go_on()?;
        Ok(true)
    }

    pub(super) fn bucket(&self, distance: f64) -> u64 {
        (distance * self.per_width) as u64
    }

    /// The open bucket of a distance, or [`FAR`].
    #[inline]
    pub(super) fn place(&self, distance: f64, base: f64) -> u8 {
        // A cast to an integer saturates; a bucket before the first open one is as good as the first.
        (distance * self.per_width - base) as u8
    }

    #[inline]
    fn row(&self, node: u32) -> Range<usize> {
        self.offsets[node as usize]..self.offsets[node as usize + 1]
    }

    /// How many edges of a row lead before a horizon.
    fn before(&self, distance: f64, horizon: f64, row: Range<usize>) -> usize {
        self.steps[row].partition_point(|step| distance + step.weight.into() < horizon)
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
    fn empty(&self, frontier: &[u32], bucket: u64, found: &mut PerLane<Found>) -> Result<(), GraphError> {
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
        for Hub { node, distance, first } in hubs {
            let row = self.row(node);
            // The first edge that leads beyond the horizon says that there are such edges.
            let edges = (self.before(distance, self.horizon, row.clone()) + 1).min(row.len());
            let lists = &*found;
            ranges(self.lanes, edges, HUB_EDGES / 2, |part, lane| {
                let mut here = lists.of(lane);
                let part = row.start + part.start..row.start + part.end;
                if self.relax(distance, part, &mut here) && first {
                    here.waiting.push(node);
                }
            });
        }
        self.go_on()
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

    fn follow_all(&self, nodes: &[u32], bucket: u64, here: &mut Found) {
        self.ahead(nodes, |node| self.follow(node, bucket, here));
    }

    /// Calls `each` for nodes, and asks for the rows of the next ones meanwhile: they lie anywhere.
    #[inline]
    fn ahead(&self, nodes: &[u32], mut each: impl FnMut(u32)) {
        for (at, &node) in nodes.iter().enumerate() {
            if let Some(&later) = nodes.get(at + 2 * AHEAD) {
                prefetch(self.offsets, later as usize);
                prefetch(&self.distances, later as usize);
                prefetch(&self.followed, later as usize);
            }
            if let Some(&next) = nodes.get(at + AHEAD) {
                let row = self.row(next);
                for line in row.step_by(64 / size_of::<Step<W>>()).take(AHEAD_LINES) {
                    prefetch(self.steps, line);
                }
            }
            each(node);
        }
    }

    /// Follows the edges of a node that still belongs to the bucket and was not followed from here before.
    #[inline]
    fn follow(&self, node: u32, bucket: u64, here: &mut Found) {
        let bits = self.distances[node as usize].load(Relaxed);
        let distance = f64::from_bits(bits);
        let before = self.followed[node as usize].load(Relaxed);
        if bits >= before || self.bucket(distance) < bucket {
            return;
        }
        self.followed[node as usize].store(bits, Relaxed);
        let row = self.row(node);
        let first = before == f64::INFINITY.to_bits();
        if first {
            here.met_edges += row.len() as u64;
        }
        if row.len() > HUB_EDGES && self.lanes.count() > 1 {
            here.hubs.push(Hub { node, distance, first });
        } else if self.relax(distance, row, here) && first {
            here.waiting.push(node);
        }
    }

    /// Offers a way over each of some edges of a node that lead before the horizon; whether some lead beyond.
    #[inline]
    fn relax(&self, distance: f64, edges: Range<usize>, here: &mut Found) -> bool {
        let base = here.buckets.base() as f64;
        for batch in self.steps[edges].chunks(BATCH) {
            // The lightest edge comes first.
            if batch[0].weight.into() < 0.0 {
                self.negative.store(true, Relaxed);
                return false;
            }
            // First all that may be of use, so that their distances arrive together; exchanges would keep them apart.
            let mut useful = [(0u32, 0f64); BATCH];
            let (mut count, mut before) = (0, 0);
            for step in batch {
                let offer = distance + step.weight.into();
                if offer >= self.horizon {
                    here.beyond = here.beyond.min(offer);
                    break;
                }
                before += 1;
                // Without a branch: nobody foresees which offers are of use.
                useful[count] = (step.target, offer);
                count += usize::from(self.place(offer, base) <= self.near[step.target as usize].load(Relaxed));
            }
            here.followed_edges += before;
            let useful = &useful[..count];
            useful
                .iter()
                .for_each(|&(node, _)| prefetch(&self.distances, node as usize));
            for &(node, offer) in useful {
                if self.improve(node, offer) {
                    here.buckets.put(self.bucket(offer), node);
                    // Another lane may have stored a nearer one in between; then this one is merely less sharp.
                    self.near[node as usize].store(self.place(offer, base), Relaxed);
                }
            }
            if before < batch.len() as u64 {
                return true;
            }
        }
        false
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

    /// An error when the caller asked to stop, or for the first edge below 0 when such an edge was met.
    fn go_on(&self) -> Result<(), GraphError> {
        go_on(self.lanes)?;
        if !self.negative.load(Relaxed) {
            return Ok(());
        }
        let out = self.graph.out();
        let weight = |edge: &usize| out.weights().get(*edge);
        let edge = (0..out.num_entries()).find(|edge| weight(edge) < 0.0);
        let edge = edge.expect("an edge below 0 was met");
        Err(GraphError::NegativeWeight {
            algorithm: "sssp",
            node: out.offsets().partition_point(|&start| start <= edge) - 1,
            weight: weight(&edge),
        })
    }
}
