//! States as vectors: sums, multiples, tensor products. Results need not have length 1.

use num_complex::{Complex, Complex64};

use super::state::{Register, State};
use super::{Precision, required_bytes};
use crate::error::QuantumError;
use crate::kernels::Float;

impl State {
    /// A state of given amplitudes; as many as a power of two.
    pub fn from_amplitudes(amplitudes: &[Complex64], precision: Precision) -> Result<Self, QuantumError> {
        if !amplitudes.len().is_power_of_two() {
            return Err(QuantumError::Argument {
                argument: "amplitudes",
                value: format!("{} numbers", amplitudes.len()),
                expected: "a power of two of them",
            });
        }
        if let Some(wrong) = amplitudes.iter().find(|amplitude| !amplitude.is_finite()) {
            return Err(QuantumError::Argument {
                argument: "amplitudes",
                value: format!("one of {wrong}"),
                expected: "finite",
            });
        }
        let qubits = amplitudes.len().ilog2() as usize;
        Self::made(qubits, precision, |basis| amplitudes[basis])
    }

    /// How exact its amplitudes are.
    pub fn precision(&self) -> Precision {
        match self {
            Self::F32(_) => Precision::F32,
            Self::F64(_) => Precision::F64,
        }
    }

    /// `own * self + factor * other`, in the precision of `self`.
    pub fn sum(&self, own: Complex64, other: &Self, factor: Complex64) -> Result<Self, QuantumError> {
        let (left, right) = (self.qubits(), other.qubits());
        if left != right {
            return Err(QuantumError::DifferentQubits { left, right });
        }
        Self::made(left, self.precision(), |basis| {
            own * self.at(basis) + factor * other.at(basis)
        })
    }

    /// `factor * self`.
    pub fn scaled(&self, factor: Complex64) -> Result<Self, QuantumError> {
        Self::made(self.qubits(), self.precision(), |basis| factor * self.at(basis))
    }

    /// The state of both registers side by side: qubits of `low` are numbered first.
    pub fn tensor(&self, low: &Self) -> Result<Self, QuantumError> {
        let few = low.qubits();
        Self::made(self.qubits() + few, self.precision(), |basis| {
            self.at(basis >> few) * low.at(basis & ((1 << few) - 1))
        })
    }

    /// The largest distance of two amplitudes of the same number.
    pub fn distance(&self, other: &Self) -> Result<f64, QuantumError> {
        let (left, right) = (self.qubits(), other.qubits());
        if left != right {
            return Err(QuantumError::DifferentQubits { left, right });
        }
        let distances = (0..1 << left).map(|basis| (self.at(basis) - other.at(basis)).norm());
        Ok(distances.fold(0.0, f64::max))
    }

    /// A copy in memory of its own.
    pub fn duplicate(&self) -> Result<Self, QuantumError> {
        let bytes = required_bytes(self.qubits(), self.precision())?;
        fn copied<T: Float>(from: &Register<T>, bytes: usize) -> Result<Register<T>, QuantumError> {
            let mut register = Register::any(from.qubits(), bytes)?;
            register.copy_from(from);
            Ok(register)
        }
        Ok(match self {
            Self::F32(register) => Self::F32(copied(register, bytes)?),
            Self::F64(register) => Self::F64(copied(register, bytes)?),
        })
    }

    #[inline]
    fn at(&self, basis: usize) -> Complex64 {
        match self {
            Self::F32(register) => {
                let Complex { re, im } = register.amplitudes()[basis];
                Complex64::new(re.into(), im.into())
            }
            Self::F64(register) => register.amplitudes()[basis],
        }
    }

    fn made(qubits: usize, precision: Precision, amplitude: impl Fn(usize) -> Complex64) -> Result<Self, QuantumError> {
        let bytes = required_bytes(qubits, precision)?;
        fn filled<T: Float>(
            qubits: usize,
            bytes: usize,
            amplitude: impl Fn(usize) -> Complex64,
        ) -> Result<Register<T>, QuantumError> {
            let mut register = Register::any(qubits, bytes)?;
            for (basis, place) in register.amplitudes_mut().iter_mut().enumerate() {
                let value = amplitude(basis);
                *place = Complex::new(T::from_f64(value.re), T::from_f64(value.im));
            }
            Ok(register)
        }
        Ok(match precision {
            Precision::F32 => Self::F32(filled(qubits, bytes, amplitude)?),
            Precision::F64 => Self::F64(filled(qubits, bytes, amplitude)?),
        })
    }
}
