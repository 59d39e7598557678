//! The extension module `multilane._multilane`: everything that touches Python.
//!
//! One file per concern: `codec` turns values into bytes, `handle` is the native
//! half of a handle, the pools submit, `worker` is the loop of a worker process.

mod allocator;
mod buffer;
mod codec;
mod depend;
mod errors;
mod function;
mod handle;
mod lab;
mod metrics;
mod nested;
mod open_pools;
mod plans;
mod probe;
mod process_pool;
mod quantum;
mod remote_pool;
mod scale;
mod sync;
mod thread_pool;
mod trace;
mod worker;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use multilane_engine::process::store::Store;
use pyo3::prelude::*;

static STORE: Mutex<Option<Arc<Store>>> = Mutex::new(None);
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// This process's shared memory, made when it is first needed.
pub(crate) fn store() -> PyResult<Arc<Store>> {
    let mut store = STORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = &*store {
        return Ok(store.clone());
    }
    let made = Store::create().map_err(errors::engine)?;
    *store = Some(made.clone());
    Ok(made)
}

/// Uses shared memory that another process made.
pub(crate) fn adopt_store(store: Arc<Store>) {
    *STORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(store);
}

/// This process's id, read once and again after a fork.
pub(crate) fn process_id() -> u32 {
    PROCESS.load(Ordering::Relaxed)
}

/// Called in the child of a fork: forgets what belongs to the parent.
#[pyfunction]
fn after_fork() {
    PROCESS.store(std::process::id(), Ordering::Relaxed);
    multilane_engine::fork::note_fork();
    // The parent's threads do not exist here and may have held any lock, so nothing of
    // the parent's is dropped: its memory stays mapped, its pools are never touched.
    if let Ok(mut store) = STORE.try_lock() {
        std::mem::forget(store.take());
    }
}

/// The name a function is known by.
pub(crate) fn function_name(function: &Bound<'_, PyAny>) -> String {
    let py = function.py();
    py.import("multilane._functions")
        .and_then(|functions| functions.call_method1("name_of", (function,)))
        .and_then(|name| name.extract())
        .unwrap_or_else(|_| "function".to_owned())
}

/// Report how far the task is that runs now.
///
/// Parameters
/// ----------
/// done : int
///     Units done.
/// total : int, optional
///     Units in all, where that is known.
///
/// Returns
/// -------
/// bool
///     False outside of a task, where nobody listens.
#[pyfunction]
#[pyo3(signature = (done, total=None))]
fn report_progress(done: i64, total: Option<i64>) -> bool {
    let total = total.unwrap_or(-1);
    worker::report_progress(done, total) || nested::report_progress(done, total)
}

/// The id of the task this thread runs; 0 outside of one.
pub(crate) fn current_task() -> u64 {
    let in_process = worker::current_task();
    if in_process != 0 {
        in_process
    } else {
        multilane_engine::threads::current_task()
    }
}

/// Waits in pieces, so that Ctrl-C is noticed; False after `seconds`, which are
/// endless when negative.
pub(crate) fn wait_in_slices(py: Python<'_>, seconds: f64, wait: impl Fn(Duration) -> bool + Sync) -> PyResult<bool> {
    const SLICE: Duration = Duration::from_millis(100);
    let until = (seconds >= 0.0).then(|| Instant::now() + Duration::from_secs_f64(seconds.min(1e9)));
    loop {
        let left = until.map_or(SLICE, |until| SLICE.min(until - Instant::now().min(until)));
        if py.detach(|| wait(left)) {
            return Ok(true);
        }
        py.check_signals()?;
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(false);
        }
    }
}

#[pymodule]
mod _multilane {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::buffer::SharedBuffer;
    #[pymodule_export]
    use super::handle::{Handle, set_handle_type};
    #[pymodule_export]
    use super::metrics::{Recording, cpus_usable, metrics};
    #[pymodule_export]
    use super::open_pools::wait_pools_closed;
    #[pymodule_export]
    use super::process_pool::ProcessPool;
    #[pymodule_export]
    use super::remote_pool::RemotePool;
    #[pymodule_export]
    use super::thread_pool::ThreadPool;
    #[pymodule_export]
    use super::worker::{in_worker, worker_fail, worker_join, worker_run};
    #[pymodule_export]
    use super::{after_fork, report_progress};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::PROCESS.store(std::process::id(), std::sync::atomic::Ordering::Relaxed);
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        super::trace::register(module)?;
        super::lab::register(module)?;
        super::plans::register(module)?;
        super::quantum::register(module)?;
        super::sync::register(module)?;
        super::scale::register(module)?;
        super::probe::register(module)
    }
}
