//! Building, components and label propagation on a Kronecker graph; prints seconds.
//!
//! `cargo bench -p multilane-graph --bench communities -- [scale] [edge factor] [lanes]`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot run says so by panicking")]

mod scoped;

use multilane_graph::algorithms::components::{components, count_components};
use multilane_graph::algorithms::label_propagation::{LabelPropagation, label_propagation};
use multilane_graph::generate::kronecker_edges;
use multilane_graph::{Duplicates, EdgeOptions, Graph, WeightSlice};
use scoped::timed;

fn main() {
    let (scale, factor, lanes) = scoped::arguments();
    let (sources, targets) = timed("generate", 2, || kronecker_edges(scale, factor, 1, &lanes).unwrap());
    let build = |directed: bool| {
        let options = EdgeOptions {
            nodes: Some(1 << scale),
            directed,
            self_loops: false,
            duplicates: Duplicates::First,
        };
        Graph::from_edges(&sources, &targets, WeightSlice::None, options, &lanes).unwrap()
    };
    let directed = timed("build, directed", 3, || build(true));
    println!("{} edges", directed.num_edges());
    timed("in-neighbours", 1, || directed.incoming(&lanes).unwrap().num_entries());
    drop(directed);
    let graph = timed("build, undirected", 3, || build(false));
    println!("{} edges", graph.num_edges());
    let found = timed("components", 9, || components(&graph, &lanes).unwrap());
    println!("{} components", count_components(&found, &lanes));
    for (max_rounds, tolerance) in [(10, 1e-5), (100, 1e-5)] {
        let options = LabelPropagation {
            max_rounds,
            tolerance,
            seed: 1,
        };
        let found = timed("label propagation", 3, || {
            label_propagation(&graph, options, &lanes).unwrap()
        });
        println!(
            "{} communities after {} rounds, converged: {}",
            found.count, found.rounds, found.converged
        );
    }
}
