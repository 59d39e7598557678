//! `Angle`: a number or an expression over parameters, with Python's operators.

use multilane_quantum::{Binary, Unary};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::raise;

/// Operations an angle may be made of: they are walked by recursion, those of a shared part each time.
const MOST: u32 = 1_000;

/// Functions that have a name in Python.
const FUNCTIONS: [Unary; 9] = [
    Unary::Sin,
    Unary::Cos,
    Unary::Tan,
    Unary::Asin,
    Unary::Acos,
    Unary::Atan,
    Unary::Exp,
    Unary::Ln,
    Unary::Sqrt,
];

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
    // Tried first: what is refused costs an exception.
    Number(f64),
    Angle(Angle),
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

    /// A number as an angle, for what is asked of angles only.
    #[staticmethod]
    fn number(number: f64) -> Self {
        Self::from(multilane_quantum::Angle::Number(number))
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

    #[expect(clippy::needless_pass_by_value, reason = "the signature is Python's")]
    fn __pow__(&self, py: Python<'_>, other: Given, modulo: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        if modulo.is_some() {
            return Err(raise(py, "an angle has no power modulo a number"));
        }
        self.with(py, Binary::Power, other, false)
    }

    /// A function of it, by name.
    fn apply(&self, py: Python<'_>, function: &str) -> PyResult<Self> {
        let known = FUNCTIONS.iter().find(|known| known.name() == function);
        let unknown = || raise(py, format!("angles have no function `{function}`"));
        let operations = counted(py, self.operations)?;
        let angle = self.angle.clone().apply(*known.ok_or_else(unknown)?);
        Ok(Self { angle, operations })
    }

    /// What it is made of: a number, a parameter, or an operation and the angles it is done to.
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        use multilane_quantum::Angle as Kind;
        let part = |angle: &Kind| Self::from(angle.clone());
        match &self.angle {
            Kind::Number(number) => ("number", *number).into_pyobject(py),
            Kind::Parameter(name) => ("parameter", name.as_ref()).into_pyobject(py),
            Kind::Unary(function, x) => (function.name(), part(x)).into_pyobject(py),
            Kind::Binary(function, x, y) => (function.symbol(), part(x), part(y)).into_pyobject(py),
            other => Err(raise(
                py,
                format!("the angle `{other}` has no parts that are known here"),
            )),
        }
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
