//! Circuits: what is done to numbered qubits, in order, as plain data.
//!
//! Every instruction is checked when it is added, so a [`Circuit`] is always valid.
//! Qubit 0 is the least significant bit of a basis state's number. Nothing here
//! computes a state.

mod angle;
mod axis;
mod build;
mod gate;
mod linear;
mod matrix;
mod slope;

pub use angle::{Angle, Binary, Unary};
pub(crate) use axis::Axis;
pub use gate::Gate;
pub use matrix::{MAX_MATRIX_QUBITS, Matrix};

use crate::error::QuantumError;

/// The largest number of qubits that a circuit can name; a state needs memory besides.
pub const MAX_QUBITS: usize = 1 << 20;

/// The largest number of classical bits.
pub const MAX_CLBITS: usize = 1 << 24;

/// A qubit that decides whether a gate acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Control {
    /// The qubit.
    pub qubit: usize,
    /// Acts when the qubit is 1; else when it is 0.
    pub positive: bool,
}

impl Control {
    /// Acts when the qubit is 1.
    pub const fn on(qubit: usize) -> Self {
        Self { qubit, positive: true }
    }

    /// Acts when the qubit is 0.
    pub const fn off(qubit: usize) -> Self {
        Self { qubit, positive: false }
    }
}

/// Compares classical bits with a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The bits, the least significant first; 1 to 64.
    pub clbits: Vec<usize>,
    /// What they are compared with.
    pub value: u64,
    /// Holds when they differ from `value`.
    pub negated: bool,
}

impl Condition {
    /// Holds when the bits, the least significant first, are `value`.
    pub fn equals(clbits: impl Into<Vec<usize>>, value: u64) -> Self {
        Self {
            clbits: clbits.into(),
            value,
            negated: false,
        }
    }

    /// Holds when the bits, the least significant first, are not `value`.
    pub fn differs(clbits: impl Into<Vec<usize>>, value: u64) -> Self {
        Self {
            negated: true,
            ..Self::equals(clbits, value)
        }
    }

    /// Whether it holds for these values of all classical bits.
    pub fn holds(&self, clbits: &[bool]) -> bool {
        let found =
            (self.clbits.iter().enumerate()).fold(0, |number, (place, bit)| number | u64::from(clbits[*bit]) << place);
        (found == self.value) != self.negated
    }
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Applies a gate.
    Gate {
        /// The gate.
        gate: Gate,
        /// Acts only where all of them agree.
        controls: Vec<Control>,
        /// The qubits it acts on; the first is the least significant bit of a matrix' rows.
        targets: Vec<usize>,
    },
    /// Measures a qubit into a classical bit.
    Measure {
        /// The qubit.
        qubit: usize,
        /// The classical bit.
        clbit: usize,
    },
    /// Makes a qubit 0, whatever it was.
    Reset {
        /// The qubit.
        qubit: usize,
    },
    /// Nothing moves past it for these qubits.
    Barrier {
        /// The qubits.
        qubits: Vec<usize>,
    },
}

/// One step of a circuit.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// What is done.
    pub operation: Operation,
    /// Done only when this holds.
    pub condition: Option<Condition>,
}

/// Gates, measurements, resets and barriers on numbered qubits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circuit {
    qubits: usize,
    clbits: usize,
    parameters: Vec<String>,
    instructions: Vec<Instruction>,
}

impl Circuit {
    /// How many qubits there are.
    pub fn qubits(&self) -> usize {
        self.qubits
    }

    /// How many classical bits there are.
    pub fn clbits(&self) -> usize {
        self.clbits
    }

    /// Has so many classical bits, which are at least those there were.
    pub(crate) fn set_clbits(&mut self, clbits: usize) -> Result<(), QuantumError> {
        if clbits > MAX_CLBITS {
            return Err(QuantumError::TooManyClbits { clbits });
        }
        self.clbits = self.clbits.max(clbits);
        Ok(())
    }

    /// Names of the parameters that angles use, in the order of their first use; a pass may leave one without use.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// The steps, in order.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Takes the steps out, for a pass that puts others in with [`Circuit::set_instructions`].
    pub(crate) fn take_instructions(&mut self) -> Vec<Instruction> {
        std::mem::take(&mut self.instructions)
    }

    /// The steps on so many qubits, with the bits and parameters of this circuit.
    pub(crate) fn on_qubits(&self, qubits: usize, instructions: Vec<Instruction>) -> Self {
        Self {
            qubits,
            clbits: self.clbits,
            parameters: self.parameters.clone(),
            instructions,
        }
    }

    /// Sets the steps, which name only qubits, bits and parameters of the circuit.
    pub(crate) fn set_instructions(&mut self, instructions: Vec<Instruction>) {
        self.instructions = instructions;
    }
}

impl Instruction {
    /// A gate that is always done.
    pub(crate) fn gate(gate: Gate, controls: Vec<Control>, targets: Vec<usize>) -> Self {
        Self {
            operation: Operation::Gate {
                gate,
                controls,
                targets,
            },
            condition: None,
        }
    }
}
