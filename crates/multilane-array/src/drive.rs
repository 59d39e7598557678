//! Cuts the elements of a run into pieces and hands them to lanes.

use std::ops::Range;

use multilane_plan::Lanes;
use multilane_plan::core::tree::CHUNK;

use crate::error::ArrayError;
use crate::span::{Bound, Main};
use crate::strip::Stores;

/// Below this, waking other lanes outweighs what they take over.
const MIN_SHARED_NS: f64 = 60_000.0;

/// Elements of a piece: enough that taking one costs nothing next to it, few enough that lanes end together.
const PIECE: usize = 8 * CHUNK;

/// Elements between two looks at whether to stop, on one lane.
const STRIDE: usize = 256 * CHUNK;

/// Results together at least this large go around the caches: nothing that follows finds them there.
pub(crate) const MIN_STREAMED_BYTES: usize = 32 << 20;

/// Runs all elements; results of `streamed_from` bytes or more go around the caches where they can.
///
/// # Safety
/// The run's memory is valid for `len` elements, and nobody else writes it or reads what is written.
pub(crate) unsafe fn drive(
    main: &Main,
    bound: &mut Bound<'_>,
    len: usize,
    ns: f64,
    streamed_from: usize,
    lanes: &dyn Lanes,
) -> Result<(), ArrayError> {
    let head = match aligned_from(main, bound, len, streamed_from) {
        Some(head) => {
            // SAFETY: the caller's promise.
            unsafe { main.run(bound, 0..head) };
            bound.stores = Stores::Streamed;
            head
        }
        None => 0,
    };
    let bound = &*bound;
    if lanes.count() <= 1 || ns < MIN_SHARED_NS {
        let mut start = head;
        while start < len {
            if lanes.stopped() {
                return Err(ArrayError::Stopped);
            }
            let end = len.min(start + STRIDE);
            // SAFETY: the caller's promise.
            unsafe { main.run(bound, start..end) };
            start = end;
        }
        return Ok(());
    }
    let pieces = Pieces::new(main, bound, head, len, lanes.count());
    lanes.run(pieces.count(), &|piece, _lane| {
        if !lanes.stopped() {
            // SAFETY: the caller's promise; pieces do not overlap.
            unsafe { main.run(bound, pieces.piece(piece)) };
        }
    });
    if lanes.stopped() {
        Err(ArrayError::Stopped)
    } else {
        Ok(())
    }
}

/// The first element from which all arrays are aligned for stores around the caches, if those are wanted.
fn aligned_from(main: &Main, bound: &Bound<'_>, len: usize, streamed_from: usize) -> Option<usize> {
    // What lies in the memory of an operand is in the caches already: measured, ordinary stores are a third faster there.
    if bound.aliased || bound.detoured != 0 || !main.streams() {
        return None;
    }
    let size = main.array_types.first()?.size();
    if len * size * bound.arrays.len() < streamed_from {
        return None;
    }
    let misaligned = bound.arrays[0] as usize % 64;
    let alike = bound.arrays.iter().all(|array| *array as usize % 64 == misaligned);
    let head = (64 - misaligned) % 64 / size;
    (alike && head <= len && main.array_types.iter().all(|dtype| dtype.size() == size)).then_some(head)
}

/// How the elements are cut.
enum Pieces {
    Even {
        head: usize,
        piece: usize,
        len: usize,
    },
    /// Bounds that somebody who knows the work has chosen.
    Bounds(Vec<usize>),
}

impl Pieces {
    fn new(main: &Main, bound: &Bound<'_>, head: usize, len: usize, lanes: usize) -> Self {
        let wanted = lanes * 16;
        if let Some(mut bounds) = bound.blocks.iter().find_map(|blocks| blocks.bounds(wanted)) {
            if !main.body.reductions.is_empty() {
                for bound in &mut bounds {
                    *bound = if *bound >= len { len } else { *bound / CHUNK * CHUNK };
                }
            }
            bounds.dedup();
            let whole = bounds.first() == Some(&0) && bounds.last() == Some(&len) && bounds.is_sorted();
            if whole {
                return Self::Bounds(bounds);
            }
        }
        let even = (len / (lanes * 4)).next_multiple_of(CHUNK).max(CHUNK);
        Self::Even {
            head,
            piece: even.min(PIECE),
            len,
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Even { head, piece, len } => (len - head).div_ceil(*piece),
            Self::Bounds(bounds) => bounds.len() - 1,
        }
    }

    fn piece(&self, index: usize) -> Range<usize> {
        match self {
            Self::Even { head, piece, len } => {
                let start = head + index * piece;
                start..(start + piece).min(*len)
            }
            Self::Bounds(bounds) => bounds[index]..bounds[index + 1],
        }
    }
}
