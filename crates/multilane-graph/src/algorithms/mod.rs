//! Graph algorithms for which a plan is the wrong tool.
//!
//! Each reads a [`crate::Graph`] and gives new arrays, the same at any number of lanes.

mod bits;
pub(crate) mod lanes;
mod memory;

pub mod betweenness;
pub mod bfs;
pub mod components;
pub mod core_number;
pub mod label_propagation;
pub mod sssp;
pub mod triangles;

pub use betweenness::{BetweennessOptions, betweenness, betweenness_from};
pub use bfs::{UNREACHED, bfs, bfs_parents};
pub use components::{components, count_components};
pub use core_number::core_numbers;
pub use label_propagation::{Communities, LabelPropagation, label_propagation};
pub(crate) use memory::{advise, room};
pub use sssp::{sssp, sssp_with};
pub use triangles::{triangles, triangles_of_nodes};
