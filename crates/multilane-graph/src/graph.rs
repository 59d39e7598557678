//! Graphs: edges as compressed rows, and attributes of the nodes as columns.
//!
//! The edges never change. What can be derived from them (rows of in-neighbours, an order
//! of memory that suits aggregation) is made when it is first asked for, and kept.

mod columns;
mod edges;

use std::sync::{Arc, Mutex, OnceLock};

use multilane_plan::Lanes;

pub use columns::Columns;
pub use edges::EdgeOptions;

use crate::csr::{ByWeight, Csr, Duplicates, Merged, build};
use crate::error::GraphError;
use crate::layout::Layout;
use crate::weights::Weights;

/// Which neighbours of a node are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Those its edges lead to.
    Out,
    /// Those whose edges lead to it.
    In,
    /// Both, one after the other; in an undirected graph every neighbour once.
    Both,
}

impl Direction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Out, Self::In, Self::Both];

    /// Its name in plans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
            Self::Both => "both",
        }
    }

    /// The direction with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.name() == name)
    }
}

/// A graph.
///
/// In an undirected graph every edge stands in the rows of both of its ends, a self-loop
/// once in the row of its node.
#[derive(Debug)]
pub struct Graph {
    directed: bool,
    edges: usize,
    out: Csr,
    incoming: Lazy<Csr>,
    both: Lazy<Csr>,
    by_weight: Lazy<ByWeight>,
    layouts: [Lazy<Layout>; 3],
    columns: Columns,
}

/// Something that is made at most once, by the first who asks; others wait.
#[derive(Debug)]
struct Lazy<T> {
    made: OnceLock<T>,
    making: Mutex<()>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self {
            made: OnceLock::new(),
            making: Mutex::new(()),
        }
    }
}

impl<T> Lazy<T> {
    fn get(&self, make: impl FnOnce() -> Result<T, GraphError>) -> Result<&T, GraphError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        // A panic while making leaves nothing half made behind, so that poison says nothing.
        let _making = self.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = make()?;
        Ok(self.made.get_or_init(|| made))
    }
}

impl Graph {
    /// A graph whose rows are made already: of an undirected graph, rows that hold every edge from both ends.
    pub fn from_csr(out: Csr, directed: bool) -> Self {
        let edges = if directed {
            out.num_entries()
        } else {
            let loops: usize = (0..out.num_nodes())
                .map(|node| {
                    let row = out.neighbours(node);
                    let first = row.partition_point(|&target| (target as usize) < node);
                    row[first..]
                        .iter()
                        .take_while(|&&target| target as usize == node)
                        .count()
                })
                .sum();
            (out.num_entries() + loops) / 2
        };
        Self {
            directed,
            edges,
            out,
            incoming: Lazy::default(),
            both: Lazy::default(),
            by_weight: Lazy::default(),
            layouts: Default::default(),
            columns: Columns::default(),
        }
    }

    /// Number of nodes.
    pub fn num_nodes(&self) -> usize {
        self.out.num_nodes()
    }

    /// Number of edges; of an undirected graph every edge once.
    pub fn num_edges(&self) -> usize {
        self.edges
    }

    /// Number of entries of all rows: of an undirected graph every edge twice, a self-loop once.
    pub fn num_entries(&self) -> usize {
        self.out.num_entries()
    }

    /// Number of entries of the rows of all neighbours: every edge from both of its ends.
    pub fn num_ends(&self) -> usize {
        self.num_entries() * if self.directed { 2 } else { 1 }
    }

    /// Whether edges have a direction.
    pub fn is_directed(&self) -> bool {
        self.directed
    }

    /// Whether edges have weights.
    pub fn is_weighted(&self) -> bool {
        !self.out.weights().is_none()
    }

    /// Rows of out-neighbours.
    pub fn out(&self) -> &Csr {
        &self.out
    }

    /// Rows of in-neighbours, made at the first call; of an undirected graph the same as [`Graph::out`].
    pub fn incoming(&self, lanes: &dyn Lanes) -> Result<&Csr, GraphError> {
        if !self.directed {
            return Ok(&self.out);
        }
        self.incoming.get(|| self.out.transposed(lanes))
    }

    /// Rows of all neighbours, sorted, made at the first call; of an undirected graph the same as [`Graph::out`].
    pub fn both(&self, lanes: &dyn Lanes) -> Result<&Csr, GraphError> {
        if !self.directed {
            return Ok(&self.out);
        }
        self.both.get(|| {
            build(
                &Merged::both_ways(&self.out, lanes),
                self.num_nodes(),
                Duplicates::Keep,
                lanes,
            )
        })
    }

    /// Rows of neighbours in a direction.
    pub fn rows(&self, direction: Direction, lanes: &dyn Lanes) -> Result<&Csr, GraphError> {
        match direction {
            Direction::Out => Ok(self.out()),
            Direction::In => self.incoming(lanes),
            Direction::Both => self.both(lanes),
        }
    }

    /// Where each row starts in [`Graph::out_targets`].
    pub fn out_offsets(&self) -> &[usize] {
        self.out.offsets()
    }

    /// Rows of out-neighbours, one behind the other.
    pub fn out_targets(&self) -> &[u32] {
        self.out.targets()
    }

    /// Out-neighbours of a node, sorted.
    #[inline]
    pub fn out_neighbours(&self, node: usize) -> &[u32] {
        self.out.neighbours(node)
    }

    /// Number of out-neighbours of a node.
    #[inline]
    pub fn out_degree(&self, node: usize) -> usize {
        self.out.degree(node)
    }

    /// Weights of the entries of [`Graph::out_targets`].
    pub fn weights(&self) -> &Weights {
        self.out.weights()
    }

    /// Attributes of the nodes.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Adds or replaces an attribute of the nodes.
    pub fn set_column(&self, name: &str, column: multilane_plan::Array) -> Result<(), GraphError> {
        self.columns.set(name, column, self.num_nodes())
    }

    /// Bytes that edges and everything derived from them take now.
    pub fn bytes(&self) -> usize {
        let derived = [&self.incoming, &self.both];
        let rows: usize = derived.iter().filter_map(|lazy| lazy.made.get()).map(Csr::bytes).sum();
        let layouts: usize = self
            .layouts
            .iter()
            .filter_map(|lazy| lazy.made.get())
            .map(Layout::bytes)
            .sum();
        let by_weight = self.by_weight.made.get().map_or(0, ByWeight::bytes);
        self.out.bytes() + rows + by_weight + layouts
    }

    /// Rows of out-neighbours by the weight of their edges, made at the first call.
    pub(crate) fn by_weight(&self, lanes: &dyn Lanes) -> Result<&ByWeight, GraphError> {
        self.by_weight.get(|| ByWeight::new(&self.out, lanes))
    }

    /// The order of memory that suits aggregation in a direction, made at the first call.
    pub(crate) fn layout(&self, direction: Direction, lanes: &dyn Lanes) -> Result<&Layout, GraphError> {
        self.layouts[self.slot(direction)].get(|| Layout::new(self.rows(direction, lanes)?, lanes))
    }

    /// What [`Graph::layout`] made before.
    pub(crate) fn made_layout(&self, direction: Direction) -> &Layout {
        let made = self.layouts[self.slot(direction)].made.get();
        made.expect("asked for only after `layout`")
    }

    /// What [`Graph::rows`] made before.
    pub(crate) fn made_rows(&self, direction: Direction) -> &Csr {
        let made = match self.slot(direction) {
            0 => Some(&self.out),
            1 => self.incoming.made.get(),
            _ => self.both.made.get(),
        };
        made.expect("asked for only after `rows`")
    }

    /// All directions are one where edges have none.
    fn slot(&self, direction: Direction) -> usize {
        match direction {
            _ if !self.directed => 0,
            Direction::Out => 0,
            Direction::In => 1,
            Direction::Both => 2,
        }
    }

    /// Wraps the graph as a value of a plan.
    pub fn into_value(self: Arc<Self>) -> multilane_plan::Value {
        multilane_plan::Value::Opaque(self)
    }
}
