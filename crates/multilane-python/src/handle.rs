//! The native half of `multilane.Handle`.
//!
//! A handle is a reference to a task. The result stays encoded until somebody asks
//! for it, and no interpreter is needed to complete a task that nobody watches.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use multilane_engine::backend::{Backend, Cancelled};
use multilane_engine::clock;
use multilane_engine::futex::Woken;
use multilane_engine::record;
use multilane_engine::task::{Callback, Failure, Message, Outcome, State, Task, Value};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::buffer::SharedBuffer;
use crate::codec;
use crate::errors;

/// What a handle needs of the pool its task is in.
pub(crate) type Lane = Arc<dyn Backend>;

/// A task's result or error as a Python object.
enum Answer {
    Value(Py<PyAny>),
    Error(Py<PyAny>),
}

/// See `multilane.Handle`.
#[pyclass(frozen, subclass, module = "multilane._multilane", name = "Handle")]
pub(crate) struct Handle {
    pub(crate) task: Arc<Task>,
    pub(crate) lane: Lane,
    answer: PyOnceLock<Answer>,
    /// Where the call was made: a code object and the last instruction.
    site: Option<(Py<PyAny>, i32)>,
    owner: u32,
}

thread_local! {
    static NEXT: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

static HANDLE_TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Names the Python class that handles are instances of.
#[pyfunction]
pub(crate) fn set_handle_type(py: Python<'_>, class: Bound<'_, PyType>) {
    let _ = HANDLE_TYPE.set(py, class.unbind());
}

/// Makes the Python object for a task.
pub(crate) fn make<'py>(py: Python<'py>, task: Arc<Task>, lane: Lane) -> PyResult<Bound<'py, PyAny>> {
    let class = HANDLE_TYPE
        .get(py)
        .ok_or_else(|| PyRuntimeError::new_err("import `multilane` before using its extension"))?
        .bind(py);
    let handle = Handle {
        task,
        lane,
        answer: PyOnceLock::new(),
        site: call_site(py),
        owner: crate::process_id(),
    };
    NEXT.set(Some(handle));
    let empty = PyTuple::empty(py);
    // SAFETY: `class` is a type whose `tp_new` is inherited from `Handle`, which takes
    // no arguments; `__init__` of `Future` is skipped on purpose, since it builds a
    // condition variable that a handle only makes when it is asked for.
    unsafe {
        let class = class.as_type_ptr();
        let new = (*class)
            .tp_new
            .ok_or_else(|| PyTypeError::new_err("the handle type cannot be instantiated"))?;
        let object = new(class, empty.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(py, object)
    }
}

/// The Python code that is running now.
fn call_site(py: Python<'_>) -> Option<(Py<PyAny>, i32)> {
    use pyo3::ffi;
    // SAFETY: the frame is borrowed from the running thread; the code object is a new
    // reference.
    unsafe {
        let frame = ffi::PyEval_GetFrame();
        if frame.is_null() {
            return None;
        }
        let mut frame: Bound<'_, PyAny> = Bound::from_borrowed_ptr(py, frame.cast());
        loop {
            let raw = frame.as_ptr().cast();
            let code: Bound<'_, PyAny> = Bound::from_owned_ptr(py, ffi::PyFrame_GetCode(raw).cast());
            if !is_ours(&code) {
                return Some((code.unbind(), PyFrame_GetLasti(raw)));
            }
            frame = Bound::from_owned_ptr_or_opt(py, ffi::PyFrame_GetBack(raw).cast())?;
        }
    }
}

/// Whether code belongs to this package: the caller of interest is further out.
fn is_ours(code: &Bound<'_, PyAny>) -> bool {
    static FOLDER: PyOnceLock<String> = PyOnceLock::new();
    let py = code.py();
    let folder = FOLDER.get_or_try_init(py, || -> PyResult<String> {
        let file: String = py.import("multilane")?.getattr("__file__")?.extract()?;
        Ok(file.trim_end_matches("__init__.py").to_owned())
    });
    let (Ok(folder), Ok(file)) = (folder, code.getattr(intern!(py, "co_filename"))) else {
        return false;
    };
    file.cast::<PyString>()
        .is_ok_and(|file| file.to_str().is_ok_and(|file| file.starts_with(folder.as_str())))
}

unsafe extern "C" {
    /// Public since Python 3.11; PyO3 does not declare it.
    fn PyFrame_GetLasti(frame: *mut pyo3::ffi::PyFrameObject) -> std::ffi::c_int;
}

/// Reads what a worker sent.
fn read<'py>(py: Python<'py>, message: &Message) -> PyResult<Bound<'py, PyAny>> {
    if message.blocks.is_empty() {
        return codec::decode(py, &message.bytes, &[]);
    }
    let store = crate::store()?;
    let mut buffers = Vec::with_capacity(message.blocks.len());
    for block in &message.blocks {
        let reference = multilane_engine::process::frame::Reference {
            region: block.region(),
            flags: multilane_engine::process::frame::Reference::FRESH,
            offset: block.offset(),
            len: block.len(),
        };
        let buffer =
            SharedBuffer::receive(&store, &reference, block.address(), Some(block.clone())).map_err(errors::engine)?;
        buffers.push(Py::new(py, buffer)?);
    }
    codec::decode(py, &message.bytes, &buffers)
}

fn local<'py>(py: Python<'py>, value: &(dyn std::any::Any + Send + Sync)) -> Bound<'py, PyAny> {
    match value.downcast_ref::<Py<PyAny>>() {
        Some(object) => object.bind(py).clone(),
        None => py.None().into_bound(py),
    }
}

/// The end of a handle's task, as the graph of waits sees it.
struct Ending<'a>(&'a Handle);

impl multilane_sync::Awaited for Ending<'_> {
    fn label(&self) -> String {
        format!("the end of task `{}`", self.0.name())
    }

    fn threads(&self, into: &mut Vec<u64>) {
        if !self.0.task.is_done() {
            self.0.lane.threads_for(&self.0.task, into);
        }
    }

    fn asked_at(&self) -> Option<(usize, usize)> {
        let (code, last) = self.0.site.as_ref()?;
        crate::sync::mark(code, *last)
    }
}

impl Handle {
    pub(crate) fn name(&self) -> String {
        record::name(self.task.options.function)
    }

    fn check_owner(&self) -> PyResult<()> {
        if self.owner == crate::process_id() || self.task.is_done() {
            return Ok(());
        }
        let (name, owner, child) = (self.name(), self.owner, crate::process_id());
        Err(PyRuntimeError::new_err(format!(
            "task `{name}` belongs to process {owner}, which forked this process {child}; submit it again here"
        )))
    }

    /// Decodes the outcome, once.
    fn answer(&self, py: Python<'_>) -> PyResult<&Answer> {
        if let Some(answer) = self.answer.get(py) {
            return Ok(answer);
        }
        let answer = match self.task.outcome() {
            None => return Err(PyRuntimeError::new_err("the task has not ended")),
            Some(Outcome::Done(Value::Local(value))) => Answer::Value(local(py, value.as_ref()).unbind()),
            Some(Outcome::Done(Value::Message(message))) => match read(py, message) {
                Ok(value) => Answer::Value(value.unbind()),
                Err(error) => Answer::Error(self.unreadable(py, error)?),
            },
            Some(Outcome::Failed(Failure::Raised(Value::Local(error)))) => {
                let error = local(py, error.as_ref());
                self.note_site(py, &error)?;
                Answer::Error(error.unbind())
            }
            Some(Outcome::Failed(Failure::Raised(Value::Message(message)))) => {
                let errors = py.import("multilane._errors_codec")?;
                let site = self.site_text(py);
                let error = errors.call_method1("decode", (&message.bytes[..], self.name(), site))?;
                Answer::Error(error.unbind())
            }
            Some(Outcome::Failed(failure)) => {
                let error = errors::failure(py, failure, &self.name()).into_value(py);
                let error = error.into_bound(py).into_any();
                self.note_site(py, &error)?;
                Answer::Error(error.unbind())
            }
            Some(Outcome::Cancelled) => {
                let error = py.import("concurrent.futures")?.getattr("CancelledError")?.call0()?;
                Answer::Error(error.unbind())
            }
        };
        Ok(self.answer.get_or_init(py, || answer))
    }

    fn unreadable(&self, py: Python<'_>, error: PyErr) -> PyResult<Py<PyAny>> {
        let errors = py.import("multilane._errors_codec")?;
        Ok(errors
            .call_method1("unreadable", (self.name(), error.into_value(py)))?
            .unbind())
    }

    fn note_site(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Some(site) = self.site_text(py) {
            error.call_method1("add_note", (format!("submitted at {site}"),))?;
        }
        Ok(())
    }

    fn site_text(&self, py: Python<'_>) -> Option<String> {
        let (code, last) = self.site.as_ref()?;
        let errors = py.import("multilane._errors_codec").ok()?;
        errors.call_method1("site", (code, *last)).ok()?.extract().ok()
    }

    /// Waits with the interpreter released; false when `timeout` passed first.
    pub(crate) fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        if self.task.is_done() {
            return Ok(true);
        }
        self.check_owner()?;
        self.lane.poll();
        if self.task.is_done() {
            return Ok(true);
        }
        let deadline_ns = match timeout {
            None => None,
            Some(seconds) if seconds <= 0.0 => return Ok(false),
            Some(seconds) => Some(clock::now_ns().saturating_add((seconds.min(1e9) * 1e9) as u64)),
        };
        loop {
            let patience = crate::nested::before_wait(py, self);
            if self.task.is_done() {
                return Ok(true);
            }
            let left = deadline_ns.map(|at| Duration::from_nanos(at.saturating_sub(clock::now_ns())));
            let left = match (left, patience) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            let sleep = || py.detach(|| self.lane.wait(&self.task, left));
            let woken = if self.lane.runs_here() {
                multilane_sync::wait_for(&Ending(self), timeout.is_none(), sleep)
                    .map_err(|error| crate::sync::raised(py, error))?
            } else {
                sleep()
            };
            if woken == Woken::Interrupted {
                py.check_signals()?;
            }
            let late = deadline_ns.is_some_and(|at| clock::now_ns() >= at);
            if late && !self.task.is_done() {
                return Ok(false);
            }
        }
    }

    /// Runs `callback` once the task has ended, at once when it has.
    pub(crate) fn when_done(&self, callback: Callback) {
        if let Err(callback) = self.task.on_done(callback) {
            callback(&self.task);
        } else {
            self.lane.watch(&self.task, 1);
            self.lane.poll();
        }
    }
}

#[pymethods]
impl Handle {
    #[new]
    fn new() -> PyResult<Self> {
        NEXT.take()
            .ok_or_else(|| PyTypeError::new_err("a Handle is made by submitting a task, not by calling its type"))
    }

    /// The task's result; waits for it.
    #[pyo3(signature = (timeout=None))]
    pub(crate) fn result(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        if !this.wait(py, timeout)? {
            return Err(timed_out(py)?);
        }
        match this.answer(py)? {
            Answer::Value(value) => Ok(value.clone_ref(py)),
            Answer::Error(error) => Err(PyErr::from_value(error.bind(py).clone())),
        }
    }

    /// The error the task ended with, or None; waits for the end.
    #[pyo3(signature = (timeout=None))]
    fn exception(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<Option<Py<PyAny>>> {
        let (py, this) = (slf.py(), slf.get());
        if !this.wait(py, timeout)? {
            return Err(timed_out(py)?);
        }
        if this.task.state() == State::Cancelled {
            return match this.answer(py)? {
                Answer::Error(error) => Err(PyErr::from_value(error.bind(py).clone())),
                Answer::Value(_) => Ok(None),
            };
        }
        Ok(match this.answer(py)? {
            Answer::Value(_) => None,
            Answer::Error(error) => Some(error.clone_ref(py)),
        })
    }

    /// Whether the task has ended, in whatever way.
    fn done(&self) -> bool {
        if !self.task.is_done() && self.owner == crate::process_id() {
            self.lane.poll();
        }
        self.task.is_done()
    }

    /// Before this thread waits for the task by other means: runs its own waiting tasks.
    fn _help(&self, py: Python<'_>) {
        if !self.task.is_done() {
            crate::nested::before_wait(py, self);
        }
    }

    /// Whether a worker runs it now.
    fn running(&self) -> bool {
        !self.done() && self.is_running()
    }

    /// Whether it was cancelled.
    fn cancelled(&self) -> bool {
        self.task.state() == State::Cancelled
    }

    /// 'removed', 'stopped' or 'no'.
    fn _cancel(&self, running: bool) -> PyResult<&'static str> {
        self.check_owner()?;
        if self.task.state() == State::Cancelled {
            return Ok("removed");
        }
        Ok(match self.lane.cancel(&self.task, running) {
            Cancelled::Removed => "removed",
            Cancelled::Stopped => "stopped",
            Cancelled::No => "no",
        })
    }

    /// Calls `function(handle)` once the task has ended.
    fn add_done_callback(slf: &Bound<'_, Self>, function: Py<PyAny>) {
        let handle = slf.clone().into_any().unbind();
        slf.get().when_done(Box::new(move |_| {
            Python::attach(|py| {
                let failed = function.call1(py, (handle.clone_ref(py),)).err();
                if let Some(error) = failed {
                    let reported = py
                        .import("multilane._errors_codec")
                        .and_then(|m| m.call_method1("report_callback", (handle, error.value(py))));
                    if let Err(error) = reported {
                        error.write_unraisable(py, None);
                    }
                }
            });
        }));
    }

    /// Calls `function(done, total)` when the task reported progress.
    fn _on_progress(&self, function: Py<PyAny>) {
        let callback = move |done: i64, total: i64| {
            Python::attach(|py| {
                let total = (total >= 0).then_some(total);
                if let Err(error) = function.call1(py, (done, total)) {
                    error.write_unraisable(py, None);
                }
            });
        };
        self.lane.on_progress(&self.task, Box::new(callback));
    }

    /// (done, total) as last reported by the running task, or None.
    fn _progress(&self) -> Option<(i64, Option<i64>)> {
        let progress = self.lane.progress(&self.task)?;
        Some((progress.done, (progress.total >= 0).then_some(progress.total)))
    }

    /// The state by the name `concurrent.futures` gives it.
    #[getter]
    fn _state(&self) -> &'static str {
        self.done();
        match self.task.state() {
            State::Finished => "FINISHED",
            State::Cancelled => "CANCELLED_AND_NOTIFIED",
            State::Running => "RUNNING",
            State::Pending if self.is_running() => "RUNNING",
            State::Pending => "PENDING",
        }
    }

    /// Name of the function.
    #[getter]
    fn _name(&self) -> String {
        self.name()
    }

    /// Unique number of the task in this process.
    #[getter]
    fn task_id(&self) -> u64 {
        self.task.id
    }

    /// Seconds from submission to the end, or to now.
    #[getter]
    fn elapsed(&self) -> f64 {
        self.done();
        let end = self.task.measured().map_or_else(clock::now_ns, |m| m.ended_ns);
        end.saturating_sub(self.task.queued_ns) as f64 / 1e9
    }

    /// (worker, attempt, wall, cpu, wait, bytes in, bytes out); times in seconds.
    fn _stats(&self) -> Option<(u32, u16, f64, f64, f64, u64, u64)> {
        self.done();
        let m = self.task.measured()?;
        let seconds = |ns: u64| ns as f64 / 1e9;
        Some((
            m.worker,
            m.attempt,
            seconds(m.ended_ns.saturating_sub(m.started_ns)),
            seconds(m.cpu_ns),
            seconds(m.started_ns.saturating_sub(self.task.queued_ns)),
            m.bytes_in,
            m.bytes_out,
        ))
    }

    /// Whether this process made the task.
    fn _is_mine(&self) -> bool {
        self.owner == crate::process_id()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // A raised error refers to the frames it went through, and those to the handle.
        // SAFETY: the collector runs with the interpreter attached.
        let py = unsafe { Python::assume_attached() };
        match self.answer.get(py) {
            Some(Answer::Value(object) | Answer::Error(object)) => visit.call(object),
            None => Ok(()),
        }
    }

    fn __reduce__(&self) -> PyResult<Py<PyAny>> {
        Err(PyTypeError::new_err(format!(
            "the handle of task `{}` cannot be pickled; pass it as an argument of its own and the task gets its result",
            self.name()
        )))
    }
}

impl Handle {
    fn is_running(&self) -> bool {
        if self.owner != crate::process_id() {
            return false;
        }
        self.task.state() == State::Running || self.lane.running_since(&self.task).is_some()
    }

    /// Seconds as the engine takes them, or a clear error.
    pub(crate) fn seconds(value: Option<f64>, what: &str) -> PyResult<Option<Duration>> {
        match value {
            None => Ok(None),
            Some(seconds) if seconds > 0.0 && seconds.is_finite() => {
                Ok(Some(Duration::from_secs_f64(seconds.min(1e9))))
            }
            Some(seconds) => Err(PyValueError::new_err(format!(
                "`{what}` is {seconds}, but must be a positive number of seconds or None"
            ))),
        }
    }
}

fn timed_out(py: Python<'_>) -> PyResult<PyErr> {
    Ok(PyErr::from_value(
        py.import("concurrent.futures")?.getattr("TimeoutError")?.call0()?,
    ))
}
