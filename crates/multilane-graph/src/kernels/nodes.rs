//! Kernels whose elements follow from the node alone: degrees, numbers, constants, columns.

use std::ops::Range;
use std::sync::Arc;

use multilane_plan::{
    Array, Attribute, Blocks, BoundBlocks, Call, DType, Kernel, KernelError, Kernels, Lanes, Op, Plan, Prepared,
    Scalar, Serial, Value,
};

use super::element::Truth;
use super::{direction_of, failed, graph_of, invalid, run_blocks};
use crate::graph::{Direction, Graph};
use crate::shared::part;

/// Which of the operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nodes {
    Degree,
    Init,
    Ids,
    Load,
}

impl Nodes {
    pub(super) const ALL: [Self; 4] = [Self::Degree, Self::Init, Self::Ids, Self::Load];

    pub(super) const fn op(self) -> &'static str {
        match self {
            Self::Degree => "graph.degree",
            Self::Init => "graph.init_nodes",
            Self::Ids => "graph.node_ids",
            Self::Load => "graph.load",
        }
    }
}

/// One of the operations with what its attributes say.
#[derive(Clone, Debug)]
enum Ready {
    Degree(Direction),
    Init,
    Ids,
    Load { attribute: String, dtype: DType },
}

impl Kernel for Nodes {
    fn prepare(&self, plan: &Plan, op: &Op, _: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        Ok(Box::new(Alone(self.op(), self.prepare_blocks(plan, op)?)))
    }

    fn prepare_blocks(&self, _: &Plan, op: &Op) -> Result<Box<dyn Blocks>, KernelError> {
        let wrong = |problem: String| invalid(self.op(), problem);
        Ok(Box::new(match self {
            Self::Degree => Ready::Degree(direction_of(op, Direction::Out).map_err(wrong)?),
            Self::Init => Ready::Init,
            Self::Ids => Ready::Ids,
            Self::Load => match (op.text("attribute"), op.attribute("dtype")) {
                (Some(attribute), Some(Attribute::DType(dtype))) => Ready::Load {
                    attribute: attribute.to_owned(),
                    dtype: *dtype,
                },
                _ => return Err(wrong("needs `attribute` and `dtype`".to_owned())),
            },
        }))
    }
}

impl Blocks for Ready {
    fn bind(&self, operands: &[Value]) -> Result<Box<dyn BoundBlocks>, KernelError> {
        self.bind_on(operands, &Serial)
    }

    fn bind_on(&self, operands: &[Value], lanes: &dyn Lanes) -> Result<Box<dyn BoundBlocks>, KernelError> {
        let graph = graph_of(self.op(), operands.first())?;
        Ok(match self {
            Self::Degree(direction) => {
                graph
                    .rows(*direction, lanes)
                    .map_err(|error| failed(self.op(), &error))?;
                Box::new(Degrees {
                    graph,
                    direction: *direction,
                })
            }
            Self::Init => match operands.get(1).and_then(Value::scalar) {
                Some(number) => Box::new(Repeated {
                    number,
                    nodes: graph.num_nodes(),
                }),
                None => return Err(invalid(self.op(), "the second operand is not a number")),
            },
            Self::Ids => Box::new(Ids {
                nodes: graph.num_nodes(),
            }),
            Self::Load { attribute, dtype } => {
                let column = graph
                    .columns()
                    .get(attribute)
                    .map_err(|error| failed(self.op(), &error))?;
                if column.dtype() != *dtype {
                    return Err(invalid(
                        self.op(),
                        format!("attribute `{attribute}` is {}, not {dtype}", column.dtype()),
                    ));
                }
                Box::new(Column(column))
            }
        })
    }
}

impl Ready {
    const fn op(&self) -> &'static str {
        match self {
            Self::Degree(_) => Nodes::Degree.op(),
            Self::Init => Nodes::Init.op(),
            Self::Ids => Nodes::Ids.op(),
            Self::Load { .. } => Nodes::Load.op(),
        }
    }
}

/// The operation by itself, not in a fused one.
struct Alone(&'static str, Box<dyn Blocks>);

impl Prepared for Alone {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let bound = self.1.bind_on(call.operands, call.lanes)?;
        run_blocks(self.0, bound.as_ref(), call)
    }
}

struct Degrees {
    graph: Arc<Graph>,
    direction: Direction,
}

impl BoundBlocks for Degrees {
    unsafe fn fill(&self, range: Range<usize>, out: *mut u8) {
        let rows = self.graph.made_rows(self.direction);
        // SAFETY: the caller's promise: room for the range, of 64-bit integers.
        let out = unsafe { std::slice::from_raw_parts_mut(out.cast::<i64>(), range.len()) };
        for (out, bounds) in out.iter_mut().zip(rows.offsets()[range.start..=range.end].windows(2)) {
            *out = (bounds[1] - bounds[0]) as i64;
        }
    }

    fn bounds(&self, pieces: usize) -> Option<Vec<usize>> {
        Some(even(self.graph.num_nodes(), pieces))
    }
}

struct Ids {
    nodes: usize,
}

impl BoundBlocks for Ids {
    unsafe fn fill(&self, range: Range<usize>, out: *mut u8) {
        // SAFETY: the caller's promise: room for the range, of 64-bit integers.
        let out = unsafe { std::slice::from_raw_parts_mut(out.cast::<i64>(), range.len()) };
        for (out, node) in out.iter_mut().zip(range) {
            *out = node as i64;
        }
    }

    fn bounds(&self, pieces: usize) -> Option<Vec<usize>> {
        Some(even(self.nodes, pieces))
    }
}

struct Repeated {
    number: Scalar,
    nodes: usize,
}

impl BoundBlocks for Repeated {
    unsafe fn fill(&self, range: Range<usize>, out: *mut u8) {
        /// Writes a number everywhere.
        unsafe fn repeat<T: Copy>(out: *mut u8, len: usize, number: T) {
            // SAFETY: the caller's promise: room for `len` elements of the number's type.
            unsafe { std::slice::from_raw_parts_mut(out.cast::<T>(), len) }.fill(number);
        }
        // SAFETY: the result has the type of the number.
        unsafe {
            match self.number {
                Scalar::Bool(number) => repeat(out, range.len(), Truth(u8::from(number))),
                Scalar::I32(number) => repeat(out, range.len(), number),
                Scalar::I64(number) => repeat(out, range.len(), number),
                Scalar::F32(number) => repeat(out, range.len(), number),
                Scalar::F64(number) => repeat(out, range.len(), number),
            }
        }
    }

    fn bounds(&self, pieces: usize) -> Option<Vec<usize>> {
        Some(even(self.nodes, pieces))
    }
}

struct Column(Array);

impl BoundBlocks for Column {
    unsafe fn fill(&self, range: Range<usize>, out: *mut u8) {
        let size = self.0.dtype().size();
        // SAFETY: a column has an element for each node; `out` has room by the caller's promise.
        unsafe {
            let from = self.0.as_ptr().add(range.start * size);
            std::ptr::copy_nonoverlapping(from, out, range.len() * size);
        }
    }

    fn bounds(&self, pieces: usize) -> Option<Vec<usize>> {
        Some(even(self.0.len(), pieces))
    }
}

/// Even bounds: every node is the same work. They also tell how long the result is.
fn even(nodes: usize, pieces: usize) -> Vec<usize> {
    (0..pieces)
        .map(|piece| part(nodes, pieces, piece).start)
        .chain([nodes])
        .collect()
}
