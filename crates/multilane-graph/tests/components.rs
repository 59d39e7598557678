//! Components and communities against plain definitions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod lanes;

use lanes::Scoped;
use multilane_graph::algorithms::components::{components, count_components};
use multilane_graph::algorithms::label_propagation::{LabelPropagation, label_propagation};
use multilane_graph::generate::{grid, kronecker};
use multilane_graph::{Direction, EdgeOptions, Graph, WeightSlice};
use multilane_plan::Serial;
use proptest::prelude::*;

fn graph(nodes: usize, edges: &[(u32, u32)], directed: bool) -> Graph {
    let (sources, targets): (Vec<u32>, Vec<u32>) = edges.iter().copied().unzip();
    let options = EdgeOptions {
        nodes: Some(nodes),
        directed,
        ..EdgeOptions::default()
    };
    Graph::from_edges(&sources, &targets, WeightSlice::None, options, &Serial).unwrap()
}

/// The smallest node that can be reached from each, by walking.
fn expected(nodes: usize, edges: &[(u32, u32)]) -> Vec<u32> {
    let mut smallest: Vec<u32> = (0..nodes as u32).collect();
    loop {
        let before = smallest.clone();
        for &(source, target) in edges {
            let least = smallest[source as usize].min(smallest[target as usize]);
            smallest[source as usize] = least;
            smallest[target as usize] = least;
        }
        if smallest == before {
            return smallest;
        }
    }
}

proptest! {
    #[test]
    fn components_are_those_of_a_walk(
        nodes in 1usize..60,
        edges in prop::collection::vec((0u32..60, 0u32..60), 0..70),
        directed: bool,
        lanes in 1usize..4,
    ) {
        let edges: Vec<(u32, u32)> = edges.into_iter().map(|(a, b)| (a % nodes as u32, b % nodes as u32)).collect();
        let found = components(&graph(nodes, &edges, directed), &Scoped(lanes)).unwrap();
        let expect = expected(nodes, &edges);
        let roots = expect.iter().enumerate().filter(|(node, root)| *node == **root as usize).count();
        prop_assert_eq!(count_components(&found, &Scoped(lanes)), roots);
        prop_assert_eq!(found, expect);
    }
}

#[test]
fn large_components_are_the_same_at_any_number_of_lanes() {
    for directed in [false, true] {
        let options = EdgeOptions {
            directed,
            ..EdgeOptions::default()
        };
        let graph = kronecker(15, 3, 9, options, &Scoped(2)).unwrap();
        let edges: Vec<(u32, u32)> = (0..graph.num_nodes())
            .flat_map(|node| {
                graph
                    .out_neighbours(node)
                    .iter()
                    .map(move |&other| (node as u32, other))
            })
            .collect();
        let expect = expected(graph.num_nodes(), &edges);
        for lanes in [1, 2, 4] {
            assert!(components(&graph, &Scoped(lanes)).unwrap() == expect, "{lanes} lanes");
        }
    }
    assert!(components(&graph(0, &[], true), &Serial).unwrap().is_empty());
}

#[test]
fn cliques_are_communities() {
    let size = 12u32;
    let mut edges = vec![(0, size), (3, size * 2)];
    for clique in 0..3 {
        for a in 0..size {
            edges.extend((0..a).map(|b| (clique * size + a, clique * size + b)));
        }
    }
    let graph = graph(3 * size as usize + 1, &edges, true);
    for seed in 0..20 {
        let options = LabelPropagation {
            seed,
            ..LabelPropagation::default()
        };
        let found = label_propagation(&graph, options, &Scoped(2)).unwrap();
        assert!(found.converged);
        assert_eq!(found.count, 4, "three cliques and a node by itself");
        for clique in 0..3 {
            let members = &found.labels[clique * size as usize..(clique + 1) * size as usize];
            assert!(members.iter().all(|&label| label == clique as u32), "{members:?}");
        }
    }
}

#[test]
fn communities_are_stable_and_the_same_at_any_number_of_lanes() {
    let options = LabelPropagation {
        tolerance: 0.0,
        ..LabelPropagation::default()
    };
    for graph in [
        kronecker(12, 8, 4, EdgeOptions::default(), &Serial).unwrap(),
        grid(40, 50, true, &Serial).unwrap(),
    ] {
        let found = label_propagation(&graph, options, &Serial).unwrap();
        assert_eq!(label_propagation(&graph, options, &Scoped(3)).unwrap(), found);
        let rows = graph.rows(Direction::Both, &Serial).unwrap();
        if found.converged {
            for node in (0..graph.num_nodes()).filter(|&node| rows.degree(node) > 0) {
                let count = |label: u32| {
                    rows.neighbours(node)
                        .iter()
                        .filter(|&&other| found.labels[other as usize] == label)
                        .count()
                };
                let own = count(found.labels[node]);
                assert!(
                    rows.neighbours(node)
                        .iter()
                        .all(|&other| count(found.labels[other as usize]) <= own)
                );
            }
        }
        // Numbered in the order of their first nodes.
        let mut next = 0;
        for &label in &found.labels {
            assert!(label <= next);
            next = next.max(label + 1);
        }
        assert_eq!(next as usize, found.count);
    }
}

#[test]
fn refuses_a_tolerance_that_is_no_share() {
    let options = LabelPropagation {
        tolerance: -0.5,
        ..LabelPropagation::default()
    };
    let error = label_propagation(&graph(1, &[], true), options, &Serial).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`tolerance` is -0.5, which is not a share from 0 to 1"
    );
}
