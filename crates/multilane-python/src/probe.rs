//! Facts about this machine and this interpreter, and clocks, for Python.
//!
//! Reads `/proc`, `/sys` and the interpreter's build facts. Changes nothing.

use std::collections::BTreeMap;

use multilane_engine::clock;
use multilane_trace::Machine;
use pyo3::{prelude::*, types::PyDict};

pub(crate) mod machine;
pub(crate) mod sampler;
pub(crate) mod wait;

/// Adds this file's functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(machine_dict, module)?)?;
    module.add_function(wrap_pyfunction!(versions_dict, module)?)?;
    module.add_function(wrap_pyfunction!(monotonic_ns, module)?)?;
    module.add_function(wrap_pyfunction!(thread_cpu_ns, module)?)?;
    module.add_function(wrap_pyfunction!(steal_ns, module)?)
}

/// The facts of this machine by name.
#[pyfunction(name = "machine")]
fn machine_dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    to_dict(py, &machine::machine())
}

/// The versions and build facts that traces and proofs carry.
#[pyfunction(name = "versions")]
fn versions_dict(py: Python<'_>) -> PyResult<BTreeMap<String, String>> {
    versions(py)
}

/// The clock of traces, in nanoseconds.
#[pyfunction]
fn monotonic_ns() -> u64 {
    clock::now_ns()
}

/// CPU time of the calling thread, in nanoseconds.
#[pyfunction]
fn thread_cpu_ns() -> u64 {
    clock::thread_cpu_ns()
}

/// CPU time that the host took from this machine since boot, over all processors.
#[pyfunction]
fn steal_ns() -> u64 {
    machine::steal_ns()
}

/// Versions and build facts; `gil` is read anew, since a program can turn it on.
pub(crate) fn versions(py: Python<'_>) -> PyResult<BTreeMap<String, String>> {
    let version = py.version_info();
    let mut versions = BTreeMap::from([
        (
            "python".to_owned(),
            format!("{}.{}.{}", version.major, version.minor, version.patch),
        ),
        ("multilane".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    let sys = py.import("sys")?;
    let gil = match sys.getattr_opt("_is_gil_enabled")? {
        Some(is_enabled) => is_enabled.call0()?.is_truthy()?,
        None => true,
    };
    versions.insert("gil".to_owned(), if gil { "on" } else { "off" }.to_owned());
    let implementation: String = sys.getattr("implementation")?.getattr("name")?.extract()?;
    versions.insert("implementation".to_owned(), implementation);
    Ok(versions)
}

/// A machine as a dictionary.
pub(crate) fn to_dict<'py>(py: Python<'py>, machine: &Machine) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("cpu_model", &machine.cpu_model)?;
    dict.set_item("os", &machine.os)?;
    dict.set_item("hostname", &machine.hostname)?;
    dict.set_item("cpus_online", machine.cpus_online)?;
    dict.set_item("cpus_affinity", machine.cpus_affinity)?;
    dict.set_item("cpus_quota", machine.cpus_quota)?;
    dict.set_item("memory_bytes", machine.memory_bytes)?;
    dict.set_item("cpus_usable", machine.cpus_usable())?;
    Ok(dict)
}

/// A machine from a dictionary; what is missing is unknown.
pub(crate) fn from_dict(dict: &Bound<'_, PyDict>) -> PyResult<Machine> {
    fn field<'py, T>(dict: &Bound<'py, PyDict>, name: &str) -> PyResult<T>
    where
        T: Default + for<'a> FromPyObject<'a, 'py, Error = PyErr>,
    {
        dict.get_item(name)?
            .map_or_else(|| Ok(T::default()), |value| value.extract())
    }
    Ok(Machine {
        cpu_model: field(dict, "cpu_model")?,
        os: field(dict, "os")?,
        hostname: field(dict, "hostname")?,
        cpus_online: field(dict, "cpus_online")?,
        cpus_affinity: field(dict, "cpus_affinity")?,
        cpus_quota: field(dict, "cpus_quota")?,
        memory_bytes: field(dict, "memory_bytes")?,
    })
}
