//! One call of `evaluate`: finds the operands, sees what they are, runs what was made ready for such.

use std::sync::{Arc, PoisonError};

use multilane_array::{Operand, Output};
use multilane_engine::plans::BufferPool;
use multilane_plan::{Array, DType, Scalar, Value};
use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt};

use super::prepared::{Kind, Prepared, Work};
use super::{Expression, From, Site, site_of, variable_of_caller};
use crate::plans::arrays::{self, NumPy};
use crate::plans::{errors, gate};

/// Operands that fit on the stack.
const FEW: usize = 12;
/// Results up to here come from NumPy's own allocator, larger ones from the engine's pool.
const SMALL_BYTES: usize = 256 << 10;
/// Bytes that are gone through without releasing the interpreter: about 20 microseconds.
const SHORT_BYTES: usize = 512 << 10;

/// An operand as it was found.
#[derive(Clone, Copy)]
struct Found {
    kind: Kind,
    operand: Operand,
}

/// The shape all arrays have.
#[derive(Clone, Copy)]
struct Shape {
    dimensions: *const isize,
    axes: usize,
    len: usize,
}

/// Something that the short way does not take; the long way looks closer.
enum Unusual {
    /// An array in another order, of another type or shape, or no array at all.
    Look,
    Raised(PyErr),
}

/// Calls an expression.
///
/// # Safety
/// `arguments` are as many as the call has, and are held by the caller.
pub(super) unsafe fn call<'py>(
    py: Python<'py>,
    arguments: *const *mut ffi::PyObject,
    positional: usize,
    keywords: *mut ffi::PyObject,
) -> PyResult<Bound<'py, PyAny>> {
    if positional == 0 {
        return Err(pyo3::exceptions::PyTypeError::new_err("evaluate() needs an expression"));
    }
    // SAFETY: there is one argument at least, as was just seen.
    let text = unsafe { *arguments };
    let site = site_of(py, text, keywords, positional)?;
    // SAFETY: `index` is below the number of arguments, which the site was made for.
    let argument = |index: usize| unsafe { Bound::from_borrowed_ptr(py, *arguments.add(index)) };
    let mapping = if positional > 1 { Some(argument(1)) } else { None };
    let mapping = mapping.filter(|mapping| !mapping.is_none());
    let out = site.out.map(argument).filter(|out| !out.is_none());
    let workers = match site.workers.map(argument).filter(|workers| !workers.is_none()) {
        Some(workers) => Some(worker_count(&workers)?),
        None => None,
    };
    let numpy = arrays::numpy(py)?;
    let expression = &site.expression;
    let count = expression.names.len();
    let mut on_stack = [std::ptr::null_mut(); FEW];
    let mut on_heap;
    let objects: &mut [*mut ffi::PyObject] = if count <= FEW {
        &mut on_stack[..count]
    } else {
        on_heap = vec![std::ptr::null_mut(); count];
        &mut on_heap
    };
    // What does not come from the arguments is held here.
    let mut held: Vec<Bound<'py, PyAny>> = Vec::new();
    for (index, object) in objects.iter_mut().enumerate() {
        *object = match site.from[index] {
            // SAFETY: as for `argument`.
            From::Argument(index) => unsafe { *arguments.add(index) },
            From::Elsewhere => {
                let found = elsewhere(&site, index, mapping.as_ref(), py)?;
                let pointer = found.as_ptr();
                held.push(found);
                pointer
            }
        };
    }
    match short(py, numpy, expression, objects, out.as_ref(), workers) {
        Ok(result) => Ok(result),
        Err(Unusual::Raised(error)) => Err(error),
        Err(Unusual::Look) => long(py, numpy, expression, objects, out.as_ref(), workers),
    }
}

fn worker_count(workers: &Bound<'_, PyAny>) -> PyResult<usize> {
    match workers.extract::<usize>() {
        Ok(count) if count > 0 && !workers.is_instance_of::<PyBool>() => Ok(count),
        _ => Err(pyo3::exceptions::PyValueError::new_err(format!(
            "`workers` is {}, but must be a positive number or None",
            workers.repr()?
        ))),
    }
}

#[cold]
fn elsewhere<'py>(
    site: &Site,
    index: usize,
    mapping: Option<&Bound<'py, PyAny>>,
    py: Python<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let name = site.expression.names[index].bind(py);
    let found = match mapping {
        Some(mapping) => match mapping.cast::<PyDict>() {
            Ok(dict) => dict.get_item(name)?,
            Err(_) => Some(mapping.get_item(name)?),
        },
        None => variable_of_caller(py, name)?,
    };
    found.ok_or_else(|| {
        let message = format!("the expression reads `{name}`, which is neither given nor a variable of the caller");
        errors::raise(py, message)
    })
}

/// What an operand is, when it needs no closer look.
#[inline]
fn found(py: Python<'_>, numpy: &NumPy, object: *mut ffi::PyObject, shape: &mut Option<Shape>) -> Option<Found> {
    if arrays::is_array(py, numpy, object) {
        // SAFETY: it is an array, and we are attached.
        let (dtype, start, dimensions, axes, _) = unsafe { arrays::parts(object) }?;
        if axes == 0 {
            // SAFETY: an array without axes has one element.
            let scalar = unsafe { arrays::scalar_at(dtype, start) };
            return Some(Found {
                kind: Kind::scalar(dtype),
                operand: Operand::Scalar(scalar),
            });
        }
        match shape {
            None => {
                // SAFETY: an array has as many lengths as axes.
                let lengths = unsafe { std::slice::from_raw_parts(dimensions, axes) };
                *shape = Some(Shape {
                    dimensions,
                    axes,
                    len: lengths.iter().product::<isize>() as usize,
                });
            }
            Some(known) => {
                // SAFETY: as above, for both arrays.
                let same = known.axes == axes
                    && unsafe {
                        std::slice::from_raw_parts(dimensions, axes)
                            == std::slice::from_raw_parts(known.dimensions, axes)
                    };
                if !same {
                    return None;
                }
            }
        }
        return Some(Found {
            kind: Kind::array(dtype),
            operand: Operand::Array(start.as_ptr()),
        });
    }
    // SAFETY: a live object while we are attached.
    let object = unsafe { Bound::from_borrowed_ptr(py, object) };
    if object.is_exact_instance_of::<PyFloat>() {
        let value: f64 = object.extract().ok()?;
        return Some(Found {
            kind: Kind::LITERAL_FLOAT,
            operand: Operand::Scalar(Scalar::F64(value)),
        });
    }
    if object.is_exact_instance_of::<PyBool>() {
        let value: bool = object.extract().ok()?;
        return Some(Found {
            kind: Kind::scalar(DType::Bool),
            operand: Operand::Scalar(Scalar::Bool(value)),
        });
    }
    if object.is_exact_instance_of::<PyInt>() {
        let value: i64 = object.extract().ok()?;
        return Some(Found {
            kind: Kind::LITERAL_INT,
            operand: Operand::Scalar(Scalar::I64(value)),
        });
    }
    None
}

/// The array of all operands' types as one number.
fn signature(found: &[Found]) -> u64 {
    found
        .iter()
        .fold(1, |all: u64, each| all.wrapping_mul(16).wrapping_add(each.kind.code()))
}

fn prepared_for(py: Python<'_>, expression: &Expression, found: &[Found]) -> PyResult<Arc<Prepared>> {
    // With more operands than a number has room for, each call looks again.
    let kinds = || found.iter().map(|each| each.kind).collect::<Vec<_>>();
    if found.len() > 15 {
        return Prepared::new(py, expression, &kinds()).map(Arc::new);
    }
    let wanted = signature(found);
    {
        let all = expression.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, prepared)) = all.iter().find(|(signature, _)| *signature == wanted) {
            return Ok(prepared.clone());
        }
    }
    let made = Arc::new(Prepared::new(py, expression, &kinds())?);
    let mut all = expression.prepared.lock().unwrap_or_else(PoisonError::into_inner);
    all.push((wanted, made.clone()));
    Ok(made)
}

#[inline]
fn short<'py>(
    py: Python<'py>,
    numpy: &NumPy,
    expression: &Expression,
    objects: &[*mut ffi::PyObject],
    out: Option<&Bound<'py, PyAny>>,
    workers: Option<usize>,
) -> Result<Bound<'py, PyAny>, Unusual> {
    const NOTHING: Found = Found {
        kind: Kind::LITERAL_INT,
        operand: Operand::Opaque,
    };
    let mut shape = None;
    let mut on_stack = [NOTHING; FEW];
    let mut on_heap;
    let operands: &mut [Found] = if objects.len() <= FEW {
        &mut on_stack[..objects.len()]
    } else {
        on_heap = vec![NOTHING; objects.len()];
        &mut on_heap
    };
    for (operand, object) in operands.iter_mut().zip(objects) {
        *operand = found(py, numpy, *object, &mut shape).ok_or(Unusual::Look)?;
    }
    let prepared = prepared_for(py, expression, operands).map_err(Unusual::Raised)?;
    run(py, numpy, &prepared, operands, shape, out, workers).map_err(Unusual::Raised)
}

/// Where a result goes, and the object Python gets for it.
struct Target<'py> {
    start: *mut u8,
    object: Bound<'py, PyAny>,
}

fn target<'py>(
    py: Python<'py>,
    numpy: &NumPy,
    dtype: DType,
    shape: Shape,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Target<'py>> {
    if let Some(out) = out {
        return given(py, numpy, dtype, shape, out);
    }
    let bytes = shape.len * dtype.size();
    if bytes <= SMALL_BYTES {
        // SAFETY: every element is written before the array is returned, or it never is.
        let object = unsafe { arrays::fresh(py, numpy, dtype, shape.dimensions, shape.axes)? };
        // SAFETY: it is an array that was just made.
        let start = unsafe { arrays::data_of(&object) };
        return Ok(Target { start, object });
    }
    let array = BufferPool::shared()
        .try_take(dtype, shape.len)
        .ok_or_else(|| PyMemoryError::new_err(format!("no memory for {bytes} bytes of the result")))?;
    let start = array.as_mut_ptr();
    // SAFETY: the operands' arrays are held, and with them their lengths.
    let lengths = unsafe { std::slice::from_raw_parts(shape.dimensions, shape.axes) };
    let lengths: Vec<usize> = lengths.iter().map(|&length| length as usize).collect();
    let object = arrays::to_python(py, array, &lengths, false)?;
    Ok(Target { start, object })
}

/// The array that was given for the result.
fn given<'py>(
    py: Python<'py>,
    numpy: &NumPy,
    dtype: DType,
    shape: Shape,
    out: &Bound<'py, PyAny>,
) -> PyResult<Target<'py>> {
    let refuse = |why: String| errors::raise(py, format!("`out` {why}"));
    if !arrays::is_array(py, numpy, out.as_ptr()) {
        let kind = out.get_type();
        return Err(refuse(format!(
            "is a {}, but must be an array of NumPy's",
            kind.name()?
        )));
    }
    // SAFETY: it is an array, and we are attached.
    let Some((is, start, dimensions, axes, writable)) = (unsafe { arrays::parts(out.as_ptr()) }) else {
        return Err(refuse("must be contiguous, aligned and of a type of plans".to_owned()));
    };
    // SAFETY: arrays have as many lengths as axes.
    let (theirs, ours) = unsafe {
        (
            std::slice::from_raw_parts(dimensions, axes),
            std::slice::from_raw_parts(shape.dimensions, shape.axes),
        )
    };
    if is != dtype {
        return Err(refuse(format!("is {is}, and the result is {dtype}")));
    }
    if theirs != ours {
        return Err(refuse(format!("has the shape {theirs:?}, and the result {ours:?}")));
    }
    if !writable {
        return Err(refuse("is read-only".to_owned()));
    }
    Ok(Target {
        start: start.as_ptr(),
        object: out.clone(),
    })
}

fn run<'py>(
    py: Python<'py>,
    numpy: &NumPy,
    prepared: &Prepared,
    operands: &[Found],
    shape: Option<Shape>,
    out: Option<&Bound<'py, PyAny>>,
    workers: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let one = [1isize];
    let nothing = Shape {
        dimensions: one.as_ptr(),
        axes: 0,
        len: 1,
    };
    let target = match prepared.result {
        Kind::Array(dtype) => Some(target(py, numpy, dtype, shape.unwrap_or(nothing), out)?),
        _ if out.is_some() => {
            return Err(errors::raise(py, "`out` is given, and the result is one number"));
        }
        _ => None,
    };
    let shape = shape.unwrap_or(nothing);
    let Work::Compiled(compiled) = &prepared.work else {
        return run_program(py, prepared, operands, shape, target, workers);
    };
    let mut on_stack = [Operand::Opaque; FEW];
    let mut on_heap;
    let count = compiled.sources.len();
    let bound: &mut [Operand] = if count <= FEW {
        &mut on_stack[..count]
    } else {
        on_heap = vec![Operand::Opaque; count];
        &mut on_heap
    };
    for (bound, source) in bound.iter_mut().zip(&compiled.sources) {
        *bound = source.of(|input| prepared.cast(input, operands[input].operand));
    }
    let mut outputs = [match &target {
        Some(target) => Output::Array(target.start),
        None => Output::Scalar(compiled.placeholder),
    }];
    let bytes = shape.len * prepared.bytes_per_element;
    let ran = if bytes <= SHORT_BYTES {
        // SAFETY: operands and output are as the plan says that it was compiled from; arrays have
        // `len` elements and are held by the caller.
        unsafe { compiled.compiled.run_small(bound, &mut outputs, shape.len) }
    } else {
        let wishes = gate::Wishes {
            workers,
            ..gate::Wishes::default()
        };
        let shared = Sendable(bound, &mut outputs);
        gate::through(py, &wishes, |gate| {
            let Sendable(bound, outputs) = { shared };
            // SAFETY: as above; the caller holds the arrays while the interpreter is released.
            unsafe { compiled.compiled.run(bound, outputs, shape.len, gate) }
        })?
    };
    ran.map_err(|error| errors::raise(py, error.to_string()))?;
    match (target, outputs) {
        (Some(target), _) => Ok(target.object),
        (None, [Output::Scalar(scalar)]) => arrays::number(py, scalar),
        (None, _) => Err(errors::raise(py, "the expression has no result")),
    }
}

/// Pointers that go through the gate and come back.
struct Sendable<'a>(&'a mut [Operand], &'a mut [Output; 1]);

// SAFETY: work that is handed through the gate runs on the calling thread; what they point to is
// shared with other threads by kernels, which is what they are for.
unsafe impl Send for Sendable<'_> {}

#[cold]
fn run_program<'py>(
    py: Python<'py>,
    prepared: &Prepared,
    operands: &[Found],
    shape: Shape,
    target: Option<Target<'py>>,
    workers: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let Work::Program(program) = &prepared.work else {
        return Err(errors::raise(py, "the expression was not made ready"));
    };
    let array = |dtype: DType, start: *mut u8, writable: bool| {
        let start = std::ptr::NonNull::new(start).unwrap_or(std::ptr::NonNull::dangling());
        // SAFETY: arrays have `len` elements of the type, and are held by the caller during the run.
        Value::Array(unsafe { Array::from_raw(dtype, shape.len, start, writable, Arc::new(())) })
    };
    let mut inputs = Vec::with_capacity(operands.len());
    for (input, found) in operands.iter().enumerate() {
        inputs.push(match (prepared.cast(input, found.operand), found.kind) {
            (Operand::Array(start), Kind::Array(dtype)) => array(dtype, start.cast_mut(), false),
            (Operand::Scalar(scalar), _) => Value::Scalar(scalar),
            _ => return Err(errors::raise(py, "an operand is neither an array nor a number")),
        });
    }
    let given = match (&target, prepared.result) {
        (Some(target), Kind::Array(dtype)) => array(dtype, target.start, true).array().cloned(),
        _ => None,
    };
    let wishes = gate::Wishes {
        workers,
        ..gate::Wishes::default()
    };
    let outputs = crate::plans::run::run_program(py, program, &inputs, &[given], &wishes)?.outputs;
    match (target, outputs.first().and_then(Value::scalar)) {
        (Some(target), _) => Ok(target.object),
        (None, Some(scalar)) => arrays::number(py, scalar),
        (None, None) => Err(errors::raise(py, "the expression has no result")),
    }
}

/// Brings the operands to one shape, order and types of plans, and tries again.
#[cold]
fn long<'py>(
    py: Python<'py>,
    numpy: &NumPy,
    expression: &Expression,
    objects: &[*mut ffi::PyObject],
    out: Option<&Bound<'py, PyAny>>,
    workers: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let given = PyDict::new(py);
    for (name, object) in expression.names.iter().zip(objects) {
        // SAFETY: a live object, held by the caller.
        given.set_item(name, unsafe { Bound::from_borrowed_ptr(py, *object) })?;
    }
    let module = py.import("multilane._evaluate")?;
    let made = module.call_method1("operands", (given,))?.cast_into::<PyDict>()?;
    let mut held = Vec::with_capacity(objects.len());
    for name in &expression.names {
        held.push(made.as_any().get_item(name)?);
    }
    let objects: Vec<*mut ffi::PyObject> = held.iter().map(Bound::as_ptr).collect();
    match short(py, numpy, expression, &objects, out, workers) {
        Ok(result) => Ok(result),
        Err(Unusual::Raised(error)) => Err(error),
        Err(Unusual::Look) => Err(errors::raise(py, "an operand is neither an array nor a number")),
    }
}
