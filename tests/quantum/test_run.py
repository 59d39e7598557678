"""States against dense algebra in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import multilane as ml
from circuits import PAULIS, State, programs
from multilane.quantum import Circuit, parameter


@settings(max_examples=150, deadline=None)
@given(programs())
def test_states_are_those_of_plain_algebra(program: tuple[Circuit, State]) -> None:
    circuit, expected = program
    for workers in (1, 2):
        np.testing.assert_allclose(circuit.run(workers=workers).state(), expected, atol=1e-12)
    np.testing.assert_allclose(circuit.run(precision="f32").state(), expected, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(programs())
def test_what_is_written_as_openqasm_is_read_as_the_same_state(program: tuple[Circuit, State]) -> None:
    circuit, expected = program
    text = circuit.to_qasm(3)
    np.testing.assert_allclose(Circuit.from_qasm(text).run().state(), expected, atol=1e-12)


@pytest.mark.parametrize("qubits", [12, 17, 20])
def test_larger_states_keep_their_norm_and_have_the_same_bits_on_any_number_of_workers(qubits: int) -> None:
    c = Circuit(qubits)
    for qubit in range(qubits):
        c.h(qubit).rz(0.1 * qubit, qubit).cx(qubit, (qubit + 5) % qubits)
    one, two = c.run(workers=1).state(), c.run(workers=2).state()
    assert np.array_equal(one, two)
    assert abs(np.vdot(one, one) - 1) < 1e-12


def test_a_state_is_not_copied_and_outlives_its_circuit() -> None:
    result = Circuit(3).h(2).run()
    first, second = result.state(), result.state()
    assert np.shares_memory(first, second)
    assert first.dtype == np.complex128
    assert first.shape == (8,)
    del result
    assert abs(first[4]) == pytest.approx(math.sqrt(0.5))
    assert Circuit(1).run(precision="f32").state().dtype == np.complex64


def test_a_circuit_that_changed_runs_as_it_is_now() -> None:
    c = Circuit(1).x(0)
    assert c.run().state().tolist() == [0, 1]
    assert c.x(0).run().state().tolist() == [1, 0]


@settings(max_examples=60, deadline=None)
@given(programs(), st.data())
def test_expectations_probabilities_and_densities_are_those_of_the_state(
    program: tuple[Circuit, State], data: st.DataObject
) -> None:
    circuit, state = program
    qubits = circuit.qubits
    result = circuit.run()

    text = data.draw(st.text("IXYZ", min_size=qubits, max_size=qubits))
    operator = np.eye(1)
    for letter in text:
        operator = np.kron(operator, PAULIS[letter])
    expected = np.vdot(state, operator @ state).real
    assert result.expectation(text) == pytest.approx(expected, abs=1e-12)
    assert result.expectation({text: -2.0}) == pytest.approx(-2 * expected, abs=1e-12)

    chosen = data.draw(st.permutations(range(qubits)))[: data.draw(st.integers(1, qubits))]
    values = sum(((np.arange(1 << qubits) >> qubit & 1) << place) for place, qubit in enumerate(chosen))
    weights = np.bincount(values, abs(state) ** 2, 1 << len(chosen))
    np.testing.assert_allclose(result.probabilities(chosen), weights, atol=1e-12)

    others = sum(
        ((np.arange(1 << qubits) >> qubit & 1) << place)
        for place, qubit in enumerate(qubit for qubit in range(qubits) if qubit not in chosen)
    )
    table = np.zeros((1 << len(chosen), 1 << (qubits - len(chosen))), dtype=complex)
    table[values, others] = state
    np.testing.assert_allclose(result.density(chosen), table @ table.conj().T, atol=1e-12)


def test_shots_follow_the_probabilities_and_the_seed() -> None:
    c = Circuit(2).ry(2 * math.asin(math.sqrt(0.2)), 0).cx(0, 1).measure_all()
    counts = c.run(shots=100_000, seed=3).counts()
    assert counts.keys() == {"00", "11"}
    # Five standard deviations of a binomial distribution.
    assert abs(counts["11"] - 20_000) < 5 * math.sqrt(100_000 * 0.2 * 0.8)
    assert c.run(shots=100_000, seed=3, workers=1).counts() == counts
    assert c.run(shots=100_000, seed=4).counts() != counts


def test_what_is_measured_on_the_way_decides_what_follows() -> None:
    """Teleportation: the last qubit gets the first one's state, whatever was measured."""
    c = Circuit(3, 3).x(0).h(1).cx(1, 2).cx(0, 1).h(0).measure(0, 0).measure(1, 1)
    c.x(2, condition=(1, 1)).z(2, condition=(0, 1)).measure(2, 2)
    result = c.run(shots=200, seed=1)
    assert sum(result.counts().values()) == 200
    assert all(bits[0] == "1" for bits in result.counts())
    assert len(result.counts()) == 4
    with pytest.raises(ml.CircuitError, match="leaves many states"):
        result.state()


def test_what_was_not_run_is_not_told() -> None:
    with pytest.raises(ml.CircuitError, match="without shots"):
        Circuit(1).measure_all().run().counts()
    with pytest.raises(ml.CircuitError, match=r"one final state.*ask for counts"):
        Circuit(1).h(0).reset(0).run()
    with pytest.raises(ml.CircuitError, match="parameter `a` has no value"):
        Circuit(1).rx(parameter("a"), 0).run()
    with pytest.raises(ValueError, match="shots"):
        Circuit(1).run(shots=0)
    with pytest.raises(ml.CircuitError, match="`seed` is -1"):
        Circuit(1).run(shots=1, seed=-1)
    result = Circuit(2).run()
    with pytest.raises(ml.CircuitError, match="3 letters for 2 qubits"):
        result.expectation("ZZZ")
    with pytest.raises(ml.CircuitError, match='no Pauli matrix "W"'):
        result.expectation("WZ")
    with pytest.raises(ml.CircuitError, match="qubit 2"):
        result.probabilities([2])


def test_a_state_that_does_not_fit_is_refused_before_any_work() -> None:
    with pytest.raises(MemoryError, match=r"60 qubits in f64 need .* bytes.*this machine holds"):
        Circuit(60).h(0).run()
    with pytest.raises(ml.CircuitError, match='`precision` is "f16"'):
        Circuit(1).run(precision="f16")  # type: ignore[arg-type]


def test_text_that_is_no_openqasm_is_refused_with_its_place() -> None:
    with pytest.raises(ml.CircuitError, match=r"\b2:\d+|line 2"):
        Circuit.from_qasm("OPENQASM 3.0;\nqubit[2 q;\n")
