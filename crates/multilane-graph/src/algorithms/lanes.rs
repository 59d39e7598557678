//! How the algorithms cut work into pieces and keep something for each lane.
//!
//! Everything here is safe code over [`Lanes`]: a lane's own things sit behind a lock that nobody else takes.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use multilane_plan::Lanes;

use crate::{Graph, GraphError};

/// One `T` for each lane, apart in memory.
pub(crate) struct PerLane<T> {
    all: Vec<Padded<Mutex<T>>>,
}

/// Keeps neighbours off one cache line, and off the pair of lines that is fetched together.
#[repr(align(128))]
struct Padded<T>(T);

impl<T> PerLane<T> {
    /// Makes one for each lane.
    pub(crate) fn new(lanes: &dyn Lanes, mut make: impl FnMut() -> T) -> Self {
        Self {
            all: (0..lanes.count().max(1)).map(|_| Padded(Mutex::new(make()))).collect(),
        }
    }

    /// The one of a lane; free at once, since a lane does one thing at a time.
    pub(crate) fn of(&self, lane: usize) -> MutexGuard<'_, T> {
        lock(&self.all[lane].0)
    }

    /// Each of them, between two pieces of work.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.all
            .iter_mut()
            .map(|one| one.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Takes a lock; a panic elsewhere reaches the caller by itself and is not repeated here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs `body` over ranges of at most `grain` items that cover `len`; on the calling thread when there is one range.
pub(crate) fn ranges(lanes: &dyn Lanes, len: usize, grain: usize, body: impl Fn(Range<usize>, usize) + Sync) {
    let pieces = len.div_ceil(grain);
    let range = |piece: usize| piece * grain..((piece + 1) * grain).min(len);
    if pieces <= 1 {
        if len > 0 {
            body(0..len, 0);
        }
        return;
    }
    lanes.run(pieces, &|piece, lane| body(range(piece), lane));
}

/// Runs `body` over disjoint chunks of a slice; it is told where its chunk starts.
pub(crate) fn chunks<T: Send>(
    lanes: &dyn Lanes,
    slice: &mut [T],
    grain: usize,
    body: impl Fn(usize, &mut [T], usize) + Sync,
) {
    let chunks: Vec<Mutex<&mut [T]>> = slice.chunks_mut(grain).map(Mutex::new).collect();
    if chunks.len() == 1 {
        return body(0, *lock(&chunks[0]), 0);
    }
    lanes.run(chunks.len(), &|piece, lane| {
        body(piece * grain, *lock(&chunks[piece]), lane)
    });
}

/// An error when the caller asked to stop.
pub(crate) fn go_on(lanes: &dyn Lanes) -> Result<(), GraphError> {
    if lanes.stopped() {
        Err(GraphError::Stopped)
    } else {
        Ok(())
    }
}

/// The node as it stands in rows, when the graph has it.
pub(crate) fn check_node(graph: &Graph, node: usize) -> Result<u32, GraphError> {
    let nodes = graph.num_nodes();
    if node >= nodes {
        return Err(GraphError::NoSuchNode {
            node: node as i128,
            nodes,
        });
    }
    Ok(u32::try_from(node).expect("a graph has at most `MAX_NODES` nodes"))
}
