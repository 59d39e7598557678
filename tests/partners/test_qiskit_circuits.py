"""Circuits to Qiskit and back, with Qiskit's own algebra as the oracle."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    InverseModifier,
    Parameter,
    ParameterVector,
    PowerModifier,
)
from qiskit.circuit.classical import expr
from qiskit.circuit.library import (
    QFTGate,
    RZGate,
    UGate,
    UnitaryGate,
    XGate,
    get_standard_gate_name_mapping,
)
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, Statevector, random_unitary

import multilane as ml
from circuits import State, programs
from multilane.quantum import Circuit, parameter

GATES = {
    name: gate
    for name, gate in get_standard_gate_name_mapping().items()
    if isinstance(gate, Gate) and name != "global_phase"
}


def state_of(circuit: Circuit) -> State:
    state: State = circuit.run().state().astype(complex)
    return state


@settings(max_examples=20)
@given(programs())
def test_what_is_written_for_qiskit_means_the_same_there(program: tuple[Circuit, State]) -> None:
    circuit, expected = program
    written = circuit.to_qiskit()
    np.testing.assert_allclose(Statevector(written).data, expected, atol=1e-10)
    np.testing.assert_allclose(state_of(Circuit.from_qiskit(written)), expected, atol=1e-10)


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate_of_the_library_on_every_order_of_qubits(name: str) -> None:
    gate = GATES[name]
    if gate.params:
        gate = type(gate)(*np.linspace(0.3, 1.7, len(gate.params)))
    width = max(gate.num_qubits, 3) if gate.num_qubits < 4 else gate.num_qubits
    for order in itertools.permutations(range(width), gate.num_qubits):
        written = QuantumCircuit(width)
        for qubit in range(width):
            written.ry(0.3 + qubit, qubit)
        written.append(gate, order)
        np.testing.assert_allclose(state_of(Circuit.from_qiskit(written)), Statevector(written).data, atol=1e-10)


@pytest.mark.parametrize(
    "name", ["x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "p", "rx", "ry", "rz", "u", "swap", "gphase"]
)
@pytest.mark.parametrize(("on", "off"), [([], []), ([2], []), ([], [0]), ([3], [2, 0]), ([3, 0, 2], [])])
@pytest.mark.parametrize("late", [False, True])
def test_every_gate_with_controls_there_and_back(name: str, on: list[int], off: list[int], late: bool) -> None:
    targets = {"gphase": [], "swap": [4, 1]}.get(name, [1])
    count = {"p": 1, "rx": 1, "ry": 1, "rz": 1, "gphase": 1, "u": 3}.get(name, 0)
    names = ["a", "b", "c"][:count]
    values = dict(zip(names, [0.4, -1.1, 2.3], strict=False))
    c = Circuit(5)
    for qubit in range(5):
        c.ry(0.3 + qubit, qubit)
    angles: list[Any] = [parameter(known) if late else values[known] for known in names]
    c.gate(name, *targets, angles=angles, controls=on, negative_controls=off)
    written = c.to_qiskit()
    assert [known.name for known in written.parameters] == (names if late else [])
    bound = written.assign_parameters(values) if late else written
    expected = state_of(c.bind(values) if late else c)
    np.testing.assert_allclose(Statevector(bound).data, expected, atol=1e-10)
    back = Circuit.from_qiskit(written)
    np.testing.assert_allclose(state_of(back.bind(values) if late else back), expected, atol=1e-10)


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 12), st.integers(0, 10**6))
def test_random_circuits_of_qiskit_are_read(qubits: int, depth: int, seed: int) -> None:
    written = random_circuit(qubits, depth, max_operands=min(4, qubits), seed=seed)
    np.testing.assert_allclose(state_of(Circuit.from_qiskit(written)), Statevector(written).data, atol=1e-9)


def test_controls_that_qiskit_writes_in_other_ways() -> None:
    written = QuantumCircuit(5, global_phase=0.7)
    for qubit in range(5):
        written.ry(0.3 + qubit, qubit)
    written.append(XGate().control(3, ctrl_state=0b010), [4, 0, 2, 1])
    written.append(UnitaryGate(random_unitary(4, seed=1)).control(2, ctrl_state=1), [0, 3, 1, 2])
    written.append(UGate(1, 2, 3).control(1), [0, 3])
    written.cu(0.1, 0.2, 0.3, 0.4, 2, 4)
    written.append(AnnotatedOperation(RZGate(0.3), [ControlModifier(2, ctrl_state=2)]), [0, 1, 2])
    modifiers = [PowerModifier(0.5), InverseModifier(), ControlModifier(1)]
    written.append(AnnotatedOperation(UGate(1, 2, 3), modifiers), [3, 1])
    written.append(QFTGate(4), [3, 1, 0, 2])
    written.append(QFTGate(3).control(1, annotated=True), [3, 1, 0, 2])
    np.testing.assert_allclose(state_of(Circuit.from_qiskit(written)), Statevector(written).data, atol=1e-10)


def test_gates_of_the_users_own_are_read_by_their_meaning() -> None:
    definition = QuantumCircuit(2, name="pair", global_phase=0.2)
    definition.h(0)
    definition.cx(0, 1)
    pair = definition.to_gate()

    class Phase(Gate):  # type: ignore[misc]
        """Only known by its matrix, and named as another gate is."""

        def __init__(self) -> None:
            super().__init__("x", 1, [])

        def __array__(self, dtype: Any = None, copy: Any = None) -> State:
            return np.diag([1, 1j]).astype(complex)

    written = QuantumCircuit(3)
    written.append(pair, [2, 0])
    written.append(pair.control(1, ctrl_state=0), [1, 2, 0])
    written.append(Phase(), [0])
    written.append(pair.inverse(), [0, 1])
    np.testing.assert_allclose(state_of(Circuit.from_qiskit(written)), Statevector(written).data, atol=1e-10)


a, b, v = Parameter("a"), Parameter("b"), ParameterVector("θ", 2)
EXPRESSIONS: list[Callable[[], Any]] = [
    lambda: a,
    lambda: -a + 2 * b / 3 - 1.25,
    lambda: (a - b) * (a + v[0]) / (v[1] + 3),
    lambda: a - (b - (v[0] - 1)) - 2 / (3 / a),
    lambda: a.sin() * b.cos() + v[0].tan(),
    lambda: (a / 9).arcsin() + (b / 9).arccos() - v[1].arctan(),
    lambda: (a**2).exp() - (b + 5).log() + 2**a,
    lambda: (-a) ** 2 - a**2 + (a**b) ** 2 + a ** (b**2),
    lambda: -(-a - 0.0) * -b,
    lambda: a * 1.25e-7 + 1e7 / (b * 1e9) + 0.1,
]


@pytest.mark.parametrize("make", EXPRESSIONS, ids=[str(make()) for make in EXPRESSIONS])
def test_angles_are_read_and_written(make: Callable[[], Any]) -> None:
    expression = make()
    written = QuantumCircuit(1)
    written.rx(expression, 0)
    values = {"a": 0.7, "b": 1.3, "θ[0]": -0.4, "θ[1]": 0.9}
    known = {name.name: values[name.name] for name in expression.parameters}
    expected = float(expression.bind({name: values[name.name] for name in expression.parameters}))
    read = Circuit.from_qiskit(written)
    assert read.bind(known).instructions()[0]["angles"] == [pytest.approx(expected, rel=1e-12)]
    back = Circuit.from_qiskit(read.to_qiskit())
    assert back.bind(known).instructions()[0]["angles"] == [pytest.approx(expected, rel=1e-12)]


def counts_of(circuit: Circuit) -> dict[str, int]:
    return circuit.run(shots=300, seed=1).counts()


def test_measurements_resets_and_barriers() -> None:
    written = QuantumCircuit(
        QuantumRegister(1, "a"), QuantumRegister(2, "b"), ClassicalRegister(1, "c"), ClassicalRegister(2, "d")
    )
    written.x([0, 2])
    written.barrier()
    written.measure(2, 0)
    written.reset(2)
    written.delay(10, 1)
    written.measure([0, 2], [1, 2])
    read = Circuit.from_qiskit(written)
    assert counts_of(read) == {"011": 300}
    names = [entry["name"] for entry in read.instructions()]
    assert names == ["x", "x", "barrier", "measure", "reset", "id", "measure", "measure"]
    assert Circuit.from_qiskit(read.to_qiskit()) == read


@pytest.mark.parametrize("value", range(5))
@pytest.mark.parametrize("bits", [(0,), (1, 0), (0, 1, 2)])
@pytest.mark.parametrize("differs", [False, True])
def test_conditions_there_and_back(value: int, bits: tuple[int, ...], differs: bool) -> None:
    c = Circuit(4, 4).x(1).measure(0, 0).measure(1, 1).measure(2, 2)
    c.x(3, condition=(bits, value, differs)).measure(3, 3)
    back = Circuit.from_qiskit(c.to_qiskit())
    # Qubit 1 alone is 1.
    found = sum((bit == 1) << place for place, bit in enumerate(bits))
    expected = "1010" if (found == value) != differs else "0010"
    assert counts_of(c) == counts_of(back) == {expected: 300}


def dynamic() -> tuple[QuantumCircuit, list[Any]]:
    """Return a circuit with two registers that hold 1 and 2, and two more qubits to tell what happened."""
    qubits, low, high, out = (
        QuantumRegister(6),
        ClassicalRegister(2, "low"),
        ClassicalRegister(2, "high"),
        ClassicalRegister(2),
    )
    written = QuantumCircuit(qubits, low, high, out)
    written.x([0, 3])
    written.measure(range(4), range(4))
    return written, [qubits, low, high]


TESTS: list[tuple[Callable[[Any, Any], Any], bool]] = [
    (lambda low, high: (low, 1), True),
    (lambda low, high: (high[0], 1), False),
    (lambda low, high: expr.equal(low, 1), True),
    (lambda low, high: expr.not_equal(low, 1), False),
    (lambda low, high: expr.equal(2, high), True),
    (lambda low, high: expr.logic_not(low[1]), True),
    (lambda low, high: expr.logic_and(low[0], high[1]), True),
    (lambda low, high: expr.logic_and(low[0], expr.logic_not(high[1])), False),
    (lambda low, high: expr.logic_or(low[1], high[1]), True),
    (lambda low, high: expr.bit_and(low[0], high[0]), False),
    (lambda low, high: expr.logic_and(expr.equal(low, 1), expr.equal(high, 2)), True),
    (lambda low, high: expr.logic_or(low[1], expr.not_equal(high[1], True)), False),
    (lambda low, high: expr.index(high, 1), True),
    (lambda low, high: expr.cast(low, expr.lift(True).type), True),
    (lambda low, high: expr.lift(False), False),
    (lambda low, high: expr.logic_and(expr.lift(True), low[0]), True),
]


@pytest.mark.parametrize(("test", "holds"), TESTS, ids=map(str, range(len(TESTS))))
def test_conditions_of_qiskit_are_read(test: Callable[[Any, Any], Any], holds: bool) -> None:
    written, (_, low, high) = dynamic()
    with written.if_test(test(low, high)) as other:
        written.x(4)
    with other:
        written.x(5)
    written.measure([4, 5], [4, 5])
    expected = "011001" if holds else "101001"
    assert counts_of(Circuit.from_qiskit(written)) == {expected: 300}


RELATIONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[int, int], bool]]] = {
    "less": (expr.less, operator.lt),
    "less_equal": (expr.less_equal, operator.le),
    "greater": (expr.greater, operator.gt),
    "greater_equal": (expr.greater_equal, operator.ge),
    "equal": (expr.equal, operator.eq),
    "not_equal": (expr.not_equal, operator.ne),
    "xor": (lambda low, high: expr.equal(expr.bit_xor(low, high), 3), lambda low, high: low ^ high == 3),
    "not": (lambda low, high: expr.less(expr.bit_not(low), high), lambda low, high: 3 - low < high),
    "between": (
        lambda low, high: expr.logic_and(expr.not_equal(low, 1), expr.not_equal(high, 2)),
        lambda low, high: low != 1 and high != 2,
    ),
}


@pytest.mark.parametrize("name", RELATIONS)
def test_registers_are_compared(name: str) -> None:
    written_as, means = RELATIONS[name]
    for low_value, high_value in itertools.product(range(4), repeat=2):
        low, high, out = ClassicalRegister(2, "low"), ClassicalRegister(2, "high"), ClassicalRegister(2)
        written = QuantumCircuit(QuantumRegister(6), low, high, out)
        for qubit in range(4):
            if (low_value | high_value << 2) >> qubit & 1:
                written.x(qubit)
        written.measure(range(4), range(4))
        with written.if_test(written_as(low, high)) as other:
            written.x(4)
        with other:
            written.x(5)
        written.measure([4, 5], [4, 5])
        (counted,) = counts_of(Circuit.from_qiskit(written))
        assert counted[:2] == ("01" if means(low_value, high_value) else "10")
        assert counted[2:] == f"{high_value:02b}{low_value:02b}"


def test_a_loop_with_a_condition_runs_as_often_as_it_may() -> None:
    written = QuantumCircuit(2, 3)
    with written.while_loop((written.clbits[0], 0)):
        # Counts: the second bit is 1 after the second turn, and no other follows.
        written.cx(0, 1)
        written.x(0)
        written.measure(1, 0)
    written.measure([0, 1], [1, 2])
    counted = [counts_of(Circuit.from_qiskit(written, while_turns=turns)) for turns in (1, 2, 3, 9)]
    assert counted[0] == {"010": 300}
    assert counted[1] == counted[2] == counted[3] == {"101": 300}
    until = QuantumCircuit(1, 1)
    with until.while_loop((until.clbits[0], 0)):
        until.h(0)
        until.measure(0, 0)
    assert counts_of(Circuit.from_qiskit(until, while_turns=40)) == {"1": 300}
    with pytest.raises(ValueError, match="`while_turns` is 0"):
        Circuit.from_qiskit(until, while_turns=0)


def test_control_flow_is_unrolled() -> None:
    written, (_, low, high) = dynamic()
    angle = Parameter("turn")
    with written.switch(low) as case:
        with case(0, 2):
            written.x(5)
        with case(1):
            with written.for_loop([1, 2, 4], angle) as known:
                written.rx(known * np.pi / 7, 4)
            with written.if_test((high, 2)):
                written.barrier(4)
                written.measure(4, 4)
    with written.switch(high) as case:
        with case(1):
            written.x(4)
        with case(case.DEFAULT):
            written.x(5)
    written.measure(5, 5)
    assert counts_of(Circuit.from_qiskit(written)) == {"111001": 300}


def refused_write() -> QuantumCircuit:
    written = QuantumCircuit(2, 1)
    with written.if_test((written.clbits[0], 0)):
        written.measure(0, 0)
        written.x(1)
    return written


def refused_loop() -> QuantumCircuit:
    written = QuantumCircuit(2, 1)
    with written.while_loop((written.clbits[0], 0)):
        written.measure(0, 0)
    return written


def refused_compare() -> QuantumCircuit:
    left, right = ClassicalRegister(7), ClassicalRegister(7)
    written = QuantumCircuit(QuantumRegister(1), left, right)
    with written.if_test(expr.less(left, right)):
        written.x(0)
    return written


def refused_angle() -> QuantumCircuit:
    written = QuantumCircuit(1)
    written.rx(Parameter("a").abs(), 0)
    return written


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (refused_write, "writes classical bit 0, which a condition reads again"),
        (refused_loop, "say how often it may at most with `while_turns`"),
        (refused_compare, "is about 14 classical bits, and may be about 12"),
        (refused_angle, "bind its parameters first"),
        (lambda: QuantumCircuit(1).compose(Opaque(), [0]), "`opaque` has no matrix and no definition"),
    ],
)
def test_what_cannot_be_said_is_refused(make: Callable[[], QuantumCircuit], message: str) -> None:
    with pytest.raises(ml.CircuitError, match=message):
        Circuit.from_qiskit(make())


class Opaque(Gate):  # type: ignore[misc]
    """A gate of which nothing is known."""

    def __init__(self) -> None:
        super().__init__("opaque", 1, [])


def test_large_definitions_are_read_gate_by_gate() -> None:
    written = QuantumCircuit(7)
    written.h(range(7))
    written.append(QFTGate(7), range(7))
    written.mcx([0, 1, 2, 3, 4], 6)
    read = Circuit.from_qiskit(written)
    assert all(len(entry["qubits"]) <= 2 for entry in read.instructions())
    np.testing.assert_allclose(state_of(read), Statevector(written).data, atol=1e-10)
    np.testing.assert_allclose(Operator(written.inverse()).data @ state_of(read), np.eye(128)[0], atol=1e-10)
