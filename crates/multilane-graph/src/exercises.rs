//! Work on which a calibration sees what operations on graphs take beside reading memory.
//!
//! Makes small graphs, which stay in a cache, and plans of one operation on each; measures nothing.

use multilane_plan::{Array, Attribute, Attributes, Builder, CostClass, Kernels, Lanes, Plan, Registry, Value};
use std::sync::Arc;

use crate::dialect::{KIND, dialect};
use crate::generate::{kronecker, uniform};
use crate::graph::{EdgeOptions, Graph};

/// Nodes are two to the power of this.
const SCALE: u32 = 13;

/// Adds work for each class of the dialect.
pub(crate) fn exercises(kernels: &mut Kernels) {
    kernels.insert_exercise(CostClass::Gather, sums_of_long_rows);
    kernels.insert_exercise(CostClass::Row, sums_of_short_rows);
    kernels.insert_exercise(CostClass::Count, modes);
}

/// Rows of every length, 64 neighbours in the mean.
fn sums_of_long_rows(lanes: &dyn Lanes) -> Option<(Plan, Vec<Value>)> {
    let graph = kronecker(SCALE, 64, 1, EdgeOptions::default(), lanes).ok()?;
    let values = Array::from_vec(vec![1.0_f64; graph.num_nodes()]);
    on_graph("graph.aggregate", graph, values)
}

/// Two neighbours in the mean.
fn sums_of_short_rows(lanes: &dyn Lanes) -> Option<(Plan, Vec<Value>)> {
    let graph = uniform(1 << SCALE, 2 << SCALE, 1, EdgeOptions::default(), lanes).ok()?;
    let values = Array::from_vec(vec![1.0_f64; graph.num_nodes()]);
    on_graph("graph.aggregate", graph, values)
}

/// Labels as they are in most turns: one of them has spread over most of the graph.
fn modes(lanes: &dyn Lanes) -> Option<(Plan, Vec<Value>)> {
    let graph = kronecker(SCALE, 16, 1, EdgeOptions::default(), lanes).ok()?;
    let label = |node: usize| if node.is_multiple_of(8) { node as i64 } else { 0 };
    let labels = Array::from_vec((0..graph.num_nodes()).map(label).collect());
    on_graph("graph.label_mode", graph, labels)
}

/// One operation on a graph and values of its nodes.
fn on_graph(op: &str, graph: Graph, values: Array) -> Option<(Plan, Vec<Value>)> {
    let mut builder = Builder::new("exercise", Registry::core().with(dialect()));
    let input = builder.opaque("graph", KIND, &["nodes", "edges", "ends"]).ok()?;
    let over_nodes = builder.array("values", values.dtype(), "nodes").ok()?;
    let incoming = Attributes::from([("direction".to_owned(), Attribute::Text("in".to_owned()))]);
    for result in builder.op(op, &[input, over_nodes], incoming).ok()? {
        builder.output("result", result).ok()?;
    }
    let plan = builder.finish().ok()?;
    Some((plan, vec![Arc::new(graph).into_value(), Value::Array(values)]))
}
