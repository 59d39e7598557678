"""A backend and a provider for Qiskit; imported when first asked for, and needs `multilane[qiskit]`.

Circuits are read in the caller, so that what cannot be read is refused there; a job's circuits then run one
after the other on one thread of multilane's, each on all lanes. Jobs of a backend wait for each other.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qiskit.circuit import ForLoopOp, IfElseOp, QuantumCircuit, SwitchCaseOp
from qiskit.circuit.library import UnitaryGate, get_standard_gate_name_mapping
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2, JobStatus, JobV1, Options
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData
from qiskit.transpiler import Target

import multilane
from multilane import _multilane
from multilane._checks import positive_count
from multilane.errors import CircuitError
from multilane.quantum._circuit import Circuit
from multilane.quantum._from_qiskit import from_qiskit
from multilane.quantum._seed import chosen_seed

__all__ = ["MultilaneBackend", "MultilaneJob", "MultilaneProvider"]

#: Qiskit's gates that are read as something else than gates.
_NO_GATES = {"rccx", "rcccx"}


# Qiskit comes without types: what inherits from it below is left unchecked in that one respect.
class MultilaneBackend(BackendV2):  # type: ignore[misc]
    """Simulates Qiskit's circuits with their full state vector.

    Parameters
    ----------
    **options
        Defaults for every `run`.

    Options of `run`
    ----------------
    shots : int
        How often every circuit is measured; 1024 unless said.
    seed : int, optional
        From 0 to ``2**64 - 1``; `seed_simulator` is the same. The circuits of a job have seeds of their own, made
        of it.
    precision : {'f64', 'f32'}
        Of each amplitude's two parts.
    workers : int, optional
        At most so many lanes.
    memory : bool
        Keep what every shot measured, in order.

    >>> from qiskit import QuantumCircuit
    >>> circuit = QuantumCircuit(2)
    >>> _ = circuit.h(0), circuit.cx(0, 1), circuit.measure_all()
    >>> sorted(MultilaneBackend().run(circuit, shots=100).result().get_counts())
    ['00', '11']
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(
            provider=None,
            name="multilane",
            description="State vectors on all cores",
            backend_version=multilane.__version__,
        )
        self._target = _target()
        self._executor: multilane.Executor | None = None
        self._starting = threading.Lock()
        _known(options)
        self.set_options(**options)

    @property
    def target(self) -> Target:
        """What it runs: all gates of Qiskit's library, on any qubits."""
        return self._target

    @property
    def max_circuits(self) -> None:
        """How many circuits a job may have: any number."""
        return None

    @property
    def most_qubits(self) -> int:
        """How many qubits fit into the memory that is left now."""
        return _multilane.quantum_most_qubits(self.options.precision)

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, seed=None, seed_simulator=None, precision="f64", workers=None, memory=False)

    def run(self, run_input: QuantumCircuit | Iterable[QuantumCircuit], **options: Any) -> MultilaneJob:
        """Run circuits; returns at once.

        Parameters
        ----------
        run_input : QuantumCircuit or iterable of them
            With all parameters bound; transpiled or not.
        **options
            For this run only.

        Raises
        ------
        CircuitError
            An option that is not there, or a circuit that cannot be read.
        """
        chosen = _Chosen.of({**self.options, **options})
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        experiments = [_Experiment.of(circuit) for circuit in circuits]
        stop = threading.Event()
        job_id = str(uuid.uuid4())

        def work() -> Result:
            return _all(self, job_id, experiments, chosen, stop)

        return MultilaneJob(self, job_id, self._submit, work, stop)

    def _submit(self, work: Callable[[], Result]) -> multilane.Handle[Result]:
        with self._starting:
            if self._executor is None:
                self._executor = multilane.Executor(workers=1, backend="threads", name="qiskit")
            return self._executor.submit(work)


class MultilaneJob(JobV1):  # type: ignore[misc]
    """Circuits that run; made by `MultilaneBackend.run`."""

    def __init__(
        self,
        backend: MultilaneBackend,
        job_id: str,
        submit: Callable[[Callable[[], Result]], multilane.Handle[Result]],
        work: Callable[[], Result],
        stop: threading.Event,
    ) -> None:
        super().__init__(backend, job_id)
        self._stop = stop
        self._handle = submit(work)

    def submit(self) -> None:
        """Raise: a job is submitted where it is made.

        Raises
        ------
        QiskitError
            Always.
        """
        raise QiskitError("the job was submitted by `run`; run the circuits again for another one")

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the job and return its result.

        Raises
        ------
        TimeoutError
            It has not ended after so many seconds.
        concurrent.futures.CancelledError
            It was cancelled.
        CircuitError, MemoryError
            A circuit could not run.
        """
        return self._handle.result(timeout)

    def cancel(self) -> bool:
        """Stop the job before its next circuit; says whether it was still to come or at work."""
        self._stop.set()
        return bool(self._handle.cancel()) or not self._handle.done()

    def status(self) -> JobStatus:
        """Say how far it is."""
        if not self._handle.done():
            return JobStatus.RUNNING if self._handle.running() else JobStatus.QUEUED
        if self._handle.cancelled():
            return JobStatus.CANCELLED
        error = self._handle.exception()
        if isinstance(error, _Cancelled):
            return JobStatus.CANCELLED
        return JobStatus.ERROR if error is not None else JobStatus.DONE


class MultilaneProvider:
    """Gives the backend by its name, as providers of Qiskit do; found as the entry point ``multilane``.

    >>> MultilaneProvider().get_backend("multilane").name
    'multilane'
    """

    def backends(self, name: str | None = None) -> list[MultilaneBackend]:
        """Return the backends of a name, or all."""
        return [MultilaneBackend()] if name in (None, "multilane") else []

    def get_backend(self, name: str | None = None) -> MultilaneBackend:
        """Return the backend of a name.

        Raises
        ------
        CircuitError
            There is none.
        """
        found = self.backends(name)
        if not found:
            raise CircuitError(f"there is no backend {name!r}; there is 'multilane'")
        return found[0]


class _Cancelled(QiskitError):  # type: ignore[misc]
    """The job was stopped between two circuits."""


@dataclass(frozen=True)
class _Chosen:
    """The options of a run, checked."""

    shots: int
    seed: int
    precision: Any
    workers: int | None
    memory: bool

    @classmethod
    def of(cls, options: dict[str, Any]) -> _Chosen:
        _known(options)
        seeds = [options.pop("seed"), options.pop("seed_simulator")]
        seed = next((int(seed) for seed in seeds if seed is not None), None)
        positive_count(options["shots"] or 0, "shots")
        positive_count(options["workers"], "workers")
        return cls(seed=chosen_seed(seed), **options)


def _known(options: Iterable[str]) -> None:
    known = list(MultilaneBackend._default_options())
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        raise CircuitError(f"there is no option `{unknown}`; there are `{'`, `'.join(known)}`")


@dataclass(frozen=True)
class _Experiment:
    """A circuit of a job, and what its result has to tell of it."""

    circuit: Circuit
    header: dict[str, Any]

    @classmethod
    def of(cls, circuit: Any) -> _Experiment:
        if not isinstance(circuit, QuantumCircuit):
            raise CircuitError(f"{circuit!r} is no QuantumCircuit; `run` takes one or several of them")
        if circuit.parameters:
            raise CircuitError(
                f"{circuit.name!r} has the open parameter `{circuit.parameters[0].name}`; assign its parameters first"
            )
        header = {
            "name": circuit.name,
            "n_qubits": circuit.num_qubits,
            "memory_slots": circuit.num_clbits,
            "creg_sizes": [[register.name, register.size] for register in circuit.cregs],
            "qreg_sizes": [[register.name, register.size] for register in circuit.qregs],
            "clbit_labels": [[register.name, bit] for register in circuit.cregs for bit in range(register.size)],
            "qubit_labels": [[register.name, bit] for register in circuit.qregs for bit in range(register.size)],
            "global_phase": float(circuit.global_phase),
            "metadata": circuit.metadata or {},
        }
        return cls(from_qiskit(circuit), header)


def _all(
    backend: MultilaneBackend, job_id: str, experiments: list[_Experiment], chosen: _Chosen, stop: threading.Event
) -> Result:
    results = []
    for number, experiment in enumerate(experiments):
        if stop.is_set():
            raise _Cancelled(f"the job was cancelled before circuit {number} of {len(experiments)}")
        results.append(_one(experiment, chosen, (chosen.seed + number) % 2**64))
    return Result(
        results=results,
        backend_name=backend.name,
        backend_version=backend.backend_version,
        job_id=job_id,
        date=datetime.now(UTC),
        success=True,
        status="COMPLETED",
    )


def _one(experiment: _Experiment, chosen: _Chosen, seed: int) -> ExperimentResult:
    circuit = experiment.circuit
    data: dict[str, Any]
    if circuit.clbits:
        found = circuit.run(shots=chosen.shots, precision=chosen.precision, seed=seed, workers=chosen.workers)
        data = {"counts": {hex(int(bits, 2)): count for bits, count in found.counts().items()}}
        if chosen.memory:
            data["memory"] = [hex(int(bits, 2)) for bits in found.outcomes()]
    else:
        # Nothing is measured: what is there to tell is the state.
        found = circuit.run(precision=chosen.precision, workers=chosen.workers)
        data = {"counts": {"0x0": chosen.shots}, "statevector": found.state()}
    return ExperimentResult(
        shots=chosen.shots,
        success=True,
        data=ExperimentResultData(**data),
        header=experiment.header,
        seed=seed,
        status="DONE",
    )


def _target() -> Target:
    # Any number of qubits: a number would make Qiskit widen every circuit to it.
    target = Target(description="multilane", num_qubits=None)
    for name, instruction in get_standard_gate_name_mapping().items():
        if name not in _NO_GATES:
            target.add_instruction(instruction, properties=None, name=name)
    for name, kind in (
        ("unitary", UnitaryGate),
        ("if_else", IfElseOp),
        ("for_loop", ForLoopOp),
        ("switch_case", SwitchCaseOp),
    ):
        target.add_instruction(kind, name=name)
    return target
