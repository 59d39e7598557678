//! `graph.aggregate`: for every node one number from the values of its neighbours.
//!
//! Any block of the result can be computed by itself, so that the operation may lead a fused
//! one. The result does not depend on the blocks: every row is reduced in a fixed order.

mod bound;
mod numbers;
mod scratch;
mod window;

use multilane_plan::{
    Blocks, BoundBlocks, Call, DType, Kernel, KernelError, Kernels, Lanes, Op, Plan, Prepared, Serial, Value,
};

use super::{graph_of, invalid, run_blocks};
use crate::graph::Direction;
use scratch::Pool;

/// The operation's name.
pub(crate) const NAME: &str = "graph.aggregate";

/// How values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Sum,
    Min,
    Max,
    Mean,
    Count,
}

impl Way {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "mean" => Self::Mean,
            "count" => Self::Count,
            _ => return None,
        })
    }

    /// The type of the result.
    pub(crate) fn result(self, dtype: DType) -> DType {
        match self {
            Self::Min | Self::Max => dtype,
            Self::Sum if dtype.is_float() => dtype,
            Self::Sum | Self::Count => DType::I64,
            Self::Mean if dtype == DType::F32 => dtype,
            Self::Mean => DType::F64,
        }
    }
}

/// What the attributes say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aggregate {
    pub(crate) way: Way,
    pub(crate) direction: Direction,
    pub(crate) weighted: bool,
}

impl Aggregate {
    /// Reads the attributes; a direction that is not given is `in`.
    pub(crate) fn of(op: &Op) -> Result<Self, String> {
        let way = match op.text("reduce") {
            None => Way::Sum,
            Some(name) => Way::from_name(name)
                .ok_or_else(|| format!("`reduce` is `{name}`, not one of sum, min, max, mean, count"))?,
        };
        Ok(Self {
            way,
            direction: super::direction_of(op, Direction::In)?,
            weighted: op.flag("weighted"),
        })
    }
}

/// The kernel of the operation.
pub(super) struct AggregateKernel;

struct AggregateBlocks {
    aggregate: Aggregate,
    pool: Pool,
}

impl Kernel for AggregateKernel {
    fn prepare(&self, plan: &Plan, op: &Op, _: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        Ok(Box::new(Alone(self.prepare_blocks(plan, op)?)))
    }

    fn prepare_blocks(&self, _: &Plan, op: &Op) -> Result<Box<dyn Blocks>, KernelError> {
        Ok(Box::new(AggregateBlocks {
            aggregate: Aggregate::of(op).map_err(|problem| invalid(NAME, problem))?,
            pool: Pool::default(),
        }))
    }
}

impl Blocks for AggregateBlocks {
    fn bind(&self, operands: &[Value]) -> Result<Box<dyn BoundBlocks>, KernelError> {
        self.bind_on(operands, &Serial)
    }

    fn bind_on(&self, operands: &[Value], lanes: &dyn Lanes) -> Result<Box<dyn BoundBlocks>, KernelError> {
        let graph = graph_of(NAME, operands.first())?;
        let values = operands.get(1).and_then(Value::array);
        let values = values.ok_or_else(|| invalid(NAME, "the second operand is not an array"))?;
        if values.len() != graph.num_nodes() {
            return Err(invalid(
                NAME,
                format!("{} values for {} nodes", values.len(), graph.num_nodes()),
            ));
        }
        bound::bind(&self.aggregate, &graph, values, &self.pool, lanes).map_err(|error| super::failed(NAME, &error))
    }
}

/// The operation by itself, not in a fused one.
struct Alone(Box<dyn Blocks>);

impl Prepared for Alone {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let bound = self.0.bind_on(call.operands, call.lanes)?;
        run_blocks(NAME, bound.as_ref(), call)
    }
}
