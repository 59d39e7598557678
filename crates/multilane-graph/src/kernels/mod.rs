//! Kernels of the `graph` dialect.

pub(crate) mod aggregate;
mod element;
mod label_mode;
mod nodes;
mod save;

use std::sync::Arc;

use multilane_plan::{BoundBlocks, Call, KernelError, Kernels, Op, Value};

use crate::error::GraphError;
use crate::graph::{Direction, Graph};
use crate::shared::Shared;

/// Adds the kernels of the dialect, the sizes a graph brings along, and what a calibration exercises.
pub fn kernels(kernels: &mut Kernels) {
    crate::exercises::exercises(kernels);
    kernels.insert(aggregate::NAME, Arc::new(aggregate::AggregateKernel));
    kernels.insert(label_mode::NAME, Arc::new(label_mode::LabelModeKernel));
    kernels.insert(save::NAME, Arc::new(save::SaveKernel));
    for nodes in nodes::Nodes::ALL {
        kernels.insert(nodes.op(), Arc::new(nodes));
    }
    kernels.insert_measure(crate::KIND, |value| {
        let graph = value.opaque::<Graph>()?;
        Some(vec![graph.num_nodes(), graph.num_entries(), graph.num_ends()])
    });
}

/// Pieces of an aggregation for each lane: enough that the last ones even out.
const PIECES_PER_LANE: usize = 16;

/// Computes all blocks of a result on the lanes of a call.
fn run_blocks(op: &str, bound: &dyn BoundBlocks, call: &mut Call<'_>) -> Result<(), KernelError> {
    let Some(Value::Array(out)) = call.results.first() else {
        return Err(invalid(op, "the result is not an array"));
    };
    let len = out.len();
    let cuts = (len / 1024).clamp(1, call.lanes.count() * PIECES_PER_LANE);
    let bounds = bound
        .bounds(cuts)
        .unwrap_or_else(|| (0..=cuts).map(|cut| len * cut / cuts).collect());
    let size = out.dtype().size();
    let start = Shared::new(out.as_mut_ptr());
    let lanes = call.lanes;
    lanes.run(bounds.len() - 1, &|piece, _| {
        let range = bounds[piece]..bounds[piece + 1];
        if range.is_empty() || lanes.stopped() {
            return;
        }
        // SAFETY: the pieces are disjoint and inside the result, which nobody else uses.
        unsafe { bound.fill(range.clone(), start.at(range.start * size)) };
    });
    if lanes.stopped() {
        Err(KernelError::Stopped)
    } else {
        Ok(())
    }
}

/// The graph among the operands.
fn graph_of(op: &str, value: Option<&Value>) -> Result<Arc<Graph>, KernelError> {
    match value {
        Some(Value::Opaque(thing)) => Arc::clone(thing)
            .downcast::<Graph>()
            .map_err(|_| invalid(op, "the first operand is not a graph")),
        _ => Err(invalid(op, "the first operand is not a graph")),
    }
}

/// The direction an operation names, or the one it means otherwise.
pub(crate) fn direction_of(op: &Op, otherwise: Direction) -> Result<Direction, String> {
    match op.text("direction") {
        None => Ok(otherwise),
        Some(name) => {
            Direction::from_name(name).ok_or_else(|| format!("`direction` is `{name}`, not one of in, out, both"))
        }
    }
}

fn invalid(op: &str, problem: impl Into<String>) -> KernelError {
    KernelError::Invalid {
        op: op.to_owned(),
        problem: problem.into(),
    }
}

fn failed(op: &str, error: &GraphError) -> KernelError {
    match error {
        GraphError::Stopped => KernelError::Stopped,
        other => invalid(op, other.to_string()),
    }
}
