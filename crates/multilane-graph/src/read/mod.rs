//! Graphs from files: edge lists and Matrix Market, plain or compressed by gzip.
//!
//! A file is read as a stream in blocks, by all lanes, and never held as a whole; what is needed beyond the
//! finished rows is about as much as they take. Errors name the line and what was expected there.

mod blocks;
mod budget;
mod edge_list;
mod lines;
mod matrix_market;
mod names;
mod number;
mod packed;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;
use std::sync::Mutex;

use multilane_plan::Lanes;

pub use edge_list::read_edge_list;
pub use matrix_market::read_matrix_market;
pub use names::Names;

use crate::algorithms::lanes::lock;
use crate::{Duplicates, Graph, GraphError};

/// How a file is read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Whether edges have a direction; without it as the file says, or yes.
    pub directed: Option<bool>,
    /// Whether edges have weights; without it as the file says, or its first line shows.
    pub weighted: Option<bool>,
    /// Number of nodes; without it as the file says, or one more than the largest.
    pub nodes: Option<usize>,
    /// Whether nodes are numbered anew in the order they occur, their names in the file kept; always so for
    /// nodes that are not numbers.
    pub relabel: bool,
    /// Lines at the start of an edge list that are not edges, such as names of columns.
    pub skip_lines: usize,
    /// Whether edges from a node to itself stay.
    pub self_loops: bool,
    /// What happens to several edges between the same nodes.
    pub duplicates: Duplicates,
    /// Most bytes to take; without it as many as the system has available.
    pub memory: Option<u64>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            directed: None,
            weighted: None,
            nodes: None,
            relabel: false,
            skip_lines: 0,
            self_loops: true,
            duplicates: Duplicates::Keep,
            memory: None,
        }
    }
}

/// A graph from a file.
#[derive(Debug)]
pub struct Loaded {
    /// The graph.
    pub graph: Graph,
    /// What the nodes are called in the file, when that is not their numbers.
    pub names: Option<Names>,
}

/// Reads a graph in the format that the file's name tells: `.mtx` and `.mtx.gz` are Matrix Market, all others edge lists.
pub fn read(path: &Path, options: &ReadOptions, lanes: &dyn Lanes) -> Result<Loaded, GraphError> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("mtx") => read_matrix_market(path, options, lanes),
        Some(format @ ("parquet" | "arrow" | "feather" | "npz")) => Err(GraphError::Format {
            path: path.to_owned(),
            problem: format!(
                "`{format}` is not text; read its columns with another library and build the graph from arrays"
            ),
        }),
        _ => read_edge_list(path, options, lanes),
    }
}

/// Turns every item into something, side by side, in order.
fn each<T: Send, U: Send>(items: Vec<T>, lanes: &dyn Lanes, turn: impl Fn(T) -> U + Sync) -> Vec<U> {
    let slots: Vec<Mutex<(Option<T>, Option<U>)>> =
        items.into_iter().map(|item| Mutex::new((Some(item), None))).collect();
    lanes.run(slots.len(), &|piece, _| {
        let mut slot = lock(&slots[piece]);
        slot.1 = slot.0.take().map(&turn);
    });
    let made = slots
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).1);
    made.collect()
}
