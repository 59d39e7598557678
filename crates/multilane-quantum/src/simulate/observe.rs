//! What can be asked of a state: expectations, probabilities of a few qubits, their density.

use multilane_plan::Lanes;
use num_complex::{Complex, Complex64};

use super::blocks::{each, probability};
use super::observable;
use super::state::{Register, State};
use crate::error::QuantumError;
use crate::kernels::Float;

/// A Pauli matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pauli {
    /// Exchanges 0 and 1.
    X,
    /// `i X Z`
    Y,
    /// Inverts the sign of 1.
    Z,
}

/// A number times a product of Pauli matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct PauliTerm {
    /// The number.
    pub coefficient: f64,
    /// The matrices and their qubits; identities are left out.
    pub factors: Vec<(usize, Pauli)>,
}

/// The most qubits whose probabilities are given at once.
pub(crate) const MOST_PROBABILITIES: usize = 24;

/// The most qubits whose density matrix is given.
const MOST_DENSITY: usize = 10;

/// Parts that sums over subsets are made in; fixed, so that lanes do not change the result.
const PARTS: usize = 32;

impl State {
    /// The expectation value of a sum of Pauli products.
    pub fn expectation(&self, terms: &[PauliTerm], lanes: &dyn Lanes) -> Result<f64, QuantumError> {
        match self {
            Self::F32(register) => expectation(register, terms, lanes),
            Self::F64(register) => expectation(register, terms, lanes),
        }
    }

    /// The probabilities of the values of some qubits, the first as the least significant bit.
    pub fn probabilities(&self, qubits: &[usize], lanes: &dyn Lanes) -> Result<Vec<f64>, QuantumError> {
        check(self.qubits(), "probabilities", qubits, MOST_PROBABILITIES)?;
        Ok(match self {
            Self::F32(register) => probabilities(register.amplitudes(), qubits, lanes),
            Self::F64(register) => probabilities(register.amplitudes(), qubits, lanes),
        })
    }

    /// The density matrix of some qubits, row by row, the first as the least significant bit.
    pub fn density(&self, qubits: &[usize], lanes: &dyn Lanes) -> Result<Vec<Complex64>, QuantumError> {
        check(self.qubits(), "density", qubits, MOST_DENSITY)?;
        Ok(match self {
            Self::F32(register) => density(register.amplitudes(), qubits, lanes),
            Self::F64(register) => density(register.amplitudes(), qubits, lanes),
        })
    }

    /// The sum of all probabilities.
    pub fn norm(&self, lanes: &dyn Lanes) -> f64 {
        match self {
            Self::F32(register) => super::blocks::weights(register.amplitudes(), lanes).iter().sum(),
            Self::F64(register) => super::blocks::weights(register.amplitudes(), lanes).iter().sum(),
        }
    }
}

pub(crate) fn check(qubits: usize, operation: &str, named: &[usize], most: usize) -> Result<(), QuantumError> {
    if named.len() > most {
        return Err(QuantumError::Argument {
            argument: "qubits",
            value: format!("{} qubits", named.len()),
            expected: if most == MOST_DENSITY {
                "at most 10 of them"
            } else {
                "at most 24 of them"
            },
        });
    }
    for (place, qubit) in named.iter().enumerate() {
        if *qubit >= qubits {
            return Err(QuantumError::QubitOutOfRange { qubit: *qubit, qubits });
        }
        if named[..place].contains(qubit) {
            let gate = operation.to_owned();
            return Err(QuantumError::DuplicateQubit { gate, qubit: *qubit });
        }
    }
    Ok(())
}

fn wide<T: Float>(amplitude: Complex<T>) -> Complex64 {
    Complex64::new(amplitude.re.to_f64(), amplitude.im.to_f64())
}

fn expectation<T: Float>(register: &Register<T>, terms: &[PauliTerm], lanes: &dyn Lanes) -> Result<f64, QuantumError> {
    for term in terms {
        let named: Vec<usize> = term.factors.iter().map(|(qubit, _)| *qubit).collect();
        check(register.qubits(), "expectation", &named, usize::MAX)?;
    }
    Ok(observable::value(terms, register.amplitudes(), lanes))
}

/// The value of some qubits in a basis state.
fn pick(basis: usize, qubits: &[usize]) -> usize {
    qubits
        .iter()
        .enumerate()
        .fold(0, |value, (place, qubit)| value | (basis >> qubit & 1) << place)
}

fn probabilities<T: Float>(amplitudes: &[Complex<T>], qubits: &[usize], lanes: &dyn Lanes) -> Vec<f64> {
    let outcomes = 1usize << qubits.len();
    // Each part has a table of its own; large tables leave room for few of them.
    let parts = PARTS.min((1 << 22) / outcomes).clamp(1, amplitudes.len());
    let length = amplitudes.len().div_ceil(parts);
    let tables = each(parts, lanes, |part| {
        let mut table = vec![0.0; outcomes];
        for basis in part * length..amplitudes.len().min((part + 1) * length) {
            table[pick(basis, qubits)] += probability(amplitudes[basis]);
        }
        table
    });
    add(outcomes, &tables, 0.0)
}

fn density<T: Float>(amplitudes: &[Complex<T>], qubits: &[usize], lanes: &dyn Lanes) -> Vec<Complex64> {
    let rows = 1usize << qubits.len();
    let mask = qubits.iter().fold(0usize, |mask, qubit| mask | 1 << qubit);
    let places: Vec<usize> = (0..rows)
        .map(|row| {
            qubits
                .iter()
                .enumerate()
                .fold(0, |basis, (place, qubit)| basis | (row >> place & 1) << qubit)
        })
        .collect();
    let parts = PARTS.min(amplitudes.len());
    let length = amplitudes.len().div_ceil(parts);
    let tables = each(parts, lanes, |part| {
        let mut table = vec![Complex64::ZERO; rows * rows];
        for rest in (part * length..amplitudes.len().min((part + 1) * length)).filter(|basis| basis & mask == 0) {
            let own: Vec<Complex64> = places.iter().map(|place| wide(amplitudes[rest | place])).collect();
            for (row, left) in own.iter().enumerate() {
                for (column, right) in own.iter().enumerate() {
                    table[row * rows + column] += left * right.conj();
                }
            }
        }
        table
    });
    add(rows * rows, &tables, Complex64::ZERO)
}

/// Adds tables up, in order.
fn add<N: Copy + std::ops::Add<Output = N>>(length: usize, tables: &[Vec<N>], zero: N) -> Vec<N> {
    let mut total = vec![zero; length];
    for table in tables {
        total
            .iter_mut()
            .zip(table)
            .for_each(|(sum, value)| *sum = *sum + *value);
    }
    total
}
