"""Random circuits, and the states that plain algebra in NumPy gives them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from multilane.quantum import Circuit

__all__ = ["PAULIS", "PLAIN", "State", "programs"]

State = npt.NDArray[np.complex128]

PLAIN = {
    "x": [[0, 1], [1, 0]],
    "y": [[0, -1j], [1j, 0]],
    "z": [[1, 0], [0, -1]],
    "h": [[math.sqrt(0.5), math.sqrt(0.5)], [math.sqrt(0.5), -math.sqrt(0.5)]],
    "s": [[1, 0], [0, 1j]],
    "sdg": [[1, 0], [0, -1j]],
    "t": [[1, 0], [0, np.exp(0.25j * math.pi)]],
    "tdg": [[1, 0], [0, np.exp(-0.25j * math.pi)]],
    "sx": [[0.5 + 0.5j, 0.5 - 0.5j], [0.5 - 0.5j, 0.5 + 0.5j]],
}


def rotation(name: str, angle: float) -> State:
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    return {
        "p": np.array([[1, 0], [0, np.exp(1j * angle)]]),
        "rx": np.array([[c, -1j * s], [-1j * s, c]]),
        "ry": np.array([[c, -s], [s, c]], dtype=complex),
        "rz": np.array([[np.exp(-0.5j * angle), 0], [0, np.exp(0.5j * angle)]]),
    }[name]


def applied(state: State, matrix: Any, targets: list[int], on: list[int], off: list[int]) -> State:
    """Apply a matrix to every group of amplitudes whose controls agree, one by one."""
    matrix = np.asarray(matrix, dtype=complex)
    result = state.copy()
    mask = sum(1 << target for target in targets)
    for basis in range(state.size):
        if basis & mask or any(not basis >> q & 1 for q in on) or any(basis >> q & 1 for q in off):
            continue
        group = [basis | sum((k >> i & 1) << t for i, t in enumerate(targets)) for k in range(1 << len(targets))]
        result[group] = matrix @ state[group]
    return result


def random_unitary(seed: int, qubits: int) -> State:
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.normal(size=(1 << qubits,) * 2) + 1j * rng.normal(size=(1 << qubits,) * 2))
    diagonal = np.diag(r)
    unitary: State = q * (diagonal / abs(diagonal))
    return unitary


@st.composite
def programs(draw: st.DrawFn) -> tuple[Circuit, State]:
    """Draw a circuit and the state that plain algebra gives it."""
    qubits = draw(st.integers(1, 7))
    circuit = Circuit(qubits)
    state = np.zeros(1 << qubits, dtype=complex)
    state[0] = 1
    for _ in range(draw(st.integers(0, 25))):
        order = draw(st.permutations(range(qubits)))
        kind = draw(st.sampled_from(["plain", "rotation", "swap", "unitary"]))
        width = {"plain": 1, "rotation": 1, "swap": 2}.get(kind) or draw(st.integers(1, 4))
        if width > qubits:
            continue
        targets, rest = list(order[:width]), list(order[width:])
        on, off = rest[: draw(st.integers(0, 2))], rest[2 : 2 + draw(st.integers(0, 1))]
        controls: dict[str, Any] = {"controls": on, "negative_controls": off}
        if kind == "plain":
            name = draw(st.sampled_from(sorted(PLAIN)))
            getattr(circuit, name)(targets[0], **controls)
            matrix = PLAIN[name]
        elif kind == "rotation":
            name, angle = draw(st.sampled_from(["p", "rx", "ry", "rz"])), draw(st.floats(-7, 7))
            getattr(circuit, name)(angle, targets[0], **controls)
            matrix = rotation(name, angle)
        elif kind == "swap":
            circuit.swap(*targets, **controls)
            matrix = np.eye(4)[[0, 2, 1, 3]]
        else:
            matrix = random_unitary(draw(st.integers(0, 1000)), width)
            circuit.unitary(matrix, targets, **controls)
        state = applied(state, matrix, targets, on, off)
    return circuit, state


PAULIS = {"I": np.eye(2), "X": np.array(PLAIN["x"]), "Y": np.array(PLAIN["y"]), "Z": np.array(PLAIN["z"])}
