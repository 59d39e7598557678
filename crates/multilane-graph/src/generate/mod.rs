//! Graphs from a few numbers: Kronecker, uniform and grid.
//!
//! The same numbers give the same graph at any number of lanes.

mod grid;
mod kronecker;
mod random;
mod uniform;

pub use grid::grid;
pub use kronecker::{kronecker, kronecker_edges};
pub(crate) use random::mix;
pub use uniform::{uniform, uniform_edges};

/// Sources and targets of edges.
pub type Edges = (Vec<u32>, Vec<u32>);
