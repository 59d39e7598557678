//! Quantum circuits and their simulation.
//!
//! A [`Circuit`] is data: gates, measurements and conditions over numbered qubits and
//! classical bits. A [`Program`] runs it over a state vector. [`to_plan`] writes it as a plan of the `quantum` dialect,
//! which an engine runs with [`kernels`], and [`from_plan`] reads such a plan. Nothing here starts threads: work is handed to the
//! [`multilane_plan::Lanes`] of the caller. Nothing here knows Python.

mod circuit;
mod dialect;
mod error;
mod explain;
mod kernels;
mod memory;
pub mod passes;
pub mod qasm;
mod schedule;
mod simulate;

pub use circuit::{
    Angle, Binary, Circuit, Condition, Control, Gate, Instruction, MAX_CLBITS, MAX_MATRIX_QUBITS, MAX_QUBITS, Matrix,
    Operation, Unary,
};
pub use dialect::{
    KIND, PlanOptions, dialect, from_plan, fuse_gates, kernels, register_type, state_bytes, state_of, to_plan,
};
pub use error::QuantumError;
pub use explain::{Explanation, Timing, explain};
pub use kernels::{Float, Level, Real};
pub use num_complex::{Complex, Complex64};
pub use schedule::Sweep;
pub use simulate::{
    Gradient, LiveRegister, Options, Pauli, PauliTerm, Precision, Program, Register, Shots, State, Summary,
    expectation, gradient, most_qubits, probabilities, required_bytes, simulate,
};
