//! A set of nodes, one bit each, that lanes fill together.
//!
//! All accesses are relaxed: who hands a set from one fork-join to the next has ordered them.

use super::memory::room;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One bit per node.
pub(crate) struct Bits {
    words: Vec<AtomicU64>,
}

impl Bits {
    /// No node of `nodes`.
    pub(crate) fn empty(nodes: usize) -> Self {
        Self {
            words: room(nodes.div_ceil(64), || AtomicU64::new(0)),
        }
    }

    /// The words, 64 nodes each.
    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        &self.words
    }

    /// Whether a node is in the set.
    #[inline]
    pub(crate) fn has(&self, node: u32) -> bool {
        self.words[node as usize / 64].load(Relaxed) >> (node % 64) & 1 == 1
    }

    /// Adds a node; whether it was missing. Two lanes that add the same node are told apart.
    #[inline]
    pub(crate) fn add(&self, node: u32) -> bool {
        let bit = 1 << (node % 64);
        self.words[node as usize / 64].fetch_or(bit, Relaxed) & bit == 0
    }

    /// Adds a node while no other lane writes; whether it was missing.
    #[inline]
    pub(crate) fn add_alone(&self, node: u32) -> bool {
        let bit = 1 << (node % 64);
        let word = &self.words[node as usize / 64];
        let before = word.load(Relaxed);
        word.store(before | bit, Relaxed);
        before & bit == 0
    }
}
