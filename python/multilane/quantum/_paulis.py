"""Sums of products of Pauli matrices, as users write them.

Reads texts and mappings into the form the native half takes; never looks at a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from multilane.errors import CircuitError

__all__ = ["Paulis", "pauli_terms"]

Paulis = str | Mapping[str, float] | Iterable[tuple[float, Mapping[int, str]]]


def pauli_terms(paulis: Paulis, qubits: int) -> list[tuple[float, list[tuple[int, str]]]]:
    """Return each product's factor, and the letters of the qubits that have one.

    >>> pauli_terms({"XIZ": 0.5}, 3)
    [(0.5, [(0, 'Z'), (2, 'X')])]
    >>> pauli_terms([(2, {1: "Y"})], 3)
    [(2.0, [(1, 'Y')])]
    """
    if isinstance(paulis, str):
        paulis = {paulis: 1.0}
    if isinstance(paulis, Mapping):
        return [(float(factor), _letters(text, qubits)) for text, factor in paulis.items()]
    return [(float(factor), list(letters.items())) for factor, letters in paulis]


def _letters(text: str, qubits: int) -> list[tuple[int, str]]:
    if len(text) != qubits:
        raise CircuitError(f"{text!r} has {len(text)} letters for {qubits} qubits; write one for each")
    return [(qubit, letter) for qubit, letter in enumerate(reversed(text)) if letter != "I"]
