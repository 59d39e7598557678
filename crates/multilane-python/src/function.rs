//! Functions as workers get them: pickled once, found again by identity.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use multilane_engine::process::store::{Block, Store};
use multilane_engine::record;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Functions remembered per pool.
const REMEMBERED: usize = 1024;

/// Something a function refers to by name, and what it was when it was pickled.
struct Guard {
    holder: Py<PyAny>,
    name: Option<Py<PyAny>>,
    value: Py<PyAny>,
}

/// A function in shared memory.
pub(crate) struct Code {
    pub(crate) block: Block,
    pub(crate) name: u32,
    /// The function, or a weak reference to it.
    holder: Py<PyAny>,
    weak: bool,
    /// What has to be unchanged for the pickle still to mean the same; `None` when
    /// that cannot be told, and the function is pickled for every call.
    guards: Option<Vec<Guard>>,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Where this process's numbers for functions start: at random, so that no two
/// processes of a program meet.
fn identities() -> u64 {
    static BASE: OnceLock<u64> = OnceLock::new();
    *BASE.get_or_init(|| RandomState::new().build_hasher().finish())
}

impl Code {
    /// Pickles `function` into shared memory.
    pub(crate) fn new(store: &Arc<Store>, function: &Bound<'_, PyAny>, name: Option<&str>) -> PyResult<Self> {
        let py = function.py();
        let (pickled, guards, own_name): (Vec<u8>, Option<Bound<'_, PyAny>>, String) = py
            .import("multilane._functions")?
            .call_method1("encode", (function,))?
            .extract()?;
        // Unique among the processes of a program: workers keep functions by this number.
        let id = identities().wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let mut bytes = id.to_le_bytes().to_vec();
        bytes.push(b'P');
        bytes.extend_from_slice(&pickled);
        let block = store.allocate(bytes.len() as u64).map_err(crate::errors::engine)?;
        store.fill(&block, &bytes).map_err(crate::errors::engine)?;
        let guards = guards.map(|guards| read_guards(&guards)).transpose()?;
        let reference = py.import("weakref")?.getattr("ref")?.call1((function,));
        let (holder, weak) = match reference {
            Ok(reference) => (reference.unbind(), true),
            Err(_) => (function.clone().unbind(), false),
        };
        let name = record::intern(name.unwrap_or(&own_name));
        Ok(Self {
            block,
            name,
            holder,
            weak,
            guards,
        })
    }

    fn is_for(&self, function: &Bound<'_, PyAny>) -> bool {
        let py = function.py();
        let same = if self.weak {
            self.holder.bind(py).call0().is_ok_and(|held| held.is(function))
        } else {
            self.holder.bind(py).is(function)
        };
        same && self.is_current(py)
    }

    fn is_current(&self, py: Python<'_>) -> bool {
        let Some(guards) = &self.guards else { return false };
        guards.iter().all(|guard| {
            let now = match &guard.name {
                Some(name) => guard
                    .holder
                    .bind(py)
                    .cast::<PyDict>()
                    .ok()
                    .and_then(|names| names.get_item(name).ok().flatten()),
                // SAFETY: `read_guards` only takes cells without a name; the result is a
                // new reference or null for an empty cell.
                None => unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyCell_Get(guard.holder.as_ptr())) },
            };
            now.is_some_and(|now| now.is(guard.value.bind(py)))
        })
    }
}

fn read_guards(guards: &Bound<'_, PyAny>) -> PyResult<Vec<Guard>> {
    guards
        .try_iter()?
        .map(|guard| {
            let guard = guard?.cast_into::<PyTuple>()?;
            let (holder, name) = (guard.get_item(0)?, guard.get_item(1)?);
            // SAFETY: only reads the type of an object we hold.
            let is_cell = unsafe { ffi::PyCell_Check(holder.as_ptr()) } != 0;
            if name.is_none() && !is_cell {
                return Err(pyo3::exceptions::PyTypeError::new_err("a guard needs a cell"));
            }
            Ok(Guard {
                holder: holder.unbind(),
                name: (!name.is_none()).then(|| name.unbind()),
                value: guard.get_item(2)?.unbind(),
            })
        })
        .collect()
}

/// The functions a pool has seen.
#[derive(Default)]
pub(crate) struct Functions(Mutex<HashMap<usize, Arc<Code>>>);

impl Functions {
    /// The code of `function`, pickled now if it is new or has changed.
    pub(crate) fn get(&self, store: &Arc<Store>, function: &Bound<'_, PyAny>) -> PyResult<Arc<Code>> {
        let key = function.as_ptr() as usize;
        let known = {
            let functions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            functions.get(&key).cloned()
        };
        if let Some(code) = known
            && code.is_for(function)
        {
            return Ok(code);
        }
        let code = Arc::new(Code::new(store, function, None)?);
        let mut functions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = if functions.len() >= REMEMBERED {
            std::mem::take(&mut *functions)
        } else {
            HashMap::new()
        };
        let replaced = functions.insert(key, code.clone());
        drop(functions);
        // Dropping a code drops Python objects, which may run anything: not under the lock.
        drop((old, replaced));
        Ok(code)
    }
}

/// Whether plain pickling of a call can carry `function` by itself, or it has to go
/// with every call because its state may change (bound methods, partials, instances).
pub(crate) fn goes_with_call(function: &Bound<'_, PyAny>) -> bool {
    // SAFETY: only reads the type of an object we hold.
    let plain = unsafe {
        ffi::PyFunction_Check(function.as_ptr()) != 0
            || ffi::PyType_Check(function.as_ptr()) != 0
            || (ffi::PyCFunction_Check(function.as_ptr()) != 0 && is_module_function(function))
    };
    !plain
}

fn is_module_function(function: &Bound<'_, PyAny>) -> bool {
    function
        .getattr("__self__")
        .is_ok_and(|owner| owner.is_none() || owner.is_instance_of::<pyo3::types::PyModule>())
}
