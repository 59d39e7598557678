"""Quantum circuits: built gate by gate, simulated on all cores.

>>> import multilane as ml
>>> c = ml.quantum.Circuit(2).h(0).cx(0, 1)
>>> c
<Circuit of 2 qubits: 2 instructions>
>>> abs(c.run().state()).round(3).tolist()
[0.707, 0.0, 0.0, 0.707]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilane.quantum._anatomy import Anatomy, anatomy
from multilane.quantum._circuit import Angle, Circuit, parameter
from multilane.quantum._gates import Gates
from multilane.quantum._ket import Ket, ket
from multilane.quantum._partners import with_package
from multilane.quantum._questions import PASSES
from multilane.quantum._register import Register
from multilane.quantum._result import Result
from multilane.quantum._verdict import Verdict

if TYPE_CHECKING:
    from multilane.quantum._pennylane_device import MultilaneQubit as MultilaneQubit
    from multilane.quantum._qiskit_backend import MultilaneBackend as MultilaneBackend
    from multilane.quantum._qiskit_backend import MultilaneProvider as MultilaneProvider

__all__ = [
    "PASSES",
    "Anatomy",
    "Angle",
    "Circuit",
    "Gates",
    "Ket",
    "Register",
    "Result",
    "Verdict",
    "anatomy",
    "ket",
    "parameter",
]

#: Names that need another package, and the module that has them.
_HOMES = {
    "MultilaneBackend": ("qiskit", "_qiskit_backend"),
    "MultilaneProvider": ("qiskit", "_qiskit_backend"),
    "MultilaneQubit": ("pennylane", "_pennylane_device"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'multilane.quantum' has no attribute {name!r}")
    package, home = _HOMES[name]
    return getattr(with_package(package, home), name)
