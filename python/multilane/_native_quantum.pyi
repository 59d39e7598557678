"""The part of the extension module `multilane._multilane` that circuits are made of.

A stub alone: at run time everything here lies in `multilane._multilane`, whose stub takes it from here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, SupportsComplex, final

from multilane._multilane import Plan, Trace

@final
class Angle:
    """A number or an expression over parameters whose values come later."""

    @staticmethod
    def parameter(name: str) -> Angle:
        """Return the parameter of that name."""
    @staticmethod
    def number(number: float) -> Angle:
        """Return a number as an angle."""
    def __add__(self, other: float | Angle, /) -> Angle: ...
    def __radd__(self, other: float | Angle, /) -> Angle: ...
    def __sub__(self, other: float | Angle, /) -> Angle: ...
    def __rsub__(self, other: float | Angle, /) -> Angle: ...
    def __mul__(self, other: float | Angle, /) -> Angle: ...
    def __rmul__(self, other: float | Angle, /) -> Angle: ...
    def __truediv__(self, other: float | Angle, /) -> Angle: ...
    def __rtruediv__(self, other: float | Angle, /) -> Angle: ...
    def __pow__(self, other: float | Angle, modulo: None = None, /) -> Angle: ...
    def __neg__(self) -> Angle: ...
    def apply(self, function: str) -> Angle:
        """Return a function of it: sin, cos, tan, arcsin, arccos, arctan, exp, log or sqrt."""
    def parts(self) -> tuple[Any, ...]:
        """Return what it is made of: `("number", x)`, `("parameter", name)`, or an operation and its angles."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

_Condition = tuple[int | Iterable[int], int] | tuple[int | Iterable[int], int, bool]

@final
class CircuitData:
    """Gates, measurements, resets and barriers; `multilane.quantum.Circuit` has names and defaults."""

    def __new__(cls, qubits: int, clbits: int) -> CircuitData: ...
    @property
    def qubits(self) -> int:
        """How many qubits there are."""
    @property
    def clbits(self) -> int:
        """How many classical bits there are."""
    @property
    def parameters(self) -> list[str]:
        """Names of the parameters without a value."""
    def gate(
        self,
        name: str,
        angles: Sequence[float | Angle],
        targets: Iterable[int],
        controls: Iterable[int] = ...,
        negative_controls: Iterable[int] = ...,
        condition: _Condition | None = None,
    ) -> None:
        """Add the gate of a name."""
    def unitary(
        self,
        elements: Sequence[complex],
        targets: Iterable[int],
        controls: Iterable[int] = ...,
        negative_controls: Iterable[int] = ...,
        condition: _Condition | None = None,
    ) -> None:
        """Add a gate given by its matrix, row by row."""
    def measure(self, qubit: int, clbit: int, condition: _Condition | None = None) -> None:
        """Measure a qubit into a classical bit."""
    def measure_all(self) -> None:
        """Measure every qubit into the bit of its number."""
    def reset(self, qubit: int, condition: _Condition | None = None) -> None:
        """Make a qubit 0."""
    def barrier(self, qubits: Iterable[int]) -> None:
        """Keep gates from moving past this point."""
    def bind(self, values: Mapping[str, float]) -> CircuitData:
        """Return the circuit with numbers for its parameters."""
    def copy(self) -> CircuitData:
        """Return a circuit of its own."""
    def run(
        self,
        precision: str,
        shots: int | None,
        seed: int,
        workers: int | None,
        optimize: bool = True,
        lanes_recorded: bool = False,
    ) -> tuple[StateData | None, ShotsData | None, CircuitRun]:
        """Run it on all qubits 0; return its state where there is a single one, what was measured, what it took."""
    def to_plan(
        self,
        name: str,
        precision: str,
        expectation: list[tuple[float, list[tuple[int, str]]]] | None,
        probabilities: Sequence[int] | None,
    ) -> Plan:
        """Return it as a plan of the quantum dialect, with the answers to questions among its outputs."""
    @staticmethod
    def from_plan(plan: Plan) -> CircuitData:
        """Return the circuit that a plan says."""
    def to_qasm(self, version: int) -> str:
        """Write it in OpenQASM 2 or 3."""
    def equals(self, other: CircuitData) -> bool:
        """Whether both have the same instructions."""
    def __len__(self) -> int: ...
    def instructions(self) -> list[dict[str, Any]]:
        """Return every instruction as a dictionary."""

@final
class CircuitRun:
    """What a run took; `multilane.quantum.Result` hands out its trace and its verdict."""

    def groups(self) -> list[dict[str, Any]]:
        """Return for each pass over memory what it did, when, its bytes and its prediction."""
    def trace(self) -> Trace:
        """Return the run as a trace."""
    def memory_ns(self) -> float:
        """Return what moving the bytes takes at the bandwidth that the cost model knows."""
    @property
    def start_ns(self) -> int:
        """When it started."""
    @property
    def end_ns(self) -> int:
        """When it ended."""
    @property
    def workers(self) -> int:
        """Workers at most."""
    @property
    def state_bytes(self) -> int:
        """Bytes of the state."""

@final
class RegisterData:
    """A live register; `multilane.quantum.Register` has names and defaults."""

    def __new__(cls, qubits: int, precision: str, seed: int, workers: int | None) -> RegisterData: ...
    @staticmethod
    def from_amplitudes(
        amplitudes: Sequence[SupportsComplex], precision: str, seed: int, workers: int | None
    ) -> RegisterData:
        """Return a register with the given amplitudes."""
    @staticmethod
    def from_state(state: StateData, seed: int, workers: int | None) -> RegisterData:
        """Return a register in a state, whose memory is shared until the register changes."""
    @property
    def qubits(self) -> int:
        """How many qubits there are."""
    @property
    def precision(self) -> Literal["f64", "f32"]:
        """Of each amplitude's two parts."""
    def gate(
        self,
        name: str,
        angles: Sequence[float | Angle],
        targets: Iterable[int],
        controls: Iterable[int] = ...,
        negative_controls: Iterable[int] = ...,
        condition: _Condition | None = None,
    ) -> None:
        """Apply the gate of a name."""
    def unitary(
        self,
        elements: Sequence[complex],
        targets: Iterable[int],
        controls: Iterable[int] = ...,
        negative_controls: Iterable[int] = ...,
        condition: _Condition | None = None,
    ) -> None:
        """Apply a gate given by its matrix, row by row."""
    def measure(self, qubit: int) -> int:
        """Measure a qubit."""
    def reset(self, qubit: int) -> None:
        """Make a qubit 0."""
    def apply(self, circuit: CircuitData) -> list[int]:
        """Apply a circuit; return its classical bits."""
    def state(self) -> StateData:
        """Return the state as it is now."""
    def copy(self) -> RegisterData:
        """Return a register of its own in the same state."""

@final
class ShotsData:
    """What was measured; `multilane.quantum.Result` hands it out."""

    def counts(self) -> dict[str, int]:
        """Return how often each combination of classical bits was measured."""
    def outcomes(self) -> list[str]:
        """Return the classical bits of every shot, in order."""
    def __len__(self) -> int: ...

@final
class StateData:
    """The state that a circuit left; `multilane.quantum.Result` hands it out."""

    def amplitudes(self) -> Any:
        """Return real and imaginary parts of the amplitudes, in turn, without a copy."""
    def chosen(self, states: Sequence[int]) -> Any:
        """Return the amplitudes of some basis states, real and imaginary parts in turn."""
    def expectation(self, given: Sequence[_Term], workers: int | None) -> float:
        """Return the expectation value of a sum of products of Pauli matrices."""
    def probabilities(self, qubits: Sequence[int], workers: int | None) -> Any:
        """Return the probabilities of the values of some qubits."""
    def density(self, qubits: Sequence[int], workers: int | None) -> Any:
        """Return the density matrix of some qubits, row by row, real and imaginary parts in turn."""

def quantum_most_qubits(name: str) -> int:
    """Return the most qubits whose state fits into what memory is left, for a precision."""

def quantum_sample(state: StateData, shots: int, seed: int, workers: int | None) -> Any:
    """Return the numbers of basis states drawn with their probabilities."""

def quantum_sum(factor: complex, first: StateData, by: complex, second: StateData) -> StateData:
    """Return the sum of two states, each multiplied by a number."""

def quantum_scaled(factor: complex, state: StateData) -> StateData:
    """Return a state multiplied by a number."""

def quantum_tensor(high: StateData, low: StateData) -> StateData:
    """Return both states side by side, the qubits of `low` numbered first."""

def quantum_distance(first: StateData, second: StateData) -> float:
    """Return the largest distance of two amplitudes of the same number."""

def quantum_weight(state: StateData, workers: int | None) -> float:
    """Return the sum of the squares of all amplitudes."""

def quantum_anatomy(circuit: CircuitData, precision: str, workers: int | None, hold: bool) -> dict[str, int]:
    """Make a circuit ready and run it; times in nanoseconds, with the interpreter lock released or held."""

def quantum_native_runs(circuit: CircuitData, precision: str, workers: int | None, runs: int) -> list[int]:
    """Run a circuit so many times in one native call; nanoseconds of each run."""

def quantum_in_place_bandwidth(bytes: int, workers: int | None, times: int) -> list[float]:
    """Multiply so many bytes in place, so many times; GB/s read and written of each time."""

_Term = tuple[float, Sequence[tuple[int, str]]]

def quantum_passes() -> tuple[list[str], list[str]]:
    """Return the names of all passes, and of those that run by default."""

def quantum_optimize(data: CircuitData, names: Sequence[str] | None) -> tuple[CircuitData, list[tuple[str, int, int]]]:
    """Run passes over a copy of a circuit; return with it what each changed, and the gates it left."""

def quantum_explain(data: CircuitData, precision: str, optimize: bool, workers: int | None, analyze: bool) -> str:
    """Describe what becomes of a circuit, and how long it takes."""

def quantum_expectation(data: CircuitData, given: Sequence[_Term], precision: str, workers: int | None) -> float:
    """Return an expectation value, from the part of a circuit that has influence on it."""

def quantum_probabilities(data: CircuitData, qubits: Sequence[int], precision: str, workers: int | None) -> Any:
    """Return the probabilities of the values of some qubits, from the part of a circuit that has influence on them."""

def quantum_gradient(
    data: CircuitData, given: Sequence[_Term], values: Mapping[str, float], precision: str, workers: int | None
) -> tuple[float, list[float]]:
    """Return an expectation value and its slope along each parameter."""

def quantum_read_qasm(text: str) -> CircuitData:
    """Read OpenQASM 2 or 3."""
