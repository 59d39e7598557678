"""Circuits as plans: run by the engine of plans, with its trace, beside operations of other dialects."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings

import multilane as ml
from circuits import State, programs
from multilane.quantum import Circuit, parameter


def ring(qubits: int) -> Circuit:
    circuit = Circuit(qubits)
    for qubit in range(qubits):
        circuit.h(qubit).rz(0.1 * qubit, qubit).cx(qubit, (qubit + 5) % qubits)
    return circuit


@settings(max_examples=30, deadline=None)
@given(programs())
def test_a_plan_leaves_the_state_of_its_circuit(program: tuple[Circuit, State]) -> None:
    circuit, expected = program
    for plan in (circuit.to_plan(), ml.Plan.from_json(circuit.to_plan().to_json())):
        np.testing.assert_allclose(plan.run().state, expected, atol=1e-12)
        np.testing.assert_allclose(plan.run(optimized=False).state, expected, atol=1e-12)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_a_plan_and_a_run_give_the_same_bits(precision: Literal["f64", "f32"], workers: int) -> None:
    circuit = ring(17)
    alone = circuit.run(precision=precision, workers=workers).state()
    planned = circuit.to_plan(precision=precision).run(workers=workers).state
    assert planned.dtype == alone.dtype
    assert np.array_equal(planned, alone)
    assert not planned.flags.writeable


def test_a_run_of_a_plan_is_one_shot_of_its_seed() -> None:
    circuit = Circuit(3, 3).ry(1.1, 0).h(1).cx(1, 2).cx(0, 1).h(0).measure(0, 0).measure(1, 1)
    circuit.x(2, condition=(1, 1)).z(2, condition=(0, 1)).measure(2, 2).reset(1)
    plan = circuit.to_plan()
    seen = set()
    for seed in range(30):
        found = plan.run(seed=seed)
        bits = "".join(str(int(found[f"c{bit}"])) for bit in (2, 1, 0))
        assert circuit.run(shots=1, seed=seed).outcomes() == [bits]
        assert np.linalg.norm(found.state) == pytest.approx(1)
        seen.add(bits)
    assert len(seen) > 4
    with pytest.raises(ml.PlanError, match=r"the input `seed` \(i64\) is missing"):
        plan.run()


def test_answers_go_on_as_numbers() -> None:
    theta = parameter("theta")
    circuit = Circuit(14).ry(theta, 3).cx(3, 13)
    plan = circuit.to_plan(expectation={"Z" + "I" * 13: 2.0}, probabilities=[13, 0])
    text = plan.text().replace("%theta: f64", "%theta: f64, %prices: f64[4]")
    text = text.replace(
        " return ", " %shares = core.mul(%4, %prices)\n %cost = core.sum(%shares)\n return cost = %cost, "
    )
    mixed = ml.Plan.parse(text)
    assert mixed.sizes == []
    for angle in (0.3, 1.4):
        found = mixed.run(theta=angle, prices=np.array([1.0, 5.0, 0.0, 0.0]))
        assert found.expectation == pytest.approx(2 * np.cos(angle))
        np.testing.assert_allclose(
            found.probabilities, [np.cos(angle / 2) ** 2, np.sin(angle / 2) ** 2, 0, 0], atol=1e-12
        )
        assert found.cost == pytest.approx(1 + 4 * np.sin(angle / 2) ** 2)
    with pytest.raises(ml.PlanError, match="`prices` has 5 elements, and the plan was built for 4"):
        mixed.run(theta=0.1, prices=np.ones(5))
    with pytest.raises(ml.CircuitError, match="there is no qubit 14"):
        circuit.to_plan(probabilities=[14])


def test_each_group_is_predicted_and_measured() -> None:
    plan = ring(16).to_plan(expectation=[(1.0, {0: "Z"})])
    found = plan.run(workers=2)
    groups = found.run.groups()
    assert [group["label"] for group in groups] == ["quantum.fused", "quantum.expectation"]
    assert all(group["predicted_ns"] > 0 and group["busy_ns"] > 0 and group["bytes"] > 0 for group in groups)
    assert [task["function"] for task in found.run.trace().tasks()] == ["quantum.fused", "quantum.expectation"]
    lines = plan.explain(analyze=True).splitlines()
    assert any(line.split()[:3] == ["group", "turns", "lanes"] for line in lines)
    assert any(line.strip().startswith("quantum.fused ") for line in lines)
    assert any(line.startswith("fuse_gates") for line in lines)
    assert plan.predict().seconds > 0


def test_what_does_not_fit_is_refused_before_it_runs() -> None:
    with pytest.raises(ml.PlanError, match=r"60 qubits in f64 need .* bytes, but only"):
        Circuit(60).h(0).to_plan().run()
    with pytest.raises(ml.PlanError, match=r"`quantum.gate` names qubit 2, but there are 2"):
        ml.Plan.parse(Circuit(2).h(0).to_plan().text().replace("targets = [0]", "targets = [2]"))


def test_a_circuit_stands_between_other_operations() -> None:
    theta = parameter("theta")
    turn = Circuit(2, 1).ry(theta, 0).cx(0, 1).measure(0, 0).to_plan(probabilities=[0])
    b = ml.Builder("turns")
    angle = b.parameter("half") * 2
    found = b.inline(turn, theta=angle, seed=5)
    b.output("odds", found["probabilities"] * b.input("weights", size="2"))
    ran = b.build().run(half=np.pi / 2, weights=[3.0, 7.0])
    np.testing.assert_allclose(ran.odds, [0, 7], atol=1e-12)
    for wrong, message in [
        ({}, r"the plan's input `theta` \(f64\) is missing"),
        ({"theta": 1, "seed": 2, "other": 3}, "the plan has no input `other`; it has `theta`, `seed`"),
        ({"theta": b.input("x"), "seed": 1}, r"input `theta` is f64, and was given f64\[n\]"),
    ]:
        with pytest.raises(ml.PlanError, match=message):
            b.inline(turn, wrong)  # type: ignore[arg-type]
