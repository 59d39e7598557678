//! Merges rotations around one axis into one, when all between them commutes, and drops those that do nothing.
//!
//! Angles without numbers are added up as expressions. What is merged stands where its first part stood; global phases
//! become one. Gates that a condition decides about stay.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::kept::Kept;
use super::place::{placed, same_place};
use crate::circuit::{Angle, Circuit, Gate, Instruction};

/// Merges rotations; returns how many gates went.
pub fn merge_rotations(circuit: &mut Circuit) -> usize {
    let instructions = circuit.take_instructions();
    let mut kept = Kept::new(circuit.qubits(), instructions.len());
    let mut removed = 0;
    // The global phases so far, and what is left of the gate.
    let mut global: Option<Angle> = None;
    for instruction in instructions {
        let Some((gate, controls, targets)) = placed(&instruction) else {
            kept.push(instruction);
            continue;
        };
        if let (Gate::GlobalPhase(angle), []) = (gate, controls) {
            let before = global.get_or_insert(Angle::Number(0.0));
            match Angle::sum(&[before, angle]) {
                Some(sum) => {
                    *before = sum;
                    removed += 1;
                }
                None => kept.push(instruction),
            }
            continue;
        }
        let Some(turn) = Turn::of(gate) else {
            kept.push(instruction);
            continue;
        };
        if turn.is_nothing() {
            removed += 1;
            continue;
        }
        let merged = |before: &Instruction| {
            let first = placed(before).filter(|first| same_place(*first, (gate, controls, targets)))?;
            Turn::of(first.0)?.and(&turn)
        };
        match kept.find(&instruction, merged) {
            Some((before, merged)) if merged.is_nothing() => {
                kept.remove(before);
                removed += 2;
            }
            Some((before, merged)) => {
                let (controls, targets) = (controls.to_vec(), targets.to_vec());
                kept.replace(before, Instruction::gate(merged.gate(), controls, targets));
                removed += 1;
            }
            None => kept.push(instruction),
        }
    }
    if let Some(angle) = global.filter(|angle| !is_multiple(angle, 2.0 * PI)) {
        kept.push(Instruction::gate(Gate::GlobalPhase(angle), Vec::new(), Vec::new()));
        removed -= 1;
    }
    circuit.set_instructions(kept.finish());
    removed
}

/// A gate as a part of others of its kind.
enum Turn {
    /// Around Z, but such that 0 stays as it is.
    Phase(Angle),
    /// `gphase` with controls.
    Global(Angle),
    Rx(Angle),
    Ry(Angle),
    Rz(Angle),
    /// So many square roots of X.
    Roots(u8),
}

impl Turn {
    fn of(gate: &Gate) -> Option<Self> {
        Some(match gate {
            Gate::GlobalPhase(angle) => Self::Global(angle.clone()),
            Gate::Z => Self::Phase(PI.into()),
            Gate::S => Self::Phase(FRAC_PI_2.into()),
            Gate::Sdg => Self::Phase((-FRAC_PI_2).into()),
            Gate::T => Self::Phase(FRAC_PI_4.into()),
            Gate::Tdg => Self::Phase((-FRAC_PI_4).into()),
            Gate::P(angle) => Self::Phase(angle.clone()),
            Gate::Rx(angle) => Self::Rx(angle.clone()),
            Gate::Ry(angle) => Self::Ry(angle.clone()),
            Gate::Rz(angle) => Self::Rz(angle.clone()),
            Gate::Sx => Self::Roots(1),
            Gate::X => Self::Roots(2),
            Gate::Sxdg => Self::Roots(3),
            _ => return None,
        })
    }

    /// Both, when they are of one kind.
    fn and(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Phase(x), Self::Phase(y)) => Self::Phase(Angle::sum(&[x, y])?),
            (Self::Global(x), Self::Global(y)) => Self::Global(Angle::sum(&[x, y])?),
            (Self::Rx(x), Self::Rx(y)) => Self::Rx(Angle::sum(&[x, y])?),
            (Self::Ry(x), Self::Ry(y)) => Self::Ry(Angle::sum(&[x, y])?),
            (Self::Rz(x), Self::Rz(y)) => Self::Rz(Angle::sum(&[x, y])?),
            (Self::Roots(x), Self::Roots(y)) => Self::Roots((x + y) % 4),
            _ => return None,
        })
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Phase(angle) | Self::Global(angle) => is_multiple(angle, 2.0 * PI),
            // A full turn is -1, which matters where there are controls.
            Self::Rx(angle) | Self::Ry(angle) | Self::Rz(angle) => is_multiple(angle, 4.0 * PI),
            Self::Roots(roots) => *roots == 0,
        }
    }

    fn gate(self) -> Gate {
        match self {
            Self::Phase(angle) => phase(angle),
            Self::Global(angle) => Gate::GlobalPhase(angle),
            Self::Rx(angle) => Gate::Rx(angle),
            Self::Ry(angle) => Gate::Ry(angle),
            Self::Rz(angle) => Gate::Rz(angle),
            Self::Roots(0) => Gate::Id,
            Self::Roots(1) => Gate::Sx,
            Self::Roots(2) => Gate::X,
            Self::Roots(_) => Gate::Sxdg,
        }
    }
}

/// A phase by its own name, where it has one.
fn phase(angle: Angle) -> Gate {
    let named = [
        (PI, Gate::Z),
        (FRAC_PI_2, Gate::S),
        (-FRAC_PI_2, Gate::Sdg),
        (FRAC_PI_4, Gate::T),
        (-FRAC_PI_4, Gate::Tdg),
    ];
    let is = |own: f64| {
        angle
            .number()
            .is_some_and(|number| is_multiple(&(number - own).into(), 2.0 * PI))
    };
    match named.into_iter().find(|(own, _)| is(*own)) {
        Some((_, gate)) => gate,
        None => Gate::P(angle),
    }
}

/// Whether an angle is a multiple of another, but for rounding; never while it has parameters.
fn is_multiple(angle: &Angle, period: f64) -> bool {
    angle.number().is_some_and(|angle| {
        let rest = angle - (angle / period).round() * period;
        rest.abs() <= 2.0 * f64::EPSILON * angle.abs().max(1.0)
    })
}
