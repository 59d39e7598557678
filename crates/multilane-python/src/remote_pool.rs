//! `multilane._multilane.RemotePool`: the pool of a worker, for the tasks of its tasks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use multilane_engine::backend::Backend;
use multilane_engine::clock;
use multilane_engine::process::mail::Submission;
use multilane_engine::process::remote::Remote;
use multilane_engine::process::store::{Block, Store};
use multilane_engine::record;
use multilane_engine::task::{Failure, Options, Outcome, Task, Value};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::codec;
use crate::depend;
use crate::errors;
use crate::function::{self, Code, Functions};
use crate::handle;
use crate::process_pool::{Asked, unsendable};

struct Call {
    task: Arc<Task>,
    function: Py<PyAny>,
    arguments: Py<PyTuple>,
    keywords: Option<Py<PyDict>>,
}

/// What a worker process keeps for the tasks of its tasks.
pub(crate) struct Nested {
    remote: Arc<Remote>,
    store: Arc<Store>,
    functions: Functions,
    trampoline: OnceLock<Arc<Code>>,
    /// Calls that may come back to be run here, by task id.
    calls: Mutex<HashMap<u64, Call>>,
}

static NESTED: OnceLock<Arc<Nested>> = OnceLock::new();

/// Connects this worker process to its pool.
pub(crate) fn connect(remote: Remote, store: Arc<Store>) {
    let nested = Nested {
        remote: Arc::new(remote),
        store,
        functions: Functions::default(),
        trampoline: OnceLock::new(),
        calls: Mutex::default(),
    };
    // A process joins one pool in its life.
    let _ = NESTED.set(Arc::new(nested));
}

/// Runs tasks of this worker's tasks that nobody has started, until `wanted` has ended
/// or is known to run elsewhere and nothing else is left. The task waited for comes
/// first; every one of them is a descendant of what waits, so this cannot close a cycle.
pub(crate) fn run_unstarted(py: Python<'_>, wanted: &Task) {
    let Some(nested) = NESTED.get() else { return };
    if !nested.knows(wanted.id) {
        return;
    }
    if nested.run_here(py, wanted.id) {
        return;
    }
    while !wanted.is_done() {
        let others: Vec<u64> = {
            let calls = nested.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let mut ids: Vec<u64> = calls.keys().copied().collect();
            ids.sort_unstable();
            ids
        };
        if !others.into_iter().any(|id| nested.run_here(py, id)) {
            return;
        }
    }
}

impl Nested {
    fn knows(&self, id: u64) -> bool {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&id)
    }

    /// Runs a task in this thread if the parent gives it back.
    fn run_here(&self, py: Python<'_>, id: u64) -> bool {
        let found = {
            let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.get(&id).map(|call| call.task.clone())
        };
        let Some(task) = found else { return false };
        let mine = py.detach(|| self.remote.take(&task));
        // Whether it comes or not, there is no second question.
        let call = self.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let (true, Some(call)) = (mine, call) else { return false };
        let keywords = call.keywords.as_ref().map(|keywords| keywords.bind(py));
        let result = call.function.bind(py).call(call.arguments.bind(py).clone(), keywords);
        let outcome = match result {
            Ok(value) => Outcome::Done(Value::Local(Box::new(value.unbind()))),
            Err(error) => {
                let error: Py<PyAny> = error.into_value(py).into_any();
                Outcome::Failed(Failure::Raised(Value::Local(Box::new(error))))
            }
        };
        self.remote.finish(&task, outcome);
        true
    }

    fn trampoline(&self, py: Python<'_>) -> PyResult<Arc<Code>> {
        if let Some(code) = self.trampoline.get() {
            return Ok(code.clone());
        }
        let function = py.import("multilane._functions")?.getattr("apply")?;
        let code = Arc::new(Code::new(&self.store, &function, None)?);
        Ok(self.trampoline.get_or_init(|| code).clone())
    }

    fn post(
        self: &Arc<Self>,
        task: &Arc<Task>,
        function: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let py = function.py();
        let (code, encoded) = if function::goes_with_call(function) {
            let with: Vec<_> = std::iter::once(function.clone()).chain(arguments.iter()).collect();
            let with = PyTuple::new(py, with)?;
            (self.trampoline(py)?, codec::encode_call(&self.store, &with, keywords)?)
        } else {
            (
                self.functions.get(&self.store, function)?,
                codec::encode_call(&self.store, arguments, keywords)?,
            )
        };
        let mut blocks: Vec<Block> = encoded.blocks;
        let mut bytes = encoded.bytes;
        if !encoded.lent.is_empty() {
            // The parent is to own what the message refers to, so it refers to copies.
            bytes = codec::copy_lent(&self.store, &bytes, encoded.lent, &mut blocks)?;
        }
        let options = &task.options;
        let submission = Submission {
            local: 0,
            parent: options.parent,
            priority: options.priority,
            retries: options.retries,
            timeout: options.timeout,
            backoff: options.backoff,
            name: record::name(options.function),
            // SAFETY: the code's block holds its bytes as long as `code` lives.
            code: unsafe { std::slice::from_raw_parts(code.block.address(), code.block.len() as usize) }.to_vec(),
            arguments: bytes,
        };
        let call = Call {
            task: task.clone(),
            function: function.clone().unbind(),
            arguments: arguments.clone().unbind(),
            keywords: keywords.map(|keywords| keywords.clone().unbind()),
        };
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(task.id, call);
        let forget = self.clone();
        let forgotten = task.on_done(Box::new(move |task| {
            let call = forget
                .calls
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&task.id);
            if call.is_some() {
                Python::attach(|_| drop(call));
            }
        }));
        drop(forgotten);
        py.detach(|| self.remote.submit(task, submission, blocks))
            .map_err(errors::engine)
    }
}

/// The pool this process is a worker of.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct RemotePool {
    nested: Arc<Nested>,
}

impl RemotePool {
    fn start<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        mut options: Options,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = function.py();
        if options.function == u32::MAX {
            options.function = record::intern(&crate::function_name(function));
        }
        let task = Task::new(options, clock::now_ns());
        let nested = self.nested.clone();
        let handle = handle::make(py, task.clone(), nested.remote.clone())?;
        if depend::any(arguments, keywords) {
            let run = move |task: &Arc<Task>, call: depend::Call<'_>| {
                let py = call.function.py();
                let posted = nested.post(task, &call.function, &call.arguments, call.keywords.as_ref());
                if let Err(error) = posted {
                    let error = unsendable(py, &call.function, error).into_value(py).into_any();
                    let failure = Failure::Raised(Value::Local(Box::new(error)));
                    nested.remote.finish(task, Outcome::Failed(failure));
                }
            };
            depend::defer(&handle, function, arguments, keywords, Box::new(run))?;
            return Ok(handle);
        }
        nested
            .post(&task, function, arguments, keywords)
            .map_err(|error| unsendable(py, function, error))?;
        Ok(handle)
    }
}

#[pymethods]
impl RemotePool {
    #[new]
    fn new() -> PyResult<Self> {
        let nested = NESTED.get().cloned();
        let nested = nested.ok_or_else(|| PyRuntimeError::new_err("this process is not a worker"))?;
        Ok(Self { nested })
    }

    /// How many workers the pool has.
    #[getter]
    fn workers(&self) -> usize {
        self.nested.remote.workers()
    }

    /// Runs `function(*arguments, **keywords)` in a worker.
    #[pyo3(signature = (function, /, *arguments, **keywords))]
    fn submit<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let parent = crate::current_task();
        let options = Options {
            function: u32::MAX,
            parent,
            ..Options::default()
        };
        self.start(function, arguments, keywords, options)
    }

    /// The same with options.
    fn submit_with<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        options: Asked,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.start(function, arguments, keywords, options.options()?)
    }

    fn worker_pids(&self) -> Vec<u32> {
        Vec::new()
    }

    fn wait_ready(&self, seconds: f64) -> bool {
        // This very process is one of the workers.
        seconds.is_finite()
    }

    fn look_again(&self) {}

    fn active(&self) -> usize {
        self.nested.remote.active()
    }

    fn broken(&self) -> Option<String> {
        self.nested.remote.broken()
    }

    /// Waits until fewer than `limit` tasks are unfinished; False after `seconds`.
    fn wait_for_room(&self, py: Python<'_>, limit: usize, seconds: f64) -> bool {
        self.help(py);
        py.detach(|| {
            self.nested
                .remote
                .wait_for_room(limit, Duration::from_secs_f64(seconds))
        })
    }

    fn close(&self, py: Python<'_>, cancel_pending: bool) {
        py.detach(|| self.nested.remote.close(cancel_pending));
    }

    fn kill(&self, py: Python<'_>, reason: &str) {
        py.detach(|| self.nested.remote.kill(reason));
    }

    /// Waits until every task has ended; False after `seconds`.
    fn wait_closed(&self, py: Python<'_>, seconds: f64) -> bool {
        self.help(py);
        py.detach(|| self.nested.remote.wait_closed(Duration::from_secs_f64(seconds)))
    }
}

impl RemotePool {
    /// Runs what nobody has started: a worker that waits must not hold up its own tasks.
    fn help(&self, py: Python<'_>) {
        loop {
            let next = {
                let calls = self.nested.calls.lock().unwrap_or_else(PoisonError::into_inner);
                calls.keys().min().copied()
            };
            let Some(id) = next else { return };
            self.nested.run_here(py, id);
        }
    }
}
