//! Which bytes of one region are free.
//!
//! Small pieces come from size classes, large ones from page-aligned extents,
//! lowest address first, so that pages which were touched before are used again:
//! a fresh page costs about ten times the copy into it. Knows offsets only.

use std::collections::{BTreeMap, HashMap};

const PAGE: u64 = 4096;
const SMALLEST: u64 = 512;
/// Up to here a piece comes from a size class.
pub const LARGE: u64 = 64 << 10;
const SLAB: u64 = 256 << 10;
const CLASSES: usize = 8;
/// Free bytes that stay warm; what is freed beyond goes back to the system.
const KEEP_WARM: u64 = 2 << 30;

/// The free and used pieces of one region.
pub struct Extents {
    free: BTreeMap<u64, u64>,
    classes: [Vec<u64>; CLASSES],
    used: HashMap<u64, u64>,
    /// Everything above was never handed out.
    untouched: u64,
    end: u64,
    warm: u64,
}

fn class_of(len: u64) -> usize {
    (len.max(SMALLEST).next_power_of_two() / SMALLEST).trailing_zeros() as usize
}

impl Extents {
    /// All of `start..end` is free.
    pub fn new(start: u64, end: u64) -> Self {
        Self {
            free: BTreeMap::new(),
            classes: Default::default(),
            used: HashMap::new(),
            untouched: start.next_multiple_of(PAGE),
            end,
            warm: 0,
        }
    }

    /// Finds room for `len` bytes, page-aligned from [`LARGE`] on: where, and whether
    /// its pages were never touched.
    pub fn allocate(&mut self, len: u64) -> Option<(u64, bool)> {
        if len >= LARGE {
            let len = len.checked_next_multiple_of(PAGE)?;
            let (offset, cold) = self.extent(len)?;
            self.used.insert(offset, len);
            return Some((offset, cold));
        }
        let class = class_of(len);
        let size = SMALLEST << class;
        if self.classes[class].is_empty() {
            let (slab, _) = self.extent(SLAB)?;
            self.classes[class].extend((0..SLAB / size).rev().map(|i| slab + i * size));
        }
        let offset = self.classes[class].pop()?;
        self.used.insert(offset, size);
        Some((offset, false))
    }

    fn extent(&mut self, len: u64) -> Option<(u64, bool)> {
        let found = self
            .free
            .iter()
            .find(|&(_, &size)| size >= len)
            .map(|(&at, &size)| (at, size));
        if let Some((at, size)) = found {
            self.free.remove(&at);
            if size > len {
                self.free.insert(at + len, size - len);
            }
            self.warm = self.warm.saturating_sub(len);
            return Some((at, false));
        }
        let at = self.untouched;
        let next = at.checked_add(len).filter(|&next| next <= self.end)?;
        self.untouched = next;
        Some((at, true))
    }

    /// Takes a piece back. Returns a range whose pages are to be given to the system.
    pub fn free(&mut self, offset: u64) -> Option<(u64, u64)> {
        let len = self.used.remove(&offset)?;
        if len < LARGE {
            self.classes[class_of(len)].push(offset);
            return None;
        }
        let (mut start, mut size) = (offset, len);
        if let Some((&before, &before_len)) = self.free.range(..offset).next_back()
            && before + before_len == offset
        {
            self.free.remove(&before);
            start = before;
            size += before_len;
        }
        if let Some(after_len) = self.free.remove(&(offset + len)) {
            size += after_len;
        }
        self.free.insert(start, size);
        self.warm += len;
        if self.warm > KEEP_WARM {
            self.warm -= len;
            return Some((offset, len));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn live_pieces_never_overlap(sizes in prop::collection::vec((1u64..300_000, any::<bool>()), 1..200)) {
            let mut extents = Extents::new(4096, 1 << 30);
            let mut live: Vec<(u64, u64)> = Vec::new();
            for (len, free_one) in sizes {
                let (at, _) = extents.allocate(len).unwrap();
                prop_assert!(live.iter().all(|&(b, l)| at + len <= b || b + l <= at));
                if len >= LARGE { prop_assert_eq!(at % PAGE, 0); }
                live.push((at, len));
                if free_one {
                    let (gone, _) = live.swap_remove(live.len() / 2);
                    extents.free(gone);
                }
            }
        }
    }

    #[test]
    fn freed_neighbours_become_one_piece() {
        let mut extents = Extents::new(0, 1 << 20);
        let pieces: Vec<u64> = (0..4).map(|_| extents.allocate(1 << 18).unwrap().0).collect();
        assert_eq!(extents.allocate(1 << 18), None);
        for piece in pieces {
            extents.free(piece);
        }
        assert!(extents.allocate(1 << 20).is_some());
    }
}
