//! `evaluate`: from an expression and arrays to its result, in one call.
//!
//! A call site is recognised by the very objects it passes: the text and the tuple of
//! names, which Python keeps as constants of the caller. What was read and compiled for it
//! is found by their addresses, and by the types of the operands. So a small array costs
//! little more than what is computed.

mod call;
mod prepared;

use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::{Arc, Mutex, PoisonError};

use multilane_plan::expression;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::errors;
use prepared::Prepared;

/// An expression that was read, with what was made ready for it so far.
struct Expression {
    text: String,
    /// The names it reads, in the order of its operands.
    names: Vec<Py<PyString>>,
    /// By the types of the operands.
    prepared: Mutex<Vec<(u64, Arc<Prepared>)>>,
}

/// Where a call takes an operand from.
#[derive(Clone, Copy)]
enum From {
    /// The call's own argument with this index.
    Argument(usize),
    /// A mapping, or the variables of the caller.
    Elsewhere,
}

/// One place in a program that calls `evaluate`.
struct Site {
    text: Py<PyAny>,
    /// The tuple of the names of the arguments; None when there are none.
    keywords: Option<Py<PyAny>>,
    positional: usize,
    expression: Arc<Expression>,
    from: Vec<From>,
    out: Option<usize>,
    workers: Option<usize>,
}

/// Sites by their addresses, each in the only place it can have.
struct Table {
    sites: Vec<Option<Arc<Site>>>,
    expressions: HashMap<String, Arc<Expression>>,
}

const SITES: usize = 256;
/// Expressions kept; a program that makes up new ones all the time must not fill the memory.
const EXPRESSIONS: usize = 1024;

static TABLE: Mutex<Option<Table>> = Mutex::new(None);

fn slot(text: *mut ffi::PyObject, keywords: *mut ffi::PyObject) -> usize {
    let mixed = (text as usize >> 4)
        .wrapping_mul(31)
        .wrapping_add(keywords as usize >> 4);
    (mixed ^ (mixed >> 8)) % SITES
}

impl Site {
    fn is(&self, text: *mut ffi::PyObject, keywords: *mut ffi::PyObject, positional: usize) -> bool {
        let mine = self.keywords.as_ref().map_or(std::ptr::null_mut(), Py::as_ptr);
        self.text.as_ptr() == text && mine == keywords && self.positional == positional
    }
}

/// The site of a call, known or not.
fn site_of(
    py: Python<'_>,
    text: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
    positional: usize,
) -> PyResult<Arc<Site>> {
    let place = slot(text, keywords);
    {
        let table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = &*table
            && let Some(site) = &table.sites[place]
            && site.is(text, keywords, positional)
        {
            return Ok(site.clone());
        }
    }
    // SAFETY: the caller of `evaluate` holds both during the call.
    let (text, keywords) = unsafe {
        (
            Bound::from_borrowed_ptr(py, text),
            Bound::from_borrowed_ptr_or_opt(py, keywords),
        )
    };
    let site = Arc::new(new_site(&text, keywords, positional)?);
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let table = table.get_or_insert_with(new_table);
    let before = table.sites[place].replace(site.clone());
    // Objects of Python's are let go without the lock: that may run anything.
    drop(before.map(Box::new));
    Ok(site)
}

fn new_table() -> Table {
    Table {
        sites: std::iter::repeat_with(|| None).take(SITES).collect(),
        expressions: HashMap::new(),
    }
}

#[cold]
fn new_site(text: &Bound<'_, PyAny>, keywords: Option<Bound<'_, PyAny>>, positional: usize) -> PyResult<Site> {
    let py = text.py();
    let Ok(source) = text.cast::<PyString>() else {
        let kind = text.get_type();
        let message = format!("the expression is a {}, but must be a str", kind.name()?);
        return Err(PyTypeError::new_err(message));
    };
    if positional > 2 {
        let message = format!("evaluate() takes an expression and a mapping of names, not {positional} of them");
        return Err(PyTypeError::new_err(message));
    }
    let expression = expression_of(py, source.to_str()?)?;
    let given: Vec<String> = match &keywords {
        Some(keywords) => keywords.cast::<PyTuple>()?.extract()?,
        None => Vec::new(),
    };
    let find = |name: &str| {
        given
            .iter()
            .position(|other| other == name)
            .map(|index| positional + index)
    };
    let mut from = Vec::with_capacity(expression.names.len());
    let mut used = Vec::new();
    for name in &expression.names {
        let name = name.bind(py).to_str()?;
        from.push(match find(name) {
            Some(index) => {
                used.push(name.to_owned());
                From::Argument(index)
            }
            None => From::Elsewhere,
        });
    }
    for name in &given {
        if !used.contains(name) && !matches!(name.as_str(), "out" | "workers") {
            let nearest = py.import("multilane._dtypes")?.getattr("nearest")?;
            let known: Vec<&str> = expression
                .names
                .iter()
                .map(|name| name.bind(py).to_str())
                .collect::<PyResult<_>>()?;
            let hint: String = nearest.call1((name, known))?.extract()?;
            let message = format!("the expression has no name `{name}`; {hint}");
            return Err(errors::raise(py, message));
        }
    }
    Ok(Site {
        text: text.clone().unbind(),
        keywords: keywords.map(Bound::unbind),
        positional,
        expression,
        from,
        out: find("out"),
        workers: find("workers"),
    })
}

fn expression_of(py: Python<'_>, text: &str) -> PyResult<Arc<Expression>> {
    {
        let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = table.get_or_insert_with(new_table).expressions.get(text) {
            return Ok(found.clone());
        }
    }
    let names = expression::names(text).map_err(|error| errors::plan(py, &error))?;
    let made = Arc::new(Expression {
        text: text.to_owned(),
        names: names.iter().map(|name| PyString::intern(py, name).unbind()).collect(),
        prepared: Mutex::default(),
    });
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let table = table.get_or_insert_with(new_table);
    let mut dropped = None;
    if table.expressions.len() >= EXPRESSIONS {
        dropped = Some(std::mem::take(&mut table.expressions));
    }
    table.expressions.insert(text.to_owned(), made.clone());
    drop(dropped);
    Ok(made)
}

/// The function as Python calls it: positional arguments, then those by name.
unsafe extern "C" fn entry(
    _module: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let outcome = std::panic::catch_unwind(|| {
        Python::attach(|py| {
            // SAFETY: Python passes as many arguments as it says, and holds them during the call.
            let made = unsafe { call::call(py, arguments, positional as usize, keywords) };
            match made {
                Ok(result) => result.into_ptr(),
                Err(error) => {
                    error.restore(py);
                    std::ptr::null_mut()
                }
            }
        })
    });
    outcome.unwrap_or_else(|_| {
        Python::attach(|py| {
            pyo3::exceptions::PyRuntimeError::new_err("evaluate() failed inside; this is a defect of multilane")
                .restore(py);
        });
        std::ptr::null_mut()
    })
}

/// Adds the function to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Lives as long as the module, which is as long as the process.
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: c"evaluate".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: entry,
        },
        ml_flags: (ffi::METH_FASTCALL | ffi::METH_KEYWORDS) as c_int,
        ml_doc: c"evaluate(expression, names=None, /, *, out=None, workers=None, **more)\n--\n\nCompute an expression over arrays.".as_ptr(),
    }));
    let name = module.name()?;
    // SAFETY: the definition is complete and never freed; the function owns a reference to the name.
    let function = unsafe {
        let made = ffi::PyCFunction_NewEx(definition, std::ptr::null_mut(), name.as_ptr());
        Bound::from_owned_ptr_or_err(module.py(), made)?
    };
    module.add("evaluate", function)
}

/// A variable of the caller of `evaluate`.
fn variable_of_caller<'py>(py: Python<'py>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    // A function of C has no frame, so that these are the caller's.
    // SAFETY: attached; both functions give borrowed references or null without an error.
    let spaces = unsafe {
        [
            Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetLocals()),
            Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetGlobals()),
        ]
    };
    for space in spaces.into_iter().flatten() {
        let found = match space.cast::<PyDict>() {
            Ok(dict) => dict.get_item(name)?,
            Err(_) if space.contains(name)? => Some(space.get_item(name)?),
            Err(_) => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
