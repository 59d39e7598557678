//! Devices for Python: which there are, and runs on them. Computes and judges nothing.
//!
//! A module of its own, since what it links is larger than all the rest of multilane together and few need it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use multilane_gpu::{Facts, GpuError, Kernel, Plan, Report, load, open, survey};
use pyo3::{prelude::*, types::PyDict};

/// How often a run asks whether Ctrl-C was pressed.
const SLICE: Duration = Duration::from_millis(50);

#[pymodule]
mod _gpu {
    #[pymodule_export]
    use super::{Device, Loaded, routes};
}

/// What is found on every way to a device.
#[pyfunction]
fn routes(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let found = py.detach(survey);
    found
        .into_iter()
        .map(|route| match route.found {
            Ok(facts) => {
                let dict = describe(py, &facts)?;
                dict.set_item("missing", py.None())?;
                Ok(dict)
            }
            Err(error) => {
                let dict = PyDict::new(py);
                dict.set_item("route", route.name)?;
                dict.set_item("missing", text(&error))?;
                Ok(dict)
            }
        })
        .collect()
}

/// A device at the end of a route.
#[pyclass(module = "multilane._gpu", frozen)]
struct Device {
    device: Arc<dyn multilane_gpu::Device>,
}

#[pymethods]
impl Device {
    #[new]
    fn new(py: Python<'_>, route: &str) -> PyResult<Self> {
        let device = py.detach(|| open(route)).map_err(|error| raised(py, &error))?;
        Ok(Self { device })
    }

    /// Route, name, driver, queues, and whether it is software.
    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        describe(py, self.device.facts())
    }

    /// Loads a kernel for workers that submit it in one of several ways.
    #[expect(clippy::too_many_arguments, reason = "each is a keyword of its own in Python")]
    #[pyo3(signature = (kernel, sizes, *, workers, own = false, lock = false, window = 1, batch = 1))]
    fn load(
        &self,
        py: Python<'_>,
        kernel: &str,
        sizes: Vec<u32>,
        workers: u32,
        own: bool,
        lock: bool,
        window: u32,
        batch: u32,
    ) -> PyResult<Loaded> {
        let kernel = Kernel::named(kernel, &sizes).map_err(|error| raised(py, &error))?;
        let plan = Plan {
            kernel,
            workers,
            own,
            lock,
            window,
            batch,
        };
        let loaded = py
            .detach(|| load(self.device.as_ref(), plan))
            .map_err(|error| raised(py, &error))?;
        Ok(Loaded {
            loaded: Arc::new(loaded),
            kernel,
            route: self.device.facts().route,
        })
    }
}

/// A kernel on a device, ready to run.
#[pyclass(module = "multilane._gpu", frozen)]
struct Loaded {
    loaded: Arc<multilane_gpu::Loaded>,
    kernel: Kernel,
    route: &'static str,
}

#[pymethods]
impl Loaded {
    /// Runs operations and says where the workers' time went.
    #[pyo3(signature = (operations, *, stamped = false))]
    fn run<'py>(&self, py: Python<'py>, operations: u64, stamped: bool) -> PyResult<Bound<'py, PyDict>> {
        let outcome = self.interruptible(py, operations, stamped)?;
        report(py, self.kernel, &outcome.map_err(|error| raised(py, &error))?)
    }
}

impl Loaded {
    /// Runs on a thread of its own, so that this one can look for Ctrl-C.
    fn interruptible(&self, py: Python<'_>, operations: u64, stamped: bool) -> PyResult<Result<Report, GpuError>> {
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, mut receiver) = channel();
        let (loaded, stopped) = (Arc::clone(&self.loaded), Arc::clone(&stop));
        let thread = thread::Builder::new()
            .name("multilane-device".to_owned())
            .spawn(move || {
                // Who waits no longer wants no answer.
                let _ = sender.send(loaded.run(operations, stamped, &stopped));
            })?;
        let mut interrupted = Ok(());
        let outcome = loop {
            // A receiver belongs to one thread at a time, so it goes along and comes back.
            let answer;
            (receiver, answer) = py.detach(move || {
                let answer = receiver.recv_timeout(SLICE);
                (receiver, answer)
            });
            match answer {
                Ok(outcome) => break outcome,
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = py.check_signals() {
                        interrupted = Err(error);
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    break Err(GpuError::Failed {
                        route: self.route,
                        what: "a run",
                        why: "its thread ended early, which is an error of multilane".to_owned(),
                    });
                }
            }
        };
        // It has sent its answer, or panicked: either way it ends now.
        let _ = py.detach(|| thread.join());
        interrupted.map(|()| outcome)
    }
}

fn describe<'py>(py: Python<'py>, facts: &Facts) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("route", facts.route)?;
    dict.set_item("device", &facts.device)?;
    dict.set_item("driver", &facts.driver)?;
    dict.set_item("queues", facts.queues)?;
    dict.set_item("software", facts.software)?;
    Ok(dict)
}

fn report<'py>(py: Python<'py>, kernel: Kernel, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let spent = report.spent;
    for (name, value) in [
        ("wall_ns", report.wall_ns),
        ("operations", report.operations),
        ("queues", u64::from(report.queues)),
        ("submit_ns", spent.submit_ns),
        ("submit_wait_ns", spent.submit_wait_ns),
        ("lock_wait_ns", spent.lock_wait_ns),
        ("device_wait_ns", spent.device_wait_ns),
        ("cpu_ns", spent.cpu_ns),
        ("run_delay_ns", spent.run_delay_ns),
        ("idle_ns", report.idle_ns),
    ] {
        dict.set_item(name, value)?;
    }
    dict.set_item("bytes_per_operation", kernel.bytes_moved())?;
    dict.set_item("flops_per_operation", kernel.flops())?;
    if let Some((busy, checked)) = report.device {
        dict.set_item("busy_share", busy.share)?;
        dict.set_item("at_once", busy.at_once)?;
        dict.set_item("median_ns", busy.median_ns)?;
        dict.set_item("checked", checked.elements)?;
        dict.set_item("largest_error", checked.largest_error)?;
        dict.set_item("tolerance", checked.tolerance)?;
    }
    Ok(dict)
}

fn text(error: &GpuError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

/// The exception for an error: what the caller asked for wrongly, a device that is not there, or one that failed.
fn raised(py: Python<'_>, error: &GpuError) -> PyErr {
    let name = match error {
        GpuError::Kernel(_) | GpuError::UnknownRoute { .. } | GpuError::Unsupported { .. } => {
            return pyo3::exceptions::PyValueError::new_err(text(error));
        }
        GpuError::Unavailable { .. } => "BackendUnavailable",
        _ => "MultilaneError",
    };
    let class = py.import("multilane.errors").and_then(|errors| errors.getattr(name));
    match class.and_then(|class| class.call1((text(error),))) {
        Ok(value) => PyErr::from_value(value),
        Err(error) => error,
    }
}
