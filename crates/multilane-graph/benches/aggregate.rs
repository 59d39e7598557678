//! Twenty aggregations as PageRank makes them, on a Kronecker graph; prints seconds.
//!
//! `cargo bench -p multilane-graph --bench aggregate -- [scale] [edge factor] [lanes]`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot run says so by panicking")]

mod scoped;

use std::sync::Arc;

use multilane_graph::generate::kronecker;
use multilane_graph::{Duplicates, EdgeOptions, Graph, graph_type, kernels};
use multilane_plan::{Array, Attribute, Call, DType, Kernels, Lanes, Op, Plan, Value, ValueType};
use scoped::timed;

fn main() {
    let (scale, factor, lanes) = scoped::arguments();
    let options = EdgeOptions {
        self_loops: false,
        duplicates: Duplicates::First,
        ..EdgeOptions::default()
    };
    let graph = Arc::new(kronecker(scale, factor, 1, options, &lanes).unwrap());
    println!("{} edges", graph.num_edges());
    timed("in-neighbours", 1, || graph.incoming(&lanes).unwrap().num_entries());
    let rows = graph.bytes();
    for dtype in [DType::F64, DType::F32] {
        aggregate(&graph, dtype, &lanes);
    }
    println!(
        "{:.2} bytes an edge for the layout",
        (graph.bytes() - rows) as f64 / graph.num_edges() as f64
    );
}

fn aggregate(graph: &Arc<Graph>, dtype: DType, lanes: &dyn Lanes) {
    let mut plan = Plan::new("bench");
    let [nodes, edges, ends] = ["nodes", "edges", "ends"].map(|size| plan.dim(size));
    let g = plan.value(graph_type(nodes, edges, ends), None);
    let x = plan.value(ValueType::array(dtype, nodes), None);
    let y = plan.value(ValueType::array(dtype, nodes), None);
    let mut op = Op::new("graph.aggregate", vec![g, x], vec![y]);
    op.attributes
        .insert("reduce".to_owned(), Attribute::Text("sum".to_owned()));
    op.attributes
        .insert("direction".to_owned(), Attribute::Text("in".to_owned()));
    let mut all = Kernels::default();
    kernels(&mut all);
    let prepared = all.get("graph.aggregate").unwrap().prepare(&plan, &op, &all).unwrap();
    let zeros = || match dtype {
        DType::F32 => Array::from_vec(vec![1.0f32; graph.num_nodes()]),
        _ => Array::from_vec(vec![1.0f64; graph.num_nodes()]),
    };
    let (values, sums) = (zeros(), zeros());
    let operands = [Value::Opaque(Arc::clone(graph) as _), Value::Array(values)];
    let mut results = [Value::Array(sums)];
    let mut once = || {
        prepared
            .run(&mut Call {
                operands: &operands,
                results: &mut results,
                lanes,
            })
            .unwrap();
    };
    timed(&format!("{dtype}: first"), 1, &mut once);
    timed(&format!("{dtype}: 20 aggregations"), 7, || (0..20).for_each(|_| once()));
}
