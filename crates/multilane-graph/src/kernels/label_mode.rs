//! `graph.label_mode`: for every node the most frequent label of its neighbours.
//!
//! Labels that are node numbers, as they are where an algorithm starts from the nodes themselves, are
//! counted in an array; all others are sorted or looked up in a table.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use multilane_plan::{Array, Call, DType, Element, Kernel, KernelError, Kernels, Lanes, Op, Plan, Prepared, Value};

use super::{direction_of, failed, graph_of, invalid};
use crate::algorithms::advise;
use crate::csr::Csr;
use crate::graph::Direction;
use crate::mode::{Counter, Label, Tally};
use crate::shared::{PerLane, Shared, part, pieces, reserve};

pub(super) const NAME: &str = "graph.label_mode";

/// The kernel of the operation.
pub(super) struct LabelModeKernel;

struct LabelMode {
    direction: Direction,
    /// Memory to count in, kept from one execution to the next.
    stock: Mutex<Stock>,
}

/// Labels in 32 bits, and a tally for each lane.
#[derive(Default)]
struct Stock {
    labels: Vec<u32>,
    tallies: Vec<Tally>,
}

impl Kernel for LabelModeKernel {
    fn prepare(&self, _: &Plan, op: &Op, _: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        let direction = direction_of(op, Direction::In).map_err(|problem| invalid(NAME, problem))?;
        Ok(Box::new(LabelMode {
            direction,
            stock: Mutex::default(),
        }))
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
        let rows = graph
            .rows(self.direction, call.lanes)
            .map_err(|error| failed(NAME, &error))?;
        match labels.dtype() {
            DType::I32 => self.modes_of::<i32>(rows, labels, modes, call.lanes),
            DType::I64 => self.modes_of::<i64>(rows, labels, modes, call.lanes),
            other => Err(invalid(NAME, format!("needs integers as labels, not {other}"))),
        }
    }
}

impl LabelMode {
    fn modes_of<L: Label + Element>(
        &self,
        rows: &Csr,
        labels: &Array,
        modes: &Array,
        lanes: &dyn Lanes,
    ) -> Result<(), KernelError> {
        let labels = labels.as_slice::<L>().expect("its own type");
        let modes = Shared::new(modes.as_mut_ptr().cast::<L>());
        // Two executions at a time are possible; the second brings its own memory. Nothing in it outlives a panic.
        let mut stock = std::mem::take(&mut *self.stock.lock().unwrap_or_else(PoisonError::into_inner));
        if !narrow(labels, &mut stock.labels, lanes)? {
            modes_of_any(rows, labels, modes, lanes);
        } else {
            let tallies = PerLane::new(lanes, || {
                let mut tally = stock.tallies.pop().unwrap_or_default();
                tally.widen(labels.len());
                tally
            });
            let numbers = &stock.labels;
            each_piece(rows, lanes, |nodes, lane| {
                // SAFETY: the lane is the one `run` gave.
                let tally = unsafe { tallies.get(lane) };
                count(rows, nodes, numbers, tally, |node, mode| {
                    let mode = mode.map_or(labels[node], L::from_number);
                    // SAFETY: the pieces are disjoint, and the result is not the memory of an operand.
                    unsafe { modes.write(node, mode) };
                });
            });
            stock.tallies.extend(tallies.into_all());
        }
        *self.stock.lock().unwrap_or_else(PoisonError::into_inner) = stock;
        if lanes.stopped() {
            Err(KernelError::Stopped)
        } else {
            Ok(())
        }
    }
}

/// Calls `body` for ranges of nodes of about equal work.
fn each_piece(rows: &Csr, lanes: &dyn Lanes, body: impl Fn(Range<usize>, usize) + Sync) {
    let bounds = rows.balanced(lanes.count() * super::PIECES_PER_LANE);
    lanes.run(bounds.len() - 1, &|piece, lane| {
        if !lanes.stopped() {
            body(bounds[piece]..bounds[piece + 1], lane);
        }
    });
}

/// Writes labels that are all node numbers in 32 bits; whether they are.
fn narrow<L: Label>(labels: &[L], numbers: &mut Vec<u32>, lanes: &dyn Lanes) -> Result<bool, KernelError> {
    let nodes = labels.len();
    if numbers.len() != nodes {
        *numbers = reserve::<u32>(nodes).map_err(|error| failed(NAME, &error))?;
        advise(numbers);
        numbers.resize(nodes, 0);
    }
    let all = Shared::new(numbers.as_mut_ptr());
    let others = PerLane::new(lanes, || false);
    let cuts = pieces(nodes, 1 << 14, lanes);
    lanes.run(cuts, &|piece, lane| {
        let mut other = false;
        for node in part(nodes, cuts, piece) {
            // Negative labels have bits above any number of nodes.
            let bits = labels[node].bits();
            other |= bits >= nodes as u64;
            // SAFETY: the pieces are disjoint and cover the nodes.
            unsafe { all.write(node, bits as u32) };
        }
        // SAFETY: the lane is the one `run` gave.
        unsafe { *others.get(lane) |= other };
    });
    Ok(!others.into_all().any(|other| other))
}

/// Calls `found` with the mode of each node, in the widest instructions there are.
fn count(rows: &Csr, nodes: Range<usize>, labels: &[u32], tally: &mut Tally, found: impl FnMut(usize, Option<u32>)) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has these instructions.
        return unsafe { count_avx2(rows, nodes, labels, tally, found) };
    }
    count_any(rows, nodes, labels, tally, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn count_avx2(
    rows: &Csr,
    nodes: Range<usize>,
    labels: &[u32],
    tally: &mut Tally,
    found: impl FnMut(usize, Option<u32>),
) {
    count_any(rows, nodes, labels, tally, found);
}

#[inline(always)]
fn count_any(
    rows: &Csr,
    nodes: Range<usize>,
    labels: &[u32],
    tally: &mut Tally,
    mut found: impl FnMut(usize, Option<u32>),
) {
    for node in nodes {
        let neighbours = rows.neighbours(node).iter();
        let mode = tally.mode(neighbours.map(|&neighbour| labels[neighbour as usize]));
        found(node, mode);
    }
}

/// Modes of labels of any kind.
fn modes_of_any<L: Label>(rows: &Csr, labels: &[L], modes: Shared<L>, lanes: &dyn Lanes) {
    let counters = PerLane::new(lanes, Counter::<L>::default);
    each_piece(rows, lanes, |nodes, lane| {
        // SAFETY: the lane is the one `run` gave.
        let counter = unsafe { counters.get(lane) };
        for node in nodes {
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
}
