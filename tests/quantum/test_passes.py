"""Passes, light cones and gradients against dense algebra in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import multilane as ml
from circuits import PAULIS, State, programs
from multilane.quantum import PASSES, Angle, Circuit, parameter

ORDERS = st.lists(st.sampled_from(PASSES), max_size=7)


def operator(text: str) -> State:
    matrix = np.eye(1, dtype=complex)
    for letter in text:
        matrix = np.kron(matrix, PAULIS[letter])
    return matrix


def test_the_passes_have_names() -> None:
    assert PASSES == ("fold_initial_state", "cancel_inverses", "merge_rotations", "group_diagonals", "light_cone")
    with pytest.raises(ml.CircuitError, match=r"no pass `fuse`; choose from `fold_initial_state`"):
        Circuit(1).optimize(["fuse"])


@settings(max_examples=100, deadline=None)
@given(programs(), ORDERS)
def test_every_order_of_passes_keeps_the_state(program: tuple[Circuit, State], order: list[str]) -> None:
    circuit, expected = program
    changed = circuit.optimize(order)
    for optimize in (True, False):
        for workers in (1, 2):
            state = changed.run(optimize=optimize, workers=workers).state()
            np.testing.assert_allclose(state, expected, atol=1e-12)
        single = changed.run(optimize=optimize, precision="f32").state()
        np.testing.assert_allclose(single, expected, atol=1e-5)
    assert len(changed) <= len(circuit) + 1


@settings(max_examples=60, deadline=None)
@given(programs(), st.data())
def test_what_is_asked_of_a_circuit_is_what_its_state_says(program: tuple[Circuit, State], data: st.DataObject) -> None:
    circuit, state = program
    text = data.draw(st.text("IIXYZ", min_size=circuit.qubits, max_size=circuit.qubits))
    expected = np.vdot(state, operator(text) @ state).real
    assert circuit.expectation({text: 2.0}) == pytest.approx(2 * expected, abs=1e-12)
    assert circuit.expectation(text, precision="f32") == pytest.approx(expected, abs=1e-5)

    chosen = data.draw(st.permutations(range(circuit.qubits)))[: data.draw(st.integers(1, 3))]
    values = sum(((np.arange(state.size) >> qubit & 1) << place) for place, qubit in enumerate(chosen))
    weights = np.bincount(values, abs(state) ** 2, 1 << len(chosen))
    np.testing.assert_allclose(circuit.probabilities(chosen), weights, atol=1e-12)


def test_a_circuit_is_optimised_into_another() -> None:
    circuit = Circuit(2, 2).h(0).x(1).x(1).measure(0, 0)
    changed = circuit.optimize()
    assert (len(circuit), len(changed)) == (4, 2)
    assert changed.clbits == 2
    a = parameter("a")
    assert Circuit(1).h(0).rz(a, 0).rz(-a, 0).optimize().parameters == ["a"]


def test_more_qubits_than_memory_holds_when_few_matter() -> None:
    circuit = Circuit(200)
    for qubit in range(200):
        circuit.ry(0.3, qubit)
    for qubit in range(199):
        circuit.cz(qubit, qubit + 1)
    expected = math.sin(0.3) * math.cos(0.3) ** 2
    assert circuit.expectation([(1, {100: "X"})]) == pytest.approx(expected, abs=1e-12)
    assert circuit.probabilities([150])[1] == pytest.approx(math.sin(0.15) ** 2, abs=1e-12)
    with pytest.raises(MemoryError, match="200 qubits"):
        circuit.expectation([(1, dict.fromkeys(range(200), "X"))])


def test_what_leaves_many_states_cannot_be_asked() -> None:
    circuit = Circuit(1, 1).h(0).measure(0, 0).h(0)
    for ask in (circuit.expectation, lambda text: circuit.gradient(text, {})):
        with pytest.raises(ml.CircuitError, match="needs one final state"):
            ask("Z")
    with pytest.raises(ml.CircuitError, match="needs one final state"):
        circuit.probabilities([0])
    with pytest.raises(ml.CircuitError, match="qubit 1"):
        Circuit(1).probabilities([1])


@st.composite
def ansatz(draw: st.DrawFn) -> Circuit:
    """Draw layers of rotations by shared and scaled parameters."""
    qubits = draw(st.integers(1, 4))
    circuit = Circuit(qubits)
    names = [parameter(name) for name in "abc"]
    for _ in range(draw(st.integers(1, 12))):
        order = draw(st.permutations(range(qubits)))
        angle: float | Angle = draw(st.sampled_from(names)) * draw(st.sampled_from([1, -0.5, 2]))
        if draw(st.booleans()):
            angle = angle + draw(st.sampled_from(names)) / 3 + 0.25
        name = draw(st.sampled_from(["rx", "ry", "rz", "p"]))
        getattr(circuit, name)(angle, order[0], controls=order[1 : 1 + draw(st.integers(0, 2))])
        if qubits > 1 and draw(st.booleans()):
            circuit.cx(order[1], order[0])
    return circuit


@settings(max_examples=80, deadline=None)
@given(ansatz(), st.data())
def test_gradients_are_those_of_small_steps(circuit: Circuit, data: st.DataObject) -> None:
    text = data.draw(st.text("IXYZ", min_size=circuit.qubits, max_size=circuit.qubits))
    values = {name: data.draw(st.floats(-3, 3)) for name in circuit.parameters}
    matrix, step = operator(text), 1e-5

    def at(values: dict[str, float]) -> float:
        state = circuit.bind(values).run(optimize=False).state()
        return float(np.vdot(state, matrix @ state).real)

    value, slopes = circuit.value_and_gradient(text, values)
    assert value == pytest.approx(at(values), abs=1e-12)
    assert list(slopes) == circuit.parameters
    for name, slope in slopes.items():
        ahead, behind = (at(values | {name: values[name] + by}) for by in (step, -step))
        assert slope == pytest.approx((ahead - behind) / (2 * step), abs=1e-7)
    assert circuit.gradient(text, values, workers=1) == slopes
    single = circuit.gradient(text, values, precision="f32")
    assert single == pytest.approx(slopes, abs=1e-3)


def test_gradients_need_a_value_for_each_parameter_and_no_more() -> None:
    circuit = Circuit(1).rx(parameter("a"), 0)
    with pytest.raises(ml.CircuitError, match="parameter `a` has no value"):
        circuit.gradient("Z", {})
    with pytest.raises(ml.CircuitError, match="no parameter `b`"):
        circuit.gradient("Z", {"a": 1, "b": 2})
    assert Circuit(1).gradient("Z", {}) == {}


def test_amplitudes_of_chosen_states() -> None:
    result = Circuit(3).x(0).h(2).run()
    half = math.sqrt(0.5)
    np.testing.assert_allclose(result.amplitudes(["001", "101", "111", 1]), [half, half, 0, half], atol=1e-15)
    assert result.amplitudes([]).shape == (0,)
    assert Circuit(1).run(precision="f32").amplitudes([0]).tolist() == [1]
    refused: list[tuple[str | int, str]] = [
        ("01", "is no basis state of 3 qubits"),
        ("0a1", "write a 0 or a 1"),
        (8, "no basis state 8"),
        (-1, "no basis state -1"),
    ]
    for wrong, message in refused:
        with pytest.raises(ml.CircuitError, match=message):
            result.amplitudes([wrong])


def test_explanations_say_what_runs() -> None:
    circuit = Circuit(4)
    for qubit in range(4):
        circuit.h(qubit).h(qubit).ry(0.1, qubit)
    circuit.cx(0, 1).measure_all()
    text = circuit.explain()
    assert "before: 13 gates (1 cx, 8 h, 4 ry)" in text
    assert "after: 5 gates (1 cx, 4 ry)" in text
    assert "cancel_inverses" in text
    assert "1 pass over memory" in text
    assert "predicted" in text
    assert "measured" not in text
    analyzed = circuit.explain(analyze=True, workers=1, optimize=False, precision="f32")
    assert "after: 13 gates" in analyzed
    assert "GB/s" in analyzed
    teleported = Circuit(1, 1).h(0).measure(0, 0).x(0, condition=(0, 1))
    assert "measured" in teleported.explain(analyze=True)
    with pytest.raises(MemoryError, match="60 qubits"):
        Circuit(60).h(0).explain()
