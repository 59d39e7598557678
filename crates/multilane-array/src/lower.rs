//! From an operation of a plan to bodies.
//!
//! Reads an element-wise operation, a reduction or a `core.fused` of a verified plan. Scalars are
//! computed once, in a prologue; everything else for every element. Never looks at values.

use std::collections::BTreeMap;

use multilane_plan::{DType, Extent, Op, Plan, Scalar, ValueId, ValueType};

use crate::body::{Body, Finish, Fold, NodeId, Operation, Reduction, Source};
use crate::error::ArrayError;
use crate::math::Function;

/// Where a result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultFrom {
    /// An array of the main body.
    Array(usize),
    /// A scalar of the prologue.
    Computed(usize),
    /// A reduction of the main body.
    Reduced(usize),
}

/// An operation of another dialect whose blocks lead a fused region.
#[derive(Clone, Debug)]
pub(crate) struct Producer {
    pub(crate) op: Op,
    /// Which operands of the fused operation it reads.
    pub(crate) operands: Vec<usize>,
    pub(crate) dtype: DType,
}

/// What an operation of a plan becomes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lowered {
    /// Computed once, for one element.
    pub(crate) prologue: Body,
    /// Computed for every element.
    pub(crate) main: Body,
    pub(crate) results: Vec<ResultFrom>,
    pub(crate) producers: Vec<Producer>,
}

/// What a value of the plan is here.
#[derive(Clone, Copy, Debug)]
enum Known {
    Scalar(NodeId),
    Array(NodeId),
    Reduced(usize),
    Opaque,
}

struct Lowering<'a> {
    plan: &'a Plan,
    lowered: Lowered,
    known: BTreeMap<ValueId, Known>,
    /// Nodes of the prologue that leave it, by node.
    leaving: BTreeMap<NodeId, usize>,
    /// Which operand a value is; for producers.
    operand_of: BTreeMap<ValueId, usize>,
}

/// Takes an operation apart.
pub(crate) fn lower(plan: &Plan, op: &Op) -> Result<Lowered, ArrayError> {
    let mut lowering = Lowering {
        plan,
        lowered: Lowered::default(),
        known: BTreeMap::new(),
        leaving: BTreeMap::new(),
        operand_of: BTreeMap::new(),
    };
    if op.name == "core.fused" {
        let [region] = op.regions.as_slice() else {
            return Err(malformed(op, "has no region"));
        };
        if region.parameters.len() != op.operands.len() || region.yields.len() != op.results.len() {
            return Err(malformed(
                op,
                "has parameters or yields that do not match its operands or results",
            ));
        }
        for (index, parameter) in region.parameters.iter().enumerate() {
            lowering.operand(*parameter, index);
        }
        for inner in &region.ops {
            lowering.op(inner)?;
        }
        for value in &region.yields {
            lowering.result(op, *value)?;
        }
    } else {
        for (index, operand) in op.operands.iter().enumerate() {
            lowering.operand(*operand, index);
        }
        lowering.op(op)?;
        for value in &op.results {
            lowering.result(op, *value)?;
        }
    }
    Ok(lowering.lowered)
}

fn malformed(op: &Op, problem: &str) -> ArrayError {
    ArrayError::Malformed {
        op: op.name.clone(),
        problem: problem.to_owned(),
    }
}

impl Lowering<'_> {
    fn operand(&mut self, value: ValueId, index: usize) {
        let known = match self.plan.ty(value) {
            ValueType::Tensor { dtype, extent } => match extent {
                Extent::Scalar => Known::Scalar(self.lowered.prologue.source(Source::Number(index), *dtype)),
                Extent::Dim(_) => Known::Array(self.lowered.main.source(Source::Operand(index), *dtype)),
            },
            ValueType::Opaque { .. } => Known::Opaque,
        };
        // An operation may read the same value twice; the first operand stands for both.
        self.known.entry(value).or_insert(known);
        self.operand_of.entry(value).or_insert(index);
    }

    fn op(&mut self, op: &Op) -> Result<(), ArrayError> {
        let [result] = op.results.as_slice() else {
            return Err(malformed(op, "does not have exactly one result"));
        };
        let ValueType::Tensor { dtype, extent } = self.plan.ty(*result).clone() else {
            return Err(malformed(op, "does not give numbers"));
        };
        let known = if let Some(constant) = op.constant() {
            Known::Scalar(self.lowered.prologue.source(Source::Constant(constant), dtype))
        } else if op.dialect() != "core" {
            self.producer(op, dtype)?
        } else if is_reduction(&op.name) {
            self.reduction(op, dtype)?
        } else if extent == Extent::Scalar {
            let args = self.scalars(op)?;
            Known::Scalar(elementwise(&mut self.lowered.prologue, op, &args, dtype)?)
        } else {
            let args = self.arrays(op)?;
            Known::Array(elementwise(&mut self.lowered.main, op, &args, dtype)?)
        };
        self.known.insert(*result, known);
        Ok(())
    }

    fn lookup(&self, op: &Op, value: ValueId) -> Result<Known, ArrayError> {
        self.known
            .get(&value)
            .copied()
            .ok_or_else(|| malformed(op, "reads a value from outside"))
    }

    fn scalars(&self, op: &Op) -> Result<Vec<NodeId>, ArrayError> {
        op.operands
            .iter()
            .map(|value| match self.lookup(op, *value)? {
                Known::Scalar(node) => Ok(node),
                Known::Reduced(_) => Err(malformed(op, "reads a reduction of the same fused operation")),
                Known::Array(_) | Known::Opaque => Err(malformed(op, "makes a scalar from what is not one")),
            })
            .collect()
    }

    fn arrays(&mut self, op: &Op) -> Result<Vec<NodeId>, ArrayError> {
        op.operands
            .iter()
            .map(|value| match self.lookup(op, *value)? {
                Known::Array(node) => Ok(node),
                Known::Scalar(node) => Ok(self.bring(node)),
                Known::Reduced(_) => Err(malformed(op, "reads a reduction of the same fused operation")),
                Known::Opaque => Err(malformed(op, "computes with what is not numbers")),
            })
            .collect()
    }

    /// A scalar node of the prologue as a source of the main body.
    fn bring(&mut self, node: NodeId) -> NodeId {
        let dtype = self.lowered.prologue.dtype(node);
        let source = match self.lowered.prologue.nodes[node].operation {
            Operation::Source(index) => self.lowered.prologue.sources[index],
            _ => Source::Computed(self.leave(node)),
        };
        self.lowered.main.source(source, dtype)
    }

    /// The index at which a scalar node leaves the prologue.
    fn leave(&mut self, node: NodeId) -> usize {
        let arrays = &mut self.lowered.prologue.arrays;
        *self.leaving.entry(node).or_insert_with(|| {
            arrays.push(node);
            arrays.len() - 1
        })
    }

    fn producer(&mut self, op: &Op, dtype: DType) -> Result<Known, ArrayError> {
        let operands = op
            .operands
            .iter()
            .map(|value| self.operand_of.get(value).copied())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| malformed(op, "does not read operands of the fused operation only"))?;
        self.lowered.producers.push(Producer {
            op: op.clone(),
            operands,
            dtype,
        });
        let source = Source::Blocks(self.lowered.producers.len() - 1);
        Ok(Known::Array(self.lowered.main.source(source, dtype)))
    }

    fn reduction(&mut self, op: &Op, dtype: DType) -> Result<Known, ArrayError> {
        let [operand] = op.operands.as_slice() else {
            return Err(malformed(op, "does not have exactly one operand"));
        };
        let Known::Array(node) = self.lookup(op, *operand)? else {
            return Err(malformed(op, "reduces what is not an array of the same loop"));
        };
        let body = &mut self.lowered.main;
        let (mut fold, mut finish, mut needs_elements) = (Fold::Sum, Finish::Nothing, false);
        let node = match op.name.as_str() {
            "core.sum" => body.cast(node, dtype),
            "core.mean" => {
                finish = Finish::Mean;
                body.cast(node, dtype)
            }
            "core.reduce_min" | "core.reduce_max" => {
                fold = if op.name == "core.reduce_min" {
                    Fold::Min
                } else {
                    Fold::Max
                };
                needs_elements = true;
                node
            }
            "core.any" | "core.all" => {
                fold = if op.name == "core.any" { Fold::Max } else { Fold::Min };
                body.cast(node, DType::Bool)
            }
            "core.count" => {
                let holds = body.cast(node, DType::Bool);
                body.cast(holds, dtype)
            }
            "core.norm" => {
                let node = body.cast(node, dtype);
                match op.text("ord").unwrap_or("l2") {
                    "l1" => body.node(Operation::Abs, &[node], dtype),
                    "max" => {
                        fold = Fold::Max;
                        body.node(Operation::Abs, &[node], dtype)
                    }
                    "l2" => {
                        finish = Finish::Sqrt;
                        body.node(Operation::Mul, &[node, node], dtype)
                    }
                    _ => return Err(malformed(op, "has an unknown `ord`")),
                }
            }
            _ => return Err(ArrayError::Foreign { op: op.name.clone() }),
        };
        body.reductions.push(Reduction {
            node,
            fold,
            finish,
            needs_elements,
            zero_if_empty: op.name == "core.norm",
        });
        Ok(Known::Reduced(body.reductions.len() - 1))
    }

    fn result(&mut self, op: &Op, value: ValueId) -> Result<(), ArrayError> {
        let from = match self.lookup(op, value)? {
            Known::Array(node) => {
                self.lowered.main.arrays.push(node);
                ResultFrom::Array(self.lowered.main.arrays.len() - 1)
            }
            Known::Scalar(node) => ResultFrom::Computed(self.leave(node)),
            Known::Reduced(index) => ResultFrom::Reduced(index),
            Known::Opaque => return Err(malformed(op, "gives what is not numbers")),
        };
        self.lowered.results.push(from);
        Ok(())
    }
}

fn is_reduction(name: &str) -> bool {
    matches!(
        name,
        "core.sum"
            | "core.mean"
            | "core.count"
            | "core.norm"
            | "core.any"
            | "core.all"
            | "core.reduce_min"
            | "core.reduce_max"
    )
}

/// The node of an element-wise operation.
fn elementwise(body: &mut Body, op: &Op, args: &[NodeId], dtype: DType) -> Result<NodeId, ArrayError> {
    let name = op.name.strip_prefix("core.").unwrap_or(&op.name);
    let arity = match name {
        "fma" | "where" => 3,
        "neg" | "abs" | "sqrt" | "exp" | "log" | "sin" | "cos" | "tanh" | "recip" | "not" | "cast" | "broadcast" => 1,
        _ => 2,
    };
    if args.len() != arity {
        return Err(malformed(op, "has too many operands or too few"));
    }
    let operand = body.dtype(*args.last().expect("every arity is at least 1"));
    let (operation, swapped) = match name {
        "add" => (Operation::Add, false),
        "sub" => (Operation::Sub, false),
        "mul" => (Operation::Mul, false),
        "div" => (Operation::Div, false),
        "pow" => (Operation::Pow, false),
        "min" => (Operation::Min, false),
        "max" => (Operation::Max, false),
        "eq" => (Operation::Eq, false),
        "ne" => (Operation::Ne, false),
        "lt" => (Operation::Lt, false),
        "le" => (Operation::Le, false),
        "gt" => (Operation::Lt, true),
        "ge" => (Operation::Le, true),
        "and" => (Operation::And, false),
        "or" => (Operation::Or, false),
        "xor" => (Operation::Xor, false),
        "not" => (Operation::Not, false),
        "neg" => (Operation::Neg, false),
        "abs" => (Operation::Abs, false),
        "sqrt" => (Operation::Sqrt, false),
        "exp" => (Operation::Function(Function::Exp), false),
        "log" => (Operation::Function(Function::Log), false),
        "sin" => (Operation::Function(Function::Sin), false),
        "cos" => (Operation::Function(Function::Cos), false),
        "tanh" => (Operation::Function(Function::Tanh), false),
        "where" => (Operation::Where, false),
        "fma" if operand.is_integer() => {
            let product = body.node(Operation::Mul, &[args[0], args[1]], dtype);
            return Ok(body.node(Operation::Add, &[product, args[2]], dtype));
        }
        "fma" => (Operation::Fma, false),
        "cast" => (Operation::Cast, false),
        "broadcast" => (Operation::Copy, false),
        "recip" => return reciprocal(body, op, args[0], dtype),
        _ => return Err(ArrayError::Foreign { op: op.name.clone() }),
    };
    if !defined(operation, operand) {
        let types: Vec<&str> = args.iter().map(|arg| body.dtype(*arg).name()).collect();
        return Err(ArrayError::Undefined {
            op: op.name.clone(),
            types: types.join(", "),
        });
    }
    if operation == Operation::Cast {
        return Ok(body.cast(args[0], dtype));
    }
    Ok(match swapped {
        true => body.node(operation, &[args[1], args[0]], dtype),
        false => body.node(operation, args, dtype),
    })
}

/// `1 / (x + epsilon)`.
fn reciprocal(body: &mut Body, op: &Op, x: NodeId, dtype: DType) -> Result<NodeId, ArrayError> {
    let epsilon = op.float("epsilon").unwrap_or(0.0);
    let number = |value: f64| match dtype {
        DType::F32 => Some(Scalar::F32(value as f32)),
        DType::F64 => Some(Scalar::F64(value)),
        _ => None,
    };
    let (Some(one), Some(epsilon)) = (number(1.0), number(epsilon)) else {
        return Err(ArrayError::Undefined {
            op: op.name.clone(),
            types: dtype.name().to_owned(),
        });
    };
    let one = body.source(Source::Constant(one), dtype);
    let epsilon = body.source(Source::Constant(epsilon), dtype);
    let sum = body.node(Operation::Add, &[x, epsilon], dtype);
    Ok(body.node(Operation::Div, &[one, sum], dtype))
}

/// Whether an operation works on operands of a type.
fn defined(operation: Operation, dtype: DType) -> bool {
    match operation {
        Operation::Div | Operation::Sqrt | Operation::Function(_) | Operation::Fma => dtype.is_float(),
        Operation::Add | Operation::Sub | Operation::Mul | Operation::Neg | Operation::Abs | Operation::Pow => {
            dtype != DType::Bool
        }
        Operation::And | Operation::Or | Operation::Xor | Operation::Not => dtype == DType::Bool,
        _ => true,
    }
}
