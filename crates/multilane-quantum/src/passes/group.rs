//! Groups diagonal gates: each moves back to the first group of them that it can reach.
//!
//! Diagonal gates side by side are one product of phases. Other instructions keep their order, and so do diagonal
//! gates that a condition decides about.

use super::place::placed;
use crate::circuit::{Axis, Circuit, Instruction};

/// Moves diagonal gates together; returns how many moved past something else.
pub fn group_diagonals(circuit: &mut Circuit) -> usize {
    let mut items = Vec::new();
    // For each qubit how many items there were after the last that does not let diagonal gates past.
    let mut fixed = vec![0usize; circuit.qubits()];
    let mut moved = 0;
    for instruction in circuit.take_instructions() {
        let (mut diagonal, mut from) = (placed(&instruction).is_some(), 0);
        instruction.for_each_axis(|qubit, axis| {
            diagonal &= axis == Some(Axis::Z);
            from = from.max(fixed[qubit]);
        });
        if !diagonal {
            instruction.for_each_axis(|qubit, axis| {
                if axis != Some(Axis::Z) {
                    fixed[qubit] = items.len() + 1;
                }
            });
            items.push(Item::Other(instruction));
            continue;
        }
        let last = items.len().saturating_sub(1);
        let group = items[from..]
            .iter_mut()
            .enumerate()
            .find_map(|(place, item)| match item {
                Item::Diagonals(group) => Some((from + place, group)),
                Item::Other(_) => None,
            });
        match group {
            Some((place, group)) => {
                moved += usize::from(place != last);
                group.push(instruction);
            }
            None => items.push(Item::Diagonals(vec![instruction])),
        }
    }
    let all = items.into_iter().flat_map(|item| match item {
        Item::Other(instruction) => vec![instruction],
        Item::Diagonals(group) => group,
    });
    circuit.set_instructions(all.collect());
    moved
}

enum Item {
    Other(Instruction),
    Diagonals(Vec<Instruction>),
}
