//! Memory of the values of one run.
//!
//! Keeps arrays that nobody reads any more for the values that come next, so that the
//! iterations of a loop take nothing from the pool.

use std::sync::Arc;

use multilane_plan::{Array, DType, Value};

use super::pool::{BufferPool, Lease, SMALLEST};

/// Arrays of one run that are free again.
pub(super) struct Workspace<'a> {
    pool: &'a BufferPool,
    spare: Vec<Array>,
    held_bytes: u64,
    peak_bytes: u64,
}

/// The size of an array's block, when a pool made it.
fn block_bytes(array: &Array) -> Option<usize> {
    array.owner().downcast_ref::<Lease>().map(Lease::bytes)
}

/// Whether nobody but the given number of clones can see the array's memory, and a pool made it.
pub(super) fn is_free(array: &Array, clones: usize) -> bool {
    Arc::strong_count(array.owner()) == clones && block_bytes(array).is_some()
}

/// Whether two arrays have memory in common.
pub(super) fn overlap(a: &Array, b: &Array) -> bool {
    let range = |array: &Array| {
        let start = array.as_ptr().addr();
        start..start + array.len() * array.dtype().size()
    };
    let (a, b) = (range(a), range(b));
    a.start < b.end && b.start < a.end
}

impl<'a> Workspace<'a> {
    pub(super) fn new(pool: &'a BufferPool) -> Self {
        Self {
            pool,
            spare: Vec::new(),
            held_bytes: 0,
            peak_bytes: 0,
        }
    }

    /// Memory for a value; `None` when the system has no more.
    pub(super) fn take(&mut self, dtype: DType, len: usize) -> Option<Array> {
        let needed = len.checked_mul(dtype.size())?;
        let fits = |block: usize| block >= needed && block / 2 <= needed.max(SMALLEST);
        let spare = self
            .spare
            .iter()
            .enumerate()
            .filter_map(|(index, array)| Some((index, block_bytes(array)?)))
            .filter(|(_, block)| fits(*block))
            .min_by_key(|(_, block)| *block);
        if let Some((index, _)) = spare {
            let array = self.spare.swap_remove(index);
            let start = std::ptr::NonNull::new(array.as_mut_ptr()).expect("an array's pointer is not null");
            // SAFETY: the block is large enough and aligned for every type, its owner comes
            // along, and nobody else has it: that is how it came to be spare.
            return Some(unsafe { Array::from_raw(dtype, len, start, true, array.owner().clone()) });
        }
        let array = self.pool.try_take(dtype, len)?;
        self.held_bytes += block_bytes(&array).unwrap_or(0) as u64;
        self.peak_bytes = self.peak_bytes.max(self.held_bytes);
        Some(array)
    }

    /// Takes back a value that this run does not need any more.
    pub(super) fn give(&mut self, value: Value) {
        if let Value::Array(array) = value
            && is_free(&array, 1)
        {
            self.spare.push(array);
        }
    }

    /// The most bytes that this run had taken from the pool at one time.
    pub(super) fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }
}
