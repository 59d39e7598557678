//! The `graph` dialect: what passes, analyses and the cost model know of its operations.
//!
//! A graph is an opaque value of kind `graph` that brings three sizes along: `nodes`, `edges` (the entries of its rows:
//! of an undirected graph every edge from both ends) and `ends` (the entries of the rows of all neighbours, in either
//! direction). Plans of earlier versions know two; they count `edges` for both.
//! Arrays over the nodes are in the order of the nodes everywhere.

use multilane_plan::{
    Attribute, Cost, CostClass, DType, DimId, Extent, Form, Op, OpDef, Plan, Sizes, ValueId, ValueType,
};

use crate::graph::Direction;
use crate::kernels::aggregate::{Aggregate, Way};
use crate::kernels::direction_of;

/// The operations of the dialect.
pub fn dialect() -> &'static [OpDef] {
    DIALECT
}

/// The type of a graph with its three sizes.
pub fn graph_type(nodes: DimId, edges: DimId, ends: DimId) -> ValueType {
    ValueType::Opaque {
        kind: KIND.to_owned(),
        dims: vec![nodes, edges, ends],
    }
}

/// The kind of opaque values that are graphs.
pub const KIND: &str = "graph";

type Types = Result<Vec<ValueType>, String>;

/// Facts that most operations share.
const fn blockwise(
    name: &'static str,
    summary: &'static str,
    infer: fn(&Plan, &Op) -> Types,
    cost: fn(&Plan, &Op, &dyn Sizes) -> Cost,
) -> OpDef {
    OpDef {
        name,
        summary,
        form: Form::Blockwise,
        pure_op: true,
        thread_safe: true,
        data_parallel: true,
        heavy: false,
        commutative: false,
        in_place: false,
        infer,
        cost,
        fold: None,
    }
}

const DIALECT: &[OpDef] = &[
    blockwise(
        "graph.degree",
        "the number of neighbours of every node, in `direction` (out when absent)",
        degree,
        streamed,
    ),
    OpDef {
        heavy: true,
        ..blockwise(
            "graph.aggregate",
            "`reduce` (sum when absent) of the values of the neighbours in `direction` (in when absent), times the weights if `weighted`",
            aggregate,
            aggregate_cost,
        )
    },
    OpDef {
        form: Form::Whole,
        heavy: true,
        ..blockwise(
            "graph.label_mode",
            "the most frequent label of the neighbours in `direction` (in when absent), the smallest of several; a node without neighbours keeps its own",
            label_mode,
            label_mode_cost,
        )
    },
    blockwise(
        "graph.init_nodes",
        "the same number for every node",
        init_nodes,
        streamed,
    ),
    blockwise("graph.node_ids", "the number of every node", node_ids, streamed),
    OpDef {
        pure_op: false,
        ..blockwise(
            "graph.load",
            "the attribute `attribute` of the nodes, which is of type `dtype`",
            load,
            streamed,
        )
    },
    OpDef {
        form: Form::Whole,
        pure_op: false,
        data_parallel: false,
        ..blockwise(
            "graph.save",
            "keeps an array as the attribute `attribute` of the nodes",
            save,
            streamed,
        )
    },
];

fn degree(plan: &Plan, op: &Op) -> Types {
    let nodes = graph_operand(plan, op)?.nodes;
    operands(op, 1)?;
    known(op, &["direction"])?;
    direction_of(op, Direction::Out)?;
    Ok(vec![ValueType::array(DType::I64, nodes)])
}

fn aggregate(plan: &Plan, op: &Op) -> Types {
    let nodes = graph_operand(plan, op)?.nodes;
    operands(op, 2)?;
    known(op, &["reduce", "direction", "weighted"])?;
    let dtype = node_values(plan, op, nodes)?;
    if op
        .attribute("weighted")
        .is_some_and(|weighted| !matches!(weighted, Attribute::Bool(_)))
    {
        return Err("needs true or false as `weighted`".to_owned());
    }
    let Aggregate { way, weighted, .. } = Aggregate::of(op)?;
    if weighted && way == Way::Count {
        return Err("counts neighbours, which have no weights; leave `weighted` out".to_owned());
    }
    if weighted && !dtype.is_float() {
        return Err(format!(
            "needs floats to multiply with weights, not {dtype}; cast the values to f64"
        ));
    }
    Ok(vec![ValueType::array(way.result(dtype), nodes)])
}

fn label_mode(plan: &Plan, op: &Op) -> Types {
    let nodes = graph_operand(plan, op)?.nodes;
    operands(op, 2)?;
    known(op, &["direction", "ties"])?;
    direction_of(op, Direction::In)?;
    match op.attribute("ties") {
        None => {}
        Some(Attribute::Text(ties)) if ties == "min" => {}
        Some(_) => return Err("needs `min` as `ties`".to_owned()),
    }
    let dtype = node_values(plan, op, nodes)?;
    if !dtype.is_integer() {
        return Err(format!("needs integers as labels, not {dtype}; cast them to i64"));
    }
    Ok(vec![ValueType::array(dtype, nodes)])
}

fn init_nodes(plan: &Plan, op: &Op) -> Types {
    let nodes = graph_operand(plan, op)?.nodes;
    operands(op, 2)?;
    known(op, &[])?;
    match plan.ty(op.operands[1]) {
        ValueType::Tensor {
            dtype,
            extent: Extent::Scalar,
        } => Ok(vec![ValueType::array(*dtype, nodes)]),
        _ => Err("needs one number as its second operand".to_owned()),
    }
}

fn node_ids(plan: &Plan, op: &Op) -> Types {
    let nodes = graph_operand(plan, op)?.nodes;
    operands(op, 1)?;
    known(op, &[])?;
    Ok(vec![ValueType::array(DType::I64, nodes)])
}

fn load(plan: &Plan, op: &Op) -> Types {
    let nodes = graph_operand(plan, op)?.nodes;
    operands(op, 1)?;
    known(op, &["attribute", "dtype"])?;
    attribute_name(op)?;
    match op.attribute("dtype") {
        Some(Attribute::DType(dtype)) => Ok(vec![ValueType::array(*dtype, nodes)]),
        _ => Err("needs the attribute's element type as `dtype`".to_owned()),
    }
}

fn save(plan: &Plan, op: &Op) -> Types {
    let nodes = graph_operand(plan, op)?.nodes;
    operands(op, 2)?;
    known(op, &["attribute"])?;
    attribute_name(op)?;
    node_values(plan, op, nodes)?;
    Ok(Vec::new())
}

/// The name of the attribute an operation is about.
fn attribute_name(op: &Op) -> Result<&str, String> {
    op.text("attribute")
        .ok_or_else(|| "needs a name as `attribute`".to_owned())
}

/// The sizes that the type of a graph names.
#[derive(Clone, Copy)]
struct GraphSizes {
    nodes: DimId,
    edges: DimId,
    ends: Option<DimId>,
}

impl GraphSizes {
    /// Entries of the rows in the direction of an operation, which is `in` when it names none.
    fn entries(self, op: &Op, sizes: &dyn Sizes) -> f64 {
        match (direction_of(op, Direction::In), self.ends) {
            (Ok(Direction::Both), Some(ends)) => sizes.size(ends),
            _ => sizes.size(self.edges),
        }
    }
}

/// The sizes of the graph that is the first operand.
fn graph_operand(plan: &Plan, op: &Op) -> Result<GraphSizes, String> {
    match op.operands.first().map(|graph| plan.ty(*graph)) {
        Some(ValueType::Opaque { kind, dims }) if kind == KIND => match dims[..] {
            [nodes, edges] => Ok(GraphSizes {
                nodes,
                edges,
                ends: None,
            }),
            [nodes, edges, ends] => Ok(GraphSizes {
                nodes,
                edges,
                ends: Some(ends),
            }),
            _ => Err(format!("needs a graph with three sizes, not {}", dims.len())),
        },
        _ => Err("needs a graph as its first operand".to_owned()),
    }
}

fn operands(op: &Op, count: usize) -> Result<(), String> {
    if op.operands.len() == count {
        Ok(())
    } else {
        Err(format!("needs {count} operands, not {}", op.operands.len()))
    }
}

fn known(op: &Op, names: &[&str]) -> Result<(), String> {
    match op.attributes.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("has no attribute `{name}`")),
        None => Ok(()),
    }
}

/// The element type of the second operand, an array over the nodes of the graph.
fn node_values(plan: &Plan, op: &Op, nodes: DimId) -> Result<DType, String> {
    let dim = |dim: DimId| plan.dims.get(dim.0 as usize).map_or("?", String::as_str);
    match plan.ty(op.operands[1]) {
        ValueType::Tensor {
            dtype,
            extent: Extent::Dim(found),
        } if *found == nodes => Ok(*dtype),
        ValueType::Tensor {
            extent: Extent::Dim(found),
            ..
        } => Err(format!(
            "needs an array over `{}`, the nodes of the graph, not over `{}`",
            dim(nodes),
            dim(*found)
        )),
        _ => Err("needs an array over the nodes as its second operand; broadcast a number first".to_owned()),
    }
}

/// Bytes of a value that is an array.
fn bytes(plan: &Plan, value: ValueId, sizes: &dyn Sizes) -> f64 {
    match plan.ty(value) {
        ValueType::Tensor {
            dtype,
            extent: Extent::Dim(dim),
        } => sizes.size(*dim) * dtype.size() as f64,
        _ => 0.0,
    }
}

/// Arrays over the nodes, read and written in order.
fn streamed(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    let Ok(graph) = graph_operand(plan, op) else {
        return Cost::FREE;
    };
    let nodes = sizes.size(graph.nodes);
    let results: f64 = op.results.iter().map(|value| bytes(plan, *value, sizes)).sum();
    let operands: f64 = op.operands.iter().map(|value| bytes(plan, *value, sizes)).sum();
    Cost {
        class: CostClass::Arithmetic,
        units: nodes,
        // Degrees come from the offsets of the rows, attributes from columns as long as the result.
        read_bytes: operands.max(results),
        written_bytes: results.max(operands),
        random_area_bytes: 0.0,
        rows: 0.0,
    }
}

/// One read at a random place for each entry of the rows.
fn aggregate_cost(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    let Ok(graph) = graph_operand(plan, op) else {
        return Cost::FREE;
    };
    let (nodes, edges) = (sizes.size(graph.nodes), graph.entries(op, sizes));
    let values = op.operands.get(1).map_or(0.0, |value| bytes(plan, *value, sizes));
    let results: f64 = op.results.iter().map(|value| bytes(plan, *value, sizes)).sum();
    let weights = if op.flag("weighted") { 8.0 } else { 0.0 };
    Cost {
        class: CostClass::Gather,
        units: edges,
        // Places of the neighbours and their weights; the values once when they are gathered side by side.
        read_bytes: edges * (4.0 + weights) + 4.0 * nodes + values,
        written_bytes: results + values,
        random_area_bytes: values,
        rows: nodes,
    }
}

/// As an aggregation of labels in 32 bits, which are counted.
fn label_mode_cost(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    let cost = aggregate_cost(plan, op, sizes);
    Cost {
        class: CostClass::Count,
        random_area_bytes: 4.0 * cost.rows,
        ..cost
    }
}

#[cfg(test)]
mod tests {
    use multilane_plan::{Attributes, Builder, Registry, cost};

    use super::*;

    /// The work of an operation on 10 nodes in a direction, of a graph with 100 edges.
    fn work(op: &str, direction: &str, ends: f64) -> cost::Work {
        let mut builder = Builder::new("test", Registry::core().with(dialect()));
        let graph = builder.opaque("g", KIND, &["nodes", "edges", "ends"]).unwrap();
        let values = builder.array("x", DType::I64, "nodes").unwrap();
        let attributes = Attributes::from([("direction".to_owned(), Attribute::Text(direction.to_owned()))]);
        let result = builder.op(op, &[graph, values], attributes).unwrap();
        builder.output("y", result[0]).unwrap();
        let plan = builder.finish().unwrap();
        let sizes = vec![10.0, 100.0, ends];
        cost::work_of(&plan, &Registry::core().with(dialect()), &plan.body.ops[0], &sizes)
    }

    #[test]
    fn neighbours_in_either_direction_are_as_many_as_edges_have_ends() {
        for (op, class, element) in [
            ("graph.aggregate", CostClass::Gather, 8.0),
            ("graph.label_mode", CostClass::Count, 4.0),
        ] {
            for (direction, ends, entries) in [("in", 200.0, 100.0), ("both", 200.0, 200.0), ("both", 100.0, 100.0)] {
                let work = work(op, direction, ends);
                assert_eq!(work.units[&class], entries, "{op} {direction}");
                assert_eq!(work.units[&CostClass::Row], 10.0);
                assert_eq!(work.random_reads, [(entries, element * 10.0)]);
            }
        }
    }

    #[test]
    fn a_graph_of_two_sizes_counts_edges_in_every_direction() {
        let text = "plan p(%g: graph<nodes, edges>, %x: f64[nodes]) {\n\
            %y: f64[nodes] = graph.aggregate(%g, %x) {direction = \"both\"}\nreturn %y\n}";
        let registry = Registry::core().with(dialect());
        let plan = multilane_plan::text::parse(text, &registry).unwrap();
        let work = cost::work_of(&plan, &registry, &plan.body.ops[0], &vec![10.0, 100.0]);
        assert_eq!(work.units[&CostClass::Gather], 100.0);
    }
}
