"""Traces and verdicts of runs, and circuits as plans."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import multilane as ml
from circuits import State, programs
from multilane.quantum import Circuit, Register, parameter


def ring(qubits: int) -> Circuit:
    circuit = Circuit(qubits)
    for qubit in range(qubits):
        circuit.h(qubit).rz(0.1 * qubit, qubit).cx(qubit, (qubit + 5) % qubits)
    return circuit


@pytest.mark.parametrize("workers", [1, 2])
def test_a_trace_has_every_pass_over_memory(workers: int) -> None:
    result = ring(18).run(workers=workers)
    trace, passes = result.trace, result.verdict.passes
    assert trace.backend == "circuit"
    assert [task["function"] for task in trace.tasks()] == [one["label"] for one in passes]
    assert all(one["bytes"] > 0 and one["measured_ns"] > 0 and one["predicted_ns"] > 0 for one in passes)
    assert all(one["bandwidth"] == pytest.approx(one["bytes"] / one["measured_ns"] * 1e9) for one in passes)
    assert sum(one["measured_ns"] for one in passes) <= trace.end_ns - trace.start_ns
    assert f"{len(passes)} pass" in ring(18).explain()


def test_a_recorded_trace_says_what_each_worker_did() -> None:
    trace = ring(18).run(workers=2, record=True).trace
    assert {task["worker"] for task in trace.tasks()} <= {0, 1}
    assert trace.workers == 2
    assert 0 < trace.cores_used <= 2.2
    assert sum(trace.decomposition.values()) == pytest.approx(1)
    assert ml.Trace.from_json(trace.to_json()).cores_used == trace.cores_used


def test_shots_are_a_part_of_the_trace() -> None:
    drawn = ring(10).measure_all().run(shots=10)
    assert drawn.verdict.passes[-1]["label"] == "shots drawn from the state"
    one_by_one = Circuit(2, 2).h(0).measure(0, 0).x(1, condition=(0, 1)).measure(1, 1).run(shots=20)
    assert [one["label"] for one in one_by_one.verdict.passes] == ["the circuit once for each shot"]
    assert len(one_by_one.trace) == 1


def test_a_verdict_names_what_bounds_the_run() -> None:
    verdict = ring(18).run().verdict
    assert verdict.cause in {"memory", "arithmetic", "overhead"}
    assert 0 <= verdict.memory_s <= verdict.measured_s
    lines = str(verdict).splitlines()
    assert lines[0].split() == ["pass", "predicted", "measured", "GB/s"]
    assert lines[-1] == verdict.sentence


@settings(max_examples=40, deadline=None)
@given(programs())
def test_plans_of_circuits_are_read_back(program: tuple[Circuit, State]) -> None:
    circuit, expected = program
    plan = circuit.to_plan()
    np.testing.assert_allclose(Circuit.from_plan(plan).run().state(), expected, atol=1e-12)
    assert ml.Plan.parse(plan.text()) == plan
    assert ml.Plan.from_json(plan.to_json()) == plan
    better = plan.optimize(["cancel_inverses", "merge_rotations"])
    np.testing.assert_allclose(Circuit.from_plan(better).run().state(), expected, atol=1e-12)
    assert [entry["name"] for entry in better.passes] == ["cancel_inverses", "merge_rotations"]


def test_passes_of_plans_and_of_circuits_run_in_one_order() -> None:
    theta = parameter("theta")
    plan = Circuit(1).rx(theta * 2 + theta * 2, 0).h(0).h(0).to_plan()
    better = plan.optimize(["cse", "cancel_inverses", "dce"])
    assert better.text().count("quantum.gate") == 1
    assert Circuit.from_plan(better).parameters == ["theta"]
    with pytest.raises(ml.PlanError, match="no pass is called `cancel`"):
        plan.optimize(["cancel_inverses", "cancel"])


def test_a_plan_that_is_no_circuit_says_why() -> None:
    b = ml.Builder("sum")
    b.output("y", b.input("x").sum())
    with pytest.raises(ml.CircuitError, match="makes no register"):
        Circuit.from_plan(b.build())
    with pytest.raises(ml.CircuitError, match="makes no register"):
        b.build().optimize(["cancel_inverses"])


@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_memory_that_was_used_before_shows_in_no_result(precision: str) -> None:
    """Runs leave the memory of dropped states to later ones, which read none of it."""
    qubits = 17
    few = Circuit(qubits).h(16).cx(16, 3)
    expected = np.zeros(1 << qubits)
    expected[[0, 1 << 16 | 1 << 3]] = 0.5**0.5
    for circuit in (ring(qubits), few, ring(qubits), few):
        state = circuit.run(precision=precision).state()  # type: ignore[arg-type]
        if circuit is few:
            np.testing.assert_allclose(state, expected, atol=1e-6)
        assert abs(np.vdot(state, state) - 1) < 1e-5
        del state
    register = Register(qubits, precision=precision)  # type: ignore[arg-type]
    assert register.state()[0] == 1
    assert not register.state()[1:].any()


@pytest.mark.parametrize("turn", [1e17, -1.5e16, 123456.7])
def test_turns_by_large_angles_are_unitary(turn: float) -> None:
    circuit = Circuit(1).u(0.3, turn, turn / 3, 0).u(1.1, -turn, turn, 0)
    assert abs(np.linalg.norm(circuit.run().state()) - 1) < 1e-12
