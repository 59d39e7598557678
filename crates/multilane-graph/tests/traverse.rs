//! Native algorithms against the plainest ones there are, at several numbers of lanes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod lanes;
mod support;

use multilane_graph::algorithms::betweenness::{BetweennessOptions, betweenness, betweenness_from};
use multilane_graph::algorithms::bfs::{bfs, bfs_parents};
use multilane_graph::algorithms::core_number::core_numbers;
use multilane_graph::algorithms::sssp::{sssp, sssp_with};
use multilane_graph::algorithms::triangles::{triangles, triangles_of_nodes};
use multilane_graph::{GraphError, WeightSlice};
use multilane_plan::Serial;
use proptest::prelude::*;
use support::{Edges, Stopped, edges, grid, hubs, lanes};

/// Bellman and Ford: improve until nothing improves.
fn distances(edges: &Edges, source: usize, weight: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut best = vec![f64::INFINITY; edges.nodes];
    best[source] = 0.0;
    let steps = edges.steps();
    loop {
        let mut improved = false;
        for &(from, to, w) in &steps {
            let offer = best[from] + weight(w);
            if offer < best[to] {
                best[to] = offer;
                improved = true;
            }
        }
        if !improved {
            return best;
        }
    }
}

#[track_caller]
fn check_bfs(edges: &Edges, source: usize) {
    let graph = edges.plain();
    let expect: Vec<i32> = distances(edges, source, |_| 1.0)
        .into_iter()
        .map(|steps| if steps.is_finite() { steps as i32 } else { -1 })
        .collect();
    for lanes in lanes() {
        let found = bfs(&graph, source, &*lanes).unwrap();
        assert_eq!(found, expect);
        let parents = bfs_parents(&graph, &found, &*lanes).unwrap();
        let steps = edges.steps();
        for (node, &parent) in parents.iter().enumerate() {
            let nearest = steps
                .iter()
                .filter(|step| step.1 == node && expect[step.0] >= 0 && expect[step.0] + 1 == expect[node]);
            assert_eq!(parent, nearest.map(|step| step.0 as i64).min().unwrap_or(-1));
        }
    }
}

#[track_caller]
fn check_sssp(edges: &Edges, source: usize) {
    let expect = distances(edges, source, |w| w);
    let narrow: Vec<f32> = edges.weights.iter().map(|&w| w as f32).collect();
    let expect_narrow = distances(edges, source, |w| f64::from(w as f32));
    let (wide, narrow) = (edges.weighted(), edges.graph(WeightSlice::F32(&narrow)));
    for lanes in lanes() {
        assert_eq!(sssp(&wide, source, &*lanes).unwrap(), expect);
        assert_eq!(sssp(&narrow, source, &*lanes).unwrap(), expect_narrow);
        for width in [1e-3, 0.7, 40.0] {
            assert_eq!(sssp_with(&wide, source, Some(width), &*lanes).unwrap(), expect);
        }
    }
}

fn triangles_naively(edges: &Edges) -> Vec<i64> {
    let matrix = edges.matrix();
    let mut counts = vec![0; edges.nodes];
    for a in 0..edges.nodes {
        for b in (0..a).filter(|&b| matrix[a][b]) {
            for c in (0..b).filter(|&c| matrix[a][c] && matrix[b][c]) {
                for corner in [a, b, c] {
                    counts[corner] += 1;
                }
            }
        }
    }
    counts
}

#[track_caller]
fn check_triangles(edges: &Edges, expect: &[i64]) {
    let graph = edges.plain();
    for lanes in lanes() {
        assert_eq!(triangles_of_nodes(&graph, &*lanes).unwrap(), expect);
        assert_eq!(
            triangles(&graph, &*lanes).unwrap(),
            expect.iter().sum::<i64>() as u64 / 3
        );
    }
}

/// Take away nodes of degree below `k` until none is left, for every `k`.
fn cores_naively(edges: &Edges) -> Vec<i64> {
    let matrix = edges.matrix();
    let mut cores = vec![0; edges.nodes];
    let mut left = vec![true; edges.nodes];
    for k in 1.. {
        while let Some(node) = (0..edges.nodes).find(|&node| {
            left[node]
                && (0..edges.nodes)
                    .filter(|&other| left[other] && matrix[node][other])
                    .count()
                    < k
        }) {
            left[node] = false;
        }
        if !left.contains(&true) {
            return cores;
        }
        (0..edges.nodes)
            .filter(|&node| left[node])
            .for_each(|node| cores[node] = k as i64);
    }
    cores
}

/// Counts shortest ways by their definition: those from `s` to `t` through `v` are the ways to `v` times those on.
fn betweenness_naively(edges: &Edges, sources: &[usize]) -> Vec<f64> {
    let mut next = vec![vec![false; edges.nodes]; edges.nodes];
    edges
        .steps()
        .iter()
        .filter(|step| step.0 != step.1)
        .for_each(|step| next[step.0][step.1] = true);
    let steps: Vec<Vec<f64>> = (0..edges.nodes)
        .map(|source| distances(edges, source, |_| 1.0))
        .collect();
    let mut ways = vec![vec![0.0; edges.nodes]; edges.nodes];
    for source in 0..edges.nodes {
        ways[source][source] = 1.0;
        let mut order: Vec<usize> = (0..edges.nodes)
            .filter(|&node| steps[source][node].is_finite())
            .collect();
        order.sort_by(|&a, &b| steps[source][a].total_cmp(&steps[source][b]));
        for node in order {
            for before in (0..edges.nodes)
                .filter(|&before| next[before][node] && steps[source][before] + 1.0 == steps[source][node])
            {
                ways[source][node] += ways[source][before];
            }
        }
    }
    let mut sums = vec![0.0; edges.nodes];
    for &s in sources {
        for t in (0..edges.nodes).filter(|&t| t != s && steps[s][t].is_finite()) {
            for v in (0..edges.nodes).filter(|&v| v != s && v != t && steps[s][v] + steps[v][t] == steps[s][t]) {
                sums[v] += ways[s][v] * ways[v][t] / ways[s][t];
            }
        }
    }
    sums
}

#[track_caller]
fn check_close(found: &[f64], expect: &[f64]) {
    assert_eq!(found.len(), expect.len());
    for (node, (found, expect)) in found.iter().zip(expect).enumerate() {
        assert!(
            (found - expect).abs() <= 1e-9 * expect.abs().max(1.0),
            "node {node}: {found} instead of {expect}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bfs_counts_steps(edges in edges(70, 200), source in any::<prop::sample::Index>()) {
        check_bfs(&edges, source.index(edges.nodes));
    }

    #[test]
    fn sssp_finds_the_least_sums(edges in edges(60, 200), source in any::<prop::sample::Index>()) {
        check_sssp(&edges, source.index(edges.nodes));
    }

    #[test]
    fn every_triangle_is_counted_once(edges in edges(40, 400)) {
        check_triangles(&edges, &triangles_naively(&edges));
    }

    #[test]
    fn cores_are_what_is_left(edges in edges(40, 300)) {
        let graph = edges.plain();
        let expect = cores_naively(&edges);
        for lanes in lanes() {
            prop_assert_eq!(&core_numbers(&graph, &*lanes).unwrap(), &expect);
        }
    }

    #[test]
    fn betweenness_counts_ways(edges in edges(20, 60)) {
        let graph = edges.plain();
        let all: Vec<usize> = (0..edges.nodes).collect();
        let mut expect = betweenness_naively(&edges, &all);
        let pairs = (edges.nodes as f64 - 1.0) * (edges.nodes as f64 - 2.0);
        expect.iter_mut().for_each(|sum| *sum /= pairs.max(1.0));
        let serial = betweenness(&graph, BetweennessOptions::default(), &Serial).unwrap();
        check_close(&serial, &expect);
        for lanes in lanes() {
            let found = betweenness(&graph, BetweennessOptions::default(), &*lanes).unwrap();
            prop_assert_eq!(found.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), serial.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        }
    }
}

#[test]
fn lanes_share_levels_with_hubs() {
    let edges = hubs(30_000, 150_000, 1);
    check_bfs_large(&edges, 7);
    check_sssp(&edges, 7);
    // Edges that lead one way only are asked for from their ends as well, and weights may need all 64 bits.
    let one_way = Edges {
        directed: true,
        weights: edges.weights.iter().map(|weight| weight / 3.0).collect(),
        ..edges
    };
    check_sssp(&one_way, 7);
}

/// As [`check_bfs`], without the quadratic look for parents.
fn check_bfs_large(edges: &Edges, source: usize) {
    let graph = edges.plain();
    let expect = distances(edges, source, |_| 1.0);
    for lanes in lanes() {
        let found = bfs(&graph, source, &*lanes).unwrap();
        assert!(found.iter().zip(&expect).all(|(&steps, &far)| if steps < 0 {
            far.is_infinite()
        } else {
            f64::from(steps) == far
        }));
        let parents = bfs_parents(&graph, &found, &*lanes).unwrap();
        for (node, &parent) in parents.iter().enumerate() {
            if found[node] > 0 {
                assert_eq!(found[parent as usize] + 1, found[node]);
                assert!(
                    graph
                        .out_neighbours(parent as usize)
                        .binary_search(&(node as u32))
                        .is_ok()
                );
            } else {
                assert_eq!(parent, -1);
            }
        }
    }
}

#[test]
fn one_hub_is_shared_by_the_lanes() {
    let nodes = 100_000;
    let edges = Edges {
        nodes,
        directed: true,
        ends: (1..nodes as u32).map(|node| (0, node)).collect(),
        weights: (1..nodes).map(|node| (node % 97) as f64).collect(),
    };
    check_bfs_large(&edges, 0);
    check_sssp(&edges, 0);
}

#[test]
fn long_ways_are_followed_to_their_end() {
    let edges = grid(60);
    check_bfs_large(&edges, 0);
    check_sssp(&edges, 0);
    let line = Edges {
        nodes: 5000,
        directed: true,
        ends: (0..4999).map(|node| (node, node + 1)).collect(),
        weights: (0..4999).map(|node| if node % 2 == 0 { 1e-6 } else { 1e6 }).collect(),
    };
    check_bfs_large(&line, 0);
    check_sssp(&line, 0);
}

#[test]
fn dense_cores_are_counted_in_bits() {
    let edges = hubs(3000, 120_000, 3);
    let matrix = edges.matrix();
    let mut expect = vec![0; edges.nodes];
    let rows: Vec<Vec<usize>> = matrix
        .iter()
        .map(|row| (0..row.len()).filter(|&other| row[other]).collect())
        .collect();
    for a in 0..edges.nodes {
        for &b in rows[a].iter().take_while(|&&b| b < a) {
            for &c in rows[b].iter().take_while(|&&c| c < b) {
                if matrix[a][c] {
                    [a, b, c].into_iter().for_each(|corner| expect[corner] += 1);
                }
            }
        }
    }
    check_triangles(&edges, &expect);
    let mut left = edges.plain();
    for lanes in lanes() {
        assert_eq!(
            core_numbers(&left, &*lanes).unwrap(),
            core_numbers(&left, &Serial).unwrap()
        );
        left = edges.plain();
    }
}

#[test]
fn numbers_of_ways_beyond_any_float_stay_ratios() {
    // From one corner of this grid to the other lead about 1e600 shortest ways.
    let side = 1001u32;
    let edges = grid(side);
    let graph = edges.plain();
    let found = betweenness_from(&graph, &[0], false, &Serial).unwrap();
    assert!(found.iter().all(|sum| sum.is_finite()));
    // What lies on one side of the diagonal mirrors the other.
    for (row, column) in [(3, 900), (500, 20), (999, 1000)] {
        let (here, there) = (found[row * side as usize + column], found[column * side as usize + row]);
        assert!((here - there).abs() <= 1e-9 * here, "{here} {there}");
    }
}

#[test]
fn a_sample_of_all_nodes_is_exact_and_a_seed_repeats() {
    let graph = hubs(200, 600, 9).plain();
    let options = |samples, seed| BetweennessOptions {
        samples,
        seed,
        normalized: true,
    };
    let exact = betweenness(&graph, options(None, 0), &Serial).unwrap();
    check_close(&betweenness(&graph, options(Some(200), 5), &Serial).unwrap(), &exact);
    let some = betweenness(&graph, options(Some(20), 5), &Serial).unwrap();
    for lanes in lanes() {
        assert_eq!(betweenness(&graph, options(Some(20), 5), &*lanes).unwrap(), some);
    }
    assert_ne!(betweenness(&graph, options(Some(20), 6), &Serial).unwrap(), some);
    let (sum, near) = (exact.iter().sum::<f64>(), some.iter().sum::<f64>());
    assert!((sum - near).abs() < 0.5 * sum, "{near} is no estimate of {sum}");
}

#[test]
fn what_cannot_be_is_refused() {
    let mut edges = grid(3);
    let graph = edges.weighted();
    assert!(matches!(
        bfs(&graph, 9, &Serial),
        Err(GraphError::NoSuchNode { node: 9, nodes: 9 })
    ));
    assert!(matches!(sssp(&graph, 10, &Serial), Err(GraphError::NoSuchNode { .. })));
    assert!(matches!(
        sssp_with(&graph, 0, Some(0.0), &Serial),
        Err(GraphError::Argument { .. })
    ));
    assert!(matches!(
        sssp_with(&graph, 0, Some(f64::NAN), &Serial),
        Err(GraphError::Argument { .. })
    ));
    assert!(matches!(
        betweenness_from(&graph, &[1, 1], true, &Serial),
        Err(GraphError::Argument { .. })
    ));
    let none = BetweennessOptions {
        samples: Some(0),
        ..Default::default()
    };
    assert!(matches!(
        betweenness(&graph, none, &Serial),
        Err(GraphError::Argument { .. })
    ));
    assert!(matches!(
        bfs_parents(&graph, &[0], &Serial),
        Err(GraphError::AttributeLength { .. })
    ));
    edges.weights[4] = -2.0;
    for lanes in lanes() {
        let error = sssp(&edges.weighted(), 0, &*lanes).unwrap_err();
        assert!(
            matches!(error, GraphError::NegativeWeight { weight: -2.0, .. }),
            "{error}"
        );
    }
}

#[test]
fn a_request_to_stop_is_heard() {
    let graph = grid(5).weighted();
    assert!(matches!(bfs(&graph, 0, &Stopped), Err(GraphError::Stopped)));
    assert!(matches!(sssp(&graph, 0, &Stopped), Err(GraphError::Stopped)));
    assert!(matches!(triangles(&graph, &Stopped), Err(GraphError::Stopped)));
    assert!(matches!(core_numbers(&graph, &Stopped), Err(GraphError::Stopped)));
    assert!(matches!(
        betweenness(&graph, BetweennessOptions::default(), &Stopped),
        Err(GraphError::Stopped)
    ));
}

#[test]
fn a_graph_without_edges_or_nodes_is_no_trouble() {
    let none = Edges {
        nodes: 0,
        directed: true,
        ends: vec![],
        weights: vec![],
    };
    let one = Edges {
        nodes: 1,
        ..none.clone()
    };
    assert_eq!(triangles(&none.plain(), &Serial).unwrap(), 0);
    assert!(core_numbers(&none.plain(), &Serial).unwrap().is_empty());
    assert!(
        betweenness(&none.plain(), BetweennessOptions::default(), &Serial)
            .unwrap()
            .is_empty()
    );
    assert_eq!(bfs(&one.plain(), 0, &Serial).unwrap(), [0]);
    assert_eq!(sssp(&one.weighted(), 0, &Serial).unwrap(), [0.0]);
    assert_eq!(
        betweenness(&one.plain(), BetweennessOptions::default(), &Serial).unwrap(),
        [0.0]
    );
}
