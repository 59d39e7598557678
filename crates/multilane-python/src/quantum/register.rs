//! `RegisterData`: a live register, for one thread at a time.
//!
//! Small states are changed with the interpreter held, before other lanes could have been
//! woken; large ones without it, on all lanes. Who comes while another thread is at work gets an
//! error, so that no change is lost and none waits unnoticed.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use multilane_plan::{Lanes, Serial};
use multilane_quantum::{Complex64, Gate, LiveRegister, Matrix, Options, QuantumError, State};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

use super::angle::Given;
use super::circuit::{CircuitData, gate};
use super::places::{Place, Places, controls, place, places};
use super::run::{self, StateData, through};
use super::{busy, raise, raised};
use crate::plans::arrays::numpy_if_loaded;

/// States of more qubits are changed without the interpreter.
const HELD_QUBITS: usize = 14;

/// The amplitudes of a state: an array of NumPy's is read where it lies, anything else number by number.
struct Amplitudes(Vec<Complex64>);

impl<'py> FromPyObject<'_, 'py> for Amplitudes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        // Nobody has an array before NumPy was loaded, and asking for one would need NumPy.
        if numpy_if_loaded(object.py()).is_some()
            && let Ok(array) = object.extract::<PyReadonlyArray1<'_, Complex64>>()
        {
            return Ok(Self(array.as_array().to_vec()));
        }
        object.extract().map(Self)
    }
}

/// Qubits with a state that changes when something is asked for.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct RegisterData {
    live: Mutex<LiveRegister>,
    workers: Option<usize>,
}

impl RegisterData {
    fn of(live: LiveRegister, workers: Option<usize>) -> Self {
        let live = Mutex::new(live);
        Self { live, workers }
    }

    fn alone(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, LiveRegister>> {
        match self.live.try_lock() {
            Ok(live) => Ok(live),
            // Who panicked left it marked as lost.
            Err(TryLockError::Poisoned(live)) => Ok(live.into_inner()),
            Err(TryLockError::WouldBlock) => Err(busy(py)),
        }
    }

    fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut LiveRegister, &dyn Lanes) -> Result<T, QuantumError> + Send,
    ) -> PyResult<T> {
        let mut live = self.alone(py)?;
        let live = &mut *live;
        if live.qubits() <= HELD_QUBITS {
            return work(live, &Serial).map_err(|error| raised(py, &error));
        }
        through(py, self.workers, |lanes| work(live, lanes))
    }

    fn apply_gate(&self, py: Python<'_>, gate: Gate, targets: &Places, on: &Places, off: &Places) -> PyResult<()> {
        let (controls, targets) = (controls(py, on, off)?, places(py, targets, "qubit")?);
        self.work(py, |live, lanes| live.gate(gate, controls, targets, lanes))
    }
}

/// Refuses a condition.
fn unconditional(py: Python<'_>, condition: Option<Bound<'_, PyAny>>) -> PyResult<()> {
    match condition {
        None => Ok(()),
        Some(_) => Err(raise(
            py,
            "a register has no classical bits for a `condition`; write `if`, with what `measure` returned",
        )),
    }
}

#[pymethods]
impl RegisterData {
    /// So many qubits, all 0.
    #[new]
    fn new(py: Python<'_>, qubits: Place, precision: &str, seed: u64, workers: Option<usize>) -> PyResult<Self> {
        let message = || format!("a register cannot have {} qubits; give 0 or more", qubits.0);
        let qubits = usize::try_from(qubits.0).map_err(|_| raise(py, message()))?;
        let options = Options::with_precision(run::precision(py, precision)?);
        let live = py.detach(|| LiveRegister::new(qubits, options, seed));
        Ok(Self::of(live.map_err(|error| raised(py, &error))?, workers))
    }

    /// In a state of the given amplitudes.
    #[staticmethod]
    fn from_amplitudes(
        py: Python<'_>,
        amplitudes: Amplitudes,
        precision: &str,
        seed: u64,
        workers: Option<usize>,
    ) -> PyResult<Self> {
        let precision = run::precision(py, precision)?;
        let live = py.detach(|| {
            let state = State::from_amplitudes(&amplitudes.0, precision)?;
            LiveRegister::from_state(Arc::new(state), Options::with_precision(precision), seed)
        });
        Ok(Self::of(live.map_err(|error| raised(py, &error))?, workers))
    }

    /// In the state of another register or of a run, without a copy until it changes.
    #[staticmethod]
    fn from_state(py: Python<'_>, state: &StateData, seed: u64, workers: Option<usize>) -> PyResult<Self> {
        let live = LiveRegister::from_state(state.state.clone(), Options::default(), seed);
        Ok(Self::of(live.map_err(|error| raised(py, &error))?, workers))
    }

    /// Applies the gate of a name.
    #[pyo3(signature = (name, angles, targets, controls=Places::default(), negative_controls=Places::default(), condition=None))]
    #[expect(clippy::too_many_arguments, reason = "the signature is Python's, which names them")]
    fn gate(
        &self,
        py: Python<'_>,
        name: &str,
        angles: Vec<Given>,
        targets: Places,
        controls: Places,
        negative_controls: Places,
        condition: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        unconditional(py, condition)?;
        let gate = gate(py, name, angles)?;
        self.apply_gate(py, gate, &targets, &controls, &negative_controls)
    }

    /// Applies a gate given by its matrix, row by row.
    #[pyo3(signature = (elements, targets, controls=Places::default(), negative_controls=Places::default(), condition=None))]
    fn unitary(
        &self,
        py: Python<'_>,
        elements: Vec<Complex64>,
        targets: Places,
        controls: Places,
        negative_controls: Places,
        condition: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        unconditional(py, condition)?;
        let matrix = Matrix::new(elements).map_err(|error| raised(py, &error))?;
        self.apply_gate(
            py,
            Gate::Unitary(Arc::new(matrix)),
            &targets,
            &controls,
            &negative_controls,
        )
    }

    /// Measures a qubit; it has the value from now on.
    fn measure(&self, py: Python<'_>, qubit: Place) -> PyResult<u8> {
        let qubit = place(py, qubit, "qubit")?;
        self.work(py, |live, lanes| live.measure(qubit, lanes)).map(u8::from)
    }

    /// Makes a qubit 0.
    fn reset(&self, py: Python<'_>, qubit: Place) -> PyResult<()> {
        let qubit = place(py, qubit, "qubit")?;
        self.work(py, |live, lanes| live.reset(qubit, lanes))
    }

    /// Applies a circuit; returns its classical bits.
    fn apply(&self, py: Python<'_>, circuit: &CircuitData) -> PyResult<Vec<u32>> {
        let circuit = &circuit.circuit;
        let clbits = self.work(py, |live, lanes| live.apply(circuit, lanes))?;
        Ok(clbits.into_iter().map(u32::from).collect())
    }

    /// The state as it is now.
    fn state(&self, py: Python<'_>) -> PyResult<StateData> {
        let live = self.alone(py)?;
        let state = live.state().map_err(|error| raised(py, &error))?.clone();
        Ok(StateData { state })
    }

    /// A register of its own in the same state.
    fn copy(&self, py: Python<'_>) -> PyResult<Self> {
        let mut live = self.alone(py)?;
        live.state().map_err(|error| raised(py, &error))?;
        Ok(Self::of(live.copy(), self.workers))
    }

    #[getter]
    fn qubits(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.alone(py)?.qubits())
    }

    #[getter]
    fn precision(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(self.alone(py)?.precision().name())
    }
}
