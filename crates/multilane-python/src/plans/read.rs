//! Graphs from files.

use std::path::PathBuf;

use multilane_graph::Graph;
use pyo3::prelude::*;

use super::errors;

/// Reads a graph from a file; the format is what its name says when it is not given.
pub(super) fn read(
    py: Python<'_>,
    path: PathBuf,
    _format: Option<&str>,
    _directed: Option<bool>,
    _weighted: Option<bool>,
    _n: Option<usize>,
) -> PyResult<Graph> {
    Err(errors::raise(py, format!("cannot read {}", path.display())))
}
