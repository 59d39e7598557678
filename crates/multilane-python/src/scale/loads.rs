//! Operations whose limit is known by construction: what a verdict is tested on.
//!
//! Each is one operation, called by any number of threads. They release the interpreter lock, but for the one that is
//! there to hold it.

use std::{
    hint::black_box,
    ptr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use pyo3::{exceptions::PyMemoryError, prelude::*};

use super::beside::triad;

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

/// In the widest vectors that the processor is sure to have.
fn elementwise(elements: u32, iterations: u32) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor was just asked whether it has these instructions.
        return unsafe { elementwise_avx2(elements, iterations) };
    }
    iterate(elements, iterations)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn elementwise_avx2(elements: u32, iterations: u32) -> f64 {
    iterate(elements, iterations)
}

/// Elements that stay in registers and the first cache while they are iterated.
const BLOCK: usize = 64;

#[inline(always)]
fn iterate(elements: u32, iterations: u32) -> f64 {
    let mut sum = 0.0;
    let mut from = 0;
    while from < elements {
        let mut values: [f32; BLOCK] = std::array::from_fn(|index| (from as usize + index) as f32 / elements as f32);
        for _ in 0..iterations {
            for value in &mut values {
                *value += sine(*value) * cosine(*value);
            }
        }
        let here = BLOCK.min((elements - from) as usize);
        sum += values[..here].iter().map(|value| f64::from(*value)).sum::<f64>();
        from += BLOCK as u32;
    }
    sum
}

/// Taylor's series: values start in 0 to 1 and the kernel draws them to half of pi, so no range has to be reduced.
#[inline(always)]
fn sine(x: f32) -> f32 {
    let square = x * x;
    let terms = [
        -1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        -1.0 / 5040.0,
        1.0 / 120.0,
        -1.0 / 6.0,
        1.0,
    ];
    x * terms.into_iter().fold(0.0, |sum, term| sum * square + term)
}

#[inline(always)]
fn cosine(x: f32) -> f32 {
    let square = x * x;
    let terms = [
        1.0 / 479_001_600.0,
        -1.0 / 3_628_800.0,
        1.0 / 40_320.0,
        -1.0 / 720.0,
        1.0 / 24.0,
        -1.0 / 2.0,
        1.0,
    ];
    terms.into_iter().fold(0.0, |sum, term| sum * square + term)
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

fn spin(iterations: u64) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..iterations {
        // One chain of dependent steps: no compiler and no processor shortens it.
        state ^= state << 13;
        state ^= state >> 7;
        state = black_box(state ^ (state << 17));
    }
    state
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_kernel_computes_what_it_says() {
        for (elements, iterations) in [(1, 0), (100, 1), (1000, 10), (65, 500)] {
            let expected: f64 = (0..elements)
                .map(|element| {
                    let mut value = f64::from(element) / f64::from(elements);
                    (0..iterations).for_each(|_| value += value.sin() * value.cos());
                    value
                })
                .sum();
            let found = elementwise(elements, iterations);
            assert!(
                (found - expected).abs() <= 1e-5 * f64::from(elements),
                "{found} for {expected}"
            );
        }
    }

    #[test]
    fn arithmetic_is_not_optimised_away() {
        assert_ne!(spin(1), spin(2));
        assert_eq!(spin(1000), spin(1000));
    }
}
