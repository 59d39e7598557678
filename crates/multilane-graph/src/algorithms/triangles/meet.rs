//! Where the lists of two neighbours meet: the inner loops of counting, for several processors.
//!
//! Reads ordered lists and rows of bits, writes counts; the same counts on every processor.

use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use super::order::{BLOCK, Block, Ordered, has, set};

/// How many list entries can be looked up in the time that one block of bits takes.
const LOOKUPS_A_BLOCK: usize = 2;

/// Instructions to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// What every processor of this kind has.
    Portable,
    /// 256 bits, and one instruction that counts the bits of a word.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512 bits, and one instruction that counts the bits of eight words.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The best that this processor has.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }
}

/// What one lane counts with.
pub(super) struct Tally<'a> {
    /// The bits of the list of the node in hand; all 0 in between.
    marks: Vec<Block>,
    /// Triangles at nodes of the core, kept apart from other lanes.
    core: Vec<i64>,
    /// Triangles at all nodes, when they are asked for.
    nodes: Option<&'a [AtomicI64]>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(ordered: &Ordered, nodes: Option<&'a [AtomicI64]>) -> Self {
        Self {
            marks: vec![[0; BLOCK / 64]; ordered.core() / BLOCK],
            core: vec![0; if nodes.is_some() { ordered.core() } else { 0 }],
            nodes,
        }
    }

    /// Adds what was kept apart.
    pub(super) fn finish(&mut self) {
        if let Some(nodes) = self.nodes {
            for (node, count) in nodes.iter().zip(self.core.drain(..)) {
                node.fetch_add(count, Relaxed);
            }
        }
    }

    #[inline(always)]
    fn add(&mut self, node: u32, count: u64) {
        match self.core.get_mut(node as usize) {
            Some(own) => *own += count as i64,
            None => {
                if let Some(nodes) = self.nodes {
                    nodes[node as usize].fetch_add(count as i64, Relaxed);
                }
            }
        }
    }
}

/// The triangles of which the last corner is in `range`.
pub(super) fn count(level: Level, ordered: &Ordered, range: Range<usize>, tally: &mut Tally<'_>) -> u64 {
    match (level, tally.nodes.is_some()) {
        (Level::Portable, false) => counted::<false>(ordered, range, tally),
        (Level::Portable, true) => counted::<true>(ordered, range, tally),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Level::best` has seen that the processor has these instructions.
        (Level::Avx2, each) => unsafe { counted_avx2(ordered, range, tally, each) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        (Level::Avx512, each) => unsafe { counted_avx512(ordered, range, tally, each) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
fn counted_avx2(ordered: &Ordered, range: Range<usize>, tally: &mut Tally<'_>, each: bool) -> u64 {
    if each {
        counted::<true>(ordered, range, tally)
    } else {
        counted::<false>(ordered, range, tally)
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vpopcntdq,popcnt,bmi1,bmi2")]
fn counted_avx512(ordered: &Ordered, range: Range<usize>, tally: &mut Tally<'_>, each: bool) -> u64 {
    if each {
        counted::<true>(ordered, range, tally)
    } else {
        counted::<false>(ordered, range, tally)
    }
}

/// [`count`], to be compiled for each level; `EACH` when every node's own count is wanted.
#[inline(always)]
fn counted<const EACH: bool>(ordered: &Ordered, range: Range<usize>, tally: &mut Tally<'_>) -> u64 {
    let mut total = 0;
    for last in range {
        let (core, others) = ordered.list(last);
        if core.len() + others.len() < 2 {
            continue;
        }
        core.iter().for_each(|&node| set(&mut tally.marks, node));
        let mut own = 0;
        for (at, &node) in core.iter().enumerate() {
            let row = ordered.row(node as usize);
            let met = if at <= row.len() * LOOKUPS_A_BLOCK {
                look_up::<EACH>(row, &core[..at], tally)
            } else {
                overlap::<EACH>(row, tally)
            };
            if EACH && met > 0 {
                tally.add(node, met);
            }
            own += met;
        }
        for (at, &node) in others.iter().enumerate() {
            let (its_core, its_others) = ordered.list(node as usize);
            let mut met = 0;
            for &other in its_core {
                let hit = has(&tally.marks, other);
                met += u64::from(hit);
                if EACH && hit {
                    tally.add(other, 1);
                }
            }
            met += merge::<EACH>(its_others, &others[..at], tally);
            if EACH && met > 0 {
                tally.add(node, met);
            }
            own += met;
        }
        // The marks of a list are wiped by the list: rows of bits are longer.
        for &node in core {
            tally.marks[node as usize / BLOCK] = [0; BLOCK / 64];
        }
        if EACH && own > 0 {
            tally.add(last as u32, own);
        }
        total += own;
    }
    total
}

/// How many of `nodes` have a bit in `row`.
#[inline(always)]
fn look_up<const EACH: bool>(row: &[Block], nodes: &[u32], tally: &mut Tally<'_>) -> u64 {
    let mut met = 0;
    for &node in nodes {
        let hit = has(row, node);
        met += u64::from(hit);
        if EACH && hit {
            tally.add(node, 1);
        }
    }
    met
}

/// How many bits `row` and the marks have in common.
#[inline(always)]
fn overlap<const EACH: bool>(row: &[Block], tally: &mut Tally<'_>) -> u64 {
    if !EACH {
        let mut sums = [0u64; BLOCK / 64];
        for (left, right) in row.iter().zip(&tally.marks) {
            for (sum, (left, right)) in sums.iter_mut().zip(left.iter().zip(right)) {
                *sum += u64::from((left & right).count_ones());
            }
        }
        return sums.iter().sum();
    }
    let mut met = 0;
    for (block, left) in row.iter().enumerate() {
        for (lane, word) in left.iter().enumerate() {
            let mut bits = word & tally.marks[block][lane];
            met += u64::from(bits.count_ones());
            while bits != 0 {
                tally.core[block * BLOCK + lane * 64 + bits.trailing_zeros() as usize] += 1;
                bits &= bits - 1;
            }
        }
    }
    met
}

/// How many nodes two sorted lists have in common.
#[inline(always)]
fn merge<const EACH: bool>(left: &[u32], right: &[u32], tally: &mut Tally<'_>) -> u64 {
    let (mut i, mut j, mut met) = (0, 0, 0);
    while i < left.len() && j < right.len() {
        let (a, b) = (left[i], right[j]);
        if EACH && a == b {
            tally.add(a, 1);
        }
        met += u64::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    met
}
