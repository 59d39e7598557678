//! What can go wrong with a circuit: one error for the whole crate.
//!
//! Fields, not sentences, so that a front can build its own message; [`QuantumError::hint`]
//! says what to do next where that is known.

use crate::circuit::{MAX_CLBITS, MAX_MATRIX_QUBITS, MAX_QUBITS};

/// Why a circuit could not be built or run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantumError {
    /// More qubits than a circuit can name.
    #[error("{qubits} qubits are more than the {MAX_QUBITS} a circuit can have")]
    TooManyQubits {
        /// The number asked for.
        qubits: usize,
    },
    /// More classical bits than a circuit can name.
    #[error("{clbits} classical bits are more than the {MAX_CLBITS} a circuit can have")]
    TooManyClbits {
        /// The number asked for.
        clbits: usize,
    },
    /// An instruction names a qubit that does not exist.
    #[error("there is no qubit {qubit}: the circuit has {qubits}")]
    QubitOutOfRange {
        /// The qubit.
        qubit: usize,
        /// How many there are.
        qubits: usize,
    },
    /// A basis state has a bit beyond the last qubit.
    #[error("there is no basis state {state}: the circuit has {qubits} qubits")]
    StateOutOfRange {
        /// The number of the state.
        state: u64,
        /// How many qubits there are.
        qubits: usize,
    },
    /// An instruction names a classical bit that does not exist.
    #[error("there is no classical bit {clbit}: the circuit has {clbits}")]
    ClbitOutOfRange {
        /// The bit.
        clbit: usize,
        /// How many there are.
        clbits: usize,
    },
    /// One instruction names a qubit twice.
    #[error("`{gate}` names qubit {qubit} twice")]
    DuplicateQubit {
        /// The instruction.
        gate: String,
        /// The qubit.
        qubit: usize,
    },
    /// A gate is given another number of qubits than it acts on.
    #[error("`{gate}` acts on {expected} qubits, but {found} were given")]
    QubitCount {
        /// The gate.
        gate: String,
        /// How many it acts on.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A matrix has not the shape of a gate on 1 to 5 qubits.
    #[error("a matrix of {elements} elements is not that of a gate on 1 to {MAX_MATRIX_QUBITS} qubits")]
    MatrixShape {
        /// How many elements it has.
        elements: usize,
    },
    /// A matrix is not unitary.
    #[error("the matrix is not unitary: its product with its adjoint is off by {deviation:e}")]
    NotUnitary {
        /// The largest deviation of an element.
        deviation: f64,
    },
    /// An angle is not a finite number.
    #[error("an angle of `{gate}` is {angle}")]
    AngleNotFinite {
        /// The gate.
        gate: String,
        /// The angle.
        angle: f64,
    },
    /// A condition compares no bits, or more than fit a number.
    #[error("a condition compares {clbits} classical bits; it needs 1 to 64")]
    ConditionWidth {
        /// How many it was given.
        clbits: usize,
    },
    /// A parameter has no value.
    #[error("parameter `{name}` has no value")]
    UnboundParameter {
        /// Its name.
        name: String,
    },
    /// A value is given for a parameter that the circuit has not.
    #[error("the circuit has no parameter `{name}`")]
    UnknownParameter {
        /// The name.
        name: String,
        /// Names that exist.
        known: Vec<String>,
    },
    /// There is no pass of that name.
    #[error("there is no pass `{name}`")]
    UnknownPass {
        /// The name.
        name: String,
        /// Passes there are.
        known: Vec<&'static str>,
    },
    /// A plan says what no circuit can.
    #[error("the plan is no circuit: {problem}")]
    NoCircuit {
        /// What of it.
        problem: String,
    },
    /// The state does not fit into memory.
    #[error("{qubits} qubits in {precision} need {bytes} bytes, but only {available} can be had")]
    OutOfMemory {
        /// How many qubits.
        qubits: usize,
        /// `f32` or `f64`.
        precision: &'static str,
        /// Bytes that the run needs.
        bytes: u128,
        /// Bytes that can be had.
        available: u64,
    },
    /// An argument is outside what the operation takes.
    #[error("`{argument}` is {value}, which is not {expected}")]
    Argument {
        /// Its name.
        argument: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// Something needs one final state, and the circuit has one for each outcome.
    #[error("`{operation}` needs one final state, but the circuit {cause}")]
    NoSingleState {
        /// What was asked for.
        operation: &'static str,
        /// What makes several states.
        cause: &'static str,
    },
    /// Two states that are to be added or compared have different numbers of qubits.
    #[error("one state has {left} qubits and the other {right}")]
    DifferentQubits {
        /// Qubits of the first.
        left: usize,
        /// Qubits of the second.
        right: usize,
    },
    /// A live register was stopped in the middle of a circuit.
    #[error("the register was stopped in the middle of a circuit, and its state is lost")]
    StateLost,
    /// The caller asked to stop.
    #[error("stopped before it was done")]
    Stopped,
}

impl QuantumError {
    /// What the user can do next, when that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::QubitOutOfRange { qubits, .. } if *qubits > 0 => {
                Some(format!("number the qubits from 0 to {}", qubits - 1))
            }
            Self::StateOutOfRange { qubits, .. } => Some(format!("number basis states from 0 to 2**{qubits} - 1")),
            Self::ClbitOutOfRange { clbit, .. } => Some(format!(
                "give the circuit at least {} classical bits",
                clbit.saturating_add(1)
            )),
            Self::DuplicateQubit { .. } => Some("give a different qubit for each control and target".to_owned()),
            Self::NotUnitary { .. } => {
                Some("give a matrix whose product with its conjugate transpose is the identity".to_owned())
            }
            Self::MatrixShape { .. } => Some("give a square matrix of 2, 4, 8, 16 or 32 rows".to_owned()),
            Self::UnboundParameter { name } => Some(format!("give it one with `bind({{\"{name}\": ...}})`")),
            Self::UnknownParameter { known, .. } if !known.is_empty() => {
                Some(format!("it has `{}`", known.join("`, `")))
            }
            Self::UnknownPass { known, .. } => Some(format!("choose from `{}`", known.join("`, `"))),
            Self::OutOfMemory {
                precision, available, ..
            } => {
                let amplitude: u64 = if *precision == "f64" { 16 } else { 8 };
                let most = (available / amplitude).checked_ilog2().unwrap_or(0);
                Some(format!("this machine holds {most} qubits in {precision}"))
            }
            Self::StateLost => Some("make a new register, and apply the circuit to a copy next time".to_owned()),
            Self::NoSingleState { .. } => Some("ask for counts, or leave the measurements to the end".to_owned()),
            _ => None,
        }
    }
}
