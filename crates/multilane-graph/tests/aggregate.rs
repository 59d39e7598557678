//! The kernels of the dialect against sums over every edge, one after the other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod lanes;

use std::sync::Arc;

use lanes::Scoped;
use multilane_graph::generate::kronecker;
use multilane_graph::{Direction, EdgeOptions, Graph, WeightSlice, dialect, graph_type, kernels};
use multilane_plan::{
    Array, Attribute, Attributes, Builder, Call, DType, Kernels, Lanes, Op, Plan, Registry, Scalar, Serial, Value,
    ValueType,
};
use proptest::prelude::*;

/// A plan of one operation on a graph and, if there is one, an array or a number.
fn plan_of(name: &str, operand: Option<&Value>, attributes: Attributes) -> (Plan, Op) {
    let mut builder = Builder::new("test", Registry::core().with(dialect()));
    let [nodes, edges, ends] = ["nodes", "edges", "ends"].map(|size| builder.dim(size));
    let graph = builder.input("g", graph_type(nodes, edges, ends)).unwrap();
    let mut operands = vec![graph];
    match operand {
        Some(Value::Array(array)) => operands.push(builder.array("x", array.dtype(), "nodes").unwrap()),
        Some(Value::Scalar(number)) => operands.push(builder.scalar("x", number.dtype()).unwrap()),
        _ => {}
    }
    let results = builder.op(name, &operands, attributes).unwrap();
    for result in results {
        builder.output("y", result).unwrap();
    }
    let plan = builder.finish().unwrap();
    let op = plan.body.ops.last().unwrap().clone();
    (plan, op)
}

fn array_of(dtype: DType, len: usize) -> Array {
    match dtype {
        DType::Bool => Array::from_vec(vec![false; len]),
        DType::I32 => Array::from_vec(vec![-7i32; len]),
        DType::I64 => Array::from_vec(vec![-7i64; len]),
        DType::F32 => Array::from_vec(vec![-7f32; len]),
        DType::F64 => Array::from_vec(vec![-7f64; len]),
    }
}

/// Runs an operation whole; the result as it is, or no array for `graph.save`.
fn run(
    graph: &Arc<Graph>,
    name: &str,
    operand: Option<Value>,
    attributes: Attributes,
    lanes: &dyn Lanes,
) -> Result<Option<Array>, String> {
    let (plan, op) = plan_of(name, operand.as_ref(), attributes);
    let mut all = Kernels::default();
    kernels(&mut all);
    let kernel = all.get(name).unwrap();
    let prepared = kernel.prepare(&plan, &op, &all).map_err(|error| error.to_string())?;
    let operands: Vec<Value> = std::iter::once(Arc::clone(graph).into_value()).chain(operand).collect();
    let out = op.results.first().map(|&result| match plan.ty(result) {
        ValueType::Tensor { dtype, .. } => array_of(*dtype, graph.num_nodes()),
        other => panic!("{other:?}"),
    });
    let mut results: Vec<Value> = out.iter().cloned().map(Value::Array).collect();
    prepared
        .run(&mut Call {
            operands: &operands,
            results: &mut results,
            lanes,
        })
        .map_err(|error| error.to_string())?;
    Ok(out)
}

/// Elements as floats.
fn floats(array: &Array) -> Vec<f64> {
    match array.dtype() {
        DType::Bool => array
            .as_slice::<bool>()
            .unwrap()
            .iter()
            .map(|&x| f64::from(u8::from(x)))
            .collect(),
        DType::I32 => array.as_slice::<i32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        DType::I64 => array.as_slice::<i64>().unwrap().iter().map(|&x| x as f64).collect(),
        DType::F32 => array.as_slice::<f32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        DType::F64 => array.as_slice::<f64>().unwrap().to_vec(),
    }
}

/// Small whole numbers, so that sums are exact in every type.
fn values(dtype: DType, numbers: &[i8]) -> Array {
    match dtype {
        DType::Bool => Array::from_vec(numbers.iter().map(|&x| x > 0).collect::<Vec<bool>>()),
        DType::I32 => Array::from_vec(numbers.iter().map(|&x| i32::from(x)).collect::<Vec<_>>()),
        DType::I64 => Array::from_vec(numbers.iter().map(|&x| i64::from(x)).collect::<Vec<_>>()),
        DType::F32 => Array::from_vec(numbers.iter().map(|&x| f32::from(x)).collect::<Vec<_>>()),
        DType::F64 => Array::from_vec(numbers.iter().map(|&x| f64::from(x)).collect::<Vec<_>>()),
    }
}

/// What an aggregation is, edge by edge.
fn expected(graph: &Graph, values: &Array, reduce: &str, direction: Direction, weighted: bool) -> Vec<f64> {
    let rows = graph.rows(direction, &Serial).unwrap();
    let x = floats(values);
    let (least, most) = match values.dtype() {
        DType::Bool => (0.0, 1.0),
        DType::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        DType::I64 => (i64::MIN as f64, i64::MAX as f64),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    (0..graph.num_nodes())
        .map(|node| {
            let weight = |place: usize| if weighted { rows.weights().get(place) } else { 1.0 };
            let terms = rows
                .range(node)
                .map(|place| x[rows.targets()[place] as usize] * weight(place));
            match reduce {
                "sum" => terms.sum::<f64>() + 0.0,
                "min" => terms.fold(most, f64::min),
                "max" => terms.fold(least, f64::max),
                "count" => terms.filter(|&term| term != 0.0).count() as f64,
                _ if rows.degree(node) == 0 => 0.0,
                _ => {
                    let share: f64 = rows.range(node).map(weight).sum();
                    let mean = terms.sum::<f64>() / share;
                    if values.dtype() == DType::F32 {
                        f64::from(mean as f32)
                    } else {
                        mean
                    }
                }
            }
        })
        .collect()
}

fn attributes(pairs: &[(&str, Attribute)]) -> Attributes {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn text(value: &str) -> Attribute {
    Attribute::Text(value.to_owned())
}

fn graphs() -> impl Strategy<Value = Arc<Graph>> {
    let edges = (1usize..700).prop_flat_map(|nodes| {
        // Half of the edges end at a few nodes, so that some rows are long.
        let node = prop_oneof![0..nodes as u32, 0..(nodes as u32).min(3)];
        (Just(nodes), prop::collection::vec((node.clone(), node), 0..1200))
    });
    (edges, any::<bool>(), 0..3).prop_map(|((nodes, edges), directed, weighted)| {
        let (sources, targets): (Vec<u32>, Vec<u32>) = edges.into_iter().unzip();
        let narrow: Vec<f32> = (0..sources.len()).map(|edge| (edge % 5) as f32 + 1.0).collect();
        let wide: Vec<f64> = narrow.iter().map(|&weight| f64::from(weight)).collect();
        let weights = match weighted {
            0 => WeightSlice::None,
            1 => WeightSlice::F32(&narrow),
            _ => WeightSlice::F64(&wide),
        };
        let options = EdgeOptions {
            nodes: Some(nodes),
            directed,
            ..EdgeOptions::default()
        };
        Arc::new(Graph::from_edges(&sources, &targets, weights, options, &Serial).unwrap())
    })
}

proptest! {
    #[test]
    fn aggregates_are_those_of_the_definition(
        graph in graphs(),
        reduce in prop::sample::select(vec!["sum", "min", "max", "mean", "count"]),
        direction in prop::sample::select(Direction::ALL.to_vec()),
        dtype in prop::sample::select(DType::ALL.to_vec()),
        numbers in prop::collection::vec(-9i8..10, 700),
        weighted: bool,
        lanes in 1usize..4,
    ) {
        let weighted = weighted && graph.is_weighted() && dtype.is_float() && reduce != "count";
        let values = values(dtype, &numbers[..graph.num_nodes()]);
        let attributes = attributes(&[
            ("reduce", text(reduce)),
            ("direction", text(direction.name())),
            ("weighted", Attribute::Bool(weighted)),
        ]);
        let operand = Value::Array(values.clone());
        let found = run(&graph, "graph.aggregate", Some(operand), attributes, &Scoped(lanes)).unwrap().unwrap();
        prop_assert_eq!(floats(&found), expected(&graph, &values, reduce, direction, weighted));
    }

    #[test]
    fn any_block_is_that_of_the_whole(graph in graphs(), cut in 0.0..1.0f64, end in 0.0..1.0f64) {
        let nodes = graph.num_nodes();
        let values = Value::Array(Array::from_vec((0..nodes).map(|node| 1.0 / (node + 1) as f64).collect::<Vec<_>>()));
        let whole = run(&graph, "graph.aggregate", Some(values.clone()), Attributes::new(), &Serial).unwrap().unwrap();
        let (plan, op) = plan_of("graph.aggregate", Some(&values), Attributes::new());
        let mut all = Kernels::default();
        kernels(&mut all);
        let blocks = all.get("graph.aggregate").unwrap().prepare_blocks(&plan, &op).unwrap();
        let bound = blocks.bind(&[Arc::clone(&graph).into_value(), values]).unwrap();
        let (cut, end) = ((cut * nodes as f64) as usize, (end * nodes as f64) as usize);
        let range = cut.min(end)..cut.max(end);
        let mut block = vec![0f64; range.len()];
        // SAFETY: the block has room for the range.
        unsafe { bound.fill(range.clone(), block.as_mut_ptr().cast()) };
        prop_assert_eq!(&block, &floats(&whole)[range]);
        let bounds = bound.bounds(5).unwrap();
        prop_assert_eq!((bounds[0], bounds[5]), (0, nodes));
        prop_assert!(bounds.is_sorted());
    }

    #[test]
    fn label_modes_are_those_of_the_definition(
        graph in graphs(), numbers in prop::collection::vec(-4i8..4, 700),
        direction in prop::sample::select(Direction::ALL.to_vec()), wide: bool, node_numbers: bool, lanes in 1usize..4,
    ) {
        // Labels that are node numbers are counted in another way.
        let numbers: Vec<i8> = numbers.iter().map(|&label| if node_numbers { label & 3 } else { label }).collect();
        let numbers = &numbers[..graph.num_nodes()];
        let labels = values(if wide { DType::I64 } else { DType::I32 }, numbers);
        let attributes = attributes(&[("direction", text(direction.name()))]);
        let found = run(&graph, "graph.label_mode", Some(Value::Array(labels)), attributes, &Scoped(lanes)).unwrap().unwrap();
        let rows = graph.rows(direction, &Serial).unwrap();
        let expect: Vec<f64> = (0..graph.num_nodes()).map(|node| {
            let count = |label: i8| rows.neighbours(node).iter().filter(|&&other| numbers[other as usize] == label).count();
            let most = (-4..4).map(count).max().unwrap();
            f64::from(if most == 0 { numbers[node] } else { (-4..4).find(|&label| count(label) == most).unwrap() })
        }).collect();
        prop_assert_eq!(floats(&found), expect);
    }
}

#[test]
fn a_gathered_order_changes_no_bit() {
    // Large and skewed enough that values are gathered in another order than that of the nodes.
    let graph = Arc::new(kronecker(17, 4, 2, EdgeOptions::default(), &Scoped(2)).unwrap());
    let nodes = graph.num_nodes();
    let values: Vec<f64> = (0..nodes).map(|node| 1.0 / (node % 1013 + 1) as f64).collect();
    let rows = graph.incoming(&Serial).unwrap();
    let sums: Vec<f64> = (0..nodes)
        .map(|node| {
            rows.neighbours(node)
                .iter()
                .fold(0.0, |sum, &other| sum + values[other as usize])
        })
        .collect();
    let operand = Value::Array(Array::from_vec(values));
    let mut found = Vec::new();
    for lanes in [1, 3] {
        let sums = run(
            &graph,
            "graph.aggregate",
            Some(operand.clone()),
            Attributes::new(),
            &Scoped(lanes),
        );
        found.push(floats(&sums.unwrap().unwrap()));
    }
    assert!(found[0] == found[1], "one lane and three agree");
    for node in 0..nodes {
        // Rows of at most 128 neighbours are summed from the first to the last; longer ones in strands.
        let tolerance = if rows.degree(node) <= 128 {
            0.0
        } else {
            1e-12 * sums[node]
        };
        assert!((found[0][node] - sums[node]).abs() <= tolerance, "node {node}");
    }
}

#[test]
fn nan_stays_in_extremes() {
    let graph = Arc::new(
        Graph::from_edges(
            &[0u32, 1, 2, 2],
            &[3, 3, 3, 1],
            WeightSlice::None,
            EdgeOptions::default(),
            &Serial,
        )
        .unwrap(),
    );
    let values = Value::Array(Array::from_vec(vec![1.0, f64::NAN, 2.0, 0.0]));
    for reduce in ["min", "max"] {
        let attributes = attributes(&[("reduce", text(reduce))]);
        let found = run(&graph, "graph.aggregate", Some(values.clone()), attributes, &Serial)
            .unwrap()
            .unwrap();
        assert!(floats(&found)[3].is_nan(), "{reduce}");
        assert_eq!(floats(&found)[1], 2.0, "{reduce}");
    }
}

#[test]
fn nodes_and_columns() {
    let graph = Arc::new(
        Graph::from_edges(
            &[0u32, 0, 1, 1],
            &[1, 2, 2, 1],
            WeightSlice::None,
            EdgeOptions::default(),
            &Serial,
        )
        .unwrap(),
    );
    let degree = |direction: &str| {
        let attributes = attributes(&[("direction", text(direction))]);
        floats(
            &run(&graph, "graph.degree", None, attributes, &Scoped(2))
                .unwrap()
                .unwrap(),
        )
    };
    assert_eq!(degree("out"), [2.0, 2.0, 0.0]);
    assert_eq!(degree("in"), [0.0, 2.0, 2.0]);
    assert_eq!(degree("both"), [2.0, 4.0, 2.0]);
    let ids = run(&graph, "graph.node_ids", None, Attributes::new(), &Serial)
        .unwrap()
        .unwrap();
    assert_eq!(floats(&ids), [0.0, 1.0, 2.0]);
    let number = Value::Scalar(Scalar::F32(0.25));
    let initial = run(&graph, "graph.init_nodes", Some(number), Attributes::new(), &Serial)
        .unwrap()
        .unwrap();
    assert_eq!(initial.as_slice::<f32>().unwrap(), [0.25; 3]);

    let named = |dtype: Option<DType>| {
        let mut attributes = attributes(&[("attribute", text("rank"))]);
        attributes.extend(dtype.map(|dtype| ("dtype".to_owned(), Attribute::DType(dtype))));
        attributes
    };
    assert!(run(&graph, "graph.load", None, named(Some(DType::F32)), &Serial).is_err());
    assert!(
        run(&graph, "graph.save", Some(Value::Array(initial)), named(None), &Serial)
            .unwrap()
            .is_none()
    );
    let loaded = run(&graph, "graph.load", None, named(Some(DType::F32)), &Serial)
        .unwrap()
        .unwrap();
    assert_eq!(loaded.as_slice::<f32>().unwrap(), [0.25; 3]);
    let error = run(&graph, "graph.load", None, named(Some(DType::I64)), &Serial).unwrap_err();
    assert_eq!(error, "`graph.load`: attribute `rank` is f32, not i64");
}

#[test]
fn says_what_does_not_fit() {
    let mut builder = Builder::new("test", Registry::core().with(dialect()));
    let [nodes, edges, ends] = ["nodes", "edges", "ends"].map(|size| builder.dim(size));
    let graph = builder.input("g", graph_type(nodes, edges, ends)).unwrap();
    let over_nodes = builder.array("x", DType::F64, "nodes").unwrap();
    let over_edges = builder.array("w", DType::F64, "edges").unwrap();
    let integers = builder.array("i", DType::I64, "nodes").unwrap();
    let cases = [
        (
            "graph.degree",
            vec![over_nodes],
            Attributes::new(),
            "needs a graph as its first operand",
        ),
        (
            "graph.aggregate",
            vec![graph],
            Attributes::new(),
            "needs 2 operands, not 1",
        ),
        (
            "graph.aggregate",
            vec![graph, over_edges],
            Attributes::new(),
            "needs an array over `nodes`, the nodes of the graph, not over `edges`",
        ),
        (
            "graph.aggregate",
            vec![graph, over_nodes],
            attributes(&[("reduce", text("product"))]),
            "`reduce` is `product`, not one of sum, min, max, mean, count",
        ),
        (
            "graph.aggregate",
            vec![graph, over_nodes],
            attributes(&[("direction", text("up"))]),
            "`direction` is `up`, not one of in, out, both",
        ),
        (
            "graph.aggregate",
            vec![graph, integers],
            attributes(&[("weighted", Attribute::Bool(true))]),
            "needs floats to multiply with weights, not i64",
        ),
        (
            "graph.label_mode",
            vec![graph, over_nodes],
            Attributes::new(),
            "needs integers as labels, not f64",
        ),
        (
            "graph.load",
            vec![graph],
            Attributes::new(),
            "needs a name as `attribute`",
        ),
    ];
    for (name, operands, attributes, message) in cases {
        let error = builder.op(name, &operands, attributes).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
