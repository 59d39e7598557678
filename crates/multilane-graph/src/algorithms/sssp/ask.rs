//! The end of the search from the other side: nodes beyond the horizon look for their way back.

use std::sync::atomic::Ordering::Relaxed;

use super::follow::{AHEAD, AHEAD_LINES, Found, Stepping};
use crate::GraphError;
use crate::algorithms::lanes::{PerLane, ranges};
use crate::prefetch::prefetch;

/// Nodes in one piece.
const PIECE_NODES: usize = 1 << 12;
/// How many neighbours of a node are asked for their distances ahead.
const AHEAD_EDGES: usize = 8;

impl<W: Copy + Into<f64> + Sync> Stepping<'_, W> {
    /// Asks for every node without a distance which of its neighbours is nearest to the source.
    ///
    /// Nodes have distances before the horizon or none at this point.
    pub(super) fn ask(&self, found: &PerLane<Found>) -> Result<(), GraphError> {
        if self.graph.is_directed() {
            let into = self.graph.incoming(self.lanes)?;
            let weights = into.weight_slice();
            let edge = |at: usize| (into.targets()[at], weights.get(at));
            self.ask_rows::<false>(found, into.offsets(), |at| prefetch(into.targets(), at), edge);
        } else {
            let edge = |at: usize| (self.steps[at].target, self.steps[at].weight.into());
            self.ask_rows::<true>(found, self.offsets, |at| prefetch(self.steps, at), edge);
        }
        Ok(())
    }

    /// Asks along rows of in-neighbours, which are those of out-neighbours when edges are `MUTUAL`.
    fn ask_rows<const MUTUAL: bool>(
        &self,
        found: &PerLane<Found>,
        offsets: &[usize],
        request: impl Fn(usize) + Sync,
        edge: impl Fn(usize) -> (u32, f64) + Sync,
    ) {
        let row = |node: u32| offsets[node as usize]..offsets[node as usize + 1];
        ranges(self.lanes, self.distances.len(), PIECE_NODES, |nodes, lane| {
            let mut here = found.of(lane);
            let base = here.buckets.base() as f64;
            let unknown = |node: &u32| {
                self.distances[*node as usize].load(Relaxed) == f64::INFINITY.to_bits() && !row(*node).is_empty()
            };
            let open: Vec<u32> = (nodes.start as u32..nodes.end as u32).filter(unknown).collect();
            for (at, &node) in open.iter().enumerate() {
                if let Some(&later) = open.get(at + 2 * AHEAD) {
                    row(later).step_by(8).take(AHEAD_LINES).for_each(&request);
                }
                if let Some(&next) = open.get(at + AHEAD) {
                    for entry in row(next).take(AHEAD_EDGES) {
                        prefetch(&self.distances, edge(entry).0 as usize);
                    }
                }
                let mut least = f64::INFINITY;
                let mut all_known = true;
                for entry in row(node) {
                    let (from, weight) = edge(entry);
                    let distance = f64::from_bits(self.distances[from as usize].load(Relaxed));
                    // Those that were given a distance just now wait for their bucket.
                    let known = distance < self.last_horizon;
                    all_known &= known;
                    // Without a branch: nobody foresees which neighbours are known.
                    least = least.min(if known { distance + weight } else { f64::INFINITY });
                }
                if least == f64::INFINITY {
                    continue;
                }
                self.distances[node as usize].store(least.to_bits(), Relaxed);
                self.near[node as usize].store(self.place(least, base), Relaxed);
                // A node all of whose neighbours were before the horizon has nobody to tell of its distance.
                if !(MUTUAL && all_known) {
                    here.buckets.put(self.bucket(least), node);
                }
            }
        });
    }
}
