//! Which sizes are measured on a machine.

use super::machine::Machine;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Sizes for one machine.
pub(super) struct Sizes {
    pub(super) quick: bool,
    /// Elements of the largest arrays.
    pub(super) longest: usize,
    /// Bytes that fit the second cache.
    pub(super) middle: usize,
    /// Reads at random places in one pass.
    pub(super) gather_reads: usize,
    /// Bytes of the pass that both computes and moves.
    pub(super) mixed: usize,
    footprints: Vec<usize>,
    workers: usize,
}

impl Sizes {
    pub(super) fn new(machine: &Machine, workers: usize, quick: bool) -> Self {
        let cache = |level: usize, usual: usize| machine.caches.get(level).map_or(usual, |bytes| *bytes as usize);
        let (first, second) = (cache(0, 32 * KIB), cache(1, MIB));
        // Beyond every cache a process can have to itself, and no more than a sixteenth of memory.
        let far = if quick { 192 * MIB } else { 256 * MIB };
        let far = far.min((machine.memory_bytes / 16) as usize).max(8 * MIB);
        let mut footprints = vec![first / 2, second / 2, second * 2, 16 * MIB, 64 * MIB, far];
        if quick {
            footprints = vec![first / 2, second / 2, 16 * MIB, far];
        }
        footprints.retain(|bytes| *bytes <= far);
        footprints.sort_unstable();
        // Points closer than this say the same.
        footprints.dedup_by(|next, before| *next < *before * 3 / 2);
        Self {
            quick,
            longest: far / 24,
            middle: second / 2,
            gather_reads: if quick { 50_000 } else { 100_000 },
            mixed: far / 2,
            footprints,
            workers,
        }
    }

    /// Bytes of the passes for a number of workers. Several do not share what is done before they have it.
    pub(super) fn streams(&self, workers: usize) -> Vec<usize> {
        let least = if workers > 1 {
            512 * KIB.max(self.workers * KIB)
        } else {
            0
        };
        let mut sizes: Vec<usize> = self.footprints.iter().map(|bytes| (*bytes).max(least)).collect();
        sizes.dedup();
        sizes
    }

    /// Bytes of the areas that are read from at random.
    pub(super) fn gathers(&self) -> Vec<usize> {
        let longest = self.longest * 8;
        // Between the caches of a core and the one that cores share the time rises steeply.
        let between = self.middle * 16;
        let areas = self.footprints.iter().chain([&between]);
        let mut areas: Vec<usize> = areas.map(|bytes| (*bytes).min(longest)).collect();
        areas.sort_unstable();
        areas.dedup();
        areas
    }
}
