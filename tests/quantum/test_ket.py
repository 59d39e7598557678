"""Kets against vectors of NumPy's, read from their text."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import multilane as ml
from multilane.quantum import Circuit, Ket, ket

ONE = {"0": [1, 0], "1": [0, 1], "+": [0.5**0.5, 0.5**0.5], "-": [0.5**0.5, -(0.5**0.5)]}
TEXTS = st.text("01+-", min_size=1, max_size=5)


def vector(text: str) -> npt.NDArray[np.complex128]:
    """Multiply the factors from left to right: the leftmost is the most significant."""
    return functools.reduce(np.kron, [np.array(ONE[character], dtype=complex) for character in text])


@given(TEXTS)
def test_a_text_is_the_product_of_its_characters(text: str) -> None:
    np.testing.assert_allclose(ket(text).amplitudes, vector(text), atol=1e-12)
    assert ket(text).norm == pytest.approx(1)
    assert ket(text).n == len(text)


@given(TEXTS, TEXTS, st.complex_numbers(max_magnitude=10), st.complex_numbers(max_magnitude=10))
def test_operators_are_those_of_vectors(left: str, right: str, a: complex, b: complex) -> None:
    tensor = ket(left) * ket(right)
    np.testing.assert_allclose(tensor.amplitudes, np.kron(vector(left), vector(right)), atol=1e-12)
    other = ket(right + left)
    together = a * tensor - other * b
    expected = a * vector(left + right) - b * vector(right + left)
    np.testing.assert_allclose(together.amplitudes, expected, atol=1e-9)
    assert together.norm == pytest.approx(float(np.linalg.norm(expected)), abs=1e-9)
    half = -(vector(left + right) + vector(right + left)) / 2
    np.testing.assert_allclose((-(tensor + other) / 2).amplitudes, half, atol=1e-12)


def test_gates_name_qubits_from_the_left() -> None:
    assert repr(ket("00").H(0).CNOT(0, 1)) == "0.707|00> + 0.707|11>"
    assert repr(ket("00").X(0)) == "1.000|10>"
    assert ket("10").CNOT(0, 1).isclose(ket("11"))
    assert ket("110").TOFFOLI(0, 1, 2).isclose(ket("111"))
    assert ket("01").SWAP(0, 1).isclose(ket("10"))
    assert ket("1").S(0).isclose(1j * ket("1"))
    assert ket("1").T(0).T(0).isclose(ket("1").S(0))
    assert ket("11").CZ(0, 1).isclose(-ket("11"))
    assert ket("11").CPHASE(0, 1).isclose(-ket("11"))
    assert ket("1").PHASE(0.5, 0).isclose(np.exp(0.5j) * ket("1"))
    assert ket("0").Y(0).Z(0).isclose(-1j * ket("1"))
    turned = ket("0").RX(0.3, 0).RY(0.4, 0).RZ(0.5, 0)
    np.testing.assert_allclose(turned.amplitudes, Circuit(1).rx(0.3, 0).ry(0.4, 0).rz(0.5, 0).run().state(), atol=1e-12)


def test_the_order_of_qubits_is_the_reverse_of_a_circuits() -> None:
    circuit = Circuit(3).h(0).cx(0, 1).ry(0.4, 2).cz(1, 2)
    state = ket("000").H(2).CNOT(2, 1).RY(0.4, 0).CZ(1, 0)
    np.testing.assert_allclose(state.amplitudes, circuit.run().state(), atol=1e-12)


def test_a_ket_never_changes() -> None:
    start = ket("+0")
    before = start.amplitudes.copy()
    start.CNOT(0, 1).X(0)
    assert np.array_equal(start.amplitudes, before)
    assert not start.amplitudes.flags.writeable


def test_what_is_the_same_state() -> None:
    assert ket("+").isclose(ket("0") + ket("1"))
    assert ket("-").isclose(ket("0") - ket("1"))
    assert ket("++").isclose([0.5, 0.5, 0.5, 0.5])
    assert ket("--").isclose(np.array([0.5, -0.5, -0.5, 0.5]))
    assert not ket("0").isclose(ket("00"))
    assert not ket("0").isclose(1j * ket("0"))
    w = ket("001") + ket("010") + ket("100")
    assert [w.M(qubit, 3000, seed=1).count(1) in range(850, 1150) for qubit in range(3)] == [True] * 3


def test_measuring_samples_and_leaves_the_ket_as_it_is() -> None:
    plus = ket("+")
    found = plus.M(0, 10_000, seed=1)
    # Five standard deviations of a binomial distribution.
    assert abs(sum(found) - 5000) < 250
    assert found == plus.M(0, 10_000, seed=1)
    assert plus.M(0) in ([0], [1])
    assert ket("01").M(0, 3) + ket("01").M(1, 2) == [0, 0, 0, 1, 1]
    assert ket("0").M(0, 0) == []


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (ket("0"), "1.000|0>"),
        (-ket("1"), "-1.000|1>"),
        (ket("+") * ket("-"), "0.500|00> - 0.500|01> + 0.500|10> - 0.500|11>"),
        (ket("0") + 1j * ket("1"), "1.000|0> + 1.000j|1>"),
        (ket("0") - 1j * ket("1"), "1.000|0> - 1.000j|1>"),
        ((0.6 - 0.8j) * ket("0"), "(0.600-0.800j)|0>"),
        (ket("0") - ket("0"), "0"),
    ],
)
def test_text(state: Ket, text: str) -> None:
    assert repr(state) == str(state) == state.terms() == text


def test_a_long_state_is_cut() -> None:
    assert ket("+" * 6).terms(1).endswith("0.1|011111> + ...")


def test_numbers_of_numpy_multiply_from_both_sides() -> None:
    assert isinstance(np.float64(2) * ket("0"), Ket)
    assert (ket("0") * np.complex128(2j)).norm == pytest.approx(2)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: ket("0a"), ml.CircuitError, "has 'a' in it"),
        (lambda: ket(""), ml.CircuitError, "is empty"),
        (lambda: ket("00").X(2), ml.CircuitError, "no qubit 2: the ket has 2"),
        (lambda: ket("00").X(-1), ml.CircuitError, "no qubit -1"),
        (lambda: ket("00").CNOT(1, 1), ml.CircuitError, "twice"),
        (lambda: ket("00").M(3), ml.CircuitError, "no qubit 3"),
        (lambda: ket("0").M(0, -1), ml.CircuitError, "`ntimes` is -1"),
        (lambda: ket("0") + ket("00"), ml.CircuitError, "1 qubits and the other 2"),
        (lambda: ket("0") * float("inf"), ml.CircuitError, "finite"),
        (lambda: (ket("0") - ket("0")).M(0), ml.CircuitError, "zero is no state"),
        (lambda: (ket("0") - ket("0")).isclose(ket("0")), ml.CircuitError, "zero"),
        (lambda: ket("0") * "0", TypeError, "unsupported|can't multiply"),  # type: ignore[operator]
        (lambda: ket("0") / 0, ZeroDivisionError, "zero"),
        (lambda: ket("0") + 1, TypeError, "unsupported"),  # type: ignore[operator]
    ],
)
def test_what_cannot_be_is_refused(use: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        use()
