//! Which values lie side by side: those that are read about equally often.
//!
//! Nodes are grouped by how often they are a neighbour, in powers of two, the most
//! frequent first; inside a group they keep their order, and with it the locality the
//! graph came with. Nodes that are nobody's neighbour get no place.

use std::sync::atomic::{AtomicU32, Ordering};

use multilane_plan::Lanes;

use crate::csr::Csr;
use crate::error::GraphError;
use crate::shared::{Shared, part, pieces, reserve};

/// Below this many nodes all values fit in a second-level cache, and any order will do.
const SMALL: usize = 1 << 16;

/// A place is worth having when an eighth of the nodes is read at least this share of the time.
const WORTH_PERCENT: usize = 40;

/// Frequencies in powers of two, and none.
const CLASSES: usize = 33;

/// Places of the nodes.
pub(super) struct Order {
    /// The node of each place.
    pub(super) nodes: Vec<u32>,
    /// The place of each node; meaningless for nodes that are nobody's neighbour.
    pub(super) places: Vec<u32>,
}

/// Groups the nodes, when that is worth while.
pub(super) fn order(rows: &Csr, lanes: &dyn Lanes) -> Result<Option<Order>, GraphError> {
    let nodes = rows.num_nodes();
    if nodes < SMALL {
        return Ok(None);
    }
    let mut frequencies = reserve::<AtomicU32>(nodes)?;
    frequencies.resize_with(nodes, AtomicU32::default);
    let entries = rows.num_entries();
    let cuts = pieces(entries, 1 << 16, lanes);
    lanes.run(cuts, &|piece, _| {
        for &target in &rows.targets()[part(entries, cuts, piece)] {
            frequencies[target as usize].fetch_add(1, Ordering::Relaxed);
        }
    });

    let cuts = pieces(nodes, 1 << 14, lanes);
    let class = |node: usize| (u32::BITS - frequencies[node].load(Ordering::Relaxed).leading_zeros()) as usize;
    let mut counts = vec![[0usize; CLASSES]; cuts];
    let mut reads = vec![[0usize; CLASSES]; cuts];
    let (all_counts, all_reads) = (Shared::new(counts.as_mut_ptr()), Shared::new(reads.as_mut_ptr()));
    lanes.run(cuts, &|piece, _| {
        let (mut counts, mut reads) = ([0; CLASSES], [0; CLASSES]);
        for node in part(nodes, cuts, piece) {
            counts[class(node)] += 1;
            reads[class(node)] += frequencies[node].load(Ordering::Relaxed) as usize;
        }
        // SAFETY: every piece writes its own element.
        unsafe {
            all_counts.write(piece, counts);
            all_reads.write(piece, reads);
        }
    });
    let used: usize = counts.iter().map(|counts| counts[1..].iter().sum::<usize>()).sum();
    if !worth(&counts, &reads, used, entries) {
        return Ok(None);
    }

    let mut next = 0;
    for class in (1..CLASSES).rev() {
        for counts in &mut counts {
            next += std::mem::replace(&mut counts[class], next);
        }
    }
    let (mut order, mut places) = (reserve::<u32>(used)?, reserve::<u32>(nodes)?);
    let (all_order, all_places) = (Shared::new(order.as_mut_ptr()), Shared::new(places.as_mut_ptr()));
    lanes.run(cuts, &|piece, _| {
        let mut next = counts[piece];
        for node in part(nodes, cuts, piece) {
            let class = class(node);
            // SAFETY: the counts give every node of every class its own place, and every node is in one piece.
            unsafe {
                if class == 0 {
                    all_places.write(node, u32::MAX);
                    continue;
                }
                all_places.write(node, next[class] as u32);
                all_order.write(next[class], node as u32);
            }
            next[class] += 1;
        }
    });
    // SAFETY: every node was written to `places`, and every node of the counted classes to `order`.
    unsafe {
        order.set_len(used);
        places.set_len(nodes);
    }
    Ok(Some(Order { nodes: order, places }))
}

/// Whether few nodes are read often.
fn worth(counts: &[[usize; CLASSES]], reads: &[[usize; CLASSES]], used: usize, entries: usize) -> bool {
    let (mut hot, mut hot_reads) = (0, 0);
    for class in (1..CLASSES).rev() {
        let count: usize = counts.iter().map(|counts| counts[class]).sum();
        if hot + count > used / 8 {
            break;
        }
        hot += count;
        hot_reads += reads.iter().map(|reads| reads[class]).sum::<usize>();
    }
    hot_reads * 100 >= entries * WORTH_PERCENT && entries > 0
}
