//! `Angle`: a number or an expression over parameters, with Python's operators.

use multilane_quantum::{Binary, Unary};
use pyo3::prelude::*;

use super::raise;

/// Operations an angle may be made of: they are walked by recursion, those of a shared part each time.
const MOST: u32 = 1_000;

/// An angle whose parameters get their values later.
#[pyclass(frozen, module = "multilane._multilane", eq, from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Angle {
    pub(super) angle: multilane_quantum::Angle,
    operations: u32,
}

/// What stands for an angle: a number, or an `Angle`.
#[derive(FromPyObject)]
pub(super) enum Given {
    Angle(Angle),
    Number(f64),
}

impl Given {
    fn operations(&self) -> u32 {
        match self {
            Self::Angle(angle) => angle.operations,
            Self::Number(_) => 0,
        }
    }
}

impl From<Given> for multilane_quantum::Angle {
    fn from(given: Given) -> Self {
        match given {
            Given::Angle(angle) => angle.angle,
            Given::Number(number) => Self::Number(number),
        }
    }
}

impl Angle {
    fn with(&self, py: Python<'_>, function: Binary, other: Given, turned: bool) -> PyResult<Self> {
        let operations = counted(py, self.operations + other.operations())?;
        let (left, right) = (self.angle.clone(), other.into());
        let (left, right) = if turned { (right, left) } else { (left, right) };
        let angle = left.combine(function, right);
        Ok(Self { angle, operations })
    }
}

fn counted(py: Python<'_>, inside: u32) -> PyResult<u32> {
    if inside < MOST {
        return Ok(inside + 1);
    }
    let message = format!("an angle is made of more than {MOST} operations; bind some of its parameters first");
    Err(raise(py, message))
}

fn operations_of(angle: &multilane_quantum::Angle) -> u32 {
    match angle {
        multilane_quantum::Angle::Unary(_, x) => 1 + operations_of(x),
        multilane_quantum::Angle::Binary(_, x, y) => 1 + operations_of(x) + operations_of(y),
        _ => 0,
    }
}

impl From<multilane_quantum::Angle> for Angle {
    fn from(angle: multilane_quantum::Angle) -> Self {
        let operations = operations_of(&angle);
        Self { angle, operations }
    }
}

#[pymethods]
impl Angle {
    /// The parameter of that name.
    #[staticmethod]
    fn parameter(name: &str) -> Self {
        let angle = multilane_quantum::Angle::parameter(name);
        Self { angle, operations: 0 }
    }

    fn __add__(&self, py: Python<'_>, other: Given) -> PyResult<Self> {
        self.with(py, Binary::Add, other, false)
    }

    fn __radd__(&self, py: Python<'_>, other: Given) -> PyResult<Self> {
        self.with(py, Binary::Add, other, true)
    }

    fn __sub__(&self, py: Python<'_>, other: Given) -> PyResult<Self> {
        self.with(py, Binary::Subtract, other, false)
    }

    fn __rsub__(&self, py: Python<'_>, other: Given) -> PyResult<Self> {
        self.with(py, Binary::Subtract, other, true)
    }

    fn __mul__(&self, py: Python<'_>, other: Given) -> PyResult<Self> {
        self.with(py, Binary::Multiply, other, false)
    }

    fn __rmul__(&self, py: Python<'_>, other: Given) -> PyResult<Self> {
        self.with(py, Binary::Multiply, other, true)
    }

    fn __truediv__(&self, py: Python<'_>, other: Given) -> PyResult<Self> {
        self.with(py, Binary::Divide, other, false)
    }

    fn __rtruediv__(&self, py: Python<'_>, other: Given) -> PyResult<Self> {
        self.with(py, Binary::Divide, other, true)
    }

    fn __neg__(&self, py: Python<'_>) -> PyResult<Self> {
        let operations = counted(py, self.operations)?;
        let angle = self.angle.clone().apply(Unary::Negate);
        Ok(Self { angle, operations })
    }

    fn __str__(&self) -> String {
        self.angle.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Angle {}>", self.angle)
    }
}
