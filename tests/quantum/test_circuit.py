"""Circuits as data: what is built, and what is refused before any work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import multilane as ml
from multilane.quantum import Angle, Circuit, parameter


def test_gates_are_kept_in_order_with_their_controls() -> None:
    c = Circuit(3).h(0).cx(0, 1).rz(0.5, 2, controls=[0], negative_controls=[1])
    names = [(entry["name"], entry["qubits"]) for entry in c.instructions()]
    assert names == [("h", [0]), ("x", [1]), ("rz", [2])]
    last = c.instructions()[-1]
    assert (last["angles"], last["controls"], last["negative_controls"]) == ([0.5], [0], [1])


def test_every_gate_of_the_list_is_added_under_its_name() -> None:
    one = ["id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg"]
    c = Circuit(2)
    for name in one:
        getattr(c, name)(1)
    for name in ("p", "rx", "ry", "rz"):
        getattr(c, name)(0.25, 0)
    c.u(1, 2, 3, 0).swap(0, 1).gphase(0.5)
    expected = [*one, "p", "rx", "ry", "rz", "u", "swap", "gphase"]
    assert [entry["name"] for entry in c.instructions()] == expected


def test_measure_all_adds_the_bits_it_needs() -> None:
    c = Circuit(2, clbits=1).measure_all()
    assert (c.clbits, [entry["clbits"] for entry in c.instructions()]) == (2, [[0], [1]])


def test_parameters_are_bound_late() -> None:
    a, b = parameter("a"), parameter("b")
    c = Circuit(1).rx(2 * a - b / 4, 0).ry(1.0, 0).rz(-(b + 1), 0)
    assert c.parameters == ["a", "b"]
    bound = c.bind({"a": 1.0}, b=8.0)
    assert [entry["angles"] for entry in bound.instructions()] == [[0.0], [1.0], [-9.0]]
    assert (bound.parameters, c.parameters) == ([], ["a", "b"])


def test_a_copy_is_equal_until_it_changes() -> None:
    c = Circuit(1).h(0)
    copy = c.copy()
    assert copy == c
    assert copy.x(0) != c


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Circuit(2).h(2), "no qubit 2.*numbered? .*0 to 1|no qubit 2: the circuit has 2.*from 0 to 1"),
        (lambda: Circuit(2).h(-1), "no qubit -1; qubits are numbered from 0"),
        (lambda: Circuit(-1), "cannot have -1 qubits"),
        (lambda: Circuit(10**9), "1000000000 qubits"),
        (lambda: Circuit(2).cx(1, 1), "names qubit 1 twice"),
        (lambda: Circuit(2).measure(0, 0), "no classical bit 0.*at least 1 classical bits"),
        (lambda: Circuit(1).rx(float("nan"), 0), "angle of `rx` is NaN"),
        (lambda: Circuit(1).unitary([[1, 1], [1, 1]], [0]), "not unitary"),
        (lambda: Circuit(1).unitary([[1, 0, 0]], [0]), "3 elements"),
        (lambda: Circuit(2).unitary([[1, 0], [0, 1]], [0, 1]), "acts on 1 qubits, but 2"),
        (lambda: Circuit(1).gate("nand", 0), "no gate `nand`"),
        (lambda: Circuit(1).gate("rx", 0), "more angles than the 0 given"),
        (lambda: Circuit(1).gate("x", 0, angles=[1.0]), "fewer angles than the 1 given"),
        (lambda: Circuit(1).rx(parameter("a"), 0).bind(), "parameter `a` has no value"),
        (lambda: Circuit(1).rx(parameter("a"), 0).bind(a=1.0, b=2.0), "no parameter `b`.*`a`"),
        (lambda: Circuit(1, 1).x(0, condition=([], 1)), "1 to 64"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ml.CircuitError, match=message):
        build()


def test_a_refused_instruction_leaves_the_circuit_as_it_was() -> None:
    c = Circuit(2).h(0)
    with pytest.raises(ml.CircuitError):
        c.cx(0, 5)
    assert c == Circuit(2).h(0)


@pytest.mark.parametrize("grow", [lambda angle: angle + 1, lambda angle: angle + angle], ids=["deep", "shared"])
def test_angles_of_very_many_operations_are_refused(grow: Callable[[Angle], Angle]) -> None:
    angle = parameter("a")
    with pytest.raises(ml.CircuitError, match="more than 1000 operations"):
        for _ in range(100_000):
            angle = grow(angle)
