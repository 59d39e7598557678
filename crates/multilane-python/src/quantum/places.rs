//! Qubits and classical bits as Python names them: numbers that may be negative, in anything that iterates.

use multilane_quantum::{Condition, Control};
use pyo3::prelude::*;

use super::raise;

/// A number that has to be a place.
#[derive(Clone, Copy, FromPyObject)]
pub(super) struct Place(pub(super) i64);

/// Some of them, of any iterable.
#[derive(Default)]
pub(super) struct Places(Vec<Place>);

impl<'py> FromPyObject<'_, 'py> for Places {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        object
            .try_iter()?
            .map(|number| number?.extract())
            .collect::<PyResult<_>>()
            .map(Self)
    }
}

/// One classical bit or several, the least significant first.
#[derive(FromPyObject)]
pub(super) enum Bits {
    One(Place),
    Several(Places),
}

/// Classical bits and the value they are compared with; with a third part that is true, they have to differ.
#[derive(FromPyObject)]
pub(super) enum Asked {
    Equal(Bits, u64),
    Either(Bits, u64, bool),
}

impl Asked {
    pub(super) fn condition(self, py: Python<'_>) -> PyResult<Condition> {
        let (bits, value, differs) = match self {
            Self::Equal(bits, value) => (bits, value, false),
            Self::Either(bits, value, differs) => (bits, value, differs),
        };
        let clbits = match bits {
            Bits::One(bit) => vec![place(py, bit, "classical bit")?],
            Bits::Several(bits) => places(py, &bits, "classical bit")?,
        };
        Ok(if differs {
            Condition::differs(clbits, value)
        } else {
            Condition::equals(clbits, value)
        })
    }
}

pub(super) fn place(py: Python<'_>, Place(number): Place, what: &str) -> PyResult<usize> {
    usize::try_from(number).map_err(|_| raise(py, format!("there is no {what} {number}; {what}s are numbered from 0")))
}

pub(super) fn places(py: Python<'_>, Places(numbers): &Places, what: &str) -> PyResult<Vec<usize>> {
    numbers.iter().map(|number| place(py, *number, what)).collect()
}

/// The controls of a gate: where these qubits are 1, and these are 0.
pub(super) fn controls(py: Python<'_>, on: &Places, off: &Places) -> PyResult<Vec<Control>> {
    let on = places(py, on, "qubit")?.into_iter().map(Control::on);
    let off = places(py, off, "qubit")?.into_iter().map(Control::off);
    Ok(on.chain(off).collect())
}
