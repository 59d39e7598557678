//! Running a circuit: made ready once for each precision; its state is NumPy's to read where it lies.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Arc;

use multilane_engine::plans::Recording;
use multilane_plan::{Array, DType, Lanes};
use multilane_quantum::{Circuit, Options, Precision, Program, QuantumError, Shots, State, most_qubits};
use pyo3::prelude::*;

use super::record::{CircuitRun, SHOT_BY_SHOT};
use super::{ask, raise, raised};
use crate::plans::{arrays, gate};

/// The most qubits whose state fits into what memory is left.
#[pyfunction]
pub(super) fn quantum_most_qubits(py: Python<'_>, name: &str) -> PyResult<usize> {
    Ok(most_qubits(precision(py, name)?))
}

/// A circuit made ready, for each precision, without and with passes.
#[derive(Default)]
pub(super) struct Ready {
    single: [Option<Arc<Program>>; 2],
    double: [Option<Arc<Program>>; 2],
}

impl Ready {
    /// The circuit, ready to run.
    pub(super) fn program(
        &mut self,
        py: Python<'_>,
        circuit: &Circuit,
        precision: Precision,
        optimize: bool,
    ) -> PyResult<Arc<Program>> {
        let both = match precision {
            Precision::F32 => &mut self.single,
            Precision::F64 => &mut self.double,
        };
        let kept = &mut both[usize::from(optimize)];
        if let Some(program) = kept {
            return Ok(program.clone());
        }
        let options = Options {
            optimize,
            ..Options::with_precision(precision)
        };
        let program = Program::new(circuit, &options).map_err(|error| raised(py, &error))?;
        Ok(kept.insert(Arc::new(program)).clone())
    }
}

/// The precision of a name.
pub(super) fn precision(py: Python<'_>, name: &str) -> PyResult<Precision> {
    match name {
        "f64" => Ok(Precision::F64),
        "f32" => Ok(Precision::F32),
        _ => Err(raise(
            py,
            format!("`precision` is {name:?}, and must be 'f64' or 'f32'"),
        )),
    }
}

/// What was measured.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct ShotsData {
    shots: Shots,
}

#[pymethods]
impl ShotsData {
    /// How often each combination of classical bits was measured.
    fn counts(&self, py: Python<'_>) -> BTreeMap<String, usize> {
        py.detach(|| self.shots.counts())
    }

    /// The classical bits of every shot, in order.
    fn outcomes(&self, py: Python<'_>) -> Vec<String> {
        py.detach(|| (0..self.shots.len()).map(|shot| self.shots.bits(shot)).collect())
    }

    fn __len__(&self) -> usize {
        self.shots.len()
    }
}

/// The state where there is a single one, what was measured, and what it took.
pub(super) type Ran = (Option<StateData>, Option<ShotsData>, CircuitRun);

/// Runs a circuit and draws shots, when there are to be any. A circuit that measures on its way
/// has no state, only shots.
pub(super) fn run(
    py: Python<'_>,
    program: Arc<Program>,
    shots: Option<usize>,
    seed: u64,
    workers: Option<usize>,
    lanes_recorded: bool,
) -> PyResult<Ran> {
    let ran = through(py, workers, |lanes| {
        let recording = Recording::new(lanes, lanes_recorded);
        let (state, drawn, last) = match program.run_watched(&recording, &mut |_| recording.end_group()) {
            Ok(state) => match shots {
                Some(shots) => {
                    let drawn = program.measure(&state, shots, seed, &recording)?;
                    (Some(state), Some(drawn), Some("shots drawn from the state"))
                }
                None => (Some(state), None, None),
            },
            Err(QuantumError::NoSingleState { .. }) if shots.is_some() => {
                let drawn = program.shots(shots.unwrap_or_default(), seed, &recording)?;
                (None, Some(drawn), Some(SHOT_BY_SHOT))
            }
            Err(error) => return Err(error),
        };
        if last.is_some() {
            recording.end_group();
        }
        Ok((state, drawn, last, recording.finish(), lanes.count()))
    });
    let (state, drawn, last, recorded, workers) = ran?;
    let state = state.map(|state| StateData { state: Arc::new(state) });
    let drawn = drawn.map(|shots| ShotsData { shots });
    Ok((state, drawn, CircuitRun::new(program, recorded, workers, last)))
}

/// Enters native work.
pub(super) fn through<T: Send>(
    py: Python<'_>,
    workers: Option<usize>,
    work: impl FnOnce(&dyn Lanes) -> Result<T, QuantumError> + Send,
) -> PyResult<T> {
    let wishes = gate::Wishes {
        workers,
        ..gate::Wishes::default()
    };
    gate::through(py, &wishes, |gate| work(gate))?.map_err(|error| raised(py, &error))
}

/// The state that a circuit left; it never changes.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct StateData {
    pub(super) state: Arc<State>,
}

#[pymethods]
impl StateData {
    /// Real and imaginary parts of the amplitudes, in turn: an array over the state's own memory.
    fn amplitudes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (dtype, start) = match &*self.state {
            State::F32(register) => (DType::F32, register.amplitudes().as_ptr().cast::<u8>().cast_mut()),
            State::F64(register) => (DType::F64, register.amplitudes().as_ptr().cast::<u8>().cast_mut()),
        };
        let len = 2 << self.state.qubits();
        let start = NonNull::new(start).expect("a slice is never null");
        // SAFETY: two parts for each of the state's amplitudes lie there, aligned, for as long as
        // the state lives, which the array keeps. Nobody writes: it is read-only, here and in NumPy.
        let array = unsafe { Array::from_raw(dtype, len, start, false, self.state.clone()) };
        arrays::to_python(py, array, &[len], true)
    }

    /// The amplitudes of some basis states: real and imaginary parts in turn.
    fn chosen<'py>(&self, py: Python<'py>, states: Vec<u64>) -> PyResult<Bound<'py, PyAny>> {
        let found = self.state.amplitudes(&states).map_err(|error| raised(py, &error))?;
        let parts: Vec<f64> = found.iter().flat_map(|element| [element.re, element.im]).collect();
        let len = parts.len();
        arrays::to_python(py, Array::from_vec(parts), &[len], false)
    }

    /// The expectation value of a sum of products of Pauli matrices, `X`, `Y` or `Z` for a qubit.
    fn expectation(&self, py: Python<'_>, given: Vec<ask::Term>, workers: Option<usize>) -> PyResult<f64> {
        let terms = ask::terms(py, given)?;
        through(py, workers, |lanes| self.state.expectation(&terms, lanes))
    }

    /// The probabilities of the values of some qubits.
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        qubits: Vec<usize>,
        workers: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = through(py, workers, |lanes| self.state.probabilities(&qubits, lanes))?;
        let len = found.len();
        arrays::to_python(py, Array::from_vec(found), &[len], false)
    }

    /// The density matrix of some qubits, row by row: real and imaginary parts in turn.
    fn density<'py>(&self, py: Python<'py>, qubits: Vec<usize>, workers: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
        let found = through(py, workers, |lanes| self.state.density(&qubits, lanes))?;
        let parts: Vec<f64> = found.iter().flat_map(|element| [element.re, element.im]).collect();
        let len = parts.len();
        arrays::to_python(py, Array::from_vec(parts), &[len], false)
    }
}
