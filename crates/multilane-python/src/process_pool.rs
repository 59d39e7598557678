//! `multilane._multilane.ProcessPool`: tasks for worker processes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use multilane_engine::backend::{Backend, Host};
use multilane_engine::clock;
use multilane_engine::fork::Birth;
use multilane_engine::process::pool::{Config, Pool, Work};
use multilane_engine::process::spawn::Launch;
use multilane_engine::process::store::Store;
use multilane_engine::record;
use multilane_engine::task::{Failure, Options, Outcome, Task, Value};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::codec;
use crate::depend;
use crate::errors;
use crate::function::{self, Code, Functions};
use crate::handle;
use crate::open_pools;

/// Callbacks run attached to the interpreter.
pub(crate) struct PythonHost;

impl Host for PythonHost {
    fn run_callbacks(&self, body: &mut dyn FnMut()) {
        Python::attach(|_| body());
    }

    fn describe_failure(&self, message: &[u8]) -> String {
        let text = String::from_utf8_lossy(message).into_owned();
        errors::log_start_failure(&text, None);
        text
    }
}

/// What a submission asks for beside the call.
#[derive(Clone, FromPyObject)]
pub(crate) struct Asked {
    #[pyo3(item)]
    timeout: Option<f64>,
    #[pyo3(item)]
    retries: u16,
    #[pyo3(item)]
    backoff: f64,
    #[pyo3(item)]
    priority: i32,
    #[pyo3(item)]
    name: Option<String>,
}

impl Asked {
    /// Checked and in the engine's units.
    pub(crate) fn options(&self) -> PyResult<Options> {
        if !(self.backoff >= 0.0 && self.backoff.is_finite()) {
            let backoff = self.backoff;
            return Err(PyValueError::new_err(format!(
                "`backoff` is {backoff}, but must be a number of seconds, 0 or more"
            )));
        }
        Ok(Options {
            function: self.name.as_deref().map_or(u32::MAX, record::intern),
            priority: self.priority,
            timeout: handle::Handle::seconds(self.timeout, "timeout")?,
            retries: self.retries,
            backoff: Duration::from_secs_f64(self.backoff.min(1e9)),
            parent: crate::current_task(),
        })
    }
}

pub(crate) struct Shared {
    pub(crate) pool: Arc<Pool>,
    pub(crate) store: Arc<Store>,
    functions: Functions,
    trampoline: Mutex<Option<Arc<Code>>>,
}

/// Worker processes fed through shared memory.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct ProcessPool {
    shared: Arc<Shared>,
    birth: Birth,
}

impl Drop for ProcessPool {
    fn drop(&mut self) {
        open_pools::let_go(self.birth, &*self.shared.pool);
    }
}

impl Shared {
    fn code(&self, function: &Bound<'_, PyAny>) -> PyResult<Arc<Code>> {
        self.functions.get(&self.store, function)
    }

    /// The function that calls its first argument with the others.
    fn trampoline(&self, py: Python<'_>) -> PyResult<Arc<Code>> {
        if let Some(code) = &*self.trampoline.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(code.clone());
        }
        let function = py.import("multilane._functions")?.getattr("apply")?;
        let code = Arc::new(Code::new(&self.store, &function, None)?);
        *self.trampoline.lock().unwrap_or_else(PoisonError::into_inner) = Some(code.clone());
        Ok(code)
    }

    /// Encodes a call.
    pub(crate) fn work(
        &self,
        function: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<(Arc<Code>, Work)> {
        let py = function.py();
        let (code, encoded) = if function::goes_with_call(function) {
            let with = std::iter::once(function.clone()).chain(arguments.iter());
            let with = PyTuple::new(py, with.collect::<Vec<_>>())?;
            (self.trampoline(py)?, codec::encode_call(&self.store, &with, keywords)?)
        } else {
            (
                self.code(function)?,
                codec::encode_call(&self.store, arguments, keywords)?,
            )
        };
        let mut blocks = encoded.blocks;
        blocks.extend(encoded.lent);
        let work = Work::new(&self.store, code.block.clone(), &encoded.bytes, blocks).map_err(errors::engine)?;
        Ok((code, work))
    }

    /// Names a task after its function where the caller gave no name.
    fn name(&self, function: &Bound<'_, PyAny>, code: &Code) -> u32 {
        if function::goes_with_call(function) {
            record::intern(&crate::function_name(function))
        } else {
            code.name
        }
    }
}

/// Says which call could not be sent to a worker, and why.
pub(crate) fn unsendable(py: Python<'_>, function: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let wrapped = py
        .import("multilane._errors_codec")
        .and_then(|m| m.call_method1("unsendable_call", (function, error.into_value(py))));
    match wrapped {
        Ok(wrapped) => PyErr::from_value(wrapped),
        Err(error) => error,
    }
}

fn submit<'py>(
    shared: &Arc<Shared>,
    function: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
    mut options: Options,
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let queued_ns = clock::now_ns();
    let lane: handle::Lane = shared.pool.clone();
    if depend::any(arguments, keywords) {
        if options.function == u32::MAX {
            options.function = record::intern(&crate::function_name(function));
        }
        shared.pool.admit().map_err(errors::engine)?;
        let task = Task::new(options, queued_ns);
        let handle = handle::make(py, task.clone(), lane)?;
        let shared = shared.clone();
        let run = move |task: &Arc<Task>, call: depend::Call<'_>| {
            let py = call.function.py();
            match shared.work(&call.function, &call.arguments, call.keywords.as_ref()) {
                Ok((_, work)) => shared.pool.submit(task, work),
                Err(error) => {
                    let error = unsendable(py, &call.function, error).into_value(py);
                    let error: Py<PyAny> = error.into_any();
                    let failure = Failure::Raised(Value::Local(Box::new(error)));
                    shared.pool.finish(task, Outcome::Failed(failure));
                }
            }
        };
        depend::defer(&handle, function, arguments, keywords, Box::new(run))?;
        return Ok(handle);
    }
    let (code, work) = shared
        .work(function, arguments, keywords)
        .map_err(|error| unsendable(py, function, error))?;
    if options.function == u32::MAX {
        options.function = shared.name(function, &code);
    }
    shared.pool.admit().map_err(errors::engine)?;
    let task = Task::new(options, queued_ns);
    let encode_ns = clock::now_ns() - queued_ns;
    task.encode_ns.store(encode_ns, std::sync::atomic::Ordering::Relaxed);
    shared.pool.submit(&task, work);
    handle::make(py, task, lane)
}

impl ProcessPool {
    pub(crate) fn describe_workers(&self) -> Vec<multilane_trace::Worker> {
        self.shared.pool.describe_workers()
    }
}

#[pymethods]
impl ProcessPool {
    #[new]
    #[pyo3(signature = (workers, program, arguments, environment, setup, memory_limit, recycle_after))]
    #[expect(clippy::too_many_arguments, reason = "the signature is Python's, which names them")]
    fn new(
        py: Python<'_>,
        workers: usize,
        program: std::ffi::OsString,
        arguments: Vec<std::ffi::OsString>,
        environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
        setup: Vec<u8>,
        memory_limit: Option<u64>,
        recycle_after: Option<u32>,
    ) -> PyResult<Self> {
        let store = crate::store()?;
        let launch = Launch {
            program,
            arguments,
            environment,
        };
        let host = Arc::new(PythonHost);
        let config = Config {
            workers,
            launch,
            setup,
            memory_limit,
            recycle_after,
            host,
        };
        let pool = py.detach(|| Pool::start(&store, config)).map_err(errors::engine)?;
        let shared = Shared {
            pool: Arc::new(pool),
            store,
            functions: Functions::default(),
            trampoline: Mutex::default(),
        };
        open_pools::remember(shared.pool.ended());
        Ok(Self {
            shared: Arc::new(shared),
            birth: Birth::here(),
        })
    }

    /// Runs `function(*arguments, **keywords)` in a worker.
    #[pyo3(signature = (function, /, *arguments, **keywords))]
    fn submit<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = Options {
            function: u32::MAX,
            parent: crate::current_task(),
            ..Options::default()
        };
        submit(&self.shared, function, arguments, keywords, options)
    }

    /// The same with options.
    fn submit_with<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        options: Asked,
    ) -> PyResult<Bound<'py, PyAny>> {
        submit(&self.shared, function, arguments, keywords, options.options()?)
    }

    fn worker_pids(&self) -> Vec<u32> {
        self.shared.pool.worker_pids()
    }

    /// Waits until every worker is up; False after `seconds`.
    fn wait_ready(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        let pool = &self.shared.pool;
        let ended = |patience| pool.wait_ready(patience) || pool.broken().is_some();
        Ok(crate::wait_in_slices(py, seconds, ended)? && pool.broken().is_none())
    }

    /// Says that a recording was opened, which wants to see progress.
    fn look_again(&self) {
        self.shared.pool.look_again();
    }

    fn active(&self) -> usize {
        self.shared.pool.active()
    }

    fn broken(&self) -> Option<String> {
        self.shared.pool.broken()
    }

    /// Waits until fewer than `limit` tasks are unfinished; False after `seconds`.
    fn wait_for_room(&self, py: Python<'_>, limit: usize, seconds: f64) -> bool {
        py.detach(|| self.shared.pool.wait_for_room(limit, Duration::from_secs_f64(seconds)))
    }

    fn close(&self, cancel_pending: bool) {
        self.shared.pool.close(cancel_pending);
    }

    fn kill(&self, reason: &str) {
        self.shared.pool.kill(reason);
    }

    /// Waits until every worker has ended; False after `seconds`.
    fn wait_closed(&self, py: Python<'_>, seconds: f64) -> bool {
        py.detach(|| self.shared.pool.wait_closed(Duration::from_secs_f64(seconds)))
    }
}
