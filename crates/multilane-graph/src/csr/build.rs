//! Builds rows from edges: into buckets of neighbouring rows first, then each bucket in cache.
//!
//! The edges are read twice and never copied as pairs: a bucket receives the targets in
//! the memory of the result, and 16 bits that say which of its rows each one is for.
//! The result depends on the order of the edges only, not on the number of lanes.

use multilane_plan::Lanes;

use super::sort::{Item, sort};
use super::stream::Stream;
use super::{Csr, Duplicates};
use crate::error::GraphError;
use crate::limits;
use crate::shared::{PerLane, Shared, reserve};
use crate::weights::{WeightSlice, Weights};

/// Edges a bucket should have, so that sorting it stays in a second-level cache.
const BUCKET_EDGES: usize = 1 << 16;

/// More buckets than this and the scattered writes to them miss the address cache.
const MOST_BUCKETS: usize = 2048;

/// What an edge carries: nothing, or a float.
trait Carried: Copy + Send + Sync + Default {
    /// What is sorted: with the place of the weight, or without.
    type Item: Item;
    /// Whether there is anything to carry.
    const SOME: bool;
    /// Two edges made one.
    fn plus(self, other: Self) -> Self;
}

impl Carried for () {
    type Item = u64;
    const SOME: bool = false;
    fn plus(self, _: Self) {}
}

impl Carried for f32 {
    type Item = (u64, u32);
    const SOME: bool = true;
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl Carried for f64 {
    type Item = (u64, u32);
    const SOME: bool = true;
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

/// Builds the rows of `nodes` nodes; every end of every edge must be below that.
pub(crate) fn build(
    stream: &impl Stream,
    nodes: usize,
    duplicates: Duplicates,
    lanes: &dyn Lanes,
) -> Result<Csr, GraphError> {
    let (offsets, targets, weights) = match stream.weights() {
        WeightSlice::None => {
            // Carries nothing, however many there are.
            let (offsets, targets, _) = build_with::<()>(stream, None, nodes, duplicates, lanes)?;
            (offsets, targets, Weights::None)
        }
        WeightSlice::F32(weights) => {
            let (offsets, targets, weights) = build_with(stream, Some(weights), nodes, duplicates, lanes)?;
            (offsets, targets, Weights::F32(weights))
        }
        WeightSlice::F64(weights) => {
            let (offsets, targets, weights) = build_with(stream, Some(weights), nodes, duplicates, lanes)?;
            (offsets, targets, Weights::F64(weights))
        }
    };
    Ok(Csr::from_parts(offsets, targets, weights))
}

type Rows<W> = (Vec<usize>, Vec<u32>, Vec<W>);

/// Scratch of one lane.
struct Scratch<W: Carried> {
    items: Vec<W::Item>,
    other: Vec<W::Item>,
    carried: Vec<W>,
}

fn build_with<W: Carried>(
    stream: &impl Stream,
    carried: Option<&[W]>,
    nodes: usize,
    duplicates: Duplicates,
    lanes: &dyn Lanes,
) -> Result<Rows<W>, GraphError> {
    let shift = bucket_shift(nodes, stream.edges());
    let buckets = nodes.div_ceil(1 << shift).max(1);
    let starts = starts(stream, shift, buckets, lanes)?;
    // The last of them is the number of all edges.
    let bounds: Vec<usize> = starts.iter().copied().step_by(stream.pieces()).collect();
    let edges = bounds[buckets];
    if lanes.stopped() {
        return Err(GraphError::Stopped);
    }

    // All of it together: each part alone may still fit.
    limits::refuse_beyond_memory(limits::building_bytes(nodes as u128, edges as u128, size_of::<W>()))?;
    let mut targets = reserve::<u32>(edges)?;
    let mut rows = reserve::<u16>(edges)?;
    let mut weights = reserve::<W>(edges)?;
    let places = Places {
        targets: Shared::new(targets.as_mut_ptr()),
        rows: Shared::new(rows.as_mut_ptr()),
        weights: Shared::new(weights.as_mut_ptr()),
    };
    scatter(stream, carried, shift, &starts, lanes, places);
    // SAFETY: `scatter` wrote all of the places: the counts of the buckets sum to `edges`.
    unsafe {
        targets.set_len(edges);
        rows.set_len(edges);
        weights.set_len(edges);
    }
    if lanes.stopped() {
        return Err(GraphError::Stopped);
    }

    let mut offsets = reserve::<usize>(nodes + 1)?;
    offsets.resize(nodes + 1, 0);
    let mut kept = vec![0usize; buckets];
    {
        let scratch = PerLane::new(lanes, || Scratch::<W> {
            items: Vec::new(),
            other: Vec::new(),
            carried: Vec::new(),
        });
        let (all_targets, all_weights) = (Shared::new(targets.as_mut_ptr()), Shared::new(weights.as_mut_ptr()));
        let (all_counts, all_kept) = (Shared::new(offsets[1..].as_mut_ptr()), Shared::new(kept.as_mut_ptr()));
        let target_bits = usize::BITS - nodes.saturating_sub(1).leading_zeros();
        lanes.run(buckets, &|bucket, lane| {
            let place = bounds[bucket]..bounds[bucket + 1];
            let own = bucket << shift..((bucket + 1) << shift).min(nodes);
            // SAFETY: the lane is the one `run` gave; buckets have disjoint places and rows.
            unsafe {
                let sorted = Bucket {
                    rows: &rows[place.clone()],
                    targets: all_targets.slice(place.clone()),
                    weights: all_weights.slice(place),
                    counts: all_counts.slice(own),
                    target_bits,
                    row_bits: shift,
                    presorted: stream.sorted(),
                    duplicates,
                }
                .sort(scratch.get(lane));
                all_kept.write(bucket, sorted);
            }
        });
    }
    drop(rows);

    close_gaps(&bounds, &kept, &mut targets, &mut weights);
    for node in 0..nodes {
        offsets[node + 1] += offsets[node];
    }
    Ok((offsets, targets, weights))
}

/// How many rows a bucket has, as a power of two; at most 16, for 16 bits name them.
fn bucket_shift(nodes: usize, edges: usize) -> u32 {
    let buckets = (edges / BUCKET_EDGES).clamp(1, MOST_BUCKETS);
    let width = nodes.div_ceil(buckets).max(1);
    width.next_power_of_two().trailing_zeros().min(16)
}

/// For every bucket and every piece of the stream, where the piece's first edge of that bucket goes.
fn starts(stream: &impl Stream, shift: u32, buckets: usize, lanes: &dyn Lanes) -> Result<Vec<usize>, GraphError> {
    let pieces = stream.pieces();
    let mut counts = reserve::<usize>(pieces * buckets)?;
    counts.resize(pieces * buckets, 0);
    let all = Shared::new(counts.as_mut_ptr());
    let scratch = PerLane::new(lanes, || vec![0usize; buckets]);
    lanes.run(pieces, &|piece, lane| {
        // SAFETY: the lane is the one `run` gave.
        let own = unsafe { scratch.get(lane) };
        own.fill(0);
        stream.each(piece, |row, _, _| own[(row >> shift) as usize] += 1);
        for (bucket, &count) in own.iter().enumerate() {
            // SAFETY: every piece has its own column.
            unsafe { all.write(bucket * pieces + piece, count) };
        }
    });
    let mut sum = 0;
    for count in &mut counts {
        sum += std::mem::replace(count, sum);
    }
    // The end of the last bucket stands behind all starts.
    counts.push(sum);
    Ok(counts)
}

/// Where the edges of the buckets are written.
#[derive(Clone, Copy)]
struct Places<W> {
    targets: Shared<u32>,
    rows: Shared<u16>,
    weights: Shared<W>,
}

/// Writes every edge to its bucket; edges of a bucket keep their order.
fn scatter<W: Carried>(
    stream: &impl Stream,
    carried: Option<&[W]>,
    shift: u32,
    starts: &[usize],
    lanes: &dyn Lanes,
    places: Places<W>,
) {
    let pieces = stream.pieces();
    let low = ((1u64 << shift) - 1) as u32;
    let scratch = PerLane::new(lanes, Vec::<usize>::new);
    lanes.run(pieces, &|piece, lane| {
        // SAFETY: the lane is the one `run` gave.
        let next = unsafe { scratch.get(lane) };
        next.clear();
        next.extend(starts[piece..].iter().copied().step_by(pieces));
        stream.each(piece, |row, target, place| {
            let next = &mut next[(row >> shift) as usize];
            // SAFETY: `starts` gives every edge of every piece a place of its own.
            unsafe {
                places.targets.write(*next, target);
                places.rows.write(*next, (row & low) as u16);
                if let Some(carried) = carried {
                    places.weights.write(*next, carried[place]);
                }
            }
            *next += 1;
        });
    });
}

/// The edges of neighbouring rows, in the order they came in.
struct Bucket<'a, W> {
    rows: &'a [u16],
    targets: &'a mut [u32],
    weights: &'a mut [W],
    /// Where the lengths of the rows go.
    counts: &'a mut [usize],
    target_bits: u32,
    row_bits: u32,
    presorted: bool,
    duplicates: Duplicates,
}

impl<W: Carried> Bucket<'_, W> {
    /// Sorts the edges in place and returns how many are left.
    fn sort(self, scratch: &mut Scratch<W>) -> usize {
        let Scratch { items, other, carried } = scratch;
        items.clear();
        items.extend(
            self.rows
                .iter()
                .zip(&*self.targets)
                .enumerate()
                .map(|(place, (&row, &target))| {
                    W::Item::new(u64::from(row) << self.target_bits | u64::from(target), place as u32)
                }),
        );
        let low = if self.presorted { self.target_bits } else { 0 };
        sort(items, other, low, self.target_bits + self.row_bits);
        carried.clear();
        carried.extend_from_slice(self.weights);

        let target_mask = (1u64 << self.target_bits) - 1;
        let mut kept = 0;
        let mut last = None;
        for item in items.iter() {
            let key = item.key();
            if last == Some(key) && self.duplicates != Duplicates::Keep {
                if W::SOME && self.duplicates == Duplicates::Sum {
                    self.weights[kept - 1] = self.weights[kept - 1].plus(carried[item.place() as usize]);
                }
                continue;
            }
            last = Some(key);
            self.targets[kept] = (key & target_mask) as u32;
            if W::SOME {
                self.weights[kept] = carried[item.place() as usize];
            }
            self.counts[(key >> self.target_bits) as usize] += 1;
            kept += 1;
        }
        kept
    }
}

/// Moves what is left of the buckets together, from the first to the last.
fn close_gaps<W: Copy>(bounds: &[usize], kept: &[usize], targets: &mut Vec<u32>, weights: &mut Vec<W>) {
    let mut end = 0;
    for (&start, &kept) in bounds.iter().zip(kept) {
        if start != end {
            targets.copy_within(start..start + kept, end);
            weights.copy_within(start..start + kept, end);
        }
        end += kept;
    }
    if end != targets.len() {
        targets.truncate(end);
        targets.shrink_to_fit();
        weights.truncate(end);
        weights.shrink_to_fit();
    }
}
