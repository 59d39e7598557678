//! Nodes by falling degree, each with those of its neighbours that come before it.
//!
//! Reads rows of neighbours from both ends; makes lists that are sorted and free of repetitions.

use std::sync::Mutex;

use multilane_plan::Lanes;

use crate::algorithms::lanes::{chunks, go_on, lock, ranges};
use crate::algorithms::memory::room;
use crate::{Csr, GraphError};

/// Nodes whose bits make one block, one wide register.
pub(super) const BLOCK: usize = 512;
/// As many bits as one block has.
pub(super) type Block = [u64; BLOCK / 64];
/// Rows of bits for more nodes than these would take more than 64 MiB.
const MOST_CORE: usize = 32 * 1024;
/// A row of bits should have at least one bit in so many blocks on average.
const SPARSEST: usize = 2;

/// Earlier neighbours of nodes in a new order.
pub(super) struct Ordered {
    /// The old name of each node.
    names: Vec<u32>,
    offsets: Vec<usize>,
    lists: Vec<u32>,
    /// How many entries of each list are nodes of the core.
    core_parts: Vec<u32>,
    /// How many of the first nodes have rows of bits.
    core: usize,
    /// Row after row: row `v` has bits for the nodes before `v`, in whole blocks.
    bits: Vec<Block>,
}

impl Ordered {
    pub(super) fn new(rows: &Csr, lanes: &dyn Lanes) -> Result<Self, GraphError> {
        let nodes = rows.num_nodes();
        let (names, places) = by_degree(rows);
        go_on(lanes)?;

        // Lists of ranges of nodes first, since nobody knows how long they are.
        let grain = nodes.div_ceil(lanes.count() * 64).max(256);
        let parts: Vec<Mutex<Vec<u32>>> = (0..nodes.div_ceil(grain)).map(|_| Mutex::default()).collect();
        let mut lengths = vec![0u32; nodes];
        chunks(lanes, &mut lengths, grain, |start, lengths, _| {
            if lanes.stopped() {
                return;
            }
            let mut part = lock(&parts[start / grain]);
            let mut list = Vec::new();
            for (place, length) in (start..).zip(lengths) {
                let neighbours = rows.neighbours(names[place] as usize);
                list.clear();
                list.extend(
                    neighbours
                        .iter()
                        .map(|&node| places[node as usize])
                        .filter(|&other| (other as usize) < place),
                );
                list.sort_unstable();
                list.dedup();
                *length = list.len() as u32;
                part.extend_from_slice(&list);
            }
        });
        go_on(lanes)?;

        let mut offsets = Vec::with_capacity(nodes + 1);
        let mut end = 0;
        offsets.push(0);
        for length in lengths {
            end += length as usize;
            offsets.push(end);
        }
        let mut lists = room(end, || 0);
        {
            let mut rest = lists.as_mut_slice();
            let mut targets = Vec::with_capacity(parts.len());
            for part in &parts {
                let (own, behind) = rest.split_at_mut(lock(part).len());
                targets.push(Mutex::new(own));
                rest = behind;
            }
            lanes.run(parts.len(), &|piece, _| {
                lock(&targets[piece]).copy_from_slice(&std::mem::take(&mut *lock(&parts[piece])));
            });
        }
        let mut ordered = Self {
            names,
            offsets,
            lists,
            core_parts: vec![0; nodes],
            core: 0,
            bits: Vec::new(),
        };
        ordered.core = ordered.core_size();
        ordered.mark_core(lanes);
        Ok(ordered)
    }

    pub(super) fn nodes(&self) -> usize {
        self.names.len()
    }

    pub(super) fn names(&self) -> &[u32] {
        &self.names
    }

    pub(super) fn core(&self) -> usize {
        self.core
    }

    /// The earlier neighbours of a node: those of the core, and the others.
    #[inline(always)]
    pub(super) fn list(&self, node: usize) -> (&[u32], &[u32]) {
        let list = &self.lists[self.offsets[node]..self.offsets[node + 1]];
        list.split_at(self.core_parts[node] as usize)
    }

    /// The bits of a node of the core.
    #[inline(always)]
    pub(super) fn row(&self, node: usize) -> &[Block] {
        let start = row_start(node);
        &self.bits[start..start + node / BLOCK + 1]
    }

    /// As many nodes as have well-filled rows of bits.
    fn core_size(&self) -> usize {
        let mut core = MOST_CORE;
        while core >= BLOCK {
            let half = core / 2;
            if core <= self.nodes() && (self.offsets[core] - self.offsets[half]) * SPARSEST >= half * (core / BLOCK) {
                return core;
            }
            core = half;
        }
        0
    }

    fn mark_core(&mut self, lanes: &dyn Lanes) {
        let core = self.core;
        let (offsets, lists) = (&self.offsets, &self.lists);
        chunks(lanes, &mut self.core_parts, 1 << 14, |start, parts, _| {
            for (node, part) in (start..).zip(parts) {
                let list = &lists[offsets[node]..offsets[node + 1]];
                *part = list.partition_point(|&other| (other as usize) < core) as u32;
            }
        });
        self.bits = room(row_start(core), || [0; BLOCK / 64]);
        let mut rest = self.bits.as_mut_slice();
        let mut rows = Vec::with_capacity(core);
        for node in 0..core {
            let (row, behind) = rest.split_at_mut(node / BLOCK + 1);
            rows.push(Mutex::new(row));
            rest = behind;
        }
        ranges(lanes, core, 256, |range, _| {
            for node in range {
                let mut row = lock(&rows[node]);
                for &other in &lists[offsets[node]..offsets[node + 1]] {
                    set(&mut row, other);
                }
            }
        });
    }
}

/// Where the row of bits of a node starts.
#[inline(always)]
fn row_start(node: usize) -> usize {
    let (group, within) = (node / BLOCK, node % BLOCK);
    BLOCK * (group * (group + 1) / 2) + within * (group + 1)
}

/// Sets the bit of a node.
#[inline(always)]
pub(super) fn set(row: &mut [Block], node: u32) {
    row[node as usize / BLOCK][node as usize % BLOCK / 64] |= 1 << (node % 64);
}

/// Whether the bit of a node is set.
#[inline(always)]
pub(super) fn has(row: &[Block], node: u32) -> bool {
    row[node as usize / BLOCK][node as usize % BLOCK / 64] >> (node % 64) & 1 == 1
}

/// Nodes by falling degree, equal ones by their names; and the place of each.
fn by_degree(rows: &Csr) -> (Vec<u32>, Vec<u32>) {
    let nodes = rows.num_nodes();
    // Degrees above this are few; they are sorted by comparison afterwards.
    const MOST: usize = 1 << 16;
    let degree = |node: usize| rows.degree(node).min(MOST - 1);
    let mut next = vec![0u32; MOST];
    for node in 0..nodes {
        next[degree(node)] += 1;
    }
    let mut sum = 0;
    for count in next.iter_mut().rev() {
        sum += std::mem::replace(count, sum);
    }
    let high = next[MOST - 2] as usize;
    let mut names = vec![0u32; nodes];
    for node in 0..nodes {
        let place = &mut next[degree(node)];
        names[*place as usize] = node as u32;
        *place += 1;
    }
    names[..high].sort_by_key(|&node| std::cmp::Reverse(rows.degree(node as usize)));
    let mut places = room(nodes, || 0u32);
    for (place, &node) in names.iter().enumerate() {
        places[node as usize] = place as u32;
    }
    (names, places)
}
