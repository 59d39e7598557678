//! `GraphData`: graphs for Python. Builds them from arrays, generates them, runs native algorithms.
//!
//! Edge arrays are read where they lie. Everything long goes through the gate.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use multilane_graph::algorithms::betweenness::BetweennessOptions;
use multilane_graph::{Duplicates, EdgeOptions, Graph, GraphError, NodeId, WeightSlice, algorithms, generate};
use multilane_plan::{Array, DType, Element, Lanes, Value};
use pyo3::exceptions::{PyMemoryError, PyOSError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::arrays::{self, View};
use super::{as_array, errors, gate, read};

/// A graph: edges that never change, and columns of node attributes.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct GraphData {
    pub(super) graph: Arc<Graph>,
}

/// An error of graphs as Python's users expect it.
pub(super) fn raised(py: Python<'_>, error: &GraphError) -> PyErr {
    let mut message = error.to_string();
    if let GraphError::Io { source, .. } = error {
        message = format!("{message}: {source}");
    }
    if let Some(hint) = error.hint() {
        message = format!("{message}; {hint}");
    }
    match error {
        GraphError::Io { path, source } => match source.raw_os_error() {
            Some(number) => {
                let reason = source.to_string();
                let reason = reason.split(" (os error").next().unwrap_or_default().to_owned();
                PyOSError::new_err((number, reason, path.display().to_string()))
            }
            None => PyOSError::new_err(message),
        },
        GraphError::OutOfMemory { .. } => PyMemoryError::new_err(message),
        _ => errors::raise(py, message),
    }
}

/// Runs native work on a graph through the gate.
pub(super) fn through<T: Send>(
    py: Python<'_>,
    workers: Option<usize>,
    work: impl FnOnce(&dyn Lanes) -> Result<T, GraphError> + Send,
) -> PyResult<T> {
    let wishes = gate::Wishes {
        workers,
        ..gate::Wishes::default()
    };
    gate::through(py, &wishes, |gate| work(gate))?.map_err(|error| raised(py, &error))
}

/// Hands a vector of results to Python.
fn handed<'py, T: Element>(py: Python<'py>, elements: Vec<T>) -> PyResult<Bound<'py, PyAny>> {
    let len = elements.len();
    arrays::to_python(py, Array::from_vec(elements), &[len], false)
}

/// Node numbers of the caller's.
enum Ids {
    Narrow(View),
    Wide(View),
}

fn ids(thing: &Bound<'_, PyAny>, wide: bool, name: &str) -> PyResult<(Ids, Arc<dyn Any + Send + Sync>)> {
    let read = |thing: &Bound<'_, PyAny>| -> PyResult<Option<(Ids, Arc<dyn Any + Send + Sync>)>> {
        Ok(match arrays::view(thing)? {
            Some((view, owner)) if view.dtype == DType::I64 => Some((Ids::Wide(view), owner)),
            Some((view, owner)) if view.dtype == DType::I32 && !wide => Some((Ids::Narrow(view), owner)),
            _ => None,
        })
    };
    if let Some(found) = read(thing)? {
        return Ok(found);
    }
    let inputs = thing.py().import("multilane._inputs")?;
    let made = inputs.call_method1("as_nodes", (thing, name))?;
    read(&made)?.ok_or_else(|| PyTypeError::new_err(format!("`{name}` holds no node numbers")))
}

/// The elements of a view.
///
/// # Safety
/// The view is of `T`'s element type, and its owner lives as long as the slice is used.
unsafe fn slice<'a, T>(view: &View) -> &'a [T] {
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(view.start.as_ptr().cast::<T>(), view.len) }
}

fn one_axis(py: Python<'_>, view: &View, name: &str) -> PyResult<()> {
    if view.shape.len() == 1 {
        return Ok(());
    }
    let message = format!("`{name}` has {} axes, and must have one", view.shape.len());
    Err(errors::raise(py, message))
}

fn edge_options(nodes: Option<usize>, directed: bool) -> EdgeOptions {
    EdgeOptions {
        nodes,
        directed,
        ..EdgeOptions::default()
    }
}

/// For generators: no doubles and no edges from a node to itself.
fn simple(directed: bool) -> EdgeOptions {
    EdgeOptions {
        directed,
        self_loops: false,
        duplicates: Duplicates::First,
        ..EdgeOptions::default()
    }
}

fn built<N: NodeId>(
    py: Python<'_>,
    src: &[N],
    dst: &[N],
    weights: WeightSlice<'_>,
    options: EdgeOptions,
) -> PyResult<GraphData> {
    let graph = through(py, None, |lanes| Graph::from_edges(src, dst, weights, options, lanes))?;
    Ok(GraphData { graph: Arc::new(graph) })
}

#[pymethods]
impl GraphData {
    /// Builds a graph from arrays of the edges' two ends.
    #[staticmethod]
    #[pyo3(signature = (src, dst, n, directed, weights))]
    fn from_edges(
        src: &Bound<'_, PyAny>,
        dst: &Bound<'_, PyAny>,
        n: Option<usize>,
        directed: bool,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let py = src.py();
        let options = edge_options(n, directed);
        let (mut from, mut from_owner) = ids(src, false, "src")?;
        let (mut to, mut to_owner) = ids(dst, false, "dst")?;
        match (&from, &to) {
            (Ids::Narrow(_), Ids::Wide(_)) => (from, from_owner) = ids(src, true, "src")?,
            (Ids::Wide(_), Ids::Narrow(_)) => (to, to_owner) = ids(dst, true, "dst")?,
            _ => {}
        }
        let weights = match weights {
            None => None,
            Some(weights) => match arrays::view(weights)? {
                Some(found) if found.0.dtype.is_float() => Some(found),
                _ => arrays::view(&as_array(weights, Some("f64"), "weights")?)?,
            },
        };
        if let Some((view, _)) = &weights {
            one_axis(py, view, "weights")?;
        }
        let weighed = match &weights {
            None => WeightSlice::None,
            // SAFETY: `weights` holds the owner until the end of this function.
            Some((view, _)) if view.dtype == DType::F32 => WeightSlice::F32(unsafe { slice(view) }),
            // SAFETY: as above; the other float is f64.
            Some((view, _)) => WeightSlice::F64(unsafe { slice(view) }),
        };
        let made = match (&from, &to) {
            (Ids::Narrow(from), Ids::Narrow(to)) => {
                one_axis(py, from, "src")?;
                one_axis(py, to, "dst")?;
                // SAFETY: both are i32, and their owners live until the end of this function.
                let (from, to) = unsafe { (slice::<i32>(from), slice::<i32>(to)) };
                built(py, from, to, weighed, options)
            }
            (Ids::Wide(from), Ids::Wide(to)) => {
                one_axis(py, from, "src")?;
                one_axis(py, to, "dst")?;
                // SAFETY: both are i64, and their owners live until the end of this function.
                let (from, to) = unsafe { (slice::<i64>(from), slice::<i64>(to)) };
                built(py, from, to, weighed, options)
            }
            _ => Err(PyTypeError::new_err("`src` and `dst` hold numbers of different types")),
        };
        drop((from_owner, to_owner, weights));
        made
    }

    /// Reads a graph from a file; it and what its nodes are called there, unless that is their numbers.
    #[staticmethod]
    #[pyo3(signature = (path, format, directed, weighted, n, relabel, skip_lines))]
    #[expect(clippy::too_many_arguments, reason = "what a reader may be asked for")]
    fn read<'py>(
        py: Python<'py>,
        path: PathBuf,
        format: Option<String>,
        directed: Option<bool>,
        weighted: Option<bool>,
        n: Option<usize>,
        relabel: bool,
        skip_lines: usize,
    ) -> PyResult<(Self, Option<Bound<'py, PyList>>)> {
        let wanted = read::Wanted {
            path,
            format,
            directed,
            weighted,
            nodes: n,
            relabel,
            skip_lines,
        };
        let (graph, names) = read::read(py, &wanted)?;
        let names = match names {
            None => None,
            Some(names) => Some(match names.integers() {
                Some(numbers) => PyList::new(py, numbers)?,
                None => PyList::new(py, names.iter())?,
            }),
        };
        Ok((Self { graph: Arc::new(graph) }, names))
    }

    /// Generates an R-MAT graph.
    #[staticmethod]
    fn kronecker(py: Python<'_>, scale: u32, edge_factor: usize, seed: u64, directed: bool) -> PyResult<Self> {
        let options = simple(directed);
        let graph = through(py, None, |lanes| {
            generate::kronecker(scale, edge_factor, seed, options, lanes)
        })?;
        Ok(Self { graph: Arc::new(graph) })
    }

    /// Generates a graph with edges at random.
    #[staticmethod]
    fn uniform(py: Python<'_>, nodes: usize, edges: usize, seed: u64, directed: bool) -> PyResult<Self> {
        let options = EdgeOptions {
            duplicates: Duplicates::Keep,
            self_loops: true,
            ..simple(directed)
        };
        let graph = through(py, None, |lanes| generate::uniform(nodes, edges, seed, options, lanes))?;
        Ok(Self { graph: Arc::new(graph) })
    }

    /// Generates a grid.
    #[staticmethod]
    fn grid(py: Python<'_>, rows: usize, columns: usize, periodic: bool) -> PyResult<Self> {
        let graph = through(py, None, |lanes| generate::grid(rows, columns, periodic, lanes))?;
        Ok(Self { graph: Arc::new(graph) })
    }

    #[getter]
    fn nodes(&self) -> usize {
        self.graph.num_nodes()
    }

    #[getter]
    fn edges(&self) -> usize {
        self.graph.num_edges()
    }

    #[getter]
    fn directed(&self) -> bool {
        self.graph.is_directed()
    }

    #[getter]
    fn weighted(&self) -> bool {
        self.graph.is_weighted()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.graph.bytes()
    }

    /// Element types of the attributes by name.
    fn attribute_types<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let types = PyDict::new(py);
        for name in self.graph.columns().names() {
            // Another thread may have taken it away meanwhile.
            if let Ok(column) = self.graph.columns().get(&name) {
                types.set_item(name, column.dtype().name())?;
            }
        }
        Ok(types)
    }

    /// An attribute, read-only and not copied.
    fn attribute<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let column = self.graph.columns().get(name).map_err(|error| raised(py, &error))?;
        let len = column.len();
        arrays::to_python(py, column, &[len], true)
    }

    /// Copies an array into an attribute.
    fn set_attribute(&self, name: &Bound<'_, PyString>, values: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = values.py();
        let name = name.to_str()?;
        let found = match arrays::view(values)? {
            Some(found) => Some(found),
            None => arrays::view(&as_array(values, None, name)?)?,
        };
        let Some((view, owner)) = found else {
            return Err(PyTypeError::new_err("the attribute is no array of numbers"));
        };
        one_axis(py, &view, name)?;
        let column = arrays::copied(&view.array(owner));
        self.graph.set_column(name, column).map_err(|error| raised(py, &error))
    }

    /// Takes an attribute away; False when there was none.
    fn remove_attribute(&self, name: &str) -> bool {
        self.graph.columns().remove(name)
    }

    /// The nodes that edges of a node lead to.
    fn neighbors<'py>(&self, py: Python<'py>, node: usize) -> PyResult<Bound<'py, PyAny>> {
        if node >= self.graph.num_nodes() {
            let (node, nodes) = (node as i128, self.graph.num_nodes());
            return Err(raised(py, &GraphError::NoSuchNode { node, nodes }));
        }
        let row = self.graph.out_neighbours(node);
        handed(py, row.iter().map(|&target| i64::from(target)).collect())
    }

    /// Offsets, targets and weights of the rows.
    #[expect(clippy::type_complexity, reason = "three arrays for Python, the last may be missing")]
    fn to_csr<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
        let graph = &self.graph;
        let (offsets, targets, weights) = py.detach(|| {
            let offsets: Vec<i64> = graph.out_offsets().iter().map(|&offset| offset as i64).collect();
            let targets: Vec<i64> = graph.out_targets().iter().map(|&target| i64::from(target)).collect();
            let weights = graph.is_weighted().then(|| {
                let weights = graph.weights();
                (0..targets.len()).map(|entry| weights.get(entry)).collect::<Vec<f64>>()
            });
            (offsets, targets, weights)
        });
        let weights = weights.map(|weights| handed(py, weights)).transpose()?;
        Ok((handed(py, offsets)?, handed(py, targets)?, weights))
    }

    /// The smallest node of each node's component.
    #[pyo3(signature = (workers))]
    fn connected_components<'py>(&self, py: Python<'py>, workers: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
        let found = through(py, workers, |lanes| {
            let labels = algorithms::components::components(&self.graph, lanes)?;
            Ok(labels.into_iter().map(i64::from).collect::<Vec<_>>())
        })?;
        handed(py, found)
    }

    /// Edges on a shortest path from a node; -1 where none leads.
    #[pyo3(signature = (source, workers))]
    fn bfs<'py>(&self, py: Python<'py>, source: usize, workers: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
        let found = through(py, workers, |lanes| algorithms::bfs::bfs(&self.graph, source, lanes))?;
        handed(py, found)
    }

    /// Length of a shortest path from a node; infinite where none leads.
    #[pyo3(signature = (source, workers))]
    fn sssp<'py>(&self, py: Python<'py>, source: usize, workers: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
        let found = through(py, workers, |lanes| algorithms::sssp::sssp(&self.graph, source, lanes))?;
        handed(py, found)
    }

    /// How many triangles there are.
    #[pyo3(signature = (workers))]
    fn triangles(&self, py: Python<'_>, workers: Option<usize>) -> PyResult<u64> {
        through(py, workers, |lanes| {
            algorithms::triangles::triangles(&self.graph, lanes)
        })
    }

    /// At how many triangles each node is a corner.
    #[pyo3(signature = (workers))]
    fn triangles_of_nodes<'py>(&self, py: Python<'py>, workers: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
        let found = through(py, workers, |lanes| {
            algorithms::triangles::triangles_of_nodes(&self.graph, lanes)
        })?;
        handed(py, found)
    }

    /// The largest k for which each node is in the k-core.
    #[pyo3(signature = (workers))]
    fn core_number<'py>(&self, py: Python<'py>, workers: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
        let found = through(py, workers, |lanes| {
            algorithms::core_number::core_numbers(&self.graph, lanes)
        })?;
        handed(py, found)
    }

    /// The share of shortest paths that lead through each node.
    #[pyo3(signature = (samples, seed, normalized, workers))]
    fn betweenness<'py>(
        &self,
        py: Python<'py>,
        samples: Option<usize>,
        seed: u64,
        normalized: bool,
        workers: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = BetweennessOptions {
            samples,
            seed,
            normalized,
        };
        let found = through(py, workers, |lanes| {
            algorithms::betweenness::betweenness(&self.graph, options, lanes)
        })?;
        handed(py, found)
    }
}

/// The value of a graph for a plan, and its sizes.
pub(super) fn value_of(thing: &Bound<'_, PyAny>, name: &str, kind: &str) -> PyResult<(Value, Vec<usize>)> {
    let native = match thing.getattr_opt("_native")? {
        Some(native) => native,
        None => thing.clone(),
    };
    match native.cast::<GraphData>() {
        Ok(data) if kind == "graph" => {
            let value = Arc::clone(&data.get().graph).into_value();
            let sizes = super::run::kernels().measure(kind, &value).unwrap_or_default();
            Ok((value, sizes))
        }
        _ => {
            let given = thing.get_type();
            let message = format!("the input `{name}` is a {}, but must be a {kind}", given.name()?);
            Err(errors::raise(thing.py(), message))
        }
    }
}
