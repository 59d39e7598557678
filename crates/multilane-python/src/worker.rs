//! The loop of a worker process: decode, call, encode, publish.
//!
//! Runs on the process's main thread with the interpreter attached; detaches only
//! to wait for the next task.

use std::cell::RefCell;
use std::collections::HashMap;

use multilane_engine::clock;
use multilane_engine::process::frame;
use multilane_engine::process::layout::Verdict;
use multilane_engine::process::spawn::Coordinates;
use multilane_engine::process::worker::{Job, Times, Worker};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::allocator::Holes;
use crate::buffer::{self, SharedBuffer};
use crate::codec::{self, Encoded};

/// Functions a worker keeps; one that comes back later is read again.
const FUNCTIONS_KEPT: usize = 1024;

/// The functions this worker has read, and the room their tasks' objects find.
#[derive(Default)]
struct Functions {
    read: HashMap<u64, Py<PyAny>>,
    holes: Holes,
}

struct Current {
    worker: Worker,
    job: Option<Job>,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Reports the progress of the task this process runs; false outside of one.
pub(crate) fn report_progress(done: i64, total: i64) -> bool {
    CURRENT.with_borrow(|current| match current {
        Some(Current { worker, job: Some(job) }) => {
            worker.report_progress(job, done, total);
            true
        }
        _ => false,
    })
}

/// The id of the task this process runs; 0 outside of one.
pub(crate) fn current_task() -> u64 {
    CURRENT.with_borrow(|c| c.as_ref().and_then(|c| c.job.as_ref()).map_or(0, |job| job.task))
}

fn with_worker<R>(body: impl FnOnce(&mut Current) -> R) -> PyResult<R> {
    CURRENT.with_borrow_mut(|current| match current {
        Some(current) => Ok(body(current)),
        None => Err(PyRuntimeError::new_err("this process is not a worker")),
    })
}

/// Joins the pool that started this process and returns its start-up message.
#[pyfunction]
pub(crate) fn worker_join<'py>(py: Python<'py>, arguments: Vec<String>) -> PyResult<Bound<'py, PyBytes>> {
    let coordinates =
        Coordinates::parse(&arguments).ok_or_else(|| PyValueError::new_err("a worker is started by its pool only"))?;
    let worker = Worker::join(coordinates).map_err(crate::errors::engine)?;
    crate::adopt_store(worker.store().clone());
    crate::remote_pool::connect(worker.remote(), worker.store().clone());
    let setup = PyBytes::new(py, &worker.setup());
    CURRENT.set(Some(Current { worker, job: None }));
    Ok(setup)
}

/// Tells the parent why this worker can never work.
#[pyfunction]
pub(crate) fn worker_fail(message: &[u8]) -> PyResult<()> {
    with_worker(|current| current.worker.fail(message))?.map_err(crate::errors::engine)
}

/// Runs tasks until the pool is closed.
///
/// `encode_error(error, function, arguments, keywords)` gives the bytes of an error,
/// `idle()` runs before the worker waits.
#[pyfunction]
pub(crate) fn worker_run(py: Python<'_>, encode_error: &Bound<'_, PyAny>, idle: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut functions = Functions::default();
    functions.holes.fill(py);
    with_worker(|current| current.worker.ready())?;
    let mut cpu_ns = clock::thread_cpu_ns();
    let mut delay = clock::RunDelay::of_this_thread();
    loop {
        let mut job = with_worker(|current| current.worker.try_next())?;
        if job.is_none() {
            idle.call0()?;
            // The worker lives in a thread-local of this thread, which is the one that
            // waits, so taking it along while detached keeps it in place.
            job = py.detach(|| with_worker(|current| current.worker.wait_next()))?;
            cpu_ns = clock::thread_cpu_ns();
            delay.read();
        }
        let Some(job) = job else { return Ok(()) };
        with_worker(|current| current.job = Some(job))?;
        let done = run_job(py, &mut functions, encode_error);
        let job = with_worker(|current| current.job.take())?;
        let (
            Some(job),
            Finished {
                verdict,
                encoded,
                mut times,
                received,
            },
        ) = (job, done?)
        else {
            return Ok(());
        };
        let now = clock::thread_cpu_ns();
        times.cpu_ns = now.saturating_sub(cpu_ns);
        cpu_ns = now;
        let wall_ns = clock::now_ns().saturating_sub(job.started_ns);
        if wall_ns > times.cpu_ns + clock::NOTABLE_LOSS_NS {
            let before_ns = delay.seen();
            times.run_queue_ns = delay.read().saturating_sub(before_ns).min(wall_ns);
        }
        publish(py, &job, verdict, encoded, times, encode_error)?;
        // Unmapping a large array takes a while, which nobody has to wait for.
        drop(received);
    }
}

struct Finished {
    verdict: Verdict,
    encoded: Encoded,
    times: Times,
    /// What only this list refers to any more.
    received: Vec<Py<SharedBuffer>>,
}

/// Runs the current job. An error of the user's becomes part of the result.
fn run_job(py: Python<'_>, functions: &mut Functions, encode_error: &Bound<'_, PyAny>) -> PyResult<Finished> {
    let store = crate::store()?;
    let mut times = Times::default();
    let started_ns = clock::now_ns();
    let mut received: Vec<Py<SharedBuffer>> = Vec::new();
    let call = prepare(py, functions, &mut received);
    times.decode_ns = clock::now_ns() - started_ns;
    let result = match call {
        Err(error) => Err((error, None)),
        Ok((function, arguments, keywords)) => match function.call(&arguments, keywords.as_ref()) {
            Ok(value) => {
                let called_ns = clock::now_ns();
                let encoded = codec::encode(&store, &value);
                drop(value);
                times.encode_ns = clock::now_ns() - called_ns;
                encoded.map_err(|error| {
                    let marker = py.import("multilane._worker");
                    let wrapped = marker.and_then(|module| {
                        module.call_method1("unsendable", (error.clone_ref(py).into_value(py), &function))
                    });
                    let error = match wrapped {
                        Ok(wrapped) => PyErr::from_value(wrapped),
                        Err(error) => error,
                    };
                    (error, Some((function, arguments, keywords)))
                })
            }
            Err(error) => Err((error, Some((function, arguments, keywords)))),
        },
    };
    let (verdict, encoded) = match result {
        Ok(encoded) => (Verdict::Returned, encoded),
        Err((error, call)) => {
            let (function, arguments, keywords) = match call {
                Some((function, arguments, keywords)) => (Some(function), Some(arguments), keywords),
                None => (None, None, None),
            };
            let bytes = encode_error.call1((error.into_value(py), function, arguments, keywords))?;
            let mut framed = vec![0; 4];
            framed.extend_from_slice(bytes.cast::<PyBytes>()?.as_bytes());
            let encoded = Encoded {
                bytes: framed,
                blocks: Vec::new(),
                lent: Vec::new(),
            };
            (Verdict::Raised, encoded)
        }
    };
    buffer::detach_kept(py, &received);
    Ok(Finished {
        verdict,
        encoded,
        times,
        received,
    })
}

type Call<'py> = (
    Bound<'py, PyAny>,
    Bound<'py, PyTuple>,
    Option<Bound<'py, pyo3::types::PyDict>>,
);

/// Finds the function and reads the arguments.
fn prepare<'py>(
    py: Python<'py>,
    functions: &mut Functions,
    received: &mut Vec<Py<SharedBuffer>>,
) -> PyResult<Call<'py>> {
    CURRENT.with_borrow(|current| {
        let Some(Current { worker, job: Some(job) }) = current else {
            return Err(PyRuntimeError::new_err("there is no task to run"));
        };
        let code = worker.code(job);
        let damaged = || PyValueError::new_err("a task's message is damaged");
        let (id, code) = code.split_first_chunk::<8>().ok_or_else(damaged)?;
        let id = u64::from_le_bytes(*id);
        let (references, bytes) = frame::parse(worker.arguments(job)).ok_or_else(damaged)?;
        for reference in &references {
            let region = worker.store().region(reference.region).map_err(crate::errors::engine)?;
            // SAFETY: the parent wrote the piece at this offset of the region.
            let address = unsafe { region.address().add(reference.offset as usize) };
            let buffer =
                SharedBuffer::receive(worker.store(), reference, address, None).map_err(crate::errors::engine)?;
            received.push(Py::new(py, buffer)?);
        }
        let function = match functions.read.get(&id) {
            Some(function) => function.bind(py).clone(),
            None => {
                let function = codec::decode(py, code, &[])?;
                if functions.read.len() >= FUNCTIONS_KEPT {
                    functions.read.clear();
                }
                functions.read.insert(id, function.clone().unbind());
                // Its module may have been imported just now.
                functions.holes.fill(py);
                function
            }
        };
        let (arguments, keywords) = codec::decode_call(py, bytes, received)?;
        Ok((function, arguments, keywords))
    })
}

/// Hands the result over. A result that does not fit into shared memory becomes an error.
fn publish(
    py: Python<'_>,
    job: &Job,
    verdict: Verdict,
    mut encoded: Encoded,
    times: Times,
    encode_error: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let prepared = crate::store().and_then(|store| codec::settle_lent(&store, &mut encoded));
    let finished = prepared.and_then(|()| {
        with_worker(|current| {
            current
                .worker
                .finish(job, verdict, &encoded.bytes, encoded.blocks, times)
        })?
        .map_err(crate::errors::engine)
    });
    let Err(error) = finished else { return Ok(()) };
    let bytes = encode_error.call1((error.into_value(py), py.None(), py.None(), py.None()))?;
    let mut framed = vec![0; 4];
    framed.extend_from_slice(bytes.cast::<PyBytes>()?.as_bytes());
    with_worker(|current| current.worker.finish(job, Verdict::Raised, &framed, Vec::new(), times))?
        .map_err(crate::errors::engine)
}

/// Whether this process is a worker of a pool.
#[pyfunction]
pub(crate) fn in_worker() -> bool {
    CURRENT.with_borrow(Option::is_some)
}
