//! `multilane._multilane.ThreadPool`: tasks for threads of this process, or for none.

use std::sync::Arc;
use std::time::Duration;

use multilane_engine::backend::Backend;
use multilane_engine::clock;
use multilane_engine::fork::Birth;
use multilane_engine::record;
use multilane_engine::task::{Options, Task, Value};
use multilane_engine::threads::{Call, Pool, Runner, Worker};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::depend;
use crate::errors;
use crate::handle;
use crate::open_pools;
use crate::process_pool::Asked;

struct PythonRunner {
    initializer: Option<(Py<PyAny>, Py<PyTuple>)>,
}

impl Runner for PythonRunner {
    /// Attaches once for the life of the worker and detaches only to wait: attaching
    /// makes a thread state, which costs as much as several tasks.
    fn run(&self, worker: &Worker) {
        Python::attach(|py| {
            while let Some(job) = py.detach(|| worker.next()) {
                worker.run(job);
            }
        });
    }

    fn start(&self) -> Result<(), String> {
        let Some((initializer, arguments)) = &self.initializer else {
            return Ok(());
        };
        Python::attach(|py| {
            let called = initializer.call1(py, arguments.bind(py).clone());
            called.map(drop).map_err(|error| {
                let text = error.to_string();
                errors::log_start_failure(&format!("the initializer raised {text}"), Some(error));
                text
            })
        })
    }

    fn interrupt(&self, _thread: u64) -> bool {
        false
    }

    /// Other threads of Python run meanwhile.
    fn pause(&self, duration: Duration) {
        Python::attach(|py| py.detach(|| std::thread::sleep(duration)));
    }

    fn thread(&self) -> u64 {
        // SAFETY: reads the identity of the calling thread.
        unsafe { ffi::PyThread_get_thread_ident() as u64 }
    }
}

/// Threads of this process; with no workers, tasks run where they are submitted.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct ThreadPool {
    pool: Arc<Pool>,
    birth: Birth,
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        open_pools::let_go(self.birth, &*self.pool);
    }
}

/// The call as the engine runs it, attached to the interpreter.
fn call(function: Py<PyAny>, arguments: Py<PyTuple>, keywords: Option<Py<PyDict>>, pool: Arc<Pool>) -> Call {
    Box::new(move || {
        Python::attach(|py| {
            let _entered = crate::nested::enter(&pool);
            let keywords = keywords.as_ref().map(|keywords| keywords.bind(py));
            match function.bind(py).call(arguments.bind(py).clone(), keywords) {
                Ok(value) => Ok(Value::Local(Box::new(value.unbind()))),
                Err(error) => {
                    let value = error.into_value(py).into_any();
                    let noted = py.import("multilane._errors_codec").and_then(|m| {
                        let keywords = keywords.cloned();
                        m.call_method1("note_call", (&value, &function, &arguments, keywords))
                    });
                    drop(noted);
                    Err(Value::Local(Box::new(value)))
                }
            }
        })
    })
}

impl ThreadPool {
    pub(crate) fn describe_workers(&self) -> Vec<multilane_trace::Worker> {
        self.pool.describe_workers()
    }

    fn start<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        mut options: Options,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = function.py();
        if !function.is_callable() {
            let text = function.repr()?;
            return Err(PyTypeError::new_err(format!("{text} is not callable")));
        }
        if options.function == u32::MAX {
            options.function = record::intern(&crate::function_name(function));
        }
        self.pool.admit().map_err(errors::engine)?;
        let task = Task::new(options, clock::now_ns());
        let handle = handle::make(py, task.clone(), self.pool.clone())?;
        let pool = self.pool.clone();
        if depend::any(arguments, keywords) {
            let run = move |task: &Arc<Task>, with: depend::Call<'_>| {
                let keywords = with.keywords.map(Bound::unbind);
                let (function, arguments) = (with.function.unbind(), with.arguments.unbind());
                pool.submit(task, call(function, arguments, keywords, pool.clone()));
            };
            depend::defer(&handle, function, arguments, keywords, Box::new(run))?;
            return Ok(handle);
        }
        let (function, arguments) = (function.clone().unbind(), arguments.clone().unbind());
        let keywords = keywords.map(|keywords| keywords.clone().unbind());
        pool.submit(&task, call(function, arguments, keywords, pool.clone()));
        Ok(handle)
    }
}

#[pymethods]
impl ThreadPool {
    #[new]
    #[pyo3(signature = (workers, initializer, initargs))]
    fn new(py: Python<'_>, workers: usize, initializer: Option<Py<PyAny>>, initargs: Py<PyTuple>) -> PyResult<Self> {
        let initializer = initializer.map(|initializer| (initializer, initargs));
        let runner = Arc::new(PythonRunner { initializer });
        let pool = if workers == 0 {
            Pool::start(workers, runner)
        } else {
            py.detach(|| Pool::start(workers, runner))
        };
        let pool = Arc::new(pool.map_err(errors::engine)?);
        open_pools::remember(pool.ended());
        Ok(Self {
            pool,
            birth: Birth::here(),
        })
    }

    /// Runs `function(*arguments, **keywords)` on a worker.
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

    /// Waits until every worker is up; False after `seconds`.
    fn wait_ready(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        let pool = &self.pool;
        let ended = |patience| pool.wait_ready(patience) || pool.broken().is_some();
        Ok(crate::wait_in_slices(py, seconds, ended)? && pool.broken().is_none())
    }

    fn look_again(&self) {}

    fn active(&self) -> usize {
        self.pool.active()
    }

    fn broken(&self) -> Option<String> {
        self.pool.broken()
    }

    /// Waits until fewer than `limit` tasks are unfinished; False after `seconds`.
    fn wait_for_room(&self, py: Python<'_>, limit: usize, seconds: f64) -> bool {
        py.detach(|| self.pool.wait_for_room(limit, Duration::from_secs_f64(seconds)))
    }

    fn close(&self, py: Python<'_>, cancel_pending: bool) {
        py.detach(|| self.pool.close(cancel_pending));
    }

    fn kill(&self, py: Python<'_>, reason: &str) {
        py.detach(|| self.pool.kill(reason));
    }

    /// Waits until every worker has ended; False after `seconds`.
    fn wait_closed(&self, py: Python<'_>, seconds: f64) -> bool {
        py.detach(|| self.pool.wait_closed(Duration::from_secs_f64(seconds)))
    }
}
