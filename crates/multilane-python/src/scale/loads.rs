//! Operations whose limit is known by construction: what a verdict is tested on.
//!
//! Each is one operation, called by any number of threads. They release the interpreter lock, but for the one that is
//! there to hold it.

use std::{
    ptr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use multilane_lab::loads::{elementwise, spin, triad};
use pyo3::{exceptions::PyMemoryError, prelude::*};

/// Adds the loads to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(load_element, module)?)?;
    module.add_function(wrap_pyfunction!(load_compute, module)?)?;
    module.add_function(wrap_pyfunction!(load_compute_held, module)?)?;
    module.add_function(wrap_pyfunction!(load_triad, module)?)?;
    module.add_function(wrap_pyfunction!(load_lock, module)?)?;
    module.add_function(wrap_pyfunction!(load_lines, module)?)?;
    module.add_function(wrap_pyfunction!(load_pages, module)?)
}

/// `val = sin(val) * cos(val) + val`, so many times over each element; the sum of all.
#[pyfunction]
fn load_element(py: Python<'_>, elements: u32, iterations: u32) -> f64 {
    py.detach(|| elementwise(elements, iterations))
}

/// Arithmetic in registers, without the interpreter lock.
#[pyfunction]
fn load_compute(py: Python<'_>, iterations: u64) -> u64 {
    py.detach(|| spin(iterations))
}

/// The same, holding the interpreter lock.
#[pyfunction]
fn load_compute_held(iterations: u64) -> u64 {
    spin(iterations)
}

/// Arrays that no thread uses now. A run's threads are new, and their first pass must not be the kernel's work of
/// making memory.
static SPARE: Mutex<Vec<[Vec<f64>; 3]>> = Mutex::new(Vec::new());

/// More spare arrays than this are given back to the system.
const MOST_SPARE: usize = 8;

/// One pass of `a = b + s * c` over arrays of so many elements that no other thread uses; the bytes that it moved.
#[pyfunction]
fn load_triad(py: Python<'_>, elements: usize) -> u64 {
    py.detach(|| {
        let spare = || SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let known = {
            let mut spare = spare();
            let fitting = spare.iter().position(|[out, ..]| out.len() == elements);
            fitting.map(|index| spare.swap_remove(index))
        };
        let mut arrays = known.unwrap_or_else(|| [0.0, 1.0, 2.0].map(|value| vec![value; elements]));
        let [out, one, two] = &mut arrays;
        triad(out, one, two);
        let mut spare = spare();
        spare.push(arrays);
        if spare.len() > MOST_SPARE {
            spare.swap_remove(0);
        }
        24 * elements as u64
    })
}

static SHARED: Mutex<u64> = Mutex::new(0);

/// Nearly all of the work inside one lock.
#[pyfunction]
fn load_lock(py: Python<'_>, iterations: u64) -> u64 {
    py.detach(|| {
        let outside = spin(iterations / 16);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = shared.wrapping_add(spin(iterations)).wrapping_add(outside);
        *shared
    })
}

/// Counters of the threads, one beside the other in the same cache line.
#[repr(align(64))]
struct Line([AtomicU64; 8]);

static LINE: Line = Line([const { AtomicU64::new(0) }; 8]);
static PLACES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: usize = PLACES.fetch_add(1, Ordering::Relaxed);
}

/// Adds to the calling thread's own counter, which lies in one cache line with those of the others.
#[pyfunction]
fn load_lines(py: Python<'_>, iterations: u64) -> u64 {
    py.detach(|| {
        let counter = &LINE.0[PLACE.with(|place| *place) % LINE.0.len()];
        let mut seen = 0;
        for _ in 0..iterations {
            seen = counter.fetch_add(1, Ordering::Relaxed);
        }
        seen
    })
}

/// Takes fresh memory from the system, touches each page of it and gives it back.
#[pyfunction]
fn load_pages(py: Python<'_>, bytes: usize) -> PyResult<usize> {
    const PAGE: usize = 4096;
    let touched = py.detach(|| {
        // SAFETY: asks for new anonymous memory at no particular place.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes.max(1),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: advises about the mapping just made, whose length it is.
        unsafe { libc::madvise(memory, bytes.max(1), libc::MADV_NOHUGEPAGE) };
        let mut pages = 0;
        for offset in (0..bytes).step_by(PAGE) {
            // SAFETY: `offset` is below the mapping's length, and nobody else knows the mapping.
            unsafe { memory.cast::<u8>().add(offset).write_volatile(1) };
            pages += 1;
        }
        // SAFETY: gives back the whole mapping, to which no pointer is left.
        unsafe { libc::munmap(memory, bytes.max(1)) };
        Some(pages)
    });
    touched.ok_or_else(|| PyMemoryError::new_err(format!("the system has no {bytes} bytes for this load")))
}
