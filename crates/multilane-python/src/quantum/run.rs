//! Running a circuit: made ready once for each precision, its state handed to NumPy where it lies.

use std::ptr::NonNull;
use std::sync::Arc;

use multilane_plan::{Array, DType};
use multilane_quantum::{Circuit, Operation, Options, Precision, Program, State};
use pyo3::prelude::*;

use super::{raise, raised};
use crate::plans::{arrays, gate};

/// Circuits made ready, by their precision.
#[derive(Default)]
pub(super) struct Ready {
    single: Option<Arc<Program>>,
    double: Option<Arc<Program>>,
}

impl Ready {
    /// The circuit, ready to run.
    pub(super) fn program(
        &mut self,
        py: Python<'_>,
        circuit: &Circuit,
        precision: Precision,
    ) -> PyResult<Arc<Program>> {
        let kept = match precision {
            Precision::F32 => &mut self.single,
            Precision::F64 => &mut self.double,
        };
        if let Some(program) = kept {
            return Ok(program.clone());
        }
        refuse_measurements(py, circuit)?;
        let options = Options::with_precision(precision);
        let program = Program::new(circuit, &options).map_err(|error| raised(py, &error))?;
        Ok(kept.insert(Arc::new(program)).clone())
    }
}

/// A state is one state: what depends on chance leaves many.
fn refuse_measurements(py: Python<'_>, circuit: &Circuit) -> PyResult<()> {
    let by_chance = circuit.instructions().iter().find_map(|instruction| {
        let what = match instruction.operation {
            Operation::Measure { .. } => Some("measurements"),
            Operation::Reset { .. } => Some("resets"),
            _ => None,
        };
        what.or(instruction.condition.is_some().then_some("conditions"))
    });
    match by_chance {
        None => Ok(()),
        Some(what) => Err(raise(
            py,
            format!("the circuit has {what}, after which there is no single state; run it without them"),
        )),
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

/// Runs a circuit; real and imaginary parts of its amplitudes, in turn.
pub(super) fn run<'py>(py: Python<'py>, program: &Program, workers: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
    let wishes = gate::Wishes {
        workers,
        ..gate::Wishes::default()
    };
    let state = gate::through(py, &wishes, |gate| program.run(gate))?.map_err(|error| raised(py, &error))?;
    let (dtype, start) = match &state {
        State::F32(register) => (DType::F32, register.amplitudes().as_ptr().cast::<u8>().cast_mut()),
        State::F64(register) => (DType::F64, register.amplitudes().as_ptr().cast::<u8>().cast_mut()),
    };
    let len = 2 << state.qubits();
    let start = NonNull::new(start).expect("a slice is never null");
    // SAFETY: two parts for each of the state's amplitudes lie there, aligned, for as long as the
    // state lives, which the array keeps. Nobody else reads or writes them: the state is moved in.
    let array = unsafe { Array::from_raw(dtype, len, start, true, Arc::new(state)) };
    arrays::to_python(py, array, &[len], false)
}
