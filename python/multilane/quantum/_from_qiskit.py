"""Reads Qiskit's circuits; imported when it is first asked for, and needs `multilane[qiskit]`.

Gates of our own names stay what they are, controls included; of others the matrix is taken where it is
small and has no open parameter, else their definition. Control flow that can be unrolled is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import pi
from typing import Any

from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    Clbit,
    ControlFlowOp,
    ControlledGate,
    ControlModifier,
    Delay,
    ForLoopOp,
    Gate,
    IfElseOp,
    Measure,
    ParameterExpression,
    QuantumCircuit,
    Qubit,
    Reset,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.controlflow import CASE_DEFAULT
from qiskit.circuit.library import CUGate, get_standard_gate_name_mapping
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator

from multilane.errors import CircuitError
from multilane.quantum._circuit import Angle, Circuit
from multilane.quantum._gates import Where
from multilane.quantum._qiskit_conditions import Test, cases, none_of, of_target, together
from multilane.quantum._qiskit_parameters import angle_of

__all__ = ["from_qiskit"]

#: Gates by Qiskit's name: ours, and the angles before the own ones.
_GATES: dict[str, tuple[str, tuple[float, ...]]] = {
    **{name: (name, ()) for name in ("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "swap")},
    **{name: (name, ()) for name in ("p", "rx", "ry", "rz", "u")},
    "u1": ("p", ()),
    "u2": ("u", (pi / 2,)),
    "u3": ("u", ()),
    "global_phase": ("gphase", ()),
}

_CLASSES = {name: gate.base_class for name, gate in get_standard_gate_name_mapping().items() if name in _GATES}

#: Wider matrices are slower than what defines them.
_MATRIX_QUBITS = 2

#: The widest matrix that a gate may have.
_MOST_MATRIX_QUBITS = 5

#: How deep definitions may lie within definitions.
_DEPTH = 100


@dataclass(frozen=True)
class _Place:
    """Where something stands: its bits, the values of loop variables, its condition and controls."""

    qubits: Mapping[Qubit, int]
    clbits: Mapping[Clbit, int]
    values: Mapping[Any, float] = field(default_factory=dict)
    test: Test | None = None
    #: Whether nothing follows for which the test has to hold.
    last: bool = True
    on: tuple[int, ...] = ()
    off: tuple[int, ...] = ()
    depth: int = 0
    #: How often the body of a loop with a condition is repeated at most.
    while_turns: int | None = None

    def inside(self, circuit: QuantumCircuit, qubits: Sequence[int], clbits: Sequence[int], **changes: Any) -> _Place:
        """Return the place of a circuit that stands at these bits."""
        if self.depth == _DEPTH:
            raise CircuitError(
                f"definitions lie more than {_DEPTH} deep within each other; decompose the circuit first"
            )
        return replace(
            self,
            qubits=dict(zip(circuit.qubits, qubits, strict=True)),
            clbits=dict(zip(circuit.clbits, clbits, strict=True)),
            depth=self.depth + 1,
            **changes,
        )

    def under(self, controls: Sequence[int], state: int) -> _Place:
        """Return the place with these controls, whose values are the bits of a number."""
        on = [qubit for bit, qubit in enumerate(controls) if state >> bit & 1]
        off = [qubit for bit, qubit in enumerate(controls) if not state >> bit & 1]
        return replace(self, on=(*self.on, *on), off=(*self.off, *off), depth=self.depth + 1)

    def where(self) -> Where:
        """Return controls and condition as our gates take them."""
        where: Where = {}
        if self.on:
            where["controls"] = self.on
        if self.off:
            where["negative_controls"] = self.off
        if self.test is not None:
            where["condition"] = self.test
        return where


def from_qiskit(circuit: QuantumCircuit, while_turns: int | None = None) -> Circuit:
    """Return Qiskit's circuit as one of ours; bits keep their numbers."""
    read = Circuit(circuit.num_qubits, circuit.num_clbits)
    qubits = {qubit: number for number, qubit in enumerate(circuit.qubits)}
    clbits = {clbit: number for number, clbit in enumerate(circuit.clbits)}
    _read(read, circuit, _Place(qubits, clbits, while_turns=while_turns))
    return read


def _read(read: Circuit, circuit: QuantumCircuit, place: _Place) -> None:
    phase = _angle(circuit.global_phase, place)
    if phase != 0.0:
        read.gate("gphase", angles=[phase], **place.where())
    for number, step in enumerate(circuit.data, start=1):
        qubits = [place.qubits[qubit] for qubit in step.qubits]
        clbits = [place.clbits[clbit] for clbit in step.clbits]
        here = place if number == len(circuit.data) or not place.last else replace(place, last=False)
        _instruction(read, step.operation, qubits, clbits, here)


def _instruction(read: Circuit, operation: Any, qubits: list[int], clbits: list[int], place: _Place) -> None:
    if isinstance(operation, Barrier):
        read.barrier(*qubits)
    elif isinstance(operation, Delay):
        read.id(qubits[0], **place.where())
    elif isinstance(operation, Measure):
        if not place.last:
            # The condition is looked at again for what follows.
            _untested(place.test, clbits, "a measurement")
        read.measure(qubits[0], clbits[0], condition=place.test)
    elif isinstance(operation, Reset):
        read.reset(qubits[0], condition=place.test)
    elif isinstance(operation, ControlFlowOp):
        _flow(read, operation, qubits, clbits, place)
    else:
        _gate(read, operation, qubits, clbits, place)


def _gate(read: Circuit, gate: Any, qubits: list[int], clbits: list[int], place: _Place) -> None:
    known = _GATES.get(gate.name)
    if isinstance(gate, AnnotatedOperation):
        _annotated(read, gate, qubits, clbits, place)
    elif isinstance(gate, ControlledGate):
        controls, targets = qubits[: gate.num_ctrl_qubits], qubits[gate.num_ctrl_qubits :]
        under = place.under(controls, gate.ctrl_state)
        if isinstance(gate, CUGate):
            # The fourth angle is a phase that the base gate does not know.
            read.gate("gphase", angles=[_angle(gate.params[3], place)], **under.where())
        _gate(read, gate.base_gate, targets, [], under)
    elif known is not None and getattr(gate, "base_class", None) is _CLASSES[gate.name]:
        name, before = known
        angles = [*before, *(_angle(angle, place) for angle in gate.params)]
        read.gate(name, *qubits, angles=angles, **place.where())
    else:
        _by_meaning(read, gate, qubits, clbits, place)


def _annotated(read: Circuit, gate: AnnotatedOperation, qubits: list[int], clbits: list[int], place: _Place) -> None:
    """Read a gate with modifiers: controls, the last of them first, as controls."""
    if not gate.modifiers:
        _gate(read, gate.base_op, qubits, clbits, place)
        return
    *others, last = gate.modifiers
    if not isinstance(last, ControlModifier):
        _by_meaning(read, gate, qubits, clbits, place)
        return
    controls, targets = qubits[: last.num_ctrl_qubits], qubits[last.num_ctrl_qubits :]
    rest = AnnotatedOperation(gate.base_op, others) if others else gate.base_op
    _gate(read, rest, targets, clbits, place.under(controls, last.ctrl_state))


def _by_meaning(read: Circuit, gate: Any, qubits: list[int], clbits: list[int], place: _Place) -> None:
    """Read a gate that has no name here: by its matrix or its definition."""
    definition = None if isinstance(gate, AnnotatedOperation) else getattr(gate, "definition", None)
    small = len(qubits) <= _MATRIX_QUBITS or definition is None or gate.name == "unitary"
    matrix = _matrix(gate) if small and 1 <= len(qubits) <= _MOST_MATRIX_QUBITS else None
    if matrix is not None:
        read.unitary(matrix, qubits, **place.where())
    elif definition is not None:
        _read(read, definition, place.inside(definition, qubits, clbits))
    else:
        raise CircuitError(f"`{gate.name}` has no matrix and no definition to read it by; decompose or bind it first")


def _matrix(gate: Any) -> Any:
    """Return the matrix of a gate, unless it has none: for an open parameter, or because it measures."""
    open_angles = (angle for angle in getattr(gate, "params", ()) if isinstance(angle, ParameterExpression))
    if not isinstance(gate, (Gate, AnnotatedOperation)) or any(angle.parameters for angle in open_angles):
        return None
    try:
        return Operator(gate).data
    except QiskitError:
        return None


def _flow(read: Circuit, operation: ControlFlowOp, qubits: list[int], clbits: list[int], place: _Place) -> None:
    def block(body: QuantumCircuit, **changes: Any) -> None:
        _read(read, body, place.inside(body, qubits, clbits, **changes))

    def branches(tests: Sequence[tuple[Test, QuantumCircuit]]) -> None:
        whole = [(both, body) for test, body in tests for both in together(place.test, test)]
        for number, (test, body) in enumerate(whole, start=1):
            if not place.last:
                # The condition around it is looked at again for what follows.
                _untested(place.test, list(_written(body, clbits)), "a branch")
            block(body, test=test, last=True)
            for other, _ in whole[number:]:
                _untested(other, list(_written(body, clbits)), "a branch")

    if isinstance(operation, IfElseOp):
        first, second = operation.params
        holds = [(test, first) for test in cases(operation.condition, place.clbits)]
        fails = cases(operation.condition, place.clbits, holds=False) if second is not None else []
        branches(holds + [(test, second) for test in fails])
    elif isinstance(operation, SwitchCaseOp):
        branches(_cases(operation, place))
    elif isinstance(operation, ForLoopOp):
        values, variable, body = operation.params
        for number, value in enumerate(values, start=1):
            known = {} if variable is None else {variable: float(value)}
            block(body, values={**place.values, **known}, last=place.last and number == len(values))
    elif isinstance(operation, WhileLoopOp) and place.while_turns is not None:
        (body,) = operation.params
        # Each turn looks at the loop's condition anew, but at that around the loop as it was before.
        _untested(place.test, list(_written(body, clbits)), "a loop")
        for _ in range(place.while_turns):
            branches([(test, body) for test in cases(operation.condition, place.clbits)])
    elif operation.name == "box":
        block(operation.blocks[0])
    else:
        raise CircuitError(
            f"how often the `{operation.name}` runs is known only while it runs; say how often it may at most with "
            "`while_turns`"
        )


def _cases(operation: SwitchCaseOp, place: _Place) -> list[tuple[Test, QuantumCircuit]]:
    bits = of_target(operation.target, place.clbits)
    known = [(value, body) for values, body in operation.cases_specifier() for value in values]
    others = [int(value) for value, _ in known if value is not CASE_DEFAULT]
    found = []
    for value, body in known:
        tests = none_of(bits, others) if value is CASE_DEFAULT else [(bits, int(value), False)]
        found += [(test, body) for test in tests]
    return found


def _written(body: QuantumCircuit, clbits: Sequence[int]) -> Iterator[int]:
    numbers = dict(zip(body.clbits, clbits, strict=True))
    for step in body.data:
        if not isinstance(step.operation, Barrier):
            yield from (numbers[clbit] for clbit in step.clbits)


def _untested(test: Test | None, clbits: Sequence[int], what: str) -> None:
    both = set(clbits) & set(test[0] if test else ())
    if both:
        raise CircuitError(
            f"{what} writes classical bit {min(both)}, which a condition reads again; measure into another bit"
        )


def _angle(angle: Any, place: _Place) -> float | Angle:
    if not isinstance(angle, ParameterExpression):
        return float(angle)
    known = {parameter: place.values[parameter] for parameter in angle.parameters if parameter in place.values}
    return angle_of(angle.bind(known) if known else angle)
