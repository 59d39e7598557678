//! The instructions a pass has kept so far, and the way back from the end past those that commute.

use crate::circuit::Instruction;

/// Instructions looked at on the way back, at most: what lies further is seldom reached, and time stays linear.
const LOOK_BACK: usize = 64;

/// Instructions in order; those that were removed leave a hole.
pub(super) struct Kept {
    instructions: Vec<Option<Instruction>>,
    /// For each qubit those on it that are left, in order.
    on: Vec<Vec<usize>>,
    /// Reused by `find`: qubits of the instruction, and how many of those on each are not looked at yet.
    ends: Vec<(usize, usize)>,
}

impl Kept {
    pub(super) fn new(qubits: usize, instructions: usize) -> Self {
        Self {
            instructions: Vec::with_capacity(instructions),
            on: vec![Vec::new(); qubits],
            ends: Vec::new(),
        }
    }

    /// Adds an instruction at the end.
    pub(super) fn push(&mut self, instruction: Instruction) {
        let number = self.instructions.len();
        instruction.for_each_axis(|qubit, _| self.on[qubit].push(number));
        self.instructions.push(Some(instruction));
    }

    pub(super) fn remove(&mut self, number: usize) {
        if let Some(instruction) = self.instructions[number].take() {
            instruction.for_each_axis(|qubit, _| {
                // It lies near the end.
                if let Some(place) = self.on[qubit].iter().rposition(|other| *other == number) {
                    self.on[qubit].remove(place);
                }
            });
        }
    }

    /// Puts an instruction on the same qubits in the place of another.
    pub(super) fn replace(&mut self, number: usize, instruction: Instruction) {
        self.instructions[number] = Some(instruction);
    }

    /// The first thing that `wanted` finds on the way back from the end, and where: only
    /// instructions that share a qubit are shown, and the way ends at one that does not let `instruction` past.
    pub(super) fn find<T>(
        &mut self,
        instruction: &Instruction,
        wanted: impl Fn(&Instruction) -> Option<T>,
    ) -> Option<(usize, T)> {
        let Self { instructions, on, ends } = self;
        ends.clear();
        instruction.for_each_axis(|qubit, _| ends.push((qubit, on[qubit].len())));
        for _ in 0..LOOK_BACK {
            let last = |(qubit, end): &(usize, usize)| end.checked_sub(1).map(|place| on[*qubit][place]);
            let number = ends.iter().filter_map(last).max()?;
            let before = instructions[number]
                .as_ref()
                .expect("only instructions that are left are on a qubit");
            if let Some(found) = wanted(before) {
                return Some((number, found));
            }
            if !before.lets_past(instruction) {
                return None;
            }
            for end in ends.iter_mut() {
                if last(end) == Some(number) {
                    end.1 -= 1;
                }
            }
        }
        None
    }

    /// What is left, in order.
    pub(super) fn finish(self) -> Vec<Instruction> {
        self.instructions.into_iter().flatten().collect()
    }
}
