//! Python values as bytes, and back.
//!
//! Calls with a few plain numbers and strings take a compact form of our own
//! (about a tenth of a pickle's time); everything else is pickled with protocol 5,
//! large buffers out of band in shared memory. What plain pickle cannot carry, or
//! carries only as a name in `__main__`, is given to cloudpickle.

use std::ffi::c_char;
use std::sync::Arc;

use multilane_engine::process::frame::{self, Reference};
use multilane_engine::process::store::{Block, Store};
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::buffer::SharedBuffer;

/// Buffers from here on go out of band: below, copying them in the pickle is cheaper.
const OUT_OF_BAND_FROM: usize = 16 << 10;
/// Strings and bytes up to here may take the compact form.
const COMPACT_TEXT: usize = 200;

const NONE: u8 = b'N';
const TRUE: u8 = b'T';
const FALSE: u8 = b'F';
const INT: u8 = b'i';
const FLOAT: u8 = b'd';
const TEXT: u8 = b's';
const BYTES: u8 = b'b';
const PICKLE: u8 = b'P';
const CALL: u8 = b'C';

/// A contiguous look at an object's memory.
pub(crate) struct View(Box<ffi::Py_buffer>);

// SAFETY: the view holds a reference to the exporter and is released with the
// interpreter attached; reading its bytes needs no interpreter.
unsafe impl Send for View {}
// SAFETY: see `Send`.
unsafe impl Sync for View {}

impl View {
    /// Exports `object` as bytes, in whatever order its elements are stored.
    pub(crate) fn contiguous(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut buffer = Box::new(ffi::Py_buffer::new());
        // SAFETY: fills `buffer`, which is released in `drop`.
        let result = unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &mut *buffer, ffi::PyBUF_ANY_CONTIGUOUS) };
        if result == 0 {
            Ok(Self(buffer))
        } else {
            Err(PyErr::fetch(object.py()))
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len as usize
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        if self.0.len == 0 {
            return &[];
        }
        // SAFETY: the exporter keeps `len` contiguous bytes until the view is released.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast::<u8>(), self.len()) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        Python::attach(|_| {
            // SAFETY: filled by `PyObject_GetBuffer`, released once.
            unsafe { ffi::PyBuffer_Release(&mut *self.0) };
        });
    }
}

/// Takes large buffers out of a pickle.
#[pyclass(module = "multilane._multilane")]
struct Collector {
    views: Vec<View>,
}

#[pymethods]
impl Collector {
    /// True keeps the buffer in the pickle.
    fn __call__(&mut self, buffer: &Bound<'_, PyAny>) -> PyResult<bool> {
        match View::contiguous(buffer) {
            Ok(view) if view.len() >= OUT_OF_BAND_FROM => {
                self.views.push(view);
                Ok(false)
            }
            Ok(_) => Ok(true),
            Err(error) if error.is_instance_of::<PyBufferError>(buffer.py()) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// An encoded value and the shared memory it refers to.
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    /// Fresh blocks with copies of buffers.
    pub(crate) blocks: Vec<Block>,
    /// Blocks of the user's that are passed as they are.
    pub(crate) lent: Vec<Block>,
}

fn compact(value: &Bound<'_, PyAny>, into: &mut Vec<u8>) -> bool {
    if value.is_none() {
        into.push(NONE);
    } else if value.is_exact_instance_of::<PyInt>() {
        let mut overflow = 0;
        // SAFETY: `value` is an int; an overflow is reported in `overflow`.
        let number = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &mut overflow) };
        if overflow != 0 {
            return false;
        }
        into.push(INT);
        into.extend_from_slice(&number.to_le_bytes());
    } else if value.is_exact_instance_of::<PyBool>() {
        into.push(if value.is_truthy().unwrap_or(false) {
            TRUE
        } else {
            FALSE
        });
    } else if value.is_exact_instance_of::<PyFloat>() {
        // SAFETY: `value` is a float.
        let number = unsafe { ffi::PyFloat_AsDouble(value.as_ptr()) };
        into.push(FLOAT);
        into.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(text) = value.cast_exact::<PyString>() {
        match text.to_str() {
            Ok(text) if text.len() <= COMPACT_TEXT => {
                into.push(TEXT);
                into.push(text.len() as u8);
                into.extend_from_slice(text.as_bytes());
            }
            // Lone surrogates and long texts are for pickle.
            _ => return false,
        }
    } else if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        let bytes = bytes.as_bytes();
        if bytes.len() > COMPACT_TEXT {
            return false;
        }
        into.push(BYTES);
        into.push(bytes.len() as u8);
        into.extend_from_slice(bytes);
    } else {
        return false;
    }
    true
}

fn truncated() -> PyErr {
    PyValueError::new_err("a message between multilane's processes is damaged")
}

fn read_compact<'py>(py: Python<'py>, bytes: &mut &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let (&tag, rest) = bytes.split_first().ok_or_else(truncated)?;
    *bytes = rest;
    let mut take = |len: usize| -> PyResult<&[u8]> {
        let (head, rest) = bytes.split_at_checked(len).ok_or_else(truncated)?;
        *bytes = rest;
        Ok(head)
    };
    Ok(match tag {
        NONE => py.None().into_bound(py),
        TRUE => PyBool::new(py, true).to_owned().into_any(),
        FALSE => PyBool::new(py, false).to_owned().into_any(),
        INT => {
            let number = i64::from_le_bytes(take(8)?.try_into().map_err(|_| truncated())?);
            number.into_pyobject(py)?.into_any()
        }
        FLOAT => {
            let number = f64::from_le_bytes(take(8)?.try_into().map_err(|_| truncated())?);
            PyFloat::new(py, number).into_any()
        }
        TEXT | BYTES => {
            let len = usize::from(*take(1)?.first().ok_or_else(truncated)?);
            let body = take(len)?;
            if tag == BYTES {
                PyBytes::new(py, body).into_any()
            } else {
                PyString::new(py, std::str::from_utf8(body).map_err(|_| truncated())?).into_any()
            }
        }
        _ => return Err(truncated()),
    })
}

static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn function<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyAny>>,
    module: &str,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let function = cell.get_or_try_init(py, || Ok::<_, PyErr>(py.import(module)?.getattr(name)?.unbind()))?;
    Ok(function.bind(py).clone())
}

/// Whether a pickle names something in `__main__`, which a worker's `__main__` lacks.
fn names_main(pickled: &[u8]) -> bool {
    memchr::memmem::find(pickled, b"__main__").is_some()
}

/// Pickles `value`: plain pickle, or cloudpickle where that cannot do.
fn pickle<'py>(value: &Bound<'py, PyAny>, collector: Option<&Bound<'py, Collector>>) -> PyResult<Bound<'py, PyBytes>> {
    let py = value.py();
    let options = PyDict::new(py);
    options.set_item(intern!(py, "protocol"), 5)?;
    if let Some(collector) = collector {
        options.set_item(intern!(py, "buffer_callback"), collector)?;
    }
    let plain = function(py, &DUMPS, "pickle", "dumps")?.call((value,), Some(&options));
    if let Ok(bytes) = plain {
        let bytes = bytes.cast_into::<PyBytes>()?;
        if !names_main(bytes.as_bytes()) {
            return Ok(bytes);
        }
    }
    if let Some(collector) = collector {
        collector.borrow_mut().views.clear();
    }
    let dumps = py.import("cloudpickle")?.getattr("dumps")?;
    Ok(dumps.call((value,), Some(&options))?.cast_into::<PyBytes>()?)
}

fn encode_pickled(store: &Arc<Store>, value: &Bound<'_, PyAny>, kind: u8) -> PyResult<Encoded> {
    let py = value.py();
    let collector = Bound::new(py, Collector { views: Vec::new() })?;
    let pickled = pickle(value, Some(&collector))?;
    let views = std::mem::take(&mut collector.borrow_mut().views);
    let mut references = Vec::with_capacity(views.len());
    let (mut blocks, mut lent) = (Vec::new(), Vec::new());
    for view in &views {
        if let Some((block, flags)) = store.find(view.bytes().as_ptr(), view.len() as u64) {
            let offset = view.bytes().as_ptr() as u64 - block.address() as u64 + block.offset();
            let len = view.len() as u64;
            references.push(Reference {
                region: block.region(),
                flags,
                offset,
                len,
            });
            lent.push(block);
            continue;
        }
        let block = store.allocate(view.len() as u64).map_err(crate::errors::engine)?;
        let bytes = view.bytes();
        py.detach(|| store.fill(&block, bytes)).map_err(crate::errors::engine)?;
        let (region, offset, len) = (block.region(), block.offset(), view.len() as u64);
        references.push(Reference {
            region,
            flags: Reference::FRESH,
            offset,
            len,
        });
        blocks.push(block);
    }
    let pickled = pickled.as_bytes();
    let mut bytes = Vec::with_capacity(pickled.len() + 8 + references.len() * 24);
    frame::write(&references, &mut bytes);
    bytes.push(kind);
    bytes.extend_from_slice(pickled);
    Ok(Encoded { bytes, blocks, lent })
}

/// Encodes one value.
pub(crate) fn encode(store: &Arc<Store>, value: &Bound<'_, PyAny>) -> PyResult<Encoded> {
    let mut bytes = vec![0; 4];
    if compact(value, &mut bytes) {
        return Ok(Encoded {
            bytes,
            blocks: Vec::new(),
            lent: Vec::new(),
        });
    }
    encode_pickled(store, value, PICKLE)
}

/// Encodes the arguments of a call.
pub(crate) fn encode_call(
    store: &Arc<Store>,
    arguments: &Bound<'_, PyTuple>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<Encoded> {
    let py = arguments.py();
    let keywords = keywords.filter(|keywords| !keywords.is_empty());
    if keywords.is_none() && arguments.len() <= 16 {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&[0, 0, 0, 0, CALL, arguments.len() as u8]);
        if arguments.iter_borrowed().all(|value| compact(&value, &mut bytes)) {
            return Ok(Encoded {
                bytes,
                blocks: Vec::new(),
                lent: Vec::new(),
            });
        }
    }
    let call = match keywords {
        None => PyTuple::new(py, [arguments.as_any()])?,
        Some(keywords) => PyTuple::new(py, [arguments.as_any(), keywords.as_any()])?,
    };
    encode_pickled(store, call.as_any(), PICKLE)
}

/// Reads a pickle from `bytes`, which may lie anywhere.
fn unpickle<'py>(py: Python<'py>, bytes: &[u8], buffers: Option<Bound<'py, PyList>>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the memory view is used by `loads` below only, which copies what it
    // keeps, and `bytes` outlives that call.
    let view = unsafe {
        let view = ffi::PyMemoryView_FromMemory(
            bytes.as_ptr().cast_mut().cast::<c_char>(),
            bytes.len() as ffi::Py_ssize_t,
            ffi::PyBUF_READ,
        );
        Bound::from_owned_ptr_or_err(py, view)?
    };
    let loads = function(py, &LOADS, "pickle", "loads")?;
    match buffers {
        None => loads.call1((view,)),
        Some(buffers) => {
            let options = PyDict::new(py);
            options.set_item(intern!(py, "buffers"), buffers)?;
            loads.call((view,), Some(&options))
        }
    }
}

/// Reads one value; `buffers` are its out-of-band buffers in order.
pub(crate) fn decode<'py>(py: Python<'py>, bytes: &[u8], buffers: &[Py<SharedBuffer>]) -> PyResult<Bound<'py, PyAny>> {
    match bytes.split_first() {
        Some((&PICKLE, pickled)) => {
            let list = if buffers.is_empty() {
                None
            } else {
                Some(PyList::new(py, buffers.iter().map(|buffer| buffer.bind(py)))?)
            };
            unpickle(py, pickled, list)
        }
        _ => read_compact(py, &mut &*bytes),
    }
}

/// A call's positional and keyword arguments.
pub(crate) type Arguments<'py> = (Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>);

/// Reads the arguments of a call.
pub(crate) fn decode_call<'py>(
    py: Python<'py>,
    bytes: &[u8],
    buffers: &[Py<SharedBuffer>],
) -> PyResult<Arguments<'py>> {
    if let Some((&CALL, rest)) = bytes.split_first() {
        let (&count, mut rest) = rest.split_first().ok_or_else(truncated)?;
        let values: Vec<Bound<'py, PyAny>> = (0..count)
            .map(|_| read_compact(py, &mut rest))
            .collect::<PyResult<_>>()?;
        return Ok((PyTuple::new(py, values)?, None));
    }
    let call = decode(py, bytes, buffers)?.cast_into::<PyTuple>()?;
    let arguments = call.get_item(0)?.cast_into::<PyTuple>()?;
    let keywords = match call.get_item(1) {
        Ok(keywords) => Some(keywords.cast_into::<PyDict>()?),
        Err(_) => None,
    };
    Ok((arguments, keywords))
}

/// Gives blocks of this worker that a result refers to away with it: those nobody here
/// uses any more as they are, others as copies.
pub(crate) fn settle_lent(store: &Arc<Store>, encoded: &mut Encoded) -> PyResult<()> {
    if encoded.lent.is_empty() {
        return Ok(());
    }
    let (references, _) = frame::parse(&encoded.bytes).ok_or_else(truncated)?;
    let mut kept = Vec::new();
    for block in std::mem::take(&mut encoded.lent) {
        let whole = |r: &&Reference| r.region == block.region() && r.offset == block.offset();
        if references.iter().filter(whole).count() == 1 && block.is_unique() {
            encoded.blocks.push(block);
        } else {
            kept.push(block);
        }
    }
    if !kept.is_empty() {
        encoded.bytes = copy_lent(store, &encoded.bytes, kept, &mut encoded.blocks)?;
    }
    Ok(())
}

/// The same message with copies in place of the pieces of `lent`; the copies join `blocks`.
pub(crate) fn copy_lent(
    store: &Arc<Store>,
    message: &[u8],
    lent: Vec<Block>,
    blocks: &mut Vec<Block>,
) -> PyResult<Vec<u8>> {
    let (mut references, value) = frame::parse(message).ok_or_else(truncated)?;
    for r in &mut references {
        let inside = |block: &&Block| {
            r.region == block.region() && r.offset >= block.offset() && r.offset + r.len <= block.offset() + block.len()
        };
        let Some(block) = lent.iter().find(inside) else {
            continue;
        };
        let copy = store.allocate(r.len).map_err(crate::errors::engine)?;
        // SAFETY: the reference lies inside the block, which is alive.
        let source = unsafe {
            let start = block.address().add((r.offset - block.offset()) as usize);
            std::slice::from_raw_parts(start, r.len as usize)
        };
        store.fill(&copy, source).map_err(crate::errors::engine)?;
        *r = Reference {
            region: copy.region(),
            offset: copy.offset(),
            ..*r
        };
        blocks.push(copy);
    }
    let mut bytes = Vec::with_capacity(message.len());
    frame::write(&references, &mut bytes);
    bytes.extend_from_slice(value);
    Ok(bytes)
}
