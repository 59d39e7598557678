//! Memory that several lanes write side by side, each its own elements.

use std::cell::UnsafeCell;
use std::ops::Range;

use multilane_plan::Lanes;

use crate::error::GraphError;
use crate::limits;

/// A pointer to elements that lanes write without overlapping.
pub(crate) struct Shared<T>(*mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Shared<T> {}

// SAFETY: only unsafe methods touch the memory, and they ask for disjoint use.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The elements of a slice, or the reserved memory of a vector.
    pub(crate) fn new(start: *mut T) -> Self {
        Self(start)
    }

    /// Writes one element.
    ///
    /// # Safety
    /// `index` is inside the memory and no other lane uses that element meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn write(self, index: usize, value: T) {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(index).write(value) }
    }

    /// Reads one element.
    ///
    /// # Safety
    /// `index` is inside the memory, initialised, and nobody writes that element meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn read(self, index: usize) -> T
    where
        T: Copy,
    {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(index).read() }
    }

    /// Where an element is.
    ///
    /// # Safety
    /// `index` is inside the memory, or its end.
    pub(crate) unsafe fn at(self, index: usize) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(index) }
    }

    /// Elements `range` as a slice that only the caller uses.
    ///
    /// # Safety
    /// The range is inside the memory, initialised, and no other lane uses it meanwhile.
    pub(crate) unsafe fn slice<'a>(&self, range: Range<usize>) -> &'a mut [T] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(range.start), range.len()) }
    }
}

/// One scratch of each lane; a lane takes its own without a lock.
pub(crate) struct PerLane<T>(Vec<Slot<T>>);

/// Padded to two cache lines: neighbours would share one otherwise.
#[repr(align(128))]
struct Slot<T>(UnsafeCell<T>);

// SAFETY: `get` is unsafe and asks that a lane uses only its own slot.
unsafe impl<T: Send> Sync for PerLane<T> {}

impl<T> PerLane<T> {
    /// One for each lane.
    pub(crate) fn new(lanes: &dyn Lanes, mut make: impl FnMut() -> T) -> Self {
        Self((0..lanes.count()).map(|_| Slot(UnsafeCell::new(make()))).collect())
    }

    /// The scratch of a lane.
    ///
    /// # Safety
    /// Called from inside `Lanes::run` with the lane it gave, and the result is gone before the piece ends.
    #[expect(
        clippy::mut_from_ref,
        reason = "`Lanes::run` never runs two pieces on one lane at a time"
    )]
    pub(crate) unsafe fn get(&self, lane: usize) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0[lane].0.get() }
    }

    /// What the lanes left.
    pub(crate) fn into_all(self) -> impl Iterator<Item = T> {
        self.0.into_iter().map(|slot| slot.0.into_inner())
    }
}

/// An empty vector with room for `len` elements, or an error where memory ends.
pub(crate) fn reserve<T>(len: usize) -> Result<Vec<T>, GraphError> {
    let bytes = len as u128 * size_of::<T>() as u128;
    limits::refuse_beyond_memory(bytes)?;
    let mut room = Vec::new();
    room.try_reserve_exact(len)
        .map_err(|_| GraphError::OutOfMemory { bytes, free: None })?;
    Ok(room)
}

/// The `piece`-th of `pieces` even parts of `len`.
pub(crate) fn part(len: usize, pieces: usize, piece: usize) -> Range<usize> {
    let at = |piece: usize| (len as u128 * piece as u128 / pieces as u128) as usize;
    at(piece)..at(piece + 1)
}

/// How many pieces to cut `len` units of work into, each of at least `grain`.
pub(crate) fn pieces(len: usize, grain: usize, lanes: &dyn Lanes) -> usize {
    (len / grain.max(1)).clamp(1, lanes.count() * 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_more_than_there_is() {
        assert!(matches!(reserve::<u64>(1 << 50), Err(GraphError::OutOfMemory { bytes, .. }) if bytes == 8 << 50));
        assert!(reserve::<u64>(100).is_ok());
    }

    #[test]
    fn parts_cover_everything_once() {
        for (len, pieces) in [(0, 1), (5, 3), (100, 7), (3, 8)] {
            let parts: Vec<usize> = (0..pieces).flat_map(|piece| part(len, pieces, piece)).collect();
            assert_eq!(parts, (0..len).collect::<Vec<_>>());
        }
    }
}
