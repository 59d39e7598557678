//! Graphs from edges, against rows that are built one edge at a time.

mod lanes;

use lanes::Scoped;
use multilane_graph::generate::{grid, kronecker, kronecker_edges, uniform, uniform_edges};
use multilane_graph::{Csr, Duplicates, EdgeOptions, Graph, GraphError, WeightSlice, Weights};
use multilane_plan::{Array, Serial};
use proptest::prelude::*;

/// Rows as sorted lists of (neighbour, weight).
type Rows = Vec<Vec<(u32, f64)>>;

/// The rows of edges, by the definition.
fn expected(nodes: usize, edges: &[(u32, u32)], weights: &[f64], options: EdgeOptions) -> Rows {
    let mut rows = vec![Vec::new(); nodes];
    for (&(source, target), &weight) in edges.iter().zip(weights) {
        if source == target && !options.self_loops {
            continue;
        }
        rows[source as usize].push((target, weight));
        if !options.directed && source != target {
            rows[target as usize].push((source, weight));
        }
    }
    for row in &mut rows {
        row.sort_by_key(|entry| entry.0);
        if options.duplicates != Duplicates::Keep {
            row.dedup_by(|later, first| {
                let same = later.0 == first.0;
                if same && options.duplicates == Duplicates::Sum {
                    first.1 += later.1;
                }
                same
            });
        }
    }
    rows
}

fn rows(csr: &Csr) -> Rows {
    let entry = |place: usize| (csr.targets()[place], csr.weights().get(place));
    (0..csr.num_nodes())
        .map(|node| csr.range(node).map(entry).collect())
        .collect()
}

fn options() -> impl Strategy<Value = EdgeOptions> {
    let duplicates = prop_oneof![Just(Duplicates::Keep), Just(Duplicates::First), Just(Duplicates::Sum)];
    (any::<bool>(), any::<bool>(), duplicates).prop_map(|(directed, self_loops, duplicates)| EdgeOptions {
        nodes: None,
        directed,
        self_loops,
        duplicates,
    })
}

fn edges() -> impl Strategy<Value = (usize, Vec<(u32, u32)>)> {
    (1usize..40).prop_flat_map(|nodes| {
        let node = 0..nodes as u32;
        (Just(nodes), prop::collection::vec((node.clone(), node), 0..150))
    })
}

proptest! {
    #[test]
    fn rows_are_those_of_the_definition(
        (nodes, edges) in edges(), options in options(), lanes in 1usize..4, weighted in 0..3
    ) {
        let weights: Vec<f64> = (0..edges.len()).map(|edge| edge as f64 * 0.5 + 1.0).collect();
        let narrow: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
        let (sources, targets): (Vec<i64>, Vec<i64>) =
            edges.iter().map(|&(source, target)| (i64::from(source), i64::from(target))).unzip();
        let given = match weighted {
            0 => WeightSlice::None,
            1 => WeightSlice::F32(&narrow),
            _ => WeightSlice::F64(&weights),
        };
        let options = EdgeOptions { nodes: Some(nodes), ..options };
        let graph = Graph::from_edges(&sources, &targets, given, options, &Scoped(lanes)).unwrap();
        let weights = if weighted == 0 { vec![1.0; edges.len()] } else { weights };
        let mut expect = expected(nodes, &edges, &weights, options);
        if weighted == 0 {
            // Without weights there is nothing to sum.
            expect.iter_mut().flatten().for_each(|entry| entry.1 = 1.0);
        }
        prop_assert_eq!(rows(graph.out()), expect.clone());

        let mut incoming = vec![Vec::new(); nodes];
        let mut both = vec![Vec::new(); nodes];
        for (node, row) in expect.iter().enumerate() {
            for &(neighbour, weight) in row {
                incoming[neighbour as usize].push((node as u32, weight));
                both[node].push(neighbour);
                both[neighbour as usize].push(node as u32);
            }
        }
        both.iter_mut().for_each(|row| row.sort_unstable());
        prop_assert_eq!(rows(graph.incoming(&Scoped(lanes)).unwrap()), incoming);
        if graph.is_directed() {
            let found = graph.both(&Scoped(lanes)).unwrap();
            prop_assert_eq!((0..nodes).map(|node| found.neighbours(node).to_vec()).collect::<Vec<_>>(), both);
        }
        let entries: usize = expect.iter().map(Vec::len).sum();
        let loops = expect.iter().enumerate().flat_map(|(node, row)| row.iter().filter(move |entry| entry.0 as usize == node)).count();
        prop_assert_eq!(graph.num_entries(), entries);
        prop_assert_eq!(graph.num_edges(), if options.directed { entries } else { (entries + loops) / 2 });
    }
}

#[test]
fn many_buckets_give_the_same_rows_at_any_number_of_lanes() {
    let (sources, targets) = kronecker_edges(14, 16, 5, &Serial).unwrap();
    let edges: Vec<(u32, u32)> = sources.iter().copied().zip(targets.iter().copied()).collect();
    for options in [
        EdgeOptions::default(),
        EdgeOptions {
            nodes: Some(1 << 17),
            directed: false,
            self_loops: false,
            duplicates: Duplicates::First,
        },
    ] {
        let expect = {
            let nodes = options
                .nodes
                .unwrap_or(1 + sources.iter().chain(&targets).copied().max().unwrap() as usize);
            expected(nodes, &edges, &vec![1.0; edges.len()], options)
        };
        for lanes in [1, 3] {
            let graph = Graph::from_edges(&sources, &targets, WeightSlice::None, options, &Scoped(lanes)).unwrap();
            assert!(rows(graph.out()) == expect, "{lanes} lanes, {options:?}");
        }
    }
}

#[test]
fn empty_graphs_are_graphs() {
    let none: [i64; 0] = [];
    let graph = Graph::from_edges(&none, &none, WeightSlice::None, EdgeOptions::default(), &Serial).unwrap();
    assert_eq!((graph.num_nodes(), graph.num_edges()), (0, 0));
    let options = EdgeOptions {
        nodes: Some(3),
        ..EdgeOptions::default()
    };
    let graph = Graph::from_edges(&none, &none, WeightSlice::None, options, &Serial).unwrap();
    assert_eq!((graph.num_nodes(), graph.num_edges()), (3, 0));
    assert_eq!(graph.incoming(&Serial).unwrap().num_nodes(), 3);
}

#[test]
fn refuses_what_is_no_graph() {
    let build = |sources: &[i64], targets: &[i64], weights: WeightSlice<'_>, nodes| {
        let options = EdgeOptions {
            nodes,
            ..EdgeOptions::default()
        };
        Graph::from_edges(sources, targets, weights, options, &Scoped(2))
            .map(|_| ())
            .unwrap_err()
    };
    let cases = [
        (
            build(&[0, 1], &[1], WeightSlice::None, None),
            "2 sources, but 1 targets",
        ),
        (
            build(&[0, 1], &[1, -2], WeightSlice::None, Some(9)),
            "edge 1 names node -2, which is not one of the 9 nodes from 0 on",
        ),
        (
            build(&[0, 7], &[1, 2], WeightSlice::None, Some(7)),
            "edge 1 names node 7, which is not one of the 7 nodes from 0 on",
        ),
        (
            build(&[0], &[1 << 40], WeightSlice::None, None),
            "edge 0 names node 1099511627776, which is not one of the 4294967295 nodes from 0 on",
        ),
        (build(&[0], &[1], WeightSlice::F64(&[]), None), "1 edges, but 0 weights"),
        (
            build(&[0, 0], &[1, 1], WeightSlice::F32(&[1.0, f32::NAN]), None),
            "the weight of edge 1 is NaN",
        ),
    ];
    for (error, message) in cases {
        assert_eq!(error.to_string(), message);
        assert!(error.hint().is_some(), "{message}");
    }
}

#[test]
fn refuses_rows_that_are_none() {
    let build =
        |offsets: &[usize], targets: &[u32]| Csr::new(offsets.to_vec(), targets.to_vec(), Weights::None, &Serial);
    assert!(matches!(build(&[], &[]), Err(GraphError::Offsets { position: 0, .. })));
    assert!(matches!(
        build(&[1, 1], &[0]),
        Err(GraphError::Offsets { position: 0, .. })
    ));
    assert!(matches!(
        build(&[0, 2, 1], &[0]),
        Err(GraphError::Offsets { position: 1, .. })
    ));
    assert!(matches!(
        build(&[0, 1, 0], &[0]),
        Err(GraphError::Offsets { position: 2, .. })
    ));
    assert!(matches!(
        build(&[0, 0], &[0]),
        Err(GraphError::Offsets { position: 1, .. })
    ));
    assert!(matches!(
        build(&[0, 1], &[1]),
        Err(GraphError::NodeOutOfRange { edge: 0, .. })
    ));
    let sorted = build(&[0, 3, 3, 4], &[2, 0, 1, 1]).unwrap();
    assert_eq!(sorted.neighbours(0), [0, 1, 2]);
    assert_eq!(sorted.neighbours(2), [1]);
}

#[test]
fn generators_are_the_same_at_any_number_of_lanes() {
    assert_eq!(
        kronecker_edges(10, 8, 3, &Serial).unwrap(),
        kronecker_edges(10, 8, 3, &Scoped(3)).unwrap()
    );
    assert_ne!(
        kronecker_edges(10, 8, 3, &Serial).unwrap(),
        kronecker_edges(10, 8, 4, &Serial).unwrap()
    );
    assert_eq!(
        uniform_edges(100, 50_000, 3, &Serial).unwrap(),
        uniform_edges(100, 50_000, 3, &Scoped(3)).unwrap()
    );
    assert!(uniform_edges(0, 1, 3, &Serial).is_err());
    assert!(kronecker_edges(40, 1, 3, &Serial).is_err());
    assert_eq!(
        uniform(7, 20, 1, EdgeOptions::default(), &Serial).unwrap().num_nodes(),
        7
    );
}

#[test]
fn kronecker_graphs_are_as_skewed_as_their_parameters_say() {
    let scale = 12;
    let graph = kronecker(scale, 16, 1, EdgeOptions::default(), &Serial).unwrap();
    assert_eq!(graph.num_edges(), 16 << scale);
    let mut degrees: Vec<usize> = (0..graph.num_nodes()).map(|node| graph.out_degree(node)).collect();
    degrees.sort_unstable_by(|left, right| right.cmp(left));
    // A source has bit 0 with probability .76 at each of its levels: the node without a one is expected to
    // start .76^12 of all edges.
    let expect = 0.76f64.powi(scale as i32) * graph.num_edges() as f64;
    assert!(
        (degrees[0] as f64 - expect).abs() < expect * 0.1,
        "{} {expect}",
        degrees[0]
    );
}

#[test]
fn grids_join_neighbours() {
    let open = grid(3, 4, false, &Serial).unwrap();
    assert_eq!((open.num_nodes(), open.num_edges()), (12, 3 * 3 + 2 * 4));
    assert_eq!(open.out_neighbours(5), [1, 4, 6, 9]);
    assert_eq!(open.out_neighbours(0), [1, 4]);
    let periodic = grid(3, 4, true, &Serial).unwrap();
    assert!((0..12).all(|node| periodic.out_degree(node) == 4));
    assert_eq!(periodic.out_neighbours(0), [1, 3, 4, 8]);
    assert_eq!(grid(1, 1, true, &Serial).unwrap().num_edges(), 0);
    assert_eq!(grid(0, 5, true, &Serial).unwrap().num_nodes(), 0);
    assert!(grid(1 << 20, 1 << 20, false, &Serial).is_err());
}

#[test]
fn columns_are_as_long_as_there_are_nodes() {
    let graph = grid(2, 2, false, &Serial).unwrap();
    graph
        .set_column("rank", Array::from_vec(vec![1.0, 2.0, 3.0, 4.0]))
        .unwrap();
    assert_eq!(graph.columns().get("rank").unwrap().as_slice::<f64>().unwrap()[2], 3.0);
    let error = graph.set_column("rank", Array::from_vec(vec![1i64])).unwrap_err();
    assert_eq!(error.to_string(), "attribute `rank` has 1 elements for 4 nodes");
    let error = graph.columns().get("renk").unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `rank`?");
    assert!(graph.columns().remove("rank"));
    assert!(graph.columns().names().is_empty());
}
