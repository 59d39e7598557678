//! Folds the initial state: follows the qubits that are known to be 0 or 1, from all 0 on.
//!
//! A control of known value goes, or its gate does; a diagonal gate on known values is a phase; `y` moves a known
//! value as `x` does. A qubit is known until something other than these acts on it, and again after a reset.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use num_complex::Complex64;

use crate::circuit::{Angle, Axis, Circuit, Control, Gate, Instruction, Operation};

/// Makes use of the qubits being 0 at the start; returns how many instructions it removed or made simpler.
pub fn fold_initial_state(circuit: &mut Circuit) -> usize {
    let instructions = circuit.take_instructions();
    let mut fold = Fold {
        known: vec![Some(false); circuit.qubits()],
        kept: Vec::with_capacity(instructions.len()),
        phase: Angle::Number(0.0),
        changed: 0,
    };
    instructions.into_iter().for_each(|instruction| fold.add(instruction));
    if fold.phase.number() != Some(0.0) {
        fold.kept
            .push(Instruction::gate(Gate::GlobalPhase(fold.phase), Vec::new(), Vec::new()));
    }
    circuit.set_instructions(fold.kept);
    fold.changed
}

struct Fold {
    /// The value of each qubit that has one.
    known: Vec<Option<bool>>,
    kept: Vec<Instruction>,
    /// Of the whole state.
    phase: Angle,
    changed: usize,
}

impl Fold {
    fn add(&mut self, mut instruction: Instruction) {
        let always = instruction.condition.is_none();
        match &mut instruction.operation {
            Operation::Gate {
                gate,
                controls,
                targets,
            } => {
                let differs = |control: &Control| self.known[control.qubit] == Some(!control.positive);
                if controls.iter().any(differs) {
                    self.changed += 1;
                    return;
                }
                let before = controls.len();
                controls.retain(|control| self.known[control.qubit].is_none());
                let fewer = controls.len() < before;
                self.changed += usize::from(fewer);
                let stays = !always || self.gate(gate, controls, targets, fewer);
                if !stays {
                    return;
                }
                if !always && gate.axis() != Some(Axis::Z) {
                    targets.iter().for_each(|target| self.known[*target] = None);
                }
            }
            Operation::Reset { qubit } => {
                let value = self.known[*qubit];
                self.known[*qubit] = if always || value == Some(false) {
                    Some(false)
                } else {
                    None
                };
                match value {
                    Some(false) => {
                        self.changed += 1;
                        return;
                    }
                    Some(true) if always => {
                        self.changed += 1;
                        instruction = Instruction::gate(Gate::X, Vec::new(), vec![*qubit]);
                    }
                    _ => {}
                }
            }
            Operation::Measure { .. } | Operation::Barrier { .. } => {}
        }
        self.kept.push(instruction);
    }

    /// A gate that is always done and whose controls have no known values; returns whether it stays. A gate
    /// that is `counted` already is not counted again.
    fn gate(&mut self, gate: &mut Gate, controls: &mut Vec<Control>, targets: &mut Vec<usize>, counted: bool) -> bool {
        let once = usize::from(!counted);
        if let Some(angle) = self.phase(gate, targets) {
            self.changed += once;
            let gone = angle.number() == Some(0.0) || controls.is_empty() && self.add_phase(&angle);
            // A control that has to be 1 can be the target of the phase, as most circuits write it.
            targets.clear();
            *gate = match controls.iter().rposition(|control| control.positive) {
                Some(place) => {
                    targets.push(controls.remove(place).qubit);
                    Gate::P(angle)
                }
                None => Gate::GlobalPhase(angle),
            };
            return !gone;
        }
        let sure = controls.is_empty();
        match gate {
            Gate::X if sure => {
                let target = targets[0];
                self.known[target] = self.known[target].map(|value| !value);
            }
            Gate::Y if sure && self.known[targets[0]].is_some() => {
                let value = self.known[targets[0]] == Some(true);
                if self.add_phase(&Angle::Number(if value { -FRAC_PI_2 } else { FRAC_PI_2 })) {
                    *gate = Gate::X;
                    self.known[targets[0]] = Some(!value);
                    self.changed += once;
                } else {
                    self.known[targets[0]] = None;
                }
            }
            Gate::Swap => {
                let (first, second) = (self.known[targets[0]], self.known[targets[1]]);
                if first.is_some() && first == second {
                    self.changed += once;
                    return false;
                }
                self.known[targets[0]] = second.filter(|_| sure);
                self.known[targets[1]] = first.filter(|_| sure);
            }
            _ if gate.axis() == Some(Axis::Z) => {}
            _ => targets.iter().for_each(|target| self.known[*target] = None),
        }
        true
    }

    /// Adds to the phase of the whole state, unless the sum is too long.
    fn add_phase(&mut self, angle: &Angle) -> bool {
        let sum = Angle::sum(&[&self.phase, angle]);
        let done = sum.is_some();
        self.phase = sum.unwrap_or_else(|| self.phase.clone());
        done
    }

    /// The phase that a diagonal gate on known values is.
    fn phase(&self, gate: &Gate, targets: &[usize]) -> Option<Angle> {
        let value = |target: &usize| self.known[*target];
        let one = targets.first().and_then(value);
        let number = |angle: f64| Some(Angle::Number(angle));
        let where_one = |angle: &Angle| match one? {
            true => Some(angle.clone()),
            false => number(0.0),
        };
        match gate {
            Gate::Id => number(0.0),
            Gate::Z => where_one(&PI.into()),
            Gate::S => where_one(&FRAC_PI_2.into()),
            Gate::Sdg => where_one(&(-FRAC_PI_2).into()),
            Gate::T => where_one(&FRAC_PI_4.into()),
            Gate::Tdg => where_one(&(-FRAC_PI_4).into()),
            Gate::P(angle) => where_one(angle),
            Gate::Rz(angle) => Some(angle.clone() * if one? { 0.5 } else { -0.5 }.into()),
            Gate::Unitary(matrix) if gate.axis() == Some(Axis::Z) => {
                let mut row = 0;
                for (place, target) in targets.iter().enumerate() {
                    row |= usize::from(value(target)?) << place;
                }
                let element: Complex64 = matrix.elements()[row * (matrix.rows() + 1)];
                number(element.arg())
            }
            _ => None,
        }
    }
}
