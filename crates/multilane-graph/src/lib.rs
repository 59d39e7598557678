//! Graphs: CSR storage, readers, generators, the `graph` dialect and its kernels.
//!
//! A [`Graph`] holds its edges as compressed rows and never changes them. Plans reach it
//! through the `graph` dialect ([`dialect`], [`kernels`]); algorithms that a plan is the
//! wrong tool for are functions in [`algorithms`]. Nothing here starts threads: work is
//! handed to the [`multilane_plan::Lanes`] of the caller. Nothing here knows Python.

pub mod algorithms;
mod csr;
mod dialect;
mod error;
mod exercises;
pub mod generate;
mod graph;
mod kernels;
mod layout;
mod limits;
mod mode;
mod node;
mod prefetch;
pub mod read;
mod shared;
mod weights;

pub use csr::{Csr, Duplicates};
pub use dialect::{KIND, dialect, graph_type};
pub use error::GraphError;
pub use graph::{Columns, Direction, EdgeOptions, Graph};
pub use kernels::kernels;
pub use node::NodeId;
pub use weights::{WeightSlice, Weights};

/// The largest number of nodes: every node and the number of nodes fit in 32 bits.
pub const MAX_NODES: usize = u32::MAX as usize;
