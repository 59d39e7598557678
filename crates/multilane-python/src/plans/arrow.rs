//! Arrays of Arrow, through its C data interface: `__arrow_c_array__` and nothing of its libraries.
//!
//! Reads arrays of plain numbers without nulls in place. Truth values are bits there and
//! bytes here, so that they are left to somebody who copies.

use std::any::Any;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use multilane_plan::DType;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods};

use super::arrays::View;
use super::errors;

/// `struct ArrowSchema`, as far as it is read.
#[repr(C)]
struct Schema {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    children: i64,
    child: *mut *mut Schema,
    dictionary: *mut Schema,
    release: Option<unsafe extern "C" fn(*mut Schema)>,
    private: *mut c_void,
}

/// `struct ArrowArray`, as far as it is read.
#[repr(C)]
struct Data {
    length: i64,
    nulls: i64,
    offset: i64,
    buffers: i64,
    children: i64,
    buffer: *const *const c_void,
    child: *mut *mut Data,
    dictionary: *mut Data,
    release: Option<unsafe extern "C" fn(*mut Data)>,
    private: *mut c_void,
}

/// The memory of an Arrow array and what keeps it; None when the object is no such array or has another type.
pub(super) fn view(object: &Bound<'_, PyAny>) -> PyResult<Option<(View, Arc<dyn Any + Send + Sync>)>> {
    let py = object.py();
    let Some(export) = object.getattr_opt("__arrow_c_array__")? else {
        return Ok(None);
    };
    let (schema, data): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = export.call0()?.extract()?;
    let schema = schema.pointer_checked(Some(c"arrow_schema"))?.cast::<Schema>();
    let pointer = data.pointer_checked(Some(c"arrow_array"))?.cast::<Data>();
    // SAFETY: the capsules hold what their names say and live until the end of this function;
    // nothing is moved out of them, so that they release it themselves.
    let (schema, array) = unsafe { (schema.as_ref(), pointer.as_ref()) };
    if schema.release.is_none() || array.release.is_none() || schema.format.is_null() {
        return Ok(None);
    }
    // SAFETY: a format is a text that ends with 0.
    let dtype = match unsafe { CStr::from_ptr(schema.format) }.to_bytes() {
        b"g" => DType::F64,
        b"f" => DType::F32,
        b"l" => DType::I64,
        b"i" => DType::I32,
        _ => return Ok(None),
    };
    if array.dictionary.is_null() && array.children == 0 && array.buffers == 2 && array.length >= 0 {
        // SAFETY: an array of numbers has two buffers, the bits of validity and the numbers.
        let (valid, numbers) = unsafe { (*array.buffer, *array.buffer.add(1)) };
        // A negative count means that nobody counted.
        if array.nulls > 0 || (array.nulls < 0 && !valid.is_null()) {
            return Err(errors::raise(
                py,
                "the Arrow array has nulls, which plans do not know; fill them first",
            ));
        }
        let len = array.length as usize;
        let start = numbers.cast::<u8>().cast_mut();
        let start = start.wrapping_add(array.offset as usize * dtype.size());
        let start = if len == 0 { dtype.size() as *mut u8 } else { start };
        let Some(start) = NonNull::new(start) else {
            return Ok(None);
        };
        if !(start.as_ptr() as usize).is_multiple_of(dtype.size()) {
            return Ok(None);
        }
        let view = View {
            dtype,
            len,
            start,
            writable: false,
            shape: vec![len],
        };
        return Ok(Some((view, Arc::new(data.unbind()))));
    }
    Ok(None)
}
