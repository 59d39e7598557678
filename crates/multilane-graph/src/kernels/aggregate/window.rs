//! The inner loop: one window of rows.

use super::numbers::{Number, Reduce, Weigh};
use crate::layout::{AHEAD, LANES, Layout, WINDOW};
use crate::prefetch::prefetch_at;

/// Partial results of a long row.
const STRANDS: usize = 16;

/// Reduces the values of the neighbours of every row of a window.
///
/// Short rows are reduced from the first neighbour to the last. A long row is cut into
/// sixteen strands (neighbour `i` goes to strand `i % 16`), and the strands are joined pairwise.
///
/// # Safety
/// `values` has a value for each place of the layout and a neutral one behind them;
/// `weights` are those of the layout.
#[inline(always)]
pub(super) unsafe fn reduce_window<A: Number, R: Reduce, W: Weigh>(
    layout: &Layout,
    window: usize,
    values: *const A,
    weights: &[W::Weight],
    out: &mut [A; WINDOW],
) {
    *out = [R::neutral(); WINDOW];
    let start = layout.windows[window];
    let rows = &layout.rows[window * WINDOW..(window + 1) * WINDOW];
    let (long, short) = (usize::from(start.long), usize::from(start.short));
    let lengths = &layout.lengths[start.length..layout.windows[window + 1].length];
    let entries = layout.entries.as_ptr();
    let weights = weights.as_ptr();
    let mut entry = start.entry;
    // SAFETY: lengths and entries of the window are those the layout was made with, and every entry is a place.
    unsafe {
        let value = |entry: usize| {
            // Values lie anywhere, and later ones of short rows are too many steps away for the processor to see.
            prefetch_at(values.wrapping_add(*entries.add(entry + AHEAD) as usize));
            W::weighed::<A>(*values.add(*entries.add(entry) as usize), weights, entry)
        };
        for (&row, &length) in rows.iter().zip(&lengths[..long]) {
            let length = length as usize;
            let mut strands = [R::neutral::<A>(); STRANDS];
            let whole = length / STRANDS * STRANDS;
            for first in (0..whole).step_by(STRANDS) {
                for (strand, sum) in strands.iter_mut().enumerate() {
                    *sum = R::both(*sum, value(entry + first + strand));
                }
            }
            for (strand, sum) in strands.iter_mut().enumerate().take(length - whole) {
                *sum = R::both(*sum, value(entry + whole + strand));
            }
            out[row as usize] = joined::<A, R>(strands);
            entry += length;
        }
        for (group, &length) in rows[long..long + short].chunks(LANES).zip(&lengths[long..]) {
            let mut sums = [R::neutral::<A>(); LANES];
            for _ in 0..length {
                for (lane, sum) in sums.iter_mut().enumerate() {
                    *sum = R::both(*sum, value(entry + lane));
                }
                entry += LANES;
            }
            for (&row, sum) in group.iter().zip(sums) {
                out[row as usize] = sum;
            }
        }
    }
}

/// Strands joined pairwise.
#[inline(always)]
fn joined<A: Number, R: Reduce>(mut strands: [A; STRANDS]) -> A {
    let mut half = STRANDS / 2;
    while half > 0 {
        for strand in 0..half {
            strands[strand] = R::both(strands[strand], strands[strand + half]);
        }
        half /= 2;
    }
    strands[0]
}
