"""Live registers: gates at once against circuits and plain algebra, and one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import multilane as ml
from circuits import State, programs
from multilane.quantum import Circuit, Register, parameter


def replay(register: Register, circuit: Circuit) -> Register:
    """Apply a circuit's gates one at a time."""
    for entry in circuit.instructions():
        where = {"controls": entry["controls"], "negative_controls": entry["negative_controls"]}
        if entry["name"] == "unitary":
            size = 1 << len(entry["qubits"])
            register.unitary(np.array(entry["matrix"]).reshape(size, size), entry["qubits"], **where)
        else:
            register.gate(entry["name"], *entry["qubits"], angles=entry["angles"], **where)
    return register


@settings(max_examples=100)
@given(programs())
def test_gates_one_at_a_time_give_the_state_of_plain_algebra(program: tuple[Circuit, State]) -> None:
    circuit, expected = program
    np.testing.assert_allclose(replay(Register(circuit.qubits), circuit).state(), expected, atol=1e-12)
    single = replay(Register(circuit.qubits, precision="f32"), circuit).state()
    np.testing.assert_allclose(single, expected, atol=1e-5)


@settings(max_examples=50)
@given(programs())
def test_a_circuit_applied_at_once_gives_the_same_state(program: tuple[Circuit, State]) -> None:
    circuit, expected = program
    start = Register.from_state(np.conj(expected))
    before = start.state().copy()
    start.apply(circuit)
    np.testing.assert_allclose(start.state(), replay(Register.from_state(before), circuit).state(), atol=1e-12)


@pytest.mark.parametrize("qubits", [9, 10, 14, 15, 18])
@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_states_of_every_size_are_those_of_circuits(qubits: int, precision: Any) -> None:
    """Small states are changed in another way than large ones, and without letting the interpreter go."""
    c = Circuit(qubits)
    for qubit in range(qubits):
        c.h(qubit).rz(0.1 * qubit, qubit).cx(qubit, (qubit + 5) % qubits)
        c.swap(qubit, (qubit + 1) % qubits, controls=[(qubit + 3) % qubits], negative_controls=[(qubit + 4) % qubits])
    expected = c.run(precision=precision).state()
    tolerance = 1e-12 if precision == "f64" else 1e-5
    states = [replay(Register(qubits, precision=precision, workers=workers), c).state() for workers in (1, 2)]
    assert np.array_equal(states[0], states[1])
    np.testing.assert_allclose(states[0], expected, atol=tolerance)
    assert abs(np.vdot(states[0], states[0]) - 1) < tolerance


@settings(max_examples=50)
@given(programs(), st.data())
def test_a_measured_qubit_is_what_it_was_measured_as(program: tuple[Circuit, State], data: st.DataObject) -> None:
    circuit, state = program
    qubit = data.draw(st.integers(0, circuit.qubits - 1))
    register = Register.from_state(state, seed=data.draw(st.integers(0, 1 << 64 - 1)))
    outcome = register.measure(qubit)
    ones = np.arange(state.size) >> qubit & 1
    kept = np.where(ones == outcome, state, 0)
    np.testing.assert_allclose(register.state(), kept / np.linalg.norm(kept), atol=1e-12)
    assert [register.measure(qubit) for _ in range(3)] == [outcome] * 3
    assert register.reset(qubit).probabilities([qubit]).tolist() == pytest.approx([1, 0])


@pytest.mark.parametrize("qubits", [1, 13, 17])
def test_measurements_follow_the_probabilities(qubits: int) -> None:
    ones = sum(
        Register(qubits, seed=seed).ry(2 * np.arcsin(0.2**0.5), qubits - 1).measure(qubits - 1) for seed in range(400)
    )
    # Five standard deviations of a binomial distribution.
    assert abs(ones - 80) < 5 * (400 * 0.2 * 0.8) ** 0.5


def test_the_same_seed_and_calls_give_the_same_measurements() -> None:
    def outcomes(seed: int, workers: int) -> list[int]:
        register = Register(16, seed=seed, workers=workers)
        for qubit in range(16):
            register.h(qubit)
        return register.measure_all()

    assert outcomes(1, 1) == outcomes(1, 2) != outcomes(2, 2)


def test_copies_are_drawn_anew_and_share_nothing_that_can_be_seen() -> None:
    register = Register(1, seed=5).h(0)
    copies = [register.copy() for _ in range(60)]
    assert {copy.measure(0) for copy in copies} == {0, 1}
    assert register.probabilities().round(12).tolist() == [0.5, 0.5]
    assert np.shares_memory(register.state(), register.copy().state())


def test_a_state_that_was_handed_out_never_changes() -> None:
    register = Register(12).h(3)
    before, copy = register.state(), register.state().copy()
    register.x(3).h(7)
    register.measure(7)
    assert np.array_equal(before, copy)
    assert not before.flags.writeable
    del before, register


def test_memory_is_not_copied_while_nobody_looks() -> None:
    register = Register(12).h(0)
    place = register.state().ctypes.data
    assert register.z(0).h(3).state().ctypes.data == place


def test_a_circuit_with_measurements_returns_its_bits() -> None:
    teleport = Circuit(3, 3).x(0).h(1).cx(1, 2).cx(0, 1).h(0).measure(0, 0).measure(1, 1)
    teleport.x(2, condition=(1, 1)).z(2, condition=(0, 1)).measure(2, 2)
    found = {tuple(Register(4, seed=seed).apply(teleport)) for seed in range(40)}
    assert {bits[2] for bits in found} == {1}
    assert len(found) == 4


def test_a_result_is_taken_over_without_a_copy() -> None:
    result = Circuit(3).h(0).run(precision="f32")
    register = Register.from_state(result)
    assert register.precision == "f32"
    assert np.shares_memory(register.state(), result.state())
    assert result.expectation("IIX") == pytest.approx(register.expectation("IIX"), abs=1e-6)
    assert register.z(0).expectation({"IIX": 1.0}) == pytest.approx(-1, abs=1e-6)
    np.testing.assert_allclose(register.density([0]), [[0.5, -0.5], [-0.5, 0.5]], atol=1e-6)


def test_a_second_thread_is_refused_and_loses_nothing() -> None:
    """What one thread does while another is at work raises; every gate that did not raise is in the state."""
    register = Register(21)
    slow = Circuit(21)
    for _ in range(8):
        for qubit in range(21):
            slow.ry(0.01, qubit).cx(qubit, (qubit + 1) % 21)
    started, applied = threading.Event(), 0
    refused: list[str] = []

    def work() -> None:
        started.set()
        register.apply(slow)

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    while thread.is_alive():
        try:
            register.gphase(0.001)
            applied += 1
        except ml.RegisterBusy as error:
            refused.append(str(error))
    thread.join()
    expected = slow.gphase(0.001 * applied).run().state()
    assert all("another thread is using this register" in message for message in refused)
    assert refused
    np.testing.assert_allclose(register.state(), expected, atol=1e-12)
    assert issubclass(ml.RegisterBusy, RuntimeError)


def test_many_threads_with_small_registers_lose_nothing() -> None:
    register = Register(1)

    def turn() -> None:
        for _ in range(500):
            register.rz(0.001, 0)

    threads = [threading.Thread(target=turn) for _ in range(4)]
    register.h(0)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = Circuit(1).h(0).rz(2.0, 0).run().state()
    np.testing.assert_allclose(register.state(), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: Register(2).h(2), ml.CircuitError, "no qubit 2.*from 0 to 1"),
        (lambda: Register(2).h(-1), ml.CircuitError, "no qubit -1"),
        (lambda: Register(-1), ml.CircuitError, "cannot have -1 qubits"),
        (lambda: Register(60), MemoryError, "60 qubits in f64 need"),
        (lambda: Register(2).cx(1, 1), ml.CircuitError, "names qubit 1 twice"),
        (lambda: Register(1).rx(parameter("a"), 0), ml.CircuitError, "parameter `a` has no value"),
        (lambda: Register(1).unitary([[1, 1], [1, 1]], [0]), ml.CircuitError, "not unitary"),
        (lambda: Register(1).x(0, condition=(0, 1)), ml.CircuitError, "no classical bits.*write `if`"),
        (lambda: Register(1).x(0, control=[1]), TypeError, "control"),  # type: ignore[call-arg]
        (lambda: Register(1).measure(1), ml.CircuitError, "no qubit 1"),
        (lambda: Register(1).reset(3), ml.CircuitError, "no qubit 3"),
        (lambda: Register(1).apply(Circuit(2)), ml.CircuitError, "no qubit 1: .* has 1"),
        (lambda: Register(1).apply(Circuit(1).rx(parameter("a"), 0)), ml.CircuitError, "parameter `a`"),
        (lambda: Register.from_state([1, 0, 0]), ml.CircuitError, "3 numbers.*power of two"),
        (lambda: Register.from_state([1, float("nan")]), ml.CircuitError, "finite"),
        (lambda: Register.from_state(np.eye(2, dtype=complex)), ml.CircuitError, "a number for each basis state"),
        (lambda: Register(1, seed=-1), ml.CircuitError, "`seed` is -1"),
        (lambda: Register(1, precision="f16"), ml.CircuitError, "f16"),  # type: ignore[arg-type]
        (lambda: Register(1, workers=0), ValueError, "workers"),
        (lambda: Register(1).sample(0), ValueError, "shots"),
    ],
)
def test_what_cannot_be_is_refused(use: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        use()


def test_a_refused_call_leaves_the_state_as_it_was() -> None:
    register = Register(2).h(0)
    before = register.state()
    for refused in (lambda: register.h(7), lambda: register.apply(Circuit(2).rx(parameter("a"), 0))):
        with pytest.raises(ml.CircuitError):
            refused()
    assert np.array_equal(register.state(), before)


def test_samples_change_nothing() -> None:
    register = Register(3).h(0).cx(0, 2)
    assert register.sample(1000, seed=1).keys() == {"000", "101"}
    assert register.sample(1000, seed=1) == register.sample(1000, seed=1) != register.sample(1000, seed=2)
    assert set(register.draw(100).tolist()) == {0, 5}
    assert repr(register) == "<Register of 3 qubits in f64>"
