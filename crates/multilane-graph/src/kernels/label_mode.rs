//! `graph.label_mode`: for every node the most frequent label of its neighbours.

use multilane_plan::{Array, Call, DType, Element, Kernel, KernelError, Kernels, Op, Plan, Prepared, Value};

use super::{direction_of, failed, graph_of, invalid};
use crate::csr::Csr;
use crate::graph::Direction;
use crate::mode::{Counter, Label};
use crate::shared::{PerLane, Shared};

pub(super) const NAME: &str = "graph.label_mode";

/// The kernel of the operation.
pub(super) struct LabelModeKernel;

struct LabelMode(Direction);

impl Kernel for LabelModeKernel {
    fn prepare(&self, _: &Plan, op: &Op, _: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        let direction = direction_of(op, Direction::In).map_err(|problem| invalid(NAME, problem))?;
        Ok(Box::new(LabelMode(direction)))
    }
}

impl Prepared for LabelMode {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let graph = graph_of(NAME, call.operands.first())?;
        let (Some(Value::Array(labels)), Some(Value::Array(modes))) = (call.operands.get(1), call.results.first())
        else {
            return Err(invalid(NAME, "labels and result are not arrays"));
        };
        if labels.len() != graph.num_nodes() || modes.len() != labels.len() || modes.dtype() != labels.dtype() {
            return Err(invalid(
                NAME,
                format!("{} labels for {} nodes", labels.len(), graph.num_nodes()),
            ));
        }
        let rows = graph.rows(self.0, call.lanes).map_err(|error| failed(NAME, &error))?;
        match labels.dtype() {
            DType::I32 => modes_of::<i32>(rows, labels, modes, call),
            DType::I64 => modes_of::<i64>(rows, labels, modes, call),
            other => Err(invalid(NAME, format!("needs integers as labels, not {other}"))),
        }
    }
}

fn modes_of<L: Label + Element>(rows: &Csr, labels: &Array, modes: &Array, call: &Call<'_>) -> Result<(), KernelError> {
    let labels = labels.as_slice::<L>().expect("its own type");
    let modes = Shared::new(modes.as_mut_ptr().cast::<L>());
    let bounds = rows.balanced(call.lanes.count() * super::PIECES_PER_LANE);
    let counters = PerLane::new(call.lanes, Counter::<L>::default);
    call.lanes.run(bounds.len() - 1, &|piece, lane| {
        if call.lanes.stopped() {
            return;
        }
        // SAFETY: the lane is the one `run` gave.
        let counter = unsafe { counters.get(lane) };
        for node in bounds[piece]..bounds[piece + 1] {
            counter.labels.clear();
            counter.labels.extend(
                rows.neighbours(node)
                    .iter()
                    .map(|&neighbour| labels[neighbour as usize]),
            );
            let mut mode = None;
            counter.modes(|label| mode = Some(mode.map_or(label, |least: L| least.min(label))));
            // SAFETY: the pieces are disjoint, and the result is not the memory of an operand.
            unsafe { modes.write(node, mode.unwrap_or(labels[node])) };
        }
    });
    if call.lanes.stopped() {
        Err(KernelError::Stopped)
    } else {
        Ok(())
    }
}
