//! A fused region, or one operation, as a list of nodes over elements.
//!
//! Reads a verified plan and writes a [`Body`]: what is computed once from scalars, what is
//! computed for every element, what is reduced. Operations that are others in
//! disguise (`core.recip`, `core.norm`, `core.mean`) are taken apart here. Never looks at values.

use multilane_plan::{DType, Scalar};

/// A node of a body; an index into [`Body::nodes`].
pub(crate) type NodeId = usize;

/// Where a value comes from that no node computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Source {
    /// An operand that is an array.
    Operand(usize),
    /// An operand that is a scalar and meets every element.
    Number(usize),
    /// A number of the plan.
    Constant(Scalar),
    /// The result of a scalar node of the prologue.
    Computed(usize),
    /// Blocks that another dialect's kernel fills.
    Blocks(usize),
}

impl Source {
    /// Whether it is the same for every element.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Number(_) | Self::Constant(_) | Self::Computed(_))
    }
}

/// What a node does with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Nothing: it is a source, by its index.
    Source(usize),
    /// The same elements.
    Copy,
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    Abs,
    Pow,
    Sqrt,
    Function(crate::math::Function),
    Min,
    Max,
    Eq,
    Ne,
    Lt,
    Le,
    And,
    Or,
    Xor,
    Not,
    /// The first argument chooses between the others.
    Where,
    /// Another element type.
    Cast,
    /// A product and a sum, rounded once.
    Fma,
}

/// One node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) operation: Operation,
    /// Its arguments; those beyond the arity are 0.
    pub(crate) args: [NodeId; 3],
    pub(crate) arity: usize,
    /// The type of its elements.
    pub(crate) dtype: DType,
}

impl Node {
    /// Its arguments.
    pub(crate) fn args(&self) -> &[NodeId] {
        &self.args[..self.arity]
    }
}

/// How elements become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    Sum,
    Min,
    Max,
}

/// What is done with the result of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Nothing,
    Sqrt,
    /// Divided by the number of elements.
    Mean,
}

/// A reduction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduction {
    pub(crate) node: NodeId,
    pub(crate) fold: Fold,
    pub(crate) finish: Finish,
    /// Whether an empty array is an error.
    pub(crate) needs_elements: bool,
    /// Whether the result for an empty array is 0, whatever the fold starts with.
    pub(crate) zero_if_empty: bool,
}

/// Nodes in an order in which arguments come first, and what goes out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) sources: Vec<Source>,
    pub(crate) nodes: Vec<Node>,
    /// Arrays that are written.
    pub(crate) arrays: Vec<NodeId>,
    /// Scalars that are reduced.
    pub(crate) reductions: Vec<Reduction>,
}

impl Body {
    /// The node of a source, entered if it is new.
    pub(crate) fn source(&mut self, source: Source, dtype: DType) -> NodeId {
        let same = |other: &Source| match (source, *other) {
            // By bits: 0.0 and -0.0 are not the same number here.
            (Source::Constant(a), Source::Constant(b)) => {
                a.dtype() == b.dtype() && a.as_f64().to_bits() == b.as_f64().to_bits() && a.as_i64() == b.as_i64()
            }
            (a, b) => a == b,
        };
        let index = self.sources.iter().position(same);
        if let Some(index) = index
            && let Some(node) = self
                .nodes
                .iter()
                .position(|node| node.operation == Operation::Source(index))
        {
            return node;
        }
        self.sources.push(source);
        self.node(Operation::Source(self.sources.len() - 1), &[], dtype)
    }

    /// A new node.
    pub(crate) fn node(&mut self, operation: Operation, args: &[NodeId], dtype: DType) -> NodeId {
        let mut padded = [0; 3];
        padded[..args.len()].copy_from_slice(args);
        self.nodes.push(Node {
            operation,
            args: padded,
            arity: args.len(),
            dtype,
        });
        self.nodes.len() - 1
    }

    /// The type of a node's elements.
    pub(crate) fn dtype(&self, node: NodeId) -> DType {
        self.nodes[node].dtype
    }

    /// A node in another element type.
    pub(crate) fn cast(&mut self, node: NodeId, dtype: DType) -> NodeId {
        if self.dtype(node) == dtype {
            return node;
        }
        self.node(Operation::Cast, &[node], dtype)
    }

    /// How often each node is read, by nodes that matter and by what goes out.
    pub(crate) fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.nodes.len()];
        for node in self
            .arrays
            .iter()
            .copied()
            .chain(self.reductions.iter().map(|reduction| reduction.node))
        {
            uses[node] += 1;
        }
        for id in (0..self.nodes.len()).rev() {
            if uses[id] > 0 {
                for arg in self.nodes[id].args() {
                    uses[*arg] += 1;
                }
            }
        }
        uses
    }
}
