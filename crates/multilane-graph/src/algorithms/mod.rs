//! Graph algorithms for which a plan is the wrong tool.

mod components;
mod label_propagation;

pub use components::{components, count_components};
pub use label_propagation::{Communities, LabelPropagation, label_propagation};
