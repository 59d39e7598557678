//! Reading, searches, shortest ways, triangles, cores and betweenness on a Kronecker graph; prints seconds.
//!
//! `cargo bench -p multilane-graph --bench traverse -- [scale] [edge factor] [lanes]`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot run says so by panicking")]

mod scoped;

use std::fmt::Write;

use multilane_graph::algorithms::{
    BetweennessOptions, betweenness, bfs, bfs_parents, core_numbers, sssp, triangles, triangles_of_nodes,
};
use multilane_graph::generate::kronecker_edges;
use multilane_graph::read::{ReadOptions, read};
use multilane_graph::{Duplicates, EdgeOptions, Graph, WeightSlice};
use multilane_plan::Lanes;
use scoped::timed;

fn main() {
    let (scale, factor, lanes) = scoped::arguments();
    let (sources, targets) = kronecker_edges(scale, factor, 1, &lanes).unwrap();
    load(&sources, &targets, &lanes);

    // Weights that follow from the ends, the same in both directions.
    let weigh = |(&source, &target): (&u32, &u32)| {
        let ends = u64::from(source.min(target)) << 32 | u64::from(source.max(target));
        (1 + (ends.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % 255) as f32
    };
    let weights: Vec<f32> = sources.iter().zip(&targets).map(weigh).collect();
    let options = EdgeOptions {
        nodes: Some(1 << scale),
        directed: false,
        self_loops: false,
        duplicates: Duplicates::First,
    };
    let graph = Graph::from_edges(&sources, &targets, WeightSlice::F32(&weights), options, &lanes).unwrap();
    drop((sources, targets, weights));
    let mut by_degree: Vec<usize> = (0..graph.num_nodes()).collect();
    by_degree.sort_by_key(|&node| std::cmp::Reverse(graph.out_degree(node)));
    let source = by_degree[100.min(graph.num_nodes() - 1)];
    println!("{} edges, from node {source}", graph.num_edges());

    let steps = timed("bfs", 15, || bfs(&graph, source, &lanes).unwrap());
    println!("{} reached", steps.iter().filter(|&&steps| steps >= 0).count());
    timed("bfs_parents", 5, || bfs_parents(&graph, &steps, &lanes).unwrap());
    let far = timed("sssp", 7, || sssp(&graph, source, &lanes).unwrap());
    println!("{} together", far.iter().filter(|far| far.is_finite()).sum::<f64>());
    println!(
        "{} triangles",
        timed("triangles", 3, || triangles(&graph, &lanes).unwrap())
    );
    timed("triangles_of_nodes", 2, || triangles_of_nodes(&graph, &lanes).unwrap());
    let cores = timed("core_numbers", 3, || core_numbers(&graph, &lanes).unwrap());
    println!("{} at most", cores.iter().max().unwrap());
    let options = BetweennessOptions {
        samples: Some(16.min(graph.num_nodes())),
        ..BetweennessOptions::default()
    };
    timed("betweenness, 16 samples", 2, || {
        betweenness(&graph, options, &lanes).unwrap()
    });
}

/// Reads the edges from a file, which is made first.
fn load(sources: &[u32], targets: &[u32], lanes: &dyn Lanes) {
    let path = std::env::temp_dir().join(format!("multilane-traverse-{}.txt", std::process::id()));
    let mut text = String::new();
    for (source, target) in sources.iter().zip(targets) {
        writeln!(text, "{source} {target}").unwrap();
    }
    std::fs::write(&path, &text).unwrap();
    println!("{} MB of edges as text", text.len() / 1_000_000);
    drop(text);
    for directed in [true, false] {
        let options = ReadOptions {
            directed: Some(directed),
            ..ReadOptions::default()
        };
        timed(if directed { "read, directed" } else { "read, undirected" }, 3, || {
            read(&path, &options, lanes).unwrap()
        });
    }
    std::fs::remove_file(&path).unwrap();
}
