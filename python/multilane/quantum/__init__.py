"""Quantum circuits: built gate by gate, simulated on all cores.

>>> import multilane as ml
>>> c = ml.quantum.Circuit(2).h(0).cx(0, 1)
>>> c
<Circuit of 2 qubits: 2 instructions>
>>> abs(c.run().state()).round(3).tolist()
[0.707, 0.0, 0.0, 0.707]
"""

from __future__ import annotations

from multilane.quantum._circuit import Angle, Circuit, parameter
from multilane.quantum._questions import PASSES
from multilane.quantum._result import Result

__all__ = ["PASSES", "Angle", "Circuit", "Result", "parameter"]
