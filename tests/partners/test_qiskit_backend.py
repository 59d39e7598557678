"""The backend for Qiskit: counts, jobs, options, the transpiler and Qiskit's own primitives over it."""

from __future__ import annotations

import threading
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.random import random_circuit
from qiskit.exceptions import QiskitError
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager

import multilane as ml
from multilane.quantum import MultilaneBackend, MultilaneProvider


def ghz(qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    circuit.h(0)
    for qubit in range(1, qubits):
        circuit.cx(0, qubit)
    circuit.measure_all()
    return circuit


@pytest.fixture(scope="module")
def backend() -> MultilaneBackend:
    return MultilaneBackend(seed=1)


def test_counts_of_one_circuit_and_of_several(backend: MultilaneBackend) -> None:
    job = backend.run(ghz(3), shots=1000)
    counts = job.result().get_counts()
    assert counts.keys() == {"000", "111"}
    assert sum(counts.values()) == 1000
    assert (job.status(), job.done(), job.backend()) == (JobStatus.DONE, True, backend)
    several = backend.run([ghz(1), ghz(2)], shots=10).result().get_counts()
    assert [sum(found.values()) for found in several] == [10, 10]
    assert job.result().results[0].header["memory_slots"] == 3


def test_registers_are_told_apart() -> None:
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "low"), ClassicalRegister(2, "high"))
    circuit.x(1)
    circuit.measure([0, 1, 2], [0, 1, 2])
    assert MultilaneBackend().run(circuit, shots=5).result().get_counts() == {"01 0": 5}


def test_the_same_seed_gives_the_same_shots_whatever_its_name(backend: MultilaneBackend) -> None:
    def memory(**options: Any) -> list[list[str]]:
        result = backend.run([ghz(2), ghz(2)], shots=50, memory=True, **options).result()
        return [result.get_memory(0), result.get_memory(1)]

    first = memory(seed=7)
    assert first == memory(seed_simulator=7, seed=None) == memory(seed=7, workers=1) != memory(seed=8)
    assert first[0] != first[1]


def test_without_classical_bits_the_state_is_told(backend: MultilaneBackend) -> None:
    circuit = random_circuit(4, 4, seed=3)
    for precision, tolerance in (("f64", 1e-10), ("f32", 1e-5)):
        found = backend.run(circuit, precision=precision).result().get_statevector()
        np.testing.assert_allclose(np.asarray(found), Statevector(circuit).data, atol=tolerance)


@pytest.mark.parametrize("level", range(4))
def test_transpiled_circuits_mean_the_same(backend: MultilaneBackend, level: int) -> None:
    circuit = random_circuit(5, 6, seed=level)
    done = transpile(circuit, backend, optimization_level=level)
    found = np.asarray(backend.run(done).result().get_statevector())
    assert abs(np.vdot(found, Statevector(circuit).data)) == pytest.approx(1)


def test_the_transpiler_leaves_what_is_known_as_it_is(backend: MultilaneBackend) -> None:
    circuit = QuantumCircuit(3, 1)
    circuit.ccx(0, 1, 2)
    circuit.rzz(0.3, 0, 2)
    circuit.unitary(np.eye(4)[[1, 0, 3, 2]], [0, 1])
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(2)
    done = transpile(circuit, backend, optimization_level=0)
    assert dict(done.count_ops()) == {"ccx": 1, "rzz": 1, "unitary": 1, "measure": 1, "if_else": 1}


def test_primitives_of_qiskit_run_on_it(backend: MultilaneBackend) -> None:
    sampled = BackendSamplerV2(backend=backend).run([ghz(3)], shots=200).result()[0].data.meas.get_counts()
    assert sampled.keys() == {"000", "111"}
    angle = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    passes = generate_preset_pass_manager(1, backend=backend)
    observable = SparsePauliOp(["ZZ", "XX"], [1.0, 0.5])
    estimator = BackendEstimatorV2(backend=backend, options={"default_precision": 0.01, "seed_simulator": 3})
    found = estimator.run([(passes.run(circuit), observable, [[0.3], [1.2]])]).result()[0].data.evs
    np.testing.assert_allclose(found, 1 + 0.5 * np.sin([0.3, 1.2]), atol=0.05)


def test_a_job_can_be_cancelled_before_and_between_its_circuits(backend: MultilaneBackend) -> None:
    """Each shot of a circuit that measures on its way takes a run of its own, so it is long enough to be stopped."""
    slow = QuantumCircuit(14, 1)
    slow.h(range(14))
    slow.measure(0, 0)
    slow.h(0)
    own = MultilaneBackend()
    first, second = own.run([slow] * 50, shots=200), own.run(ghz(2))
    assert second.status() in (JobStatus.QUEUED, JobStatus.RUNNING)
    assert second.cancel()
    assert first.cancel()
    for job in (first, second):
        with pytest.raises((ml.errors.MultilaneError, QiskitError, Exception), match=r"cancel|^$"):
            job.result(timeout=60)
        assert job.status() == JobStatus.CANCELLED
        assert job.cancelled()
    assert own.run(ghz(2), shots=3).result().success


def test_jobs_of_several_threads(backend: MultilaneBackend) -> None:
    found: list[int] = []

    def work() -> None:
        found.append(sum(backend.run(ghz(4), shots=20).result().get_counts().values()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [20] * 4


@pytest.mark.parametrize(
    ("circuit", "options", "message"),
    [
        (ghz(2), {"shot": 3}, "no option `shot`.*`shots`"),
        (ghz(2), {"seed": -1}, "`seed` is -1"),
        ("circuit", {}, "no QuantumCircuit"),
        (None, {}, "open parameter `a`"),
    ],
)
def test_what_cannot_run_is_refused_by_run(circuit: Any, options: dict[str, Any], message: str) -> None:
    if circuit is None:
        circuit = QuantumCircuit(1)
        circuit.rx(Parameter("a"), 0)
    with pytest.raises(ml.CircuitError, match=message):
        MultilaneBackend().run([circuit] if isinstance(circuit, str) else circuit, **options)


def test_what_fails_while_it_runs_is_the_jobs_error() -> None:
    job = MultilaneBackend().run(QuantumCircuit(60))
    with pytest.raises(MemoryError, match="60 qubits"):
        job.result(timeout=60)
    assert job.status() == JobStatus.ERROR
    with pytest.raises(QiskitError, match="submitted by `run`"):
        job.submit()


def test_it_is_found_by_its_entry_point() -> None:
    (found,) = entry_points(group="qiskit.providers", name="multilane")
    provider = found.load()()
    assert isinstance(provider, MultilaneProvider)
    assert isinstance(provider.get_backend("multilane"), MultilaneBackend)
    assert provider.backends("other") == []
    with pytest.raises(ml.CircuitError, match="no backend 'other'"):
        provider.get_backend("other")
    assert MultilaneBackend().most_qubits > 20
    assert MultilaneBackend().max_circuits is None
