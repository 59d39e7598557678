"""Gradients of PennyLane's expectation values by the native adjoint method; needs `multilane[pennylane]`.

A tape becomes a circuit in which every angle that is to be differentiated is a parameter of its own.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pennylane import math
from pennylane.measurements import ExpectationMP, MeasurementProcess
from pennylane.operation import Operator
from pennylane.ops import Controlled
from pennylane.tape import QuantumScript

from multilane.quantum._circuit import Angle, Circuit, parameter
from multilane.quantum._pennylane_gates import NAMED, apply_operator, has_gate, pauli_terms

__all__ = ["differentiable", "has_slopes", "values_and_slopes"]


def has_slopes(operator: Operator) -> bool:
    """Say whether an operator can be written with its trainable angles as parameters."""
    if not any(math.requires_grad(angle) for angle in operator.data):
        return has_gate(operator)
    while isinstance(operator, Controlled):
        operator = operator.base
    return operator.name in NAMED or operator.name == "GlobalPhase"


def differentiable(tape: QuantumScript) -> bool:
    """Say whether all that is measured are exact expectation values of Pauli sums that are no parameters."""
    return not tape.shots and all(_has_paulis(process) for process in tape.measurements)


def _has_paulis(process: MeasurementProcess) -> bool:
    observable = process.obs
    return (
        type(process) is ExpectationMP
        and observable is not None
        and observable.pauli_rep is not None
        and not any(math.requires_grad(factor) for factor in observable.data)
    )


def values_and_slopes(tape: QuantumScript, precision: Literal["f64", "f32"], workers: int | None) -> tuple[Any, Any]:
    """Return what a tape measures, and the slopes along its trainable parameters, nested as PennyLane nests them."""
    circuit, given = _written(tape)
    values, rows = [], []
    for process in tape.measurements:
        terms = pauli_terms(process.obs.pauli_rep, circuit.qubits)
        value, slopes = circuit.value_and_gradient(terms, given, precision=precision, workers=workers)
        values.append(np.float64(value))
        rows.append([np.array(slopes[name]) for name in given])
    found = [row[0] if len(row) == 1 else tuple(row) for row in rows]
    return (values[0], found[0]) if len(values) == 1 else (tuple(values), tuple(found))


def _written(tape: QuantumScript) -> tuple[Circuit, dict[str, float]]:
    """Return the circuit of a tape, and the values of its parameters in the order of the trainable ones."""
    circuit = Circuit(tape.num_wires)
    named: dict[tuple[int, int], str] = {}
    given: dict[str, float] = {}
    for number, place in enumerate(tape.trainable_params):
        entry = tape.par_info[place]
        if entry["op_idx"] < len(tape.operations):
            name = f"p{number}"
            named[entry["op_idx"], entry["p_idx"]] = name
            given[name] = float(entry["op"].data[entry["p_idx"]])
    for at, operator in enumerate(tape.operations):
        if not any((at, place) in named for place in range(len(operator.data))):
            apply_operator(circuit, operator)
            continue
        angles: list[float | Angle] = [
            parameter(named[at, place]) if (at, place) in named else float(angle)
            for place, angle in enumerate(operator.data)
        ]
        apply_operator(circuit, operator, angles=angles)
    return circuit, given
