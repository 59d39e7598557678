//! Graphs to try things on, and the lanes to try them with.

use multilane_graph::{EdgeOptions, Graph, WeightSlice};
use multilane_plan::{Lanes, Serial};
use proptest::prelude::*;

use crate::lanes::Scoped;

/// The lanes that results are compared on.
pub(crate) fn lanes() -> [Box<dyn Lanes>; 3] {
    [Box::new(Serial), Box::new(Scoped(2)), Box::new(Scoped(5))]
}

/// Lanes that were asked to stop.
pub(crate) struct Stopped;

impl Lanes for Stopped {
    fn count(&self) -> usize {
        1
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        Serial.run(pieces, body);
    }

    fn stopped(&self) -> bool {
        true
    }
}

/// Edges before they are a graph.
#[derive(Clone, Debug)]
pub(crate) struct Edges {
    pub(crate) nodes: usize,
    pub(crate) directed: bool,
    pub(crate) ends: Vec<(u32, u32)>,
    pub(crate) weights: Vec<f64>,
}

impl Edges {
    pub(crate) fn graph(&self, weights: WeightSlice<'_>) -> Graph {
        let sources: Vec<u32> = self.ends.iter().map(|ends| ends.0).collect();
        let targets: Vec<u32> = self.ends.iter().map(|ends| ends.1).collect();
        let options = EdgeOptions {
            nodes: Some(self.nodes),
            directed: self.directed,
            ..EdgeOptions::default()
        };
        Graph::from_edges(&sources, &targets, weights, options, &Serial).unwrap()
    }

    pub(crate) fn plain(&self) -> Graph {
        self.graph(WeightSlice::None)
    }

    pub(crate) fn weighted(&self) -> Graph {
        self.graph(WeightSlice::F64(&self.weights))
    }

    /// All steps that can be taken, with weights.
    pub(crate) fn steps(&self) -> Vec<(usize, usize, f64)> {
        let forth = self
            .ends
            .iter()
            .zip(&self.weights)
            .map(|(&(from, to), &w)| (from as usize, to as usize, w));
        let back = forth
            .clone()
            .map(|(from, to, w)| (to, from, w))
            .filter(|_| !self.directed);
        forth.chain(back).collect()
    }

    /// Which nodes are next to each other, whatever the direction; not to themselves.
    pub(crate) fn matrix(&self) -> Vec<Vec<bool>> {
        let mut matrix = vec![vec![false; self.nodes]; self.nodes];
        for &(from, to) in self.ends.iter().filter(|(from, to)| from != to) {
            matrix[from as usize][to as usize] = true;
            matrix[to as usize][from as usize] = true;
        }
        matrix
    }
}

/// Any small graph, with self-loops, repeated edges and nodes without edges.
pub(crate) fn edges(most_nodes: usize, most_edges: usize) -> impl Strategy<Value = Edges> {
    (1..most_nodes, any::<bool>()).prop_flat_map(move |(nodes, directed)| {
        let end = 0..nodes as u32;
        let ends = prop::collection::vec((end.clone(), end), 0..most_edges);
        ends.prop_flat_map(move |ends| {
            let weights = prop::collection::vec(
                prop_oneof![
                    Just(0.0),
                    0.0..10.0,
                    (0u8..20).prop_map(f64::from),
                    Just(1e-9),
                    Just(1e6)
                ],
                ends.len(),
            );
            (Just(ends), weights)
        })
        .prop_map(move |(ends, weights)| Edges {
            nodes,
            directed,
            ends,
            weights,
        })
    })
}

/// A graph with hubs, large enough that lanes share the work: edges drawn with a preference for low numbers.
pub(crate) fn hubs(nodes: usize, count: usize, seed: u64) -> Edges {
    let mut state = seed;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let mut end = || ((random() * random() * random() * nodes as f64) as u32, random());
    let edges: Vec<_> = (0..count).map(|_| (end(), end())).collect();
    Edges {
        nodes,
        directed: false,
        ends: edges.iter().map(|(from, to)| (from.0, to.0)).collect(),
        weights: edges.iter().map(|(from, _)| (from.1 * 255.0).ceil()).collect(),
    }
}

/// A square grid, numbered row by row.
pub(crate) fn grid(side: u32) -> Edges {
    let right = (0..side * side)
        .filter(|node| node % side + 1 < side)
        .map(|node| (node, node + 1));
    let down = (0..side * (side - 1)).map(|node| (node, node + side));
    let ends: Vec<_> = right.chain(down).collect();
    Edges {
        nodes: (side * side) as usize,
        directed: false,
        weights: ends
            .iter()
            .map(|&(from, to)| f64::from((from * 7 + to * 13) % 11))
            .collect(),
        ends,
    }
}
