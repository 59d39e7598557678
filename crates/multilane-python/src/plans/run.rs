//! Runs a plan for Python: inputs borrowed, the interpreter released, outputs handed over.
//!
//! Says what does not fit about inputs and output arrays before anything runs.

use std::any::Any;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use multilane_engine::plans::{Control, PlanRunError, Program, Run};
use multilane_plan::cost::Mode;
use multilane_plan::{Array, DType, DimId, Extent, Kernels, Value, ValueType};
use pyo3::exceptions::{PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList};

use super::arrays::{self, View};
use super::bounded::{self, Watched};
use super::plan::Plan;
use super::{as_array, build, errors, gate, graph, machine, registry};
use crate::quantum;
use crate::trace::PyTrace;

/// Outputs by name, what they took, sizes by name.
pub(crate) type Ran<'py> = (Bound<'py, PyDict>, PlanRun, Bound<'py, PyDict>);

/// What is known of a size once an input has it.
struct Measured<'a> {
    len: usize,
    shape: Vec<usize>,
    /// The name of the first input of that size.
    input: &'a str,
}

/// The inputs of one run, as they come in.
struct Inputs<'a> {
    plan: &'a multilane_plan::Plan,
    /// By the numbers of the plan's sizes.
    sizes: Vec<Option<Measured<'a>>>,
    values: Vec<Value>,
}

impl<'a> Inputs<'a> {
    fn size(&self, dim: DimId) -> &str {
        &self.plan.dims[dim.0 as usize]
    }

    /// Notes that an input has a size, which all inputs must agree on.
    fn measure(&mut self, py: Python<'_>, dim: DimId, input: &'a str, len: usize, shape: &[usize]) -> PyResult<()> {
        let Some(known) = &mut self.sizes[dim.0 as usize] else {
            let shape = shape.to_vec();
            self.sizes[dim.0 as usize] = Some(Measured { len, shape, input });
            return Ok(());
        };
        if known.len != len {
            let message = format!(
                "the inputs `{}` and `{input}` are both as long as `{}`, and have {} and {len} elements",
                known.input, self.plan.dims[dim.0 as usize], known.len
            );
            return Err(errors::raise(py, message));
        }
        if known.shape.len() != 1 && shape.len() != 1 && known.shape != shape {
            let message = format!(
                "the inputs `{}` and `{input}` have the shapes {:?} and {shape:?}, which do not go together",
                known.input, known.shape
            );
            return Err(errors::raise(py, message));
        }
        // Whoever has axes says which.
        if known.shape.len() == 1 {
            known.shape = shape.to_vec();
        }
        Ok(())
    }

    fn take(&mut self, thing: &Bound<'_, PyAny>, name: &'a str, ty: &ValueType) -> PyResult<()> {
        let py = thing.py();
        let value = match ty {
            ValueType::Opaque { kind, dims } => graph::value_of(thing, name, kind).and_then(|(value, lens)| {
                for (dim, len) in dims.iter().zip(lens) {
                    self.measure(py, *dim, name, len, &[len])?;
                }
                Ok(value)
            })?,
            ValueType::Tensor {
                dtype,
                extent: Extent::Scalar,
            } => Value::Scalar(number(thing, *dtype, name)?.cast(*dtype)),
            ValueType::Tensor {
                dtype,
                extent: Extent::Dim(dim),
            } => {
                let (view, owner) = readable(thing, *dtype, name)?;
                if view.shape.is_empty() {
                    let message = format!(
                        "the input `{name}` is one number, but must be an array of `{}` elements",
                        self.size(*dim)
                    );
                    return Err(errors::raise(py, message));
                }
                self.measure(py, *dim, name, view.len, &view.shape)?;
                let mut view = view;
                // An input is never written, whatever its owner allows.
                view.writable = false;
                Value::Array(view.array(owner))
            }
        };
        self.values.push(value);
        Ok(())
    }
}

/// The memory of an input of a type, copied once where it cannot be read in place.
fn readable(thing: &Bound<'_, PyAny>, dtype: DType, name: &str) -> PyResult<(View, Arc<dyn Any + Send + Sync>)> {
    if let Some(found) = arrays::view(thing)?
        && found.0.dtype == dtype
    {
        return Ok(found);
    }
    let made = as_array(thing, Some(dtype.name()), name)?;
    match arrays::view(&made)? {
        Some(found) if found.0.dtype == dtype => Ok(found),
        _ => Err(PyTypeError::new_err(format!(
            "`{name}` cannot be read as an array of {dtype}"
        ))),
    }
}

/// One number from Python's or NumPy's; whole ones must fit.
fn number(thing: &Bound<'_, PyAny>, dtype: DType, name: &str) -> PyResult<multilane_plan::Scalar> {
    let py = thing.py();
    let plain =
        thing.is_instance_of::<PyBool>() || thing.is_instance_of::<PyInt>() || thing.is_instance_of::<PyFloat>();
    let scalar = if plain {
        build::scalar(thing)?
    } else {
        let (view, owner) = match arrays::view(thing)? {
            Some(found) => found,
            None => {
                let made = as_array(thing, None, name)?;
                let Some(found) = arrays::view(&made)? else {
                    return Err(PyTypeError::new_err(format!("`{name}` is no number")));
                };
                found
            }
        };
        if view.len != 1 {
            let message = format!("the input `{name}` is one number, and was given {} of them", view.len);
            return Err(errors::raise(py, message));
        }
        let scalar = view.scalar();
        drop(owner);
        scalar
    };
    let fits = match (scalar.dtype(), dtype) {
        (from, to) if from == to => true,
        (_, DType::F32 | DType::F64) => true,
        (DType::Bool, _) => true,
        (DType::I32 | DType::I64, DType::I32) => i32::try_from(scalar.as_i64()).is_ok(),
        (DType::I32 | DType::I64, DType::I64) => true,
        _ => false,
    };
    if fits {
        Ok(scalar)
    } else {
        let message = format!("the input `{name}` is {dtype}, which cannot hold {}", thing.str()?);
        Err(errors::raise(py, message))
    }
}

/// An array that was given for an output.
struct Given<'py> {
    object: Bound<'py, PyAny>,
    start: usize,
}

pub(super) fn run<'py>(
    slf: &Bound<'py, Plan>,
    given: &Bound<'py, PyDict>,
    out: &Bound<'py, PyDict>,
    workers: Option<usize>,
    timeout: Option<f64>,
    report: Option<Py<PyAny>>,
    lanes_recorded: bool,
) -> PyResult<Ran<'py>> {
    let py = slf.py();
    let plan = &slf.get().plan;
    let names = slf.get().names(py);
    let mut inputs = Inputs {
        plan,
        sizes: plan.dims.iter().map(|_| None).collect(),
        values: Vec::with_capacity(plan.inputs.len()),
    };
    for ((name, key), parameter) in plan.inputs.iter().zip(&names.inputs).zip(&plan.body.parameters) {
        let Some(thing) = given.get_item(key)? else {
            let kind = build::type_text(plan, plan.ty(*parameter));
            return Err(errors::raise(py, format!("the input `{name}` ({kind}) is missing")));
        };
        inputs.take(&thing, name, plan.ty(*parameter))?;
    }
    // Every input was found.
    if given.len() != plan.inputs.len() {
        refuse_unknown(py, given, &plan.inputs, "input")?;
    }
    let mut held: Vec<Option<Given<'py>>> = Vec::with_capacity(plan.outputs.len());
    let mut places: Vec<Option<Array>> = Vec::with_capacity(plan.outputs.len());
    for ((name, key), value) in plan.outputs.iter().zip(&names.outputs).zip(&plan.body.yields) {
        let (object, array) = match out.get_item(key)? {
            Some(object) => {
                let array = place_for(&object, name, plan.ty(*value), &inputs)?;
                let start = array.as_ptr() as usize;
                (Some(Given { object, start }), Some(array))
            }
            None => (None, None),
        };
        held.push(object);
        places.push(array);
    }
    if out.len() != held.iter().flatten().count() {
        refuse_unknown(py, out, &plan.outputs, "output")?;
    }
    let wishes = gate::Wishes {
        workers,
        timeout: timeout.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
        report,
        lanes_recorded,
    };
    let (program, watched) = slf.get().program(py)?;
    places.extend(bounded::places(watched));
    let mut run = run_program(py, program, &inputs.values, &places, &wishes)?;
    let mut values = std::mem::take(&mut run.outputs);
    let unconverged = bounded::unconverged(watched, &mut values);
    let outputs = PyDict::new(py);
    for (((name, value), id), held) in names.outputs.iter().zip(values).zip(&plan.body.yields).zip(held) {
        let object = match value {
            Value::Scalar(scalar) => arrays::number(py, scalar)?,
            Value::Array(array) => match held {
                Some(given) if given.start == start_of(&array) => given.object,
                _ => {
                    let shape = shape_of(plan.ty(*id), &inputs, array.len());
                    arrays::to_python(py, array, &shape, false)?
                }
            },
            Value::Opaque(_) => match multilane_quantum::state_of(&value) {
                Some(state) => quantum::amplitudes(py, state)?,
                None => return Err(PyTypeError::new_err("a graph cannot be an output")),
            },
        };
        outputs.set_item(name, object)?;
    }
    let sizes = PyDict::new(py);
    for (dim, measured) in names.dims.iter().zip(&inputs.sizes) {
        if let Some(measured) = measured {
            sizes.set_item(dim, measured.len)?;
        }
    }
    let unconverged = unconverged.into_iter().cloned().collect();
    let plan = plan.name.clone();
    Ok((outputs, PlanRun { run, plan, unconverged }, sizes))
}

fn start_of(array: &Array) -> usize {
    array.as_ptr() as usize
}

/// The shape of an output: that of the inputs of its size.
fn shape_of(ty: &ValueType, inputs: &Inputs<'_>, len: usize) -> Vec<usize> {
    match ty.extent() {
        Some(Extent::Dim(dim)) => match &inputs.sizes[dim.0 as usize] {
            Some(measured) if measured.len == len => measured.shape.clone(),
            _ => vec![len],
        },
        _ => vec![len],
    }
}

fn refuse_unknown(py: Python<'_>, given: &Bound<'_, PyDict>, known: &[String], what: &str) -> PyResult<()> {
    for name in given.keys() {
        let name: String = name.extract()?;
        if !known.contains(&name) {
            let nearest = py.import("multilane._dtypes")?.getattr("nearest")?;
            let hint: String = nearest.call1((&name, known.to_vec()))?.extract()?;
            return Err(errors::raise(py, format!("the plan has no {what} `{name}`; {hint}")));
        }
    }
    Ok(())
}

/// The memory of an array that an output shall be written to.
fn place_for(object: &Bound<'_, PyAny>, name: &str, ty: &ValueType, inputs: &Inputs<'_>) -> PyResult<Array> {
    let py = object.py();
    let refuse = |why: String| errors::raise(py, format!("the array for the output `{name}` {why}"));
    let ValueType::Tensor {
        dtype,
        extent: Extent::Dim(dim),
    } = ty
    else {
        return Err(refuse("is not wanted: the output is one number".to_owned()));
    };
    let Some((view, owner)) = arrays::view(object)? else {
        return Err(refuse(
            "must be contiguous, aligned and in the machine's byte order".to_owned(),
        ));
    };
    if view.dtype != *dtype {
        return Err(refuse(format!("is {}, and must be {dtype}", view.dtype)));
    }
    if let Some(measured) = &inputs.sizes[dim.0 as usize]
        && measured.len != view.len
    {
        return Err(refuse(format!(
            "has {} elements, and must have {}",
            view.len, measured.len
        )));
    }
    if !view.writable {
        return Err(refuse("is read-only".to_owned()));
    }
    let array = view.array(owner);
    let bytes = |array: &Array| {
        let start = array.as_ptr() as usize;
        start..start + array.len() * array.dtype().size()
    };
    let mine = bytes(&array);
    for (input, value) in inputs.plan.inputs.iter().zip(&inputs.values) {
        if let Some(other) = value.array() {
            let theirs = bytes(other);
            if mine.start < theirs.end && theirs.start < mine.end {
                return Err(refuse(format!("shares memory with the input `{input}`")));
            }
        }
    }
    Ok(array)
}

/// The kernels of all dialects.
pub(super) fn kernels() -> &'static Kernels {
    static KERNELS: LazyLock<Kernels> = LazyLock::new(|| {
        let mut kernels = Kernels::default();
        multilane_array::kernels(&mut kernels);
        multilane_graph::kernels(&mut kernels);
        multilane_quantum::kernels(&mut kernels);
        kernels
    });
    &KERNELS
}

/// A plan made ready to run.
pub(super) fn program_of(py: Python<'_>, plan: &multilane_plan::Plan) -> PyResult<Program> {
    let prepared = py.detach(|| Program::prepare(plan, registry(), kernels()));
    prepared
        .map(|program| program.with_model(machine::model(py)))
        .map_err(|error| raised(py, &error))
}

/// An error of a run as Python's users expect it.
fn raised(py: Python<'_>, error: &PlanRunError) -> PyErr {
    let message = match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    match error {
        PlanRunError::NoMemory { .. } => PyMemoryError::new_err(message),
        PlanRunError::Malformed { location, .. }
        | PlanRunError::Kernel { location, .. }
        | PlanRunError::Panicked { location, .. } => errors::at(py, &message, location.as_ref()),
        _ => errors::raise(py, message),
    }
}

/// Runs a program through the gate.
pub(super) fn run_program(
    py: Python<'_>,
    program: &Program,
    inputs: &[Value],
    places: &[Option<Array>],
    wishes: &gate::Wishes,
) -> PyResult<Run> {
    let ran = gate::through(py, wishes, |gate| {
        let turns = gate.turns();
        let mut control = match &wishes.report {
            // The gate tells Python about it; here it is only noted.
            Some(_) => Control::watched(Duration::from_millis(10), move |progress| {
                turns.note(progress.done, progress.total);
                true
            }),
            None => Control::new(),
        };
        if wishes.lanes_recorded {
            control = control.recording_lanes();
        }
        program.run(inputs, places, gate, &control)
    })?;
    ran.map_err(|error| raised(py, &error))
}

/// How a group used the lanes, in a word.
fn mode_name(mode: Mode) -> String {
    serde_json::to_value(mode)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// What a run took.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct PlanRun {
    run: Run,
    plan: String,
    unconverged: Vec<Watched>,
}

#[pymethods]
impl PlanRun {
    /// What ran, in the order of the plan.
    fn groups<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let groups = PyList::empty(py);
        for group in self.run.groups() {
            let facts = PyDict::new(py);
            facts.set_item("label", &group.label)?;
            facts.set_item("region", &group.region)?;
            facts.set_item("indices", &group.indices)?;
            facts.set_item("mode", mode_name(group.mode))?;
            facts.set_item("level", group.level)?;
            facts.set_item("start_ns", group.start_ns)?;
            facts.set_item("end_ns", group.end_ns)?;
            facts.set_item("busy_ns", group.busy_ns)?;
            facts.set_item("iterations", group.iterations)?;
            facts.set_item("bytes", group.bytes)?;
            facts.set_item("predicted_ns", group.predicted_ns)?;
            facts.set_item("lanes", group.lanes)?;
            facts.set_item("bandwidth", group.bandwidth())?;
            groups.append(facts)?;
        }
        Ok(groups)
    }

    /// The run as a trace.
    fn trace(&self, py: Python<'_>) -> PyResult<PyTrace> {
        let mut trace = self.run.trace();
        trace.meta.label.clone_from(&self.plan);
        trace.meta.versions = crate::probe::versions(py)?;
        trace.meta.machine = crate::probe::machine::machine();
        trace.meta.created_unix_ns = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        Ok(PyTrace::new(trace))
    }

    /// The loops that ended at their bound, when the plan does not read that itself: turns, file and line of each.
    fn unconverged(&self) -> Vec<(i64, Option<&str>, Option<u32>)> {
        let facts = self.unconverged.iter().map(|watched| {
            let place = watched.location.as_ref();
            let (file, line) = place.map(|at| (at.file.as_str(), at.line)).unzip();
            (watched.bound, file, line)
        });
        facts.collect()
    }

    #[getter]
    fn start_ns(&self) -> u64 {
        self.run.start_ns
    }

    #[getter]
    fn end_ns(&self) -> u64 {
        self.run.end_ns
    }

    #[getter]
    fn peak_bytes(&self) -> u64 {
        self.run.peak_bytes
    }

    #[getter]
    fn predicted_ns(&self) -> f64 {
        self.run.predicted_ns()
    }
}
