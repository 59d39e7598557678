"""The circuits, as lists of gates that every library is given in its own form.

Pure data: a gate is its name, its qubits and what it takes besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

#: A gate's name, its qubits (qubit 0 is the least significant), and its angle or matrix.
Gate = tuple[str, tuple[int, ...], Any]

#: Layers of the circuit that is shaped as a quantum-volume circuit is.
DEPTH = 10


def ghz(qubits: int) -> list[Gate]:
    """Entangle all qubits, one after the other."""
    return [("h", (0,), None), *(("cx", (qubit, qubit + 1), None) for qubit in range(qubits - 1))]


def qft(qubits: int) -> list[Gate]:
    """Transform a basis state that is not all zeros."""
    gates: list[Gate] = [("x", (qubit,), None) for qubit in range(0, qubits, 2)]
    for target in reversed(range(qubits)):
        gates.append(("h", (target,), None))
        gates += [("cp", (control, target), math.pi / 2 ** (target - control)) for control in reversed(range(target))]
    return gates + [("swap", (qubit, qubits - 1 - qubit), None) for qubit in range(qubits // 2)]


def volume(qubits: int) -> list[Gate]:
    """Random gates on random pairs; the first qubit of a pair is the least significant of the matrix."""
    random = np.random.default_rng(7)
    gates: list[Gate] = []
    for _ in range(DEPTH):
        order = random.permutation(qubits)
        for first in range(0, qubits - 1, 2):
            normal = random.standard_normal((2, 4, 4))
            q, r = np.linalg.qr(normal[0] + 1j * normal[1])
            matrix = q * (np.diag(r) / abs(np.diag(r)))
            gates.append(("u4", (int(order[first]), int(order[first + 1])), matrix))
    return gates


CASES: dict[str, tuple[str, Callable[[int], list[Gate]]]] = {
    "ghz": ("GHZ", ghz),
    "qft": ("QFT", qft),
    "volume": (f"random pairs, depth {DEPTH}", volume),
}
