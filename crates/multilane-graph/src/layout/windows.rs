//! Windows of neighbouring rows, each sorted by length and cut into groups of one SIMD width.
//!
//! A group stands in memory by steps: the first neighbours of its rows, then their second
//! ones. Shorter rows of a group are filled up with the place behind all places. Long rows
//! stand for themselves, before the groups.

use multilane_plan::Lanes;

use super::Layout;
use super::order::Order;
use crate::csr::Csr;
use crate::error::GraphError;
use crate::shared::{Shared, part, pieces, reserve};
use crate::weights::Weights;

/// Rows of a window.
pub(crate) const WINDOW: usize = 256;

/// Rows of a group.
pub(crate) const LANES: usize = 8;

/// Entries behind the last one, so that kernels may look ahead without asking whether there are any.
pub(crate) const AHEAD: usize = 64;

/// Rows longer than this are not grouped: the others of their group would be mostly filling.
const LONG: usize = 128;

/// Where a window's parts start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    /// Its first entry.
    pub(crate) entry: usize,
    /// Its first length.
    pub(crate) length: usize,
    /// Number of long rows.
    pub(crate) long: u16,
    /// Number of other rows that are not empty.
    pub(crate) short: u16,
}

/// What a window will need, and its rows from the longest to the shortest.
struct Shape {
    rows: [u8; WINDOW],
    long: usize,
    short: usize,
    entries: usize,
}

impl Shape {
    fn of(rows: &Csr, window: usize) -> Self {
        let start = window * WINDOW;
        let end = (start + WINDOW).min(rows.num_nodes());
        // Lengths above LONG count as one: long rows keep their order.
        let class = |node: usize| rows.degree(node).min(LONG + 1);
        let mut next = [0usize; LONG + 2];
        for node in start..end {
            next[class(node)] += 1;
        }
        let long = next[LONG + 1];
        let short = end - start - long - next[0];
        let mut sum = 0;
        for count in next.iter_mut().rev() {
            sum += std::mem::replace(count, sum);
        }
        let mut sorted = [0; WINDOW];
        for node in start..end {
            let place = &mut next[class(node)];
            sorted[*place] = (node - start) as u8;
            *place += 1;
        }
        let length = |row: &u8| rows.degree(start + *row as usize);
        let (long_rows, others) = sorted.split_at(long);
        let entries = long_rows.iter().map(length).sum::<usize>()
            + others[..short]
                .chunks(LANES)
                .map(|group| length(&group[0]) * LANES)
                .sum::<usize>();
        Self {
            rows: sorted,
            long,
            short,
            entries,
        }
    }
}

/// Arranges rows in windows; neighbours are named by their places.
pub(super) fn arrange(rows: &Csr, order: Option<Order>, lanes: &dyn Lanes) -> Result<Layout, GraphError> {
    let nodes = rows.num_nodes();
    let count = nodes.div_ceil(WINDOW);
    let places = order.as_ref().map_or(nodes, |order| order.nodes.len());

    let mut windows = reserve::<Window>(count + 1)?;
    windows.resize(count + 1, Window::default());
    let mut sorted = reserve::<u8>(count * WINDOW)?;
    sorted.resize(count * WINDOW, 0);
    let cuts = pieces(count, 64, lanes);
    {
        let (all_windows, all_sorted) = (Shared::new(windows.as_mut_ptr()), Shared::new(sorted.as_mut_ptr()));
        lanes.run(cuts, &|piece, _| {
            for window in part(count, cuts, piece) {
                let shape = Shape::of(rows, window);
                // SAFETY: every window is in one piece.
                unsafe {
                    all_sorted
                        .slice(window * WINDOW..(window + 1) * WINDOW)
                        .copy_from_slice(&shape.rows);
                    all_windows.write(
                        window,
                        Window {
                            entry: shape.entries,
                            length: shape.long + shape.short.div_ceil(LANES),
                            long: shape.long as u16,
                            short: shape.short as u16,
                        },
                    );
                }
            }
        });
    }
    let (mut entry, mut length) = (0, 0);
    for window in &mut windows {
        entry += std::mem::replace(&mut window.entry, entry);
        length += std::mem::replace(&mut window.length, length);
    }

    let mut lengths = reserve::<u32>(length)?;
    let mut entries = reserve::<u32>(entry + AHEAD)?;
    let all_lengths = Shared::new(lengths.as_mut_ptr());
    let all_entries = Shared::new(entries.as_mut_ptr());
    let place_of = |node: u32| order.as_ref().map_or(node, |order| order.places[node as usize]);
    let arranged = Arranged {
        rows,
        windows: &windows,
        sorted: &sorted,
    };
    lanes.run(cuts, &|piece, _| {
        for window in part(count, cuts, piece) {
            let mut at = windows[window].length;
            arranged.lengths(window, |length| {
                // SAFETY: every window has its own lengths, as many as were counted.
                unsafe { all_lengths.write(at, length as u32) };
                at += 1;
            });
            arranged.entries(window, |at, from| {
                let place = from.map_or(places as u32, |from| place_of(rows.targets()[from]));
                // SAFETY: every window has its own entries, as many as were counted.
                unsafe { all_entries.write(at, place) };
            });
        }
    });
    // SAFETY: all windows together have as many as were reserved, and wrote all of theirs.
    unsafe {
        lengths.set_len(length);
        entries.set_len(entry);
    }
    entries.resize(entry + AHEAD, places as u32);
    let weights = match rows.weights() {
        Weights::None => Weights::None,
        Weights::F32(weights) => Weights::F32(arranged.weights(weights, 1.0, entry, lanes)?),
        Weights::F64(weights) => Weights::F64(arranged.weights(weights, 1.0, entry, lanes)?),
    };
    Ok(Layout {
        order: order.map(|order| order.nodes),
        places,
        windows,
        rows: sorted,
        lengths,
        entries,
        weights,
    })
}

/// Rows whose windows are known.
struct Arranged<'a> {
    rows: &'a Csr,
    windows: &'a [Window],
    sorted: &'a [u8],
}

impl Arranged<'_> {
    /// Long rows of a window, and groups of its short ones.
    fn parts(&self, window: usize) -> (&[u8], impl Iterator<Item = &[u8]>) {
        let Window { long, short, .. } = self.windows[window];
        let sorted = &self.sorted[window * WINDOW..][..usize::from(long + short)];
        let (long, short) = sorted.split_at(usize::from(long));
        (long, short.chunks(LANES))
    }

    /// Calls `found` for the length of every long row and every group.
    fn lengths(&self, window: usize, mut found: impl FnMut(usize)) {
        let (long, groups) = self.parts(window);
        for row in long.iter().chain(groups.map(|group| &group[0])) {
            found(self.rows.degree(window * WINDOW + *row as usize));
        }
    }

    /// Calls `found(entry, from)` for every entry of a window; `from` is where its edge stands in the rows.
    #[inline(always)]
    fn entries(&self, window: usize, mut found: impl FnMut(usize, Option<usize>)) {
        let mut entry = self.windows[window].entry;
        let (long, groups) = self.parts(window);
        for &row in long {
            for from in self.rows.range(window * WINDOW + row as usize) {
                found(entry, Some(from));
                entry += 1;
            }
        }
        for group in groups {
            let length = self.rows.degree(window * WINDOW + group[0] as usize);
            for lane in 0..LANES {
                let range = group
                    .get(lane)
                    .map_or(0..0, |&row| self.rows.range(window * WINDOW + row as usize));
                for step in 0..length {
                    let from = range.start + step;
                    found(entry + step * LANES + lane, (from < range.end).then_some(from));
                }
            }
            entry += length * LANES;
        }
    }

    /// Weights in the order of the entries; `filling` where there is no edge.
    fn weights<W: Copy + Send + Sync>(
        &self,
        weights: &[W],
        filling: W,
        entries: usize,
        lanes: &dyn Lanes,
    ) -> Result<Vec<W>, GraphError> {
        let mut arranged = reserve::<W>(entries)?;
        let all = Shared::new(arranged.as_mut_ptr());
        let count = self.windows.len() - 1;
        let cuts = pieces(count, 64, lanes);
        lanes.run(cuts, &|piece, _| {
            for window in part(count, cuts, piece) {
                self.entries(window, |entry, from| {
                    // SAFETY: every window has its own entries.
                    unsafe { all.write(entry, from.map_or(filling, |from| weights[from])) };
                });
            }
        });
        // SAFETY: the windows wrote all of their entries.
        unsafe { arranged.set_len(entries) };
        Ok(arranged)
    }
}
