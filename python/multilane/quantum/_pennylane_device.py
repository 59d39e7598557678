"""The PennyLane device ``multilane.qubit``; found as an entry point, and needs `multilane[pennylane]`.

A circuit runs once, natively; expectations of Pauli sums, probabilities and samples are computed natively from its
state, and whatever else PennyLane measures by PennyLane, from the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pennylane as qml
from pennylane.devices import Device, ExecutionConfig, MCMConfig
from pennylane.devices.modifiers import simulator_tracking, single_tape_support
from pennylane.devices.preprocess import (
    decompose,
    device_resolve_dynamic_wires,
    no_sampling,
    validate_adjoint_trainable_params,
    validate_device_wires,
    validate_measurements,
)
from pennylane.devices.qubit import measure
from pennylane.exceptions import DecompositionUndefinedError, DeviceError, WireError
from pennylane.measurements import (
    ClassicalShadowMP,
    ExpectationMP,
    MeasurementProcess,
    ProbabilityMP,
    SampleMeasurement,
    ShadowExpvalMP,
    StateMeasurement,
    VarianceMP,
)
from pennylane.operation import Operator, StatePrepBase
from pennylane.tape import QuantumScript
from pennylane.transforms import broadcast_expand, defer_measurements, split_non_commuting
from pennylane.transforms.core import CompilePipeline, transform

from multilane._checks import positive_count
from multilane.quantum._circuit import Circuit
from multilane.quantum._pennylane_adjoint import differentiable, has_slopes, values_and_slopes
from multilane.quantum._pennylane_gates import apply_operator, has_gate, pauli_terms
from multilane.quantum._register import Register

__all__ = ["MultilaneQubit"]

# PennyLane and its decorators come without types, which the comments at their uses below leave unchecked.
_SHADOWS = (ClassicalShadowMP, ShadowExpvalMP)


@simulator_tracking
@single_tape_support
class MultilaneQubit(Device):  # type: ignore[misc]
    """Simulates PennyLane's circuits with their full state vector, on all cores.

    Parameters
    ----------
    wires : int or iterable, optional
        How many, or their labels; those of each circuit when None.
    shots : int, optional
        How often to measure; expectations are exact when None.
    seed : int, optional
        The same seed and the same circuits give the same samples.
    precision : {'f64', 'f32'}
        Of each amplitude's two parts.
    workers : int, optional
        At most so many lanes.

    >>> import pennylane as qml
    >>> device = qml.device("multilane.qubit", wires=2)
    >>> @qml.qnode(device)
    ... def circuit(x):
    ...     qml.RX(x, wires=0)
    ...     qml.CNOT(wires=[0, 1])
    ...     return qml.expval(qml.Z(1))
    >>> round(float(circuit(0.5)), 6)
    0.877583
    """

    def __init__(
        self,
        wires: Any = None,
        shots: Any = None,
        *,
        seed: Any = None,
        precision: Literal["f64", "f32"] = "f64",
        workers: int | None = None,
    ) -> None:
        super().__init__(wires=wires, shots=shots)
        positive_count(workers, "workers")
        Register(0, precision=precision)
        self._precision: Literal["f64", "f32"] = precision
        self._workers = workers
        self._random = np.random.default_rng(seed)

    @property
    def name(self) -> str:
        """What `qml.device` knows it by."""
        return "multilane.qubit"

    def setup_execution_config(
        self, config: ExecutionConfig | None = None, circuit: QuantumScript | None = None
    ) -> ExecutionConfig:
        """Choose what was left open: measurements on the way are moved to the end."""
        config = config or ExecutionConfig()
        if config.device_options:
            raise DeviceError(f"multilane.qubit has no option `{min(config.device_options)}` for a single run")
        changes: dict[str, Any] = {"mcm_config": _deferred(config.mcm_config)}
        if config.gradient_method == "best":
            method = "adjoint" if self.supports_derivatives(config, circuit) else "parameter-shift"
            changes["gradient_method"] = method
        if changes.get("gradient_method", config.gradient_method) == "adjoint":
            if config.use_device_gradient is None:
                changes["use_device_gradient"] = True
            if config.grad_on_execution is None:
                changes["grad_on_execution"] = True
        return replace(config, **changes)

    def supports_derivatives(
        self, execution_config: ExecutionConfig | None = None, circuit: QuantumScript | None = None
    ) -> bool:
        """Say whether gradients are computed here: those of exact expectation values of Pauli sums are."""
        if execution_config is not None and execution_config.gradient_method not in ("adjoint", "best"):
            return False
        if execution_config is None or circuit is None:
            return True
        if not differentiable(circuit):
            return False
        try:
            self._transforms(adjoint=True)((circuit,))
        except (DecompositionUndefinedError, DeviceError, WireError, AttributeError):
            return False
        return True

    def preprocess_transforms(self, execution_config: ExecutionConfig | None = None) -> CompilePipeline:
        """Return what makes circuits of gates and measurements that are known here."""
        return self._transforms(adjoint=execution_config is not None and execution_config.gradient_method == "adjoint")

    def _transforms(self, *, adjoint: bool) -> CompilePipeline:
        pipeline = CompilePipeline()
        pipeline.add_transform(defer_measurements, allow_postselect=False)
        if adjoint:
            pipeline.add_transform(no_sampling, name=f"adjoint + {self.name}")
        pipeline.add_transform(
            decompose,
            stopping_condition=has_slopes if adjoint else has_gate,
            skip_initial_state_prep=not adjoint,
            device_wires=self.wires,
            name=self.name,
        )
        pipeline.add_transform(device_resolve_dynamic_wires, wires=self.wires, allow_resets=False)
        pipeline.add_transform(validate_device_wires, self.wires, name=self.name)
        pipeline.add_transform(
            validate_measurements, analytic_measurements=_exact, sample_measurements=_sampled, name=self.name
        )
        pipeline.add_transform(broadcast_expand)
        pipeline.add_transform(_split_sampled)
        if adjoint:
            pipeline.add_transform(_only_differentiable)
            pipeline.add_transform(validate_adjoint_trainable_params)
        return pipeline

    def execute(self, circuits: Sequence[QuantumScript], execution_config: ExecutionConfig | None = None) -> Any:
        """Run circuits, one after the other on all lanes."""
        return tuple(self._one(circuit.map_to_standard_wires()) for circuit in circuits)

    def compute_derivatives(
        self, circuits: Sequence[QuantumScript], execution_config: ExecutionConfig | None = None
    ) -> Any:
        """Return the slopes of circuits along their trainable parameters, by the adjoint method."""
        return self.execute_and_compute_derivatives(circuits, execution_config)[1]

    def execute_and_compute_derivatives(
        self, circuits: Sequence[QuantumScript], execution_config: ExecutionConfig | None = None
    ) -> Any:
        """Return the results of circuits, and their slopes."""
        tapes = [circuit.map_to_standard_wires() for circuit in circuits]
        found = [values_and_slopes(tape, self._precision, self._workers) for tape in tapes]
        return tuple(values for values, _ in found), tuple(slopes for _, slopes in found)

    def _one(self, tape: QuantumScript) -> Any:
        if not tape.shots:
            register = self._register(tape, [])
            results = tuple(_measured(process, register) for process in tape.measurements)
            return results[0] if len(results) == 1 else results
        if isinstance(tape.measurements[0], _SHADOWS):
            # Each shot is measured in a basis of its own, so it is drawn from the state.
            state, wires = _tensor(self._register(tape, [])), qml.wires.Wires(range(tape.num_wires))
            return self._for_each_shots(
                tape,
                lambda shots, _: (tape.measurements[0].process_state_with_shots(state, wires, shots, self._random),),
            )
        register = self._register(tape, tape.diagonalizing_gates)
        samples = register.draw(tape.shots.total_shots, seed=int(self._random.integers(2**63)))
        bits = (samples[:, None] >> np.arange(register.qubits)[::-1]) & 1
        return self._for_each_shots(
            tape,
            lambda _, part: tuple(
                process.process_samples(bits[part], qml.wires.Wires(range(tape.num_wires)))
                for process in tape.measurements
            ),
        )

    def _for_each_shots(self, tape: QuantumScript, work: Callable[[int, slice], tuple[Any, ...]]) -> Any:
        """Measure for each entry of a shot vector; without one, give the only result."""
        results = []
        for start, end in tape.shots.bins():
            found = work(end - start, slice(start, end))
            results.append(found[0] if len(found) == 1 else found)
        return tuple(results) if tape.shots.has_partitioned_shots else results[0]

    def _register(self, tape: QuantumScript, more: Sequence[Operator]) -> Register:
        """Return the qubits after a tape and some more operators."""
        qubits = tape.num_wires
        operators = [*tape.operations, *more]
        if operators and isinstance(operators[0], StatePrepBase):
            prepared = operators.pop(0).state_vector(wire_order=range(qubits)).reshape(-1)
            register = Register.from_state(prepared, precision=self._precision, workers=self._workers)
        else:
            register = Register(qubits, precision=self._precision, workers=self._workers)
        circuit = Circuit(qubits)
        for operator in operators:
            apply_operator(circuit, operator)
        register.apply(circuit)
        return register


def _deferred(config: MCMConfig) -> MCMConfig:
    if config.mcm_method not in (None, "deferred"):
        raise DeviceError(
            f"multilane.qubit measures at the end of a circuit only; mcm_method is {config.mcm_method!r}, "
            "and must be 'deferred'"
        )
    return replace(config, mcm_method="deferred")


@transform  # type: ignore[untyped-decorator]
def _split_sampled(tape: QuantumScript) -> tuple[Sequence[QuantumScript], Callable[[Any], Any]]:
    """Give observables that are sampled and cannot be measured together circuits of their own."""
    if not tape.shots:
        return (tape,), lambda results: results[0]
    parts: tuple[Sequence[QuantumScript], Callable[[Any], Any]] = split_non_commuting(tape)
    return parts


@transform  # type: ignore[untyped-decorator]
def _only_differentiable(tape: QuantumScript) -> tuple[Sequence[QuantumScript], Callable[[Any], Any]]:
    """Refuse what the adjoint method cannot differentiate."""
    if not differentiable(tape):
        raise DeviceError(
            "the adjoint method of multilane.qubit differentiates exact expectation values of Pauli sums with fixed "
            "factors; choose diff_method='parameter-shift' for other measurements"
        )
    return (tape,), lambda results: results[0]


def _exact(process: MeasurementProcess) -> bool:
    """Say whether it can be computed from a state."""
    if not isinstance(process, StateMeasurement):
        return False
    return process.obs is None or _diagonalizable(process.obs, exact=isinstance(process, ExpectationMP))


def _sampled(process: MeasurementProcess) -> bool:
    """Say whether it can be computed from samples."""
    if not isinstance(process, (SampleMeasurement, *_SHADOWS)):
        return False
    return process.obs is None or _diagonalizable(process.obs, exact=False)


def _diagonalizable(observable: Operator, *, exact: bool) -> bool:
    parts = getattr(observable, "operands", None) or [getattr(observable, "base", None)]
    if parts != [None]:
        return all(_diagonalizable(part, exact=exact) for part in parts)
    if exact and isinstance(observable, (qml.SparseHamiltonian, qml.Hermitian)):
        return True
    return bool(observable.has_diagonalizing_gates)


def _measured(process: MeasurementProcess, register: Register) -> Any:
    """Return an exact result: computed natively where that can be."""
    observable = process.obs
    if isinstance(process, (ExpectationMP, VarianceMP)) and observable is not None and observable.pauli_rep is not None:
        words = observable.pauli_rep
        mean = register.expectation(pauli_terms(words, register.qubits))
        if isinstance(process, ExpectationMP):
            return np.float64(mean)
        return np.float64(register.expectation(pauli_terms(words @ words, register.qubits)) - mean**2)
    if type(process) is ProbabilityMP and observable is None and process.mv is None:
        wires = process.wires or range(register.qubits)
        # Ours names the least significant bit first.
        chosen = [register.qubits - 1 - wire for wire in reversed(wires)]
        if len(chosen) <= _MOST_PROBABILITIES:
            return register.probabilities(chosen)
    return measure(process, _tensor(register))


#: Probabilities of more qubits are PennyLane's to compute.
_MOST_PROBABILITIES = 24


def _tensor(register: Register) -> Any:
    """Return the state with an axis for each wire."""
    return register.state().reshape((2,) * register.qubits)
