//! Keeps other processors busy in a known way while an operation is measured, and finds what memory can deliver.
//!
//! Two kinds of company: arithmetic in registers, which takes nothing but a processor, and streams through memory,
//! which take bandwidth and the shared cache. What slows an operation down beside one and not the other says what the
//! operation lacks.

use std::{
    hint::black_box,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use multilane_engine::clock;
use multilane_lab::loads::triad;
use pyo3::{exceptions::PyValueError, prelude::*};

/// Elements of each array: three of them are beyond any cache that two processors share.
const ELEMENTS: usize = 4 << 20;

/// Elements between two looks at the stop mark.
const STRIDE: usize = 1 << 16;

/// Bytes that a triad moves for an element: two read, one written.
const BYTES: u64 = 24;

/// Threads that keep processors busy until they are stopped.
#[pyclass(module = "multilane._multilane", frozen)]
pub(crate) struct Beside {
    stop: Arc<AtomicBool>,
    moved: Arc<AtomicU64>,
    ready: Arc<AtomicU64>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    started_ns: AtomicU64,
    owner: u32,
}

#[pymethods]
impl Beside {
    /// Starts `threads` threads of a kind and waits until they are at it.
    #[new]
    fn new(py: Python<'_>, kind: &str, threads: u64) -> PyResult<Self> {
        let work: fn(&AtomicBool, &AtomicU64, &AtomicU64) = match kind {
            "compute" => compute,
            "memory" => stream,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "`{kind}` is neither `compute` nor `memory`"
                )));
            }
        };
        let made = Self {
            stop: Arc::default(),
            moved: Arc::default(),
            ready: Arc::default(),
            threads: Mutex::default(),
            started_ns: AtomicU64::new(0),
            owner: process::id(),
        };
        for _ in 0..threads {
            let (stop, moved, ready) = (made.stop.clone(), made.moved.clone(), made.ready.clone());
            let thread = thread::Builder::new().name("multilane-beside".to_owned());
            let thread = thread.spawn(move || work(&stop, &moved, &ready))?;
            made.threads().push(thread);
        }
        py.detach(|| {
            while made.ready.load(Ordering::Acquire) < threads {
                thread::yield_now();
            }
        });
        made.moved.store(0, Ordering::Relaxed);
        made.started_ns.store(clock::now_ns(), Ordering::Relaxed);
        Ok(made)
    }

    /// Stops the threads; the bytes a nanosecond that they moved together.
    fn stop(&self, py: Python<'_>) -> f64 {
        let moved = self.moved.load(Ordering::Relaxed);
        let took_ns = clock::now_ns() - self.started_ns.load(Ordering::Relaxed);
        self.stop.store(true, Ordering::Relaxed);
        let threads = std::mem::take(&mut *self.threads());
        // A forked child has the handles, but not the threads.
        if self.owner == process::id() {
            py.detach(|| threads.into_iter().for_each(|thread| drop(thread.join())));
        } else {
            std::mem::forget(threads);
        }
        moved as f64 / took_ns.max(1) as f64
    }
}

impl Beside {
    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn compute(stop: &AtomicBool, _: &AtomicU64, ready: &AtomicU64) {
    ready.fetch_add(1, Ordering::Release);
    let mut state = [1.0f64, 1.1, 1.2, 1.3];
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..STRIDE {
            // Independent chains, so that the arithmetic units are as busy as they can be.
            state = black_box(state.map(|value| value.mul_add(0.999_999, 1e-6)));
        }
    }
}

fn stream(stop: &AtomicBool, moved: &AtomicU64, ready: &AtomicU64) {
    let mut out = vec![0.0f64; ELEMENTS];
    let (one, two) = (vec![1.0f64; ELEMENTS], vec![2.0f64; ELEMENTS]);
    triad(&mut out, &one, &two);
    ready.fetch_add(1, Ordering::Release);
    'again: loop {
        let inputs = one.chunks(STRIDE).zip(two.chunks(STRIDE));
        for (out, (one, two)) in out.chunks_mut(STRIDE).zip(inputs) {
            if stop.load(Ordering::Relaxed) {
                break 'again;
            }
            triad(out, one, two);
            moved.fetch_add(BYTES * STRIDE as u64, Ordering::Relaxed);
        }
    }
    black_box(&out);
}
