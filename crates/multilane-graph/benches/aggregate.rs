//! Twenty aggregations as PageRank makes them, on a Kronecker graph; prints seconds.
//!
//! `cargo bench -p multilane-graph --bench aggregate -- [scale] [edge factor] [lanes]`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot run says so by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use multilane_graph::generate::kronecker;
use multilane_graph::{Duplicates, EdgeOptions, Graph, dialect, kernels};
use multilane_plan::{Array, Attribute, Call, DType, Kernels, Lanes, Op, Plan, Value, ValueType};

/// Lanes that are threads of their own for each piece of work.
struct Scoped(usize);

impl Lanes for Scoped {
    fn count(&self) -> usize {
        self.0
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = |lane: usize| {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    break;
                }
                body(piece, lane);
            }
        };
        std::thread::scope(|scope| {
            for lane in 1..self.0.min(pieces) {
                let work = &work;
                scope.spawn(move || work(lane));
            }
            work(0);
        });
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let scale = numbers.first().copied().unwrap_or(20);
    let factor = numbers.get(1).copied().unwrap_or(16);
    let lanes = Scoped(numbers.get(2).copied().unwrap_or(2));
    let options = EdgeOptions {
        self_loops: false,
        duplicates: Duplicates::First,
        ..EdgeOptions::default()
    };
    let start = Instant::now();
    let graph = Arc::new(kronecker(scale as u32, factor, 1, options, &lanes).unwrap());
    println!("generate and build {:.3} s, {} edges", start.elapsed().as_secs_f64(), graph.num_edges());
    let start = Instant::now();
    graph.incoming(&lanes).unwrap();
    println!("in-neighbours {:.3} s", start.elapsed().as_secs_f64());
    for dtype in [DType::F64, DType::F32] {
        aggregate(&graph, dtype, &lanes);
    }
}

fn aggregate(graph: &Arc<Graph>, dtype: DType, lanes: &dyn Lanes) {
    let mut plan = Plan::new("bench");
    let (nodes, edges) = (plan.dim("nodes"), plan.dim("edges"));
    let kind = ValueType::Opaque {
        kind: "graph".to_owned(),
        dims: vec![nodes, edges],
    };
    let g = plan.value(kind, None);
    let x = plan.value(ValueType::array(dtype, nodes), None);
    let y = plan.value(ValueType::array(dtype, nodes), None);
    let mut op = Op::new("graph.aggregate", vec![g, x], vec![y]);
    op.attributes.insert("reduce".to_owned(), Attribute::Text("sum".to_owned()));
    op.attributes.insert("direction".to_owned(), Attribute::Text("in".to_owned()));
    assert!(dialect().is_empty() || dialect().iter().any(|def| def.name == op.name));
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
    let start = Instant::now();
    once();
    println!("{dtype}: first {:.3} s", start.elapsed().as_secs_f64());
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..20 {
            once();
        }
        println!("{dtype}: 20 aggregations {:.4} s", start.elapsed().as_secs_f64());
    }
}
