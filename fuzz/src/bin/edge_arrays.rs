//! Any arrays of ends are a graph with as many edges or refused, never a panic.
#![no_main]

use arbitrary::Arbitrary;
use multilane_graph::{Duplicates, EdgeOptions, Graph, WeightSlice};
use multilane_plan::Serial;

#[derive(Arbitrary, Debug)]
struct Arrays {
    sources: Vec<i32>,
    targets: Vec<i32>,
    weights: Option<Vec<f32>>,
    nodes: Option<u16>,
    directed: bool,
    self_loops: bool,
    duplicates: u8,
}

libfuzzer_sys::fuzz_target!(|given: Arrays| {
    // Large numbers of nodes take their time and no other way.
    let small = |ids: Vec<i32>| -> Vec<i64> { ids.into_iter().map(|id| i64::from(id % (1 << 14))).collect() };
    let (sources, targets) = (small(given.sources), small(given.targets));
    let options = EdgeOptions {
        nodes: given.nodes.map(usize::from),
        directed: given.directed,
        self_loops: given.self_loops,
        duplicates: [Duplicates::Keep, Duplicates::First, Duplicates::Sum][usize::from(given.duplicates % 3)],
    };
    let weights = given.weights.as_deref().map_or(WeightSlice::None, WeightSlice::F32);
    match Graph::from_edges(&sources, &targets, weights, options, &Serial) {
        Ok(graph) => {
            assert!(graph.num_edges() <= sources.len());
            let incoming = graph.incoming(&Serial).expect("there is memory for it");
            assert_eq!(incoming.num_entries(), graph.num_entries());
        }
        Err(error) => assert!(error.hint().is_some(), "{error}"),
    }
});
