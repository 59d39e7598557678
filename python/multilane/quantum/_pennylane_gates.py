"""Writes PennyLane's operators into a circuit; needs `multilane[pennylane]`.

PennyLane's first wire is the most significant bit of a basis state's number, so wire `w` of `n` is qubit
`n - 1 - w` here, and states need not be turned around.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pennylane.operation import Operator
from pennylane.ops import Adjoint, Controlled

from multilane.quantum._circuit import Angle, Circuit

__all__ = ["NAMED", "apply_operator", "has_gate", "pauli_terms"]

#: Gates by PennyLane's name, with angles that mean the same.
NAMED = {
    "Hadamard": "h",
    "PauliX": "x",
    "PauliY": "y",
    "PauliZ": "z",
    "S": "s",
    "T": "t",
    "SX": "sx",
    "RX": "rx",
    "RY": "ry",
    "RZ": "rz",
    "PhaseShift": "p",
    "U1": "p",
    "U3": "u",
    "SWAP": "swap",
    "Identity": "id",
}

#: Gates whose adjoint has a name of its own.
_ADJOINTS = {"S": "sdg", "T": "tdg", "SX": "sxdg"}

#: The widest matrix that a gate may have.
_MOST_MATRIX_QUBITS = 5


def has_gate(operator: Operator) -> bool:
    """Say whether an operator can be written without being decomposed."""
    if isinstance(operator, Controlled):
        return has_gate(operator.base)
    if operator.name in NAMED or operator.name == "GlobalPhase":
        return True
    return bool(operator.has_matrix) and 1 <= len(operator.wires) <= _MOST_MATRIX_QUBITS


def apply_operator(
    circuit: Circuit,
    operator: Operator,
    on: Sequence[int] = (),
    off: Sequence[int] = (),
    angles: Sequence[float | Angle] | None = None,
) -> None:
    """Add an operator whose wires are numbered from 0 to a circuit, under some controls, maybe with other angles."""

    def qubits(named: Any) -> list[int]:
        return [circuit.qubits - 1 - wire for wire in named]

    where: Any = {"controls": on, "negative_controls": off}
    name = operator.name
    if isinstance(operator, Controlled):
        controls = list(zip(qubits(operator.control_wires), operator.control_values, strict=True))
        ones = [qubit for qubit, value in controls if value]
        zeros = [qubit for qubit, value in controls if not value]
        apply_operator(circuit, operator.base, [*on, *ones], [*off, *zeros], angles)
    elif name == "GlobalPhase":
        angle = float(operator.data[0]) if angles is None else angles[0]
        circuit.gphase(-angle, **where)
    elif name == "Identity":
        pass
    elif name in NAMED:
        own = [float(angle) for angle in operator.data] if angles is None else angles
        circuit.gate(NAMED[name], *qubits(operator.wires), angles=own, **where)
    elif isinstance(operator, Adjoint) and operator.base.name in _ADJOINTS:
        circuit.gate(_ADJOINTS[operator.base.name], *qubits(operator.wires), **where)
    else:
        # The first wire is the most significant bit of a row's number, ours the least significant one.
        circuit.unitary(operator.matrix(), qubits(reversed(operator.wires)), **where)


def pauli_terms(words: Any, qubits: int) -> list[tuple[float, dict[int, str]]]:
    """Return PennyLane's sum of Pauli words as `Result.expectation` takes it."""
    return [
        (float(np.real(factor)), {qubits - 1 - wire: letter for wire, letter in word.items()})
        for word, factor in words.items()
    ]
