//! Rows in an order of memory that suits aggregation.
//!
//! Two things make a plain walk over the rows slow: the values of the neighbours lie all over
//! memory, and rows are short and of every length. So the values that are read most are first
//! gathered side by side (`order`), and rows are taken eight at a time from windows of
//! neighbouring rows sorted by length (`windows`), one row to a SIMD lane.
//! The order within a row stays, so that sums are those of a plain walk.

mod order;
mod windows;

use multilane_plan::Lanes;

pub(crate) use windows::{AHEAD, LANES, WINDOW, Window};

use crate::csr::Csr;
use crate::error::GraphError;
use crate::weights::Weights;

/// Rows ready for aggregation.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The node whose value goes to each place; without it every node is its own place.
    pub(crate) order: Option<Vec<u32>>,
    /// Number of places. One more, behind them, holds a value that changes nothing.
    pub(crate) places: usize,
    /// Windows of [`WINDOW`] rows; one more at the end.
    pub(crate) windows: Vec<Window>,
    /// For every window its rows, from the longest to the shortest.
    pub(crate) rows: Vec<u8>,
    /// For every window the lengths of its long rows, then of its groups of short rows.
    pub(crate) lengths: Vec<u32>,
    /// Places of the neighbours, and [`AHEAD`] more at the end.
    pub(crate) entries: Vec<u32>,
    /// Weights, entry by entry; where there is no edge, 1, for what stands there changes nothing already.
    pub(crate) weights: Weights,
}

impl Layout {
    /// Arranges rows.
    pub(crate) fn new(rows: &Csr, lanes: &dyn Lanes) -> Result<Self, GraphError> {
        let order = order::order(rows, lanes)?;
        windows::arrange(rows, order, lanes)
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.order.as_ref().map_or(0, |order| order.capacity() * 4)
            + self.windows.capacity() * size_of::<Window>()
            + self.rows.capacity()
            + self.lengths.capacity() * 4
            + self.entries.capacity() * 4
            + self.weights.bytes()
    }

    /// Number of the window that holds about a share of the work.
    pub(crate) fn window_at(&self, part: usize, parts: usize) -> usize {
        let last = self.windows.len() - 1;
        let work = |window: usize| self.windows[window].entry + window * WINDOW;
        let goal = (work(last) as u128 * part as u128 / parts as u128) as usize;
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = low + (high - low) / 2;
            if work(middle) < goal {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
