//! `Channel` and `select`.

use multilane_sync::{Channel, Offer, Patience, Sent, SyncError, select};
use pyo3::exceptions::{PyStopIteration, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use super::{PyCaller, raised, report, represent, wait_patience};

/// Items on their way from threads to threads, with the methods of `queue.Queue`.
///
/// ``maxsize`` bounds the items at a time; 0 is no bound. Iterating gets items until it is shut down.
#[pyclass(frozen, weakref, subclass, module = "multilane.sync", name = "Channel")]
pub(crate) struct PyChannel(Channel<Py<PyAny>>);

/// What `queue` takes: no bound where it is not positive.
fn capacity(maxsize: i64) -> usize {
    usize::try_from(maxsize).unwrap_or(0)
}

/// Seconds as `queue.Queue` takes them.
fn patience(block: Option<&Bound<'_, PyAny>>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Patience> {
    if !block.map_or(Ok(true), |block| block.is_truthy())? {
        return Ok(Patience::None);
    }
    match timeout {
        Some(timeout) if !timeout.is_none() => {
            if timeout.extract::<f64>()? < 0.0 {
                return Err(PyValueError::new_err("'timeout' must be a non-negative number"));
            }
            wait_patience(Some(timeout))
        }
        _ => Ok(Patience::Forever),
    }
}

#[cold]
fn raise(py: Python<'_>, name: &str) -> PyErr {
    match report(py, name).and_then(|class| class.call0()) {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

impl PyChannel {
    #[inline]
    fn send(&self, item: Bound<'_, PyAny>, patience: Patience) -> PyResult<()> {
        let py = item.py();
        let mut caller = PyCaller::new(py);
        match self.0.send(item.unbind(), patience, &mut caller) {
            Ok(Sent::Yes) => Ok(()),
            Ok(Sent::Full(_)) => Err(raise(py, "Full")),
            Err(error) => Err(caller.raise(error)),
        }
    }

    #[inline]
    fn receive(&self, py: Python<'_>, patience: Patience) -> PyResult<Py<PyAny>> {
        let mut caller = PyCaller::new(py);
        match self.0.receive(patience, &mut caller) {
            Ok(Some(item)) => Ok(item),
            Ok(None) => Err(raise(py, "Empty")),
            Err(error) => Err(caller.raise(error)),
        }
    }
}

#[pymethods]
impl PyChannel {
    #[new]
    #[pyo3(signature = (maxsize=0))]
    fn new(maxsize: i64) -> Self {
        Self(Channel::new(capacity(maxsize)))
    }

    #[pyo3(signature = (item, block=None, timeout=None))]
    fn put(
        &self,
        item: Bound<'_, PyAny>,
        block: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let patience = match (block, timeout) {
            (None, None) => Patience::Forever,
            _ => patience(block, timeout)?,
        };
        self.send(item, patience)
    }

    #[pyo3(signature = (block=None, timeout=None))]
    fn get(
        &self,
        py: Python<'_>,
        block: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let patience = match (block, timeout) {
            (None, None) => Patience::Forever,
            _ => patience(block, timeout)?,
        };
        self.receive(py, patience)
    }

    fn put_nowait(&self, item: Bound<'_, PyAny>) -> PyResult<()> {
        self.send(item, Patience::None)
    }

    fn get_nowait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.receive(py, Patience::None)
    }

    fn qsize(&self) -> usize {
        self.0.len()
    }

    fn empty(&self) -> bool {
        self.0.is_empty()
    }

    fn full(&self) -> bool {
        self.0.is_full()
    }

    fn task_done(&self, py: Python<'_>) -> PyResult<()> {
        self.0.task_done().map_err(|error| raised(py, error))
    }

    #[pyo3(signature = (timeout=None))]
    fn join(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let mut caller = PyCaller::new(py);
        match self.0.join(wait_patience(timeout)?, &mut caller) {
            Ok(done) => Ok(done),
            Err(error) => Err(caller.raise(error)),
        }
    }

    #[pyo3(signature = (immediate=false))]
    fn shutdown(&self, immediate: bool) {
        drop(self.0.close(immediate));
    }

    #[getter]
    fn is_shutdown(&self) -> bool {
        self.0.is_closed()
    }

    #[getter]
    fn unfinished_tasks(&self) -> u64 {
        self.0.unfinished()
    }

    #[getter]
    fn get_maxsize(&self) -> usize {
        self.0.capacity()
    }

    #[setter]
    fn set_maxsize(&self, maxsize: i64) {
        self.0.set_capacity(capacity(maxsize));
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut caller = PyCaller::new(py);
        match self.0.receive(Patience::Forever, &mut caller) {
            Ok(Some(item)) => Ok(item),
            Ok(None) | Err(SyncError::Closed) => Err(PyStopIteration::new_err(())),
            Err(error) => Err(caller.raise(error)),
        }
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __bool__(&self) -> bool {
        true
    }

    #[classmethod]
    fn __class_getitem__<'py>(class: &Bound<'py, PyType>, item: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        class
            .py()
            .import("types")?
            .getattr("GenericAlias")?
            .call1((class, item))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let mut outcome = Ok(());
        let look = |item: &Py<PyAny>| {
            if outcome.is_ok() {
                outcome = visit.call(item);
            }
        };
        // SAFETY: the collector runs while no other thread is attached, or with all others stopped
        // outside of native code, and only attached threads change a channel.
        unsafe { self.0.each(look) };
        outcome
    }

    fn __clear__(&self) {
        drop(self.0.close(true));
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let channel = &slf.get().0;
        let closed = if channel.is_closed() { ", shut down" } else { "" };
        let state = match channel.capacity() {
            0 => format!("items={}{closed}", channel.len()),
            capacity => format!("items={}/{capacity}{closed}", channel.len()),
        };
        represent(slf, &state)
    }
}

/// The channel of an offer that was done, and the item that was taken out.
type Selected<'py> = (Bound<'py, PyAny>, Option<Py<PyAny>>);

/// Do the first of several gets and puts that can be done.
#[pyfunction]
#[pyo3(signature = (offers, timeout=None))]
pub(super) fn sync_select<'py>(
    py: Python<'py>,
    offers: &Bound<'py, PyTuple>,
    timeout: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Selected<'py>>> {
    let wrong = || PyTypeError::new_err("`select` takes channels to get from, and pairs (channel, item) to put");
    let mut channels: Vec<Bound<'py, PyChannel>> = Vec::with_capacity(offers.len());
    let mut items: Vec<Option<Bound<'py, PyAny>>> = Vec::with_capacity(offers.len());
    for offer in offers.iter() {
        if let Ok(channel) = offer.cast::<PyChannel>() {
            channels.push(channel.clone());
            items.push(None);
            continue;
        }
        let (channel, item): (Bound<'py, PyAny>, Bound<'py, PyAny>) = offer.extract().map_err(|_| wrong())?;
        channels.push(channel.cast_into::<PyChannel>().map_err(|_| wrong())?);
        items.push(Some(item));
    }
    if channels.is_empty() {
        return Err(PyTypeError::new_err("`select` needs at least one channel"));
    }
    let wanted = channels
        .iter()
        .zip(items)
        .map(|(channel, item)| match item {
            None => Offer::Receive(&channel.get().0),
            Some(item) => Offer::Send(&channel.get().0, item.unbind()),
        })
        .collect();
    let mut caller = PyCaller::new(py);
    match select(wanted, wait_patience(timeout)?, &mut caller) {
        Ok(None) => Ok(None),
        Ok(Some((index, item))) => Ok(Some((channels[index].clone().into_any(), item))),
        Err(error) => Err(caller.raise(error)),
    }
}
