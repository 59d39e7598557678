"""Writes a circuit as Qiskit's; imported when it is first asked for, and needs `multilane[qiskit]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qiskit.circuit import ClassicalRegister, Clbit, Gate, Parameter, QuantumCircuit, QuantumRegister
from qiskit.circuit.classical import expr
from qiskit.circuit.library import GlobalPhaseGate, PhaseGate, UnitaryGate, get_standard_gate_name_mapping

from multilane.quantum._circuit import Angle

if TYPE_CHECKING:
    from multilane.quantum._circuit import Circuit

__all__ = ["to_qiskit"]

_GATES = {name: type(gate) for name, gate in get_standard_gate_name_mapping().items()}


def to_qiskit(circuit: Circuit) -> QuantumCircuit:
    """Return the circuit as a `QuantumCircuit` with one quantum and one classical register."""
    qubits = QuantumRegister(circuit.qubits, "q")
    registers = [qubits] + ([ClassicalRegister(circuit.clbits, "c")] if circuit.clbits else [])
    written = QuantumCircuit(*registers)
    parameters = {name: Parameter(name) for name in circuit.parameters}
    for entry in circuit.instructions():
        condition = entry.get("condition")
        if condition is None:
            _write(written, entry, parameters)
        else:
            with written.if_test(_test(written.clbits, *condition)):
                _write(written, entry, parameters)
    return written


def _test(clbits: list[Clbit], bits: list[int], value: int, negated: bool) -> Any:
    """Return the condition: one bit as Qiskit's pair, several as an expression."""
    if value >> len(bits):
        # No value of so many bits: never, or always.
        return expr.lift(negated)
    if len(bits) == 1:
        return clbits[bits[0]], bool(value) != negated
    wanted = [clbits[bit] if value >> place & 1 else expr.logic_not(clbits[bit]) for place, bit in enumerate(bits)]
    test = expr.lift(wanted[0])
    for more in wanted[1:]:
        test = expr.logic_and(test, more)
    return expr.logic_not(test) if negated else test


def _write(written: QuantumCircuit, entry: dict[str, Any], parameters: dict[str, Parameter]) -> None:
    name = entry["name"]
    if name == "measure":
        written.measure(entry["qubits"], entry["clbits"])
    elif name == "reset":
        written.reset(entry["qubits"])
    elif name == "barrier":
        written.barrier(entry["qubits"])
    else:
        angles = [_angle(angle, parameters) for angle in entry["angles"]]
        on, off = entry["controls"], entry["negative_controls"]
        if name == "gphase":
            _phase(written, angles[0], on, off)
            return
        if name == "unitary":
            size = 1 << len(entry["qubits"])
            elements = entry["matrix"]
            gate: Gate = UnitaryGate(
                [elements[row * size : (row + 1) * size] for row in range(size)], check_input=False
            )
        else:
            gate = _GATES[name](*angles)
        written.append(_controlled(gate, on, off), [*on, *off, *entry["qubits"]])


def _phase(written: QuantumCircuit, angle: Any, on: list[int], off: list[int]) -> None:
    """Write a phase: Qiskit controls none, so one of the controls becomes the qubit that has it."""
    if on:
        gate = PhaseGate(angle)
        written.append(_controlled(gate, on[:-1], off), [*on[:-1], *off, on[-1]])
    elif off:
        # Where it is 0: everywhere, less where it is 1.
        _phase(written, angle, [], off[:-1])
        written.append(_controlled(PhaseGate(-angle), [], off[:-1]), [*off[:-1], off[-1]])
    else:
        written.append(GlobalPhaseGate(angle), [])


def _controlled(gate: Gate, on: list[int], off: list[int]) -> Gate:
    if not on and not off:
        return gate
    # Angles without a number cannot be written out: Qiskit keeps the gate and its controls side by side then.
    late = bool(gate.params) and any(getattr(angle, "parameters", None) for angle in gate.params)
    several = len(on) + len(off) > 1
    return gate.control(len(on) + len(off), ctrl_state="0" * len(off) + "1" * len(on), annotated=late and several)


def _angle(angle: float | Angle, parameters: dict[str, Parameter]) -> Any:
    if not isinstance(angle, Angle):
        return angle
    kind, *rest = angle.parts()
    if kind == "number":
        return rest[0]
    if kind == "parameter":
        return parameters[rest[0]]
    operands = [_angle(part, parameters) for part in rest]
    if kind == "-" and len(operands) == 1:
        return -operands[0]
    if kind == "sqrt":
        return operands[0] ** 0.5
    if len(operands) == 1:
        return getattr(operands[0], kind)()
    left, right = operands
    match kind:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case _:
            return left**right
