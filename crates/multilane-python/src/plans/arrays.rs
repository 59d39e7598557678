//! Arrays between Python and plans, without copies.
//!
//! An input is a NumPy array, or anything with a buffer or Arrow's C data interface; its
//! memory is borrowed while the plan runs. A result is a NumPy array over memory of the
//! engine, or the very array that was given to hold it. What cannot be read in place is
//! made so by `multilane._inputs`, in Python.

use std::any::Any;
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use multilane_plan::{Array, DType, Scalar};
use numpy::npyffi::{self, NPY_TYPES, PY_ARRAY_API, PyArrayObject};
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use super::arrow;

/// Memory of an object of Python's, as one array of a plan.
pub(crate) struct View {
    pub(crate) dtype: DType,
    pub(crate) len: usize,
    pub(crate) start: NonNull<u8>,
    pub(crate) writable: bool,
    /// Lengths of the axes; empty for one number.
    pub(crate) shape: Vec<usize>,
}

impl View {
    /// The memory as an array of a plan, kept alive by an owner.
    pub(crate) fn array(&self, owner: Arc<dyn Any + Send + Sync>) -> Array {
        // SAFETY: made of a contiguous and aligned array that `owner` keeps alive, and whose
        // holder was asked for it for as long as the plan runs.
        unsafe { Array::from_raw(self.dtype, self.len, self.start, self.writable, owner) }
    }

    /// The number, of an array with one element.
    pub(crate) fn scalar(&self) -> Scalar {
        // SAFETY: `start` points to `len` elements of `dtype`, and callers have looked at `len`.
        unsafe { scalar_at(self.dtype, self.start) }
    }
}

/// The element somewhere.
///
/// # Safety
/// An element of the type is there, aligned.
#[inline]
pub(crate) unsafe fn scalar_at(dtype: DType, start: NonNull<u8>) -> Scalar {
    let start = start.as_ptr();
    // SAFETY: as the caller promises.
    unsafe {
        match dtype {
            DType::Bool => Scalar::Bool(*start != 0),
            DType::I32 => Scalar::I32(start.cast::<i32>().read()),
            DType::I64 => Scalar::I64(start.cast::<i64>().read()),
            DType::F32 => Scalar::F32(start.cast::<f32>().read()),
            DType::F64 => Scalar::F64(start.cast::<f64>().read()),
        }
    }
}

/// Where the elements of a NumPy array are.
///
/// # Safety
/// It is an array.
#[inline]
pub(crate) unsafe fn data_of(array: &Bound<'_, PyAny>) -> *mut u8 {
    // SAFETY: as the caller promises; we are attached.
    unsafe { (*array.as_ptr().cast::<PyArrayObject>()).fields.data.cast::<u8>() }
}

/// NumPy's own types, once it has been imported by anybody.
pub(crate) struct NumPy {
    array: Py<PyType>,
    /// Types of scalars, in the order of [`DType::ALL`].
    scalars: [Py<PyType>; 5],
}

static NUMPY: PyOnceLock<NumPy> = PyOnceLock::new();

/// NumPy, if it is imported; importing it is left to whoever needs it.
#[inline]
pub(crate) fn numpy_if_loaded(py: Python<'_>) -> Option<&NumPy> {
    match NUMPY.get(py) {
        Some(found) => Some(found),
        None => look_for_numpy(py),
    }
}

#[cold]
fn look_for_numpy(py: Python<'_>) -> Option<&NumPy> {
    let modules = py.import("sys").ok()?.getattr("modules").ok()?;
    // While NumPy is being imported it has no arrays yet.
    let module = modules.get_item("numpy").ok()?;
    module.getattr("ndarray").ok()?;
    numpy(py).ok()
}

/// NumPy, imported when it is not yet.
pub(crate) fn numpy(py: Python<'_>) -> PyResult<&NumPy> {
    NUMPY.get_or_try_init(py, || {
        let module = py.import("numpy")?;
        let class = |name: &str| -> PyResult<Py<PyType>> { Ok(module.getattr(name)?.cast_into::<PyType>()?.unbind()) };
        Ok(NumPy {
            array: class("ndarray")?,
            scalars: [
                class("bool_")?,
                class("int32")?,
                class("int64")?,
                class("float32")?,
                class("float64")?,
            ],
        })
    })
}

/// An element type by NumPy's number of it.
#[inline]
fn dtype_of(type_number: c_int) -> Option<DType> {
    const BOOL: c_int = NPY_TYPES::NPY_BOOL as c_int;
    const INT: c_int = NPY_TYPES::NPY_INT as c_int;
    const LONG: c_int = NPY_TYPES::NPY_LONG as c_int;
    const LONGLONG: c_int = NPY_TYPES::NPY_LONGLONG as c_int;
    const FLOAT: c_int = NPY_TYPES::NPY_FLOAT as c_int;
    const DOUBLE: c_int = NPY_TYPES::NPY_DOUBLE as c_int;
    match type_number {
        DOUBLE => Some(DType::F64),
        FLOAT => Some(DType::F32),
        LONG | LONGLONG => Some(DType::I64),
        INT => Some(DType::I32),
        BOOL => Some(DType::Bool),
        _ => None,
    }
}

/// NumPy's number of an element type.
fn type_number(dtype: DType) -> c_int {
    (match dtype {
        DType::Bool => NPY_TYPES::NPY_BOOL,
        DType::I32 => NPY_TYPES::NPY_INT,
        DType::I64 => NPY_TYPES::NPY_LONG,
        DType::F32 => NPY_TYPES::NPY_FLOAT,
        DType::F64 => NPY_TYPES::NPY_DOUBLE,
    }) as c_int
}

/// Whether an object is a NumPy array.
#[inline]
pub(crate) fn is_array(py: Python<'_>, numpy: &NumPy, object: *mut ffi::PyObject) -> bool {
    // SAFETY: both are live objects, and we are attached.
    unsafe {
        let class = numpy.array.as_ptr().cast::<ffi::PyTypeObject>();
        let _ = py;
        ffi::Py_TYPE(object) == class || ffi::PyType_IsSubtype(ffi::Py_TYPE(object), class) != 0
    }
}

/// What can be read in place of a NumPy array: its parts, when it is contiguous, aligned and of a type of plans.
///
/// # Safety
/// `object` is a NumPy array, and the caller is attached.
#[inline]
pub(crate) unsafe fn parts(object: *mut ffi::PyObject) -> Option<(DType, NonNull<u8>, *const isize, usize, bool)> {
    const READABLE: c_int = npyffi::NPY_ARRAY_C_CONTIGUOUS | npyffi::NPY_ARRAY_ALIGNED;
    // SAFETY: the fields of an array stay in place while we are attached.
    unsafe {
        let fields = &(*object.cast::<PyArrayObject>()).fields;
        let descr = &(*fields.descr).fields;
        if fields.flags & READABLE != READABLE || descr.byteorder == b'>' as std::ffi::c_char {
            return None;
        }
        let dtype = dtype_of(descr.type_num)?;
        let start = NonNull::new(fields.data.cast::<u8>())?;
        let writable = fields.flags & npyffi::NPY_ARRAY_WRITEABLE != 0;
        Some((
            dtype,
            start,
            fields.dimensions.cast_const(),
            fields.nd as usize,
            writable,
        ))
    }
}

/// The memory of an object when it can be read in place, and what keeps it; None where somebody has to look closer.
pub(crate) fn view(object: &Bound<'_, PyAny>) -> PyResult<Option<(View, Arc<dyn Any + Send + Sync>)>> {
    let py = object.py();
    if let Some(numpy) = numpy_if_loaded(py)
        && is_array(py, numpy, object.as_ptr())
    {
        // SAFETY: it is an array.
        let Some((dtype, start, dimensions, axes, writable)) = (unsafe { parts(object.as_ptr()) }) else {
            return Ok(None);
        };
        // SAFETY: an array has as many lengths as axes.
        let shape: Vec<usize> = (0..axes)
            .map(|axis| unsafe { *dimensions.add(axis) } as usize)
            .collect();
        let view = View {
            dtype,
            len: shape.iter().product(),
            start,
            writable,
            shape,
        };
        return Ok(Some((view, Arc::new(object.clone().unbind()))));
    }
    if let Some(found) = arrow::view(object)? {
        return Ok(Some(found));
    }
    Ok(buffer(object))
}

/// A typed buffer, such as that of `array.array`.
fn buffer(object: &Bound<'_, PyAny>) -> Option<(View, Arc<dyn Any + Send + Sync>)> {
    let buffer = pyo3::buffer::PyUntypedBuffer::get(object).ok()?;
    let dtype = match (buffer.format().to_bytes(), buffer.item_size()) {
        (b"d" | b"=d" | b"<d" | b"@d", 8) => DType::F64,
        (b"f" | b"=f" | b"<f" | b"@f", 4) => DType::F32,
        (b"q" | b"l" | b"=q" | b"<q" | b"@q" | b"@l", 8) => DType::I64,
        (b"i" | b"=i" | b"<i" | b"@i" | b"=l" | b"<l", 4) => DType::I32,
        (b"?" | b"=?" | b"<?" | b"@?", 1) => DType::Bool,
        _ => return None,
    };
    let start = NonNull::new(buffer.buf_ptr().cast::<u8>())?;
    if !buffer.is_c_contiguous() || !(start.as_ptr() as usize).is_multiple_of(dtype.size()) {
        return None;
    }
    let view = View {
        dtype,
        len: buffer.item_count(),
        start,
        writable: !buffer.readonly(),
        shape: buffer.shape().to_vec(),
    };
    Some((view, Arc::new(Held(buffer))))
}

/// A buffer that is held for its memory.
struct Held(#[expect(dead_code, reason = "held, not read")] pyo3::buffer::PyUntypedBuffer);

// SAFETY: the buffer is only dropped from elsewhere, and dropping attaches to the interpreter.
unsafe impl Send for Held {}
// SAFETY: nothing of it can be reached.
unsafe impl Sync for Held {}

/// Memory of the engine, for Python to read and write.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct PlanBuffer {
    array: Array,
    shape: Vec<isize>,
    strides: Vec<isize>,
}

impl PlanBuffer {
    fn new(array: Array, shape: &[usize]) -> Self {
        let shape: Vec<isize> = shape.iter().map(|&length| length as isize).collect();
        let mut strides = vec![array.dtype().size() as isize; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        Self { array, shape, strides }
    }
}

#[pymethods]
impl PlanBuffer {
    fn __len__(&self) -> usize {
        self.array.len()
    }

    // SAFETY: fills `view` as the buffer protocol asks. Memory, shape and strides live as
    // long as `slf`, to which the view keeps a reference.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, _flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("the view is null"));
        }
        let this = slf.get();
        let size = this.array.dtype().size();
        let format = match this.array.dtype() {
            DType::Bool => c"?",
            DType::I32 => c"i",
            DType::I64 => c"q",
            DType::F32 => c"f",
            DType::F64 => c"d",
        };
        // SAFETY: `view` is not null; readers do not write through the pointers to shape, strides and format.
        unsafe {
            (*view).buf = this.array.as_mut_ptr().cast::<c_void>();
            (*view).len = (this.array.len() * size) as isize;
            (*view).itemsize = size as isize;
            (*view).readonly = 0;
            (*view).ndim = this.shape.len() as c_int;
            (*view).format = format.as_ptr().cast_mut();
            (*view).shape = this.shape.as_ptr().cast_mut();
            (*view).strides = this.strides.as_ptr().cast_mut();
            (*view).suboffsets = std::ptr::null_mut();
            (*view).internal = std::ptr::null_mut();
            (*view).obj = slf.into_ptr();
        }
        Ok(())
    }
}

/// An array of the engine for Python: a NumPy array over the same memory, or a memoryview where there is no NumPy.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    array: Array,
    shape: &[usize],
    read_only: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let (dtype, start) = (array.dtype(), array.as_mut_ptr());
    let owner = Bound::new(py, PlanBuffer::new(array, shape))?;
    let Ok(numpy) = numpy(py) else {
        let view = py.import("builtins")?.getattr("memoryview")?.call1((owner,))?;
        return if read_only {
            view.call_method0("toreadonly")
        } else {
            Ok(view)
        };
    };
    let mut lengths: Vec<isize> = shape.iter().map(|&length| length as isize).collect();
    let flags = if read_only {
        npyffi::NPY_ARRAY_CARRAY_RO
    } else {
        npyffi::NPY_ARRAY_CARRAY
    };
    // SAFETY: the memory holds as many elements of the type as the shape says, and lives as
    // long as `owner`, which becomes the base of the new array. References: the new array takes
    // the descriptor's, and its base's.
    unsafe {
        let descr = PY_ARRAY_API.PyArray_DescrFromType(py, type_number(dtype));
        let made = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            numpy.array.as_ptr().cast(),
            descr,
            lengths.len() as c_int,
            lengths.as_mut_ptr(),
            std::ptr::null_mut(),
            start.cast::<c_void>(),
            flags,
            std::ptr::null_mut(),
        );
        let made = Bound::from_owned_ptr_or_err(py, made)?;
        if PY_ARRAY_API.PyArray_SetBaseObject(py, made.as_ptr().cast(), owner.into_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(made)
    }
}

/// A fresh NumPy array with elements to be written, from NumPy's own allocator.
///
/// # Safety
/// The caller writes every element before Python sees the array.
#[inline]
pub(crate) unsafe fn fresh<'py>(
    py: Python<'py>,
    numpy: &NumPy,
    dtype: DType,
    dimensions: *const isize,
    axes: usize,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: as in `to_python`, with memory that NumPy allocates.
    unsafe {
        let descr = PY_ARRAY_API.PyArray_DescrFromType(py, type_number(dtype));
        let made = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            numpy.array.as_ptr().cast(),
            descr,
            axes as c_int,
            dimensions.cast_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        Bound::from_owned_ptr_or_err(py, made)
    }
}

/// One number for Python: a NumPy scalar, or a number of Python's where there is no NumPy.
pub(crate) fn number<'py>(py: Python<'py>, scalar: Scalar) -> PyResult<Bound<'py, PyAny>> {
    use pyo3::IntoPyObjectExt;
    let plain = match scalar {
        Scalar::Bool(value) => value.into_bound_py_any(py)?,
        Scalar::I32(value) => value.into_bound_py_any(py)?,
        Scalar::I64(value) => value.into_bound_py_any(py)?,
        Scalar::F32(value) => value.into_bound_py_any(py)?,
        Scalar::F64(value) => value.into_bound_py_any(py)?,
    };
    let Ok(numpy) = numpy(py) else {
        return Ok(plain);
    };
    let index = DType::ALL.iter().position(|dtype| *dtype == scalar.dtype());
    let class = &numpy.scalars[index.expect("every type is among all")];
    class.bind(py).call1((plain,))
}

/// An array with the same elements in memory of its own.
pub(crate) fn copied(array: &Array) -> Array {
    // SAFETY: an array holds `len` valid elements of its type, and any bytes are bytes.
    let bytes = unsafe { std::slice::from_raw_parts(array.as_ptr(), array.len() * array.dtype().size()) };
    let mut words = vec![0u64; bytes.len().div_ceil(8)];
    let start = words.as_mut_ptr().cast::<u8>();
    // SAFETY: the words are at least as many bytes, and nobody else knows them yet.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len()) };
    let start = std::ptr::NonNull::new(start).expect("a vector's pointer is not null");
    // SAFETY: the vector is the owner and its memory does not move; words are aligned for every type.
    unsafe { Array::from_raw(array.dtype(), array.len(), start, true, Arc::new(words)) }
}
