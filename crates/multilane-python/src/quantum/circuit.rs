//! `CircuitData`: a circuit that is being built.

use std::collections::BTreeMap;
use std::sync::Arc;

use multilane_quantum::{Circuit, Complex64, Condition, Gate, Instruction, Matrix, Operation, PlanOptions};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::angle::{Angle, Given};
use super::places::{Asked, Place, Places, controls, place, places};
use super::run::{self, Ready};
use super::{ask, qasm, raise, raised};
use crate::plans::plan::Plan;

/// Gates, measurements, resets and barriers on numbered qubits.
#[pyclass(module = "multilane._multilane")]
pub(crate) struct CircuitData {
    pub(super) circuit: Circuit,
    ready: Ready,
}

impl From<Circuit> for CircuitData {
    fn from(circuit: Circuit) -> Self {
        let ready = Ready::default();
        Self { circuit, ready }
    }
}

/// No gate takes more angles.
const MOST_ANGLES: usize = 3;

/// The gate of a name.
pub(super) fn gate(py: Python<'_>, name: &str, angles: Vec<Given>) -> PyResult<Gate> {
    let given = angles.len();
    if let Some(gate) = Gate::named(name, angles.into_iter().map(Into::into).collect()) {
        return Ok(gate);
    }
    let wanted = (0..=MOST_ANGLES).find(|count| Gate::named(name, vec![0.0.into(); *count]).is_some());
    Err(match wanted {
        None => raise(py, format!("there is no gate `{name}`")),
        Some(wanted) if wanted > given => raise(py, format!("`{name}` takes more angles than the {given} given")),
        Some(_) => raise(py, format!("`{name}` takes fewer angles than the {given} given")),
    })
}

impl CircuitData {
    fn add(&mut self, py: Python<'_>, operation: Operation, condition: Option<Asked>) -> PyResult<()> {
        let condition = condition.map(|asked| asked.condition(py)).transpose()?;
        self.ready = Ready::default();
        let added = self.circuit.push(Instruction { operation, condition });
        added.map(drop).map_err(|error| raised(py, &error))
    }

    fn add_gate(
        &mut self,
        py: Python<'_>,
        gate: Gate,
        targets: &Places,
        on: &Places,
        off: &Places,
        condition: Option<Asked>,
    ) -> PyResult<()> {
        let operation = Operation::Gate {
            gate,
            controls: controls(py, on, off)?,
            targets: places(py, targets, "qubit")?,
        };
        self.add(py, operation, condition)
    }
}

#[pymethods]
impl CircuitData {
    #[new]
    fn new(py: Python<'_>, qubits: Place, clbits: Place) -> PyResult<Self> {
        let count = |Place(number): Place, what: &str| {
            let message = || format!("a circuit cannot have {number} {what}; give 0 or more");
            usize::try_from(number).map_err(|_| raise(py, message()))
        };
        let circuit = Circuit::new(count(qubits, "qubits")?, count(clbits, "classical bits")?);
        circuit.map(Self::from).map_err(|error| raised(py, &error))
    }

    /// Adds the gate of a name.
    #[pyo3(signature = (name, angles, targets, controls=Places::default(), negative_controls=Places::default(), condition=None))]
    #[expect(clippy::too_many_arguments, reason = "the signature is Python's, which names them")]
    fn gate(
        &mut self,
        py: Python<'_>,
        name: &str,
        angles: Vec<Given>,
        targets: Places,
        controls: Places,
        negative_controls: Places,
        condition: Option<Asked>,
    ) -> PyResult<()> {
        let gate = gate(py, name, angles)?;
        self.add_gate(py, gate, &targets, &controls, &negative_controls, condition)
    }

    /// Adds a gate given by its matrix, row by row.
    #[pyo3(signature = (elements, targets, controls=Places::default(), negative_controls=Places::default(), condition=None))]
    fn unitary(
        &mut self,
        py: Python<'_>,
        elements: Vec<Complex64>,
        targets: Places,
        controls: Places,
        negative_controls: Places,
        condition: Option<Asked>,
    ) -> PyResult<()> {
        let matrix = Matrix::new(elements).map_err(|error| raised(py, &error))?;
        let gate = Gate::Unitary(Arc::new(matrix));
        self.add_gate(py, gate, &targets, &controls, &negative_controls, condition)
    }

    #[pyo3(signature = (qubit, clbit, condition=None))]
    fn measure(&mut self, py: Python<'_>, qubit: Place, clbit: Place, condition: Option<Asked>) -> PyResult<()> {
        let (qubit, clbit) = (place(py, qubit, "qubit")?, place(py, clbit, "classical bit")?);
        self.add(py, Operation::Measure { qubit, clbit }, condition)
    }

    fn measure_all(&mut self, py: Python<'_>) -> PyResult<()> {
        self.ready = Ready::default();
        let measured = self.circuit.measure_all();
        measured.map(drop).map_err(|error| raised(py, &error))
    }

    #[pyo3(signature = (qubit, condition=None))]
    fn reset(&mut self, py: Python<'_>, qubit: Place, condition: Option<Asked>) -> PyResult<()> {
        let qubit = place(py, qubit, "qubit")?;
        self.add(py, Operation::Reset { qubit }, condition)
    }

    fn barrier(&mut self, py: Python<'_>, qubits: Places) -> PyResult<()> {
        let qubits = places(py, &qubits, "qubit")?;
        self.add(py, Operation::Barrier { qubits }, None)
    }

    /// The circuit with numbers for its parameters.
    fn bind(&self, py: Python<'_>, values: BTreeMap<String, f64>) -> PyResult<Self> {
        let bound = self.circuit.bind(&values);
        bound.map(Self::from).map_err(|error| raised(py, &error))
    }

    fn copy(&self) -> Self {
        Self::from(self.circuit.clone())
    }

    /// Runs it on all qubits 0; the state where there is a single one, and how often what was measured.
    #[pyo3(signature = (precision, shots, seed, workers, optimize = true, lanes_recorded = false))]
    fn run(
        slf: &Bound<'_, Self>,
        precision: &str,
        shots: Option<usize>,
        seed: u64,
        workers: Option<usize>,
        optimize: bool,
        lanes_recorded: bool,
    ) -> PyResult<run::Ran> {
        let py = slf.py();
        let precision = run::precision(py, precision)?;
        let program = {
            let this = &mut *slf.borrow_mut();
            this.ready.program(py, &this.circuit, precision, optimize)?
        };
        run::run(py, program, shots, seed, workers, lanes_recorded)
    }

    /// The circuit as a plan of the quantum dialect, with the answers to questions among its outputs.
    #[pyo3(signature = (name, precision, expectation, probabilities))]
    fn to_plan(
        &self,
        py: Python<'_>,
        name: &str,
        precision: &str,
        expectation: Option<Vec<ask::Term>>,
        probabilities: Option<Vec<usize>>,
    ) -> PyResult<Plan> {
        let options = PlanOptions {
            precision: run::precision(py, precision)?,
            expectation: expectation.map(|given| ask::terms(py, given)).transpose()?,
            probabilities,
        };
        let written = multilane_quantum::to_plan(&self.circuit, name, &options);
        written
            .map(|plan| Plan::new(Arc::new(plan)))
            .map_err(|error| raised(py, &error))
    }

    /// The circuit that a plan says.
    #[staticmethod]
    fn from_plan(py: Python<'_>, plan: &Bound<'_, Plan>) -> PyResult<Self> {
        let read = multilane_quantum::from_plan(&plan.get().plan);
        read.map(Self::from).map_err(|error| raised(py, &error))
    }

    fn to_qasm(&self, py: Python<'_>, version: u32) -> PyResult<String> {
        qasm::write(py, self, version)
    }

    fn equals(&self, other: PyRef<'_, Self>) -> bool {
        self.circuit == other.circuit
    }

    #[getter]
    fn qubits(&self) -> usize {
        self.circuit.qubits()
    }

    #[getter]
    fn clbits(&self) -> usize {
        self.circuit.clbits()
    }

    #[getter]
    fn parameters(&self) -> Vec<String> {
        self.circuit.parameters().to_vec()
    }

    fn __len__(&self) -> usize {
        self.circuit.instructions().len()
    }

    /// Every instruction as a dictionary.
    fn instructions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for instruction in self.circuit.instructions() {
            list.append(described(py, instruction)?)?;
        }
        Ok(list)
    }
}

fn described<'py>(py: Python<'py>, instruction: &Instruction) -> PyResult<Bound<'py, PyDict>> {
    let entry = PyDict::new(py);
    match &instruction.operation {
        Operation::Gate {
            gate,
            controls,
            targets,
        } => {
            entry.set_item("name", gate.name())?;
            entry.set_item("qubits", targets)?;
            let angles = gate.angles().into_iter().map(|angle| match angle.number() {
                Some(number) => Ok(number.into_pyobject(py)?.into_any()),
                None => Ok(Bound::new(py, Angle::from(angle.clone()))?.into_any()),
            });
            entry.set_item("angles", angles.collect::<PyResult<Vec<_>>>()?)?;
            let of = |positive| controls.iter().filter(move |c| c.positive == positive).map(|c| c.qubit);
            entry.set_item("controls", of(true).collect::<Vec<_>>())?;
            entry.set_item("negative_controls", of(false).collect::<Vec<_>>())?;
            if let Gate::Unitary(matrix) = gate {
                entry.set_item("matrix", matrix.elements().to_vec())?;
            }
        }
        Operation::Measure { qubit, clbit } => {
            entry.set_item("name", "measure")?;
            entry.set_item("qubits", [*qubit])?;
            entry.set_item("clbits", [*clbit])?;
        }
        Operation::Reset { qubit } => {
            entry.set_item("name", "reset")?;
            entry.set_item("qubits", [*qubit])?;
        }
        Operation::Barrier { qubits } => {
            entry.set_item("name", "barrier")?;
            entry.set_item("qubits", qubits)?;
        }
    }
    if let Some(Condition { clbits, value, negated }) = &instruction.condition {
        entry.set_item("condition", (clbits, value, negated))?;
    }
    Ok(entry)
}
