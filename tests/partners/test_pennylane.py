"""The PennyLane device against `default.qubit`; PennyLane's own suite for devices runs beside this one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pennylane import numpy as pnp

import multilane as ml
from multilane.quantum import MultilaneQubit

WIRES = ["a", 0, "c", 7]

ONE = [qml.Hadamard, qml.X, qml.Y, qml.Z, qml.S, qml.T, qml.SX]
TURN = [qml.RX, qml.RY, qml.RZ, qml.PhaseShift, qml.U1]
TWO = [qml.CNOT, qml.CY, qml.CZ, qml.CH, qml.SWAP, qml.ISWAP, qml.ECR, qml.SISWAP]
TURN_TWO = [
    qml.CRX,
    qml.CRY,
    qml.CRZ,
    qml.ControlledPhaseShift,
    qml.IsingXX,
    qml.IsingXY,
    qml.IsingYY,
    qml.IsingZZ,
    qml.PSWAP,
    qml.SingleExcitation,
    qml.CPhaseShift00,
]


def applied(rng: np.random.Generator, steps: int) -> None:
    """Apply random operators to the wires."""
    for _ in range(steps):
        order = [WIRES[place] for place in rng.permutation(4)]
        angles = rng.uniform(-3, 3, 3)
        match rng.integers(10):
            case 0 | 1:
                qml.adjoint(ONE[rng.integers(len(ONE))](order[0]), lazy=bool(rng.integers(2)))
            case 2 | 3:
                TURN[rng.integers(len(TURN))](angles[0], order[0])
            case 4:
                TWO[rng.integers(len(TWO))](order[:2])
            case 5:
                TURN_TWO[rng.integers(len(TURN_TWO))](angles[0], order[:2])
            case 6:
                qml.ctrl(qml.Rot(*angles, order[0]), order[1:3], control_values=[int(rng.integers(2)), 1])
            case 7:
                qml.MultiRZ(angles[0], order[: rng.integers(1, 5)])
                qml.GlobalPhase(angles[1])
            case 8:
                q, _ = np.linalg.qr(rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8)))
                qml.QubitUnitary(q, order[:3])
            case _:
                qml.MultiControlledX(order, control_values=[int(bit) for bit in rng.integers(0, 2, 3)])
                qml.U3(*angles, order[0])
                qml.Toffoli(order[:3])
                qml.CSWAP(order[1:])


def measurements() -> list[Any]:
    observable = 0.5 * qml.X("a") @ qml.Y(0) - 2.0 * qml.Z("c") + qml.I(7)
    hermitian = qml.Hermitian(np.array([[1, 2j], [-2j, 0.5]]), "c")
    return [
        qml.expval(observable),
        qml.expval(qml.Z(0) @ qml.X(7)),
        qml.expval(hermitian),
        qml.expval(qml.Projector([1, 0], ["a", 7])),
        qml.var(qml.Y("c") @ qml.Z(7)),
        qml.var(observable),
        qml.var(hermitian),
        qml.probs(["c", "a"]),
        qml.probs(op=qml.X(0)),
        qml.purity([0, 7]),
        qml.density_matrix(["c", 0]),
        qml.vn_entropy(["a"]),
        qml.state(),
    ]


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(0, 15))
def test_exact_results_are_those_of_the_reference(seed: int, steps: int) -> None:
    def circuit() -> Any:
        applied(np.random.default_rng(seed), steps)
        return measurements()

    expected = qml.QNode(circuit, qml.device("default.qubit", wires=WIRES))()
    for device, tolerance in (
        (MultilaneQubit(WIRES), 1e-9),
        (MultilaneQubit(WIRES, workers=1), 1e-9),
        (MultilaneQubit(WIRES, precision="f32"), 1e-4),
    ):
        for found, wanted in zip(qml.QNode(circuit, device)(), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=tolerance)


def test_prepared_states() -> None:
    state = np.arange(1, 17) + 1j
    state = state / np.linalg.norm(state)
    for prepare in (
        lambda: qml.StatePrep(state, WIRES),
        lambda: qml.StatePrep([0.6, 0.8j], ["c"]),
        lambda: qml.BasisState([1, 0, 1], ["c", "a", 7]),
    ):

        def circuit(prepare: Any = prepare) -> Any:
            prepare()
            qml.RX(0.4, "a")
            return qml.state()

        found, wanted = (
            qml.QNode(circuit, qml.device(name, wires=WIRES))() for name in ("multilane.qubit", "default.qubit")
        )
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("method", ["best", "adjoint", "parameter-shift", "finite-diff"])
def test_gradients(method: Any) -> None:
    def circuit(x: Any) -> Any:
        qml.RX(x[0], 0)
        qml.CRY(x[1], [0, 1])
        qml.Rot(x[2], x[3], x[0] * x[1], 1)
        return qml.expval(qml.Z(0) @ qml.X(1) + 0.5 * qml.Y(1))

    x = pnp.array([0.4, 0.7, -0.3, 1.1], requires_grad=True)
    expected = qml.grad(qml.QNode(circuit, qml.device("default.qubit", wires=2)))(x)
    found = qml.grad(qml.QNode(circuit, MultilaneQubit(2), diff_method=method))(x)
    np.testing.assert_allclose(found, expected, atol=1e-6 if method == "finite-diff" else 1e-10)


@pytest.mark.filterwarnings("ignore:Casting complex values")
@pytest.mark.parametrize("seed", range(6))
def test_adjoint_gradients_are_those_of_the_reference(seed: int) -> None:
    def circuit(x: Any, fixed: Any) -> Any:
        qml.StatePrep([0.6, 0.8j], "a")
        applied(np.random.default_rng(seed), 4)
        qml.Rot(x[0], x[1] ** 2, fixed, 0)
        qml.ctrl(qml.U3(x[2], x[0] * x[1], x[3], "c"), ["a", 7], control_values=[0, 1])
        qml.IsingXY(x[3], ["c", "a"])
        qml.MultiRZ(x[1], ["a", 0, 7])
        qml.ctrl(qml.GlobalPhase(x[2]), 0)
        applied(np.random.default_rng(seed + 100), 4)
        return (
            qml.expval(qml.Z("a") @ qml.X(7) - 0.5 * qml.Y(0)),
            qml.expval(qml.Hamiltonian([0.3, 2.0], [qml.Z("c"), qml.Y("a") @ qml.Y("c")])),
        )

    def total(node: Any) -> Any:
        return lambda x: pnp.stack(node(x, 0.3))

    x = pnp.array([0.4, 0.7, -0.3, 1.1], requires_grad=True)
    reference = qml.QNode(circuit, qml.device("default.qubit", wires=WIRES))
    expected = qml.jacobian(total(reference))(x)
    found = qml.jacobian(total(qml.QNode(circuit, MultilaneQubit(WIRES), diff_method="adjoint")))(x)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_the_best_gradient_is_the_native_one_where_there_is_one() -> None:
    device = MultilaneQubit(1)

    def circuit(x: Any, process: Any) -> Any:
        qml.RX(x, 0)
        return process()

    x = pnp.array(0.4, requires_grad=True)
    for process, native in (
        (lambda: qml.expval(qml.Z(0)), 1),
        (lambda: qml.probs(0), 0),
        (lambda: qml.expval(qml.Hermitian(np.diag([1.0, 2.0]), 0)), 0),
    ):
        with device.tracker:
            qml.jacobian(qml.QNode(lambda x, process=process: circuit(x, process), device))(x)
        found = device.tracker.totals.get("execute_and_derivative_batches", 0)
        assert found == native
    with pytest.raises(qml.exceptions.QuantumFunctionError, match="adjoint"):
        qml.jacobian(qml.QNode(lambda x: circuit(x, lambda: qml.probs(0)), device, diff_method="adjoint"))(x)


def test_batches_of_parameters() -> None:
    @qml.qnode(MultilaneQubit(2))  # type: ignore[untyped-decorator]
    def circuit(x: Any) -> Any:
        qml.RX(x, 0)
        return qml.expval(qml.Z(0))

    x = np.linspace(0, 3, 5)
    np.testing.assert_allclose(circuit(x), np.cos(x), atol=1e-12)


def test_samples_follow_the_state_and_the_seed() -> None:
    def circuit() -> Any:
        qml.RY(2 * np.arcsin(0.2**0.5), 0)
        qml.CNOT([0, 1])
        return (
            qml.counts(wires=[0, 1]),
            qml.sample(wires=[1, 0]),
            qml.expval(qml.Z(0)),
            qml.expval(qml.X(0)),
            qml.var(qml.Z(1)),
            qml.probs([0]),
            qml.sample(qml.Z(1)),
            qml.counts(qml.Y(0) @ qml.X(1)),
        )

    def run(seed: int) -> Any:
        return qml.set_shots(qml.QNode(circuit, MultilaneQubit(2, seed=seed)), 20_000)()

    counts, samples, z, x, variance, chances, signs, product = run(3)
    assert counts.keys() == {"00", "11"}
    # Five standard deviations of a binomial distribution.
    assert abs(counts["11"] - 4000) < 5 * (20_000 * 0.2 * 0.8) ** 0.5
    assert samples.shape == (20_000, 2)
    assert z == pytest.approx(0.6, abs=0.04)
    assert x == pytest.approx(0, abs=0.04)
    assert variance == pytest.approx(0.64, abs=0.05)
    np.testing.assert_allclose(chances, [0.8, 0.2], atol=0.02)
    assert set(np.unique(signs)) == {-1, 1}
    assert sum(product.values()) == 20_000
    again = run(3)
    assert again[0] == counts
    assert np.array_equal(again[1], samples)
    assert run(4)[0] != counts


def test_shot_vectors_and_shadows() -> None:
    device = MultilaneQubit(2, seed=1)

    @qml.qnode(device)  # type: ignore[untyped-decorator]
    def circuit() -> Any:
        qml.Hadamard(0)
        qml.CNOT([0, 1])
        return qml.expval(qml.Z(0) @ qml.Z(1)), qml.sample(wires=0)

    found = qml.set_shots(circuit, [10, (20, 2)])()
    assert [(float(value), samples.shape[0]) for value, samples in found] == [(1.0, 10), (1.0, 20), (1.0, 20)]

    @qml.qnode(device)  # type: ignore[untyped-decorator]
    def shadow() -> Any:
        qml.Hadamard(0)
        qml.CNOT([0, 1])
        return qml.shadow_expval(qml.X(0) @ qml.X(1))

    assert qml.set_shots(shadow, 5000)() == pytest.approx(1, abs=0.15)


def test_measurements_on_the_way_are_moved_to_the_end() -> None:
    def circuit() -> Any:
        qml.RY(1.0, 0)
        outcome = qml.measure(0, reset=True)
        qml.cond(outcome, qml.RX)(0.7, 1)
        return qml.expval(qml.Z(1)), qml.probs(op=outcome)

    found, wanted = (qml.QNode(circuit, qml.device(name, wires=3))() for name in ("multilane.qubit", "default.qubit"))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_wide_operators_are_decomposed() -> None:
    def circuit() -> Any:
        for wire in range(8):
            qml.RY(0.1 * wire, wire)
        qml.QFT(range(8))
        qml.MultiControlledX(range(8))
        qml.MultiRZ(0.3, range(7))
        return qml.state()

    found, wanted = (qml.QNode(circuit, qml.device(name, wires=8))() for name in ("multilane.qubit", "default.qubit"))
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ml.CircuitError, match="f16"):
        qml.device("multilane.qubit", wires=1, precision="f16")
    with pytest.raises(ValueError, match="workers"):
        qml.device("multilane.qubit", wires=1, workers=0)
    with pytest.raises(qml.exceptions.WireError, match="wires"):
        qml.QNode(lambda: (qml.X(3), qml.state())[1], MultilaneQubit(2))()

    @qml.qnode(MultilaneQubit(2), mcm_method="tree-traversal")  # type: ignore[untyped-decorator]
    def circuit() -> Any:
        qml.measure(0)
        return qml.expval(qml.Z(0))

    with pytest.raises(qml.exceptions.DeviceError, match="deferred"):
        circuit()
