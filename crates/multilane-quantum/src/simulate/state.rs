//! States: the amplitudes of all basis states, in order, real and imaginary parts in turn.

use num_complex::{Complex, Complex64};

use crate::error::QuantumError;
use crate::kernels::Float;
use crate::memory::{self, Memory};

/// Amplitudes of one precision.
#[derive(Debug)]
pub struct Register<T> {
    qubits: usize,
    memory: Memory,
    element: std::marker::PhantomData<T>,
}

impl<T: Float> Register<T> {
    /// Memory for so many qubits; all amplitudes are 0.
    pub(crate) fn new(qubits: usize, bytes: usize) -> Result<Self, QuantumError> {
        Self::of(qubits, bytes, Memory::zeroed(bytes))
    }

    /// Memory for so many qubits; amplitudes are whatever was there before.
    pub(crate) fn any(qubits: usize, bytes: usize) -> Result<Self, QuantumError> {
        Self::of(qubits, bytes, Memory::any(bytes))
    }

    fn of(qubits: usize, bytes: usize, memory: Option<Memory>) -> Result<Self, QuantumError> {
        let memory = memory.ok_or_else(|| QuantumError::OutOfMemory {
            qubits,
            precision: T::NAME,
            bytes: bytes as u128,
            available: memory::available(),
        })?;
        Ok(Self {
            qubits,
            memory,
            element: std::marker::PhantomData,
        })
    }

    /// Whether its memory came from the system, and so all amplitudes were 0.
    pub(crate) fn is_fresh(&self) -> bool {
        self.memory.is_fresh()
    }

    /// How many qubits there are.
    pub fn qubits(&self) -> usize {
        self.qubits
    }

    /// The amplitudes; qubit 0 is the least significant bit of their number.
    pub fn amplitudes(&self) -> &[Complex<T>] {
        // SAFETY: the memory holds so many pairs, which are 0 or what was written before; nobody writes while it is
        // borrowed.
        unsafe { std::slice::from_raw_parts(self.memory.start().cast(), 1 << self.qubits) }
    }

    /// Copies the amplitudes of another register of as many qubits.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.amplitudes_mut().copy_from_slice(other.amplitudes());
    }

    /// The amplitudes, to be changed.
    pub(crate) fn amplitudes_mut(&mut self) -> &mut [Complex<T>] {
        // SAFETY: as in `amplitudes`, and the register is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start().cast(), 1 << self.qubits) }
    }

    /// Where they start.
    pub(crate) fn start(&mut self) -> *mut T {
        self.memory.start().cast()
    }
}

/// The state of all qubits.
#[derive(Debug)]
pub enum State {
    /// In single precision.
    F32(Register<f32>),
    /// In double precision.
    F64(Register<f64>),
}

impl State {
    /// How many qubits there are.
    pub fn qubits(&self) -> usize {
        match self {
            Self::F32(register) => register.qubits(),
            Self::F64(register) => register.qubits(),
        }
    }

    /// The amplitude of a basis state; qubit 0 is the least significant bit of its number.
    pub fn amplitude(&self, basis: usize) -> Option<Complex64> {
        match self {
            Self::F32(register) => {
                (register.amplitudes().get(basis)).map(|value| Complex64::new(value.re.into(), value.im.into()))
            }
            Self::F64(register) => register.amplitudes().get(basis).copied(),
        }
    }

    /// The amplitudes of some basis states, in their order.
    pub fn amplitudes(&self, states: &[u64]) -> Result<Vec<Complex64>, QuantumError> {
        let one = |basis: &u64| {
            let found = usize::try_from(*basis).ok().and_then(|basis| self.amplitude(basis));
            found.ok_or(QuantumError::StateOutOfRange {
                state: *basis,
                qubits: self.qubits(),
            })
        };
        states.iter().map(one).collect()
    }

    /// All amplitudes, copied.
    pub fn to_vec(&self) -> Vec<Complex64> {
        (0..1 << self.qubits())
            .filter_map(|basis| self.amplitude(basis))
            .collect()
    }
}
