//! Which instructions can change places.
//!
//! On each of its qubits a gate may leave the values of one Pauli matrix alone: a control and a
//! diagonal gate those of Z, `x` and `rx` those of X. Two instructions that agree in that on every
//! qubit they share commute, for they are made of parts, one for each of those values, that act elsewhere.

use num_complex::Complex64;

use super::{Gate, Instruction, Operation};

/// A Pauli matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    X,
    Y,
    Z,
}

impl Gate {
    /// The matrix whose values it leaves alone on each of its targets.
    pub(crate) fn axis(&self) -> Option<Axis> {
        match self {
            Self::GlobalPhase(_) | Self::Id => Some(Axis::Z),
            Self::Z | Self::S | Self::Sdg | Self::T | Self::Tdg | Self::P(_) | Self::Rz(_) => Some(Axis::Z),
            Self::X | Self::Sx | Self::Sxdg | Self::Rx(_) => Some(Axis::X),
            Self::Y | Self::Ry(_) => Some(Axis::Y),
            Self::U(theta, ..) => (theta.number() == Some(0.0)).then_some(Axis::Z),
            Self::Unitary(matrix) => {
                let rows = matrix.rows();
                let diagonal =
                    |(at, element): (usize, &Complex64)| at / rows == at % rows || *element == Complex64::ZERO;
                matrix.elements().iter().enumerate().all(diagonal).then_some(Axis::Z)
            }
            Self::H | Self::Swap => None,
        }
    }
}

impl Instruction {
    /// Calls `visit` with each of its qubits and its axis there.
    pub(crate) fn for_each_axis(&self, mut visit: impl FnMut(usize, Option<Axis>)) {
        match &self.operation {
            Operation::Gate {
                gate,
                controls,
                targets,
            } => {
                controls.iter().for_each(|control| visit(control.qubit, Some(Axis::Z)));
                let axis = gate.axis();
                targets.iter().for_each(|target| visit(*target, axis));
            }
            Operation::Measure { qubit, .. } => visit(*qubit, Some(Axis::Z)),
            Operation::Reset { qubit } => visit(*qubit, None),
            Operation::Barrier { qubits } => qubits.iter().for_each(|qubit| visit(*qubit, None)),
        }
    }

    /// Its axis on a qubit: nothing when it is not on that qubit, and then nothing when it has none there.
    fn axis_on(&self, qubit: usize) -> Option<Option<Axis>> {
        match &self.operation {
            Operation::Gate {
                gate,
                controls,
                targets,
            } => {
                if targets.contains(&qubit) {
                    Some(gate.axis())
                } else {
                    let control = controls.iter().any(|control| control.qubit == qubit);
                    control.then_some(Some(Axis::Z))
                }
            }
            Operation::Measure { qubit: own, .. } => (*own == qubit).then_some(Some(Axis::Z)),
            Operation::Reset { qubit: own } => (*own == qubit).then_some(None),
            Operation::Barrier { qubits } => qubits.contains(&qubit).then_some(None),
        }
    }

    /// Whether a gate can be done before this instead of after it.
    pub(crate) fn lets_past(&self, gate: &Self) -> bool {
        let mut free = true;
        gate.for_each_axis(|qubit, axis| {
            free &= self.axis_on(qubit).is_none_or(|own| own.is_some() && own == axis);
        });
        free
    }
}
