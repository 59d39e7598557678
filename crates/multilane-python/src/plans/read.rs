//! Graphs from files, for Python.

use std::path::PathBuf;

use multilane_graph::Graph;
use multilane_graph::read::{self, Names, ReadOptions};
use pyo3::prelude::*;

use super::graph;

/// What Python may ask of a reader.
pub(super) struct Wanted {
    pub(super) path: PathBuf,
    pub(super) format: Option<String>,
    pub(super) directed: Option<bool>,
    pub(super) weighted: Option<bool>,
    pub(super) nodes: Option<usize>,
    pub(super) relabel: bool,
    pub(super) skip_lines: usize,
}

/// Reads a graph from a file, and what its nodes are called there.
pub(super) fn read(py: Python<'_>, wanted: &Wanted) -> PyResult<(Graph, Option<Names>)> {
    let options = ReadOptions {
        directed: wanted.directed,
        weighted: wanted.weighted,
        nodes: wanted.nodes,
        relabel: wanted.relabel,
        skip_lines: wanted.skip_lines,
        ..ReadOptions::default()
    };
    let reader = match wanted.format.as_deref() {
        Some("edges") => read::read_edge_list,
        Some("matrix-market") => read::read_matrix_market,
        _ => read::read,
    };
    let loaded = graph::through(py, None, |lanes| reader(&wanted.path, &options, lanes))?;
    Ok((loaded.graph, loaded.names))
}
