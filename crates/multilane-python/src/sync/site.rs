//! Where in a Python program a lock was taken, at the price of three loads.
//!
//! Asking the interpreter for its frame makes a frame object, which costs more than the
//! lock. So the running code and instruction are read from where known versions of
//! CPython keep them. What is read is compared with the interpreter's own answer once,
//! before it is first used; where it differs, or the version is not known, locks carry
//! no mark.

use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

/// Where a version keeps what is read, in bytes.
struct Layout {
    /// From the state of a thread to the pointer to its frame, or to what holds that.
    thread_to_frame: usize,
    /// From there to the pointer to the frame.
    through: Option<usize>,
    frame_to_code: usize,
    frame_to_instruction: usize,
}

/// `Include/cpython/pystate.h` and `Include/internal/pycore_frame.h` of each version.
const LAYOUTS: [((u8, u8), Layout); 3] = [
    (
        (3, 11),
        Layout {
            thread_to_frame: 56,
            through: Some(8),
            frame_to_code: 32,
            frame_to_instruction: 56,
        },
    ),
    (
        (3, 12),
        Layout {
            thread_to_frame: 56,
            through: Some(0),
            frame_to_code: 0,
            frame_to_instruction: 56,
        },
    ),
    (
        (3, 13),
        Layout {
            thread_to_frame: 72,
            through: None,
            frame_to_code: 0,
            frame_to_instruction: 56,
        },
    ),
];

/// The layout in use, by its number in `LAYOUTS` plus one; 0 is none.
static LAYOUT: AtomicUsize = AtomicUsize::new(0);
/// From a code object to its instructions, in bytes.
static CODE_TO_INSTRUCTIONS: AtomicUsize = AtomicUsize::new(0);

/// A mark: the address of a code object, and of an instruction in it.
pub(super) type Mark = (usize, usize);

/// A code object and the position in it.
pub(super) type Site<'py> = (Bound<'py, PyAny>, usize);

unsafe extern "C" {
    /// Public since Python 3.11; PyO3 does not declare it.
    fn PyFrame_GetLasti(frame: *mut ffi::PyFrameObject) -> c_int;
}

/// The running code, if this version is known. The code object is borrowed.
#[inline]
pub(super) fn here(_py: Python<'_>) -> Option<Mark> {
    let layout = &LAYOUTS[LAYOUT.load(Ordering::Relaxed).checked_sub(1)?].1;
    // SAFETY: `sync_calibrate` found this layout to be the interpreter's, and this
    // thread is attached to it.
    unsafe { read(layout) }
}

/// # Safety
/// The layout must be that of the running interpreter, to which this thread is attached.
#[inline]
unsafe fn read(layout: &Layout) -> Option<Mark> {
    // SAFETY: the thread is attached, so its state exists and its frame pointer is null
    // or points to a frame that is running.
    unsafe {
        let thread: *const c_char = ffi::PyThreadState_Get().cast();
        let mut at: *const c_char = thread.add(layout.thread_to_frame).cast::<*const c_char>().read();
        if let Some(through) = layout.through {
            if at.is_null() {
                return None;
            }
            at = at.add(through).cast::<*const c_char>().read();
        }
        if at.is_null() {
            return None;
        }
        let code: usize = at.add(layout.frame_to_code).cast::<usize>().read();
        let instruction: usize = at.add(layout.frame_to_instruction).cast::<usize>().read();
        Some((code, instruction))
    }
}

/// Find out whether marks can be read here. Call it from Python code.
#[pyfunction]
pub(super) fn sync_calibrate(py: Python<'_>) -> PyResult<bool> {
    let version = py.version_info();
    let known = LAYOUTS.iter().position(|(of, _)| *of == (version.major, version.minor));
    let flags: String = py.import("sys")?.getattr("abiflags")?.extract()?;
    let Some(known) = known.filter(|_| flags.is_empty()) else {
        return Ok(false);
    };
    // SAFETY: a release build of a known version; the code objects are compared before
    // anything is believed. Frame and code are new references or borrowed as documented.
    let agreed = unsafe {
        let frame = ffi::PyEval_GetFrame();
        let (false, Some((code, instruction))) = (frame.is_null(), read(&LAYOUTS[known].1)) else {
            return Ok(false);
        };
        let right: Bound<'_, PyAny> = Bound::from_owned_ptr(py, ffi::PyFrame_GetCode(frame).cast());
        let last = usize::try_from(PyFrame_GetLasti(frame)).ok();
        last.filter(|_| right.as_ptr().addr() == code)
            .and_then(|last| instruction.checked_sub(last)?.checked_sub(code))
    };
    // The instructions are the last part of the object, behind a few dozen fields.
    let Some(offset) = agreed.filter(|offset| (64..1024).contains(offset)) else {
        return Ok(false);
    };
    CODE_TO_INSTRUCTIONS.store(offset, Ordering::Relaxed);
    LAYOUT.store(known + 1, Ordering::Relaxed);
    Ok(true)
}

/// The code object of a mark and the position in it.
///
/// The lock that has the mark keeps the code object alive; nobody may take or free it
/// meanwhile, which holds while its holder waits or the interpreter lock is held.
pub(super) fn resolve(py: Python<'_>, (code, instruction): Mark) -> Option<Site<'_>> {
    let offset = CODE_TO_INSTRUCTIONS.load(Ordering::Relaxed);
    let position = instruction.checked_sub(code)?.checked_sub(offset)?;
    // SAFETY: see above; the pointer was a code object's, and a count of it was taken.
    let code = unsafe { Bound::from_borrowed_ptr(py, code as *mut ffi::PyObject) };
    Some((code, position))
}

/// The mark of a code object that stays alive, and the position in it.
pub(crate) fn mark(code: &Py<PyAny>, position: c_int) -> Option<Mark> {
    let code = code.as_ptr().addr();
    let offset = CODE_TO_INSTRUCTIONS.load(Ordering::Relaxed);
    Some((code, code + offset + usize::try_from(position).ok()?))
}

/// Counts a mark's code object in, and the one before out.
pub(super) fn keep(_py: Python<'_>, code: usize, before: usize) {
    // SAFETY: `code` is running, so it is alive; the lock had counted `before` in.
    unsafe {
        ffi::Py_XINCREF(code as *mut ffi::PyObject);
        ffi::Py_XDECREF(before as *mut ffi::PyObject);
    }
}
