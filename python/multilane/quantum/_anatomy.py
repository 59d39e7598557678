"""Where the time of a circuit goes, and what the interpreter lock really costs: `anatomy`.

Runs one GHZ circuit in several ways, in turns, and keeps medians. Judges nothing by the name of a
way: what the lock costs is the difference between runs that hold it and runs that release it, and
what another Python thread gets done meanwhile.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from multilane import _multilane
from multilane._checks import positive_count
from multilane.errors import CircuitError
from multilane.quantum._circuit import Circuit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Anatomy", "Way", "anatomy", "ghz"]

T = TypeVar("T")

#: Rounds of the ways that take milliseconds; NumPy's takes longer and has fewer.
ROUNDS, SLOW_ROUNDS = 15, 3

#: Seconds that another thread is watched for, in each way.
WATCH_S = 0.5


def ghz(qubits: int) -> Circuit:
    """Return the circuit that entangles all qubits, one after the other.

    >>> ghz(3)
    <Circuit of 3 qubits: 3 instructions>
    """
    circuit = Circuit(qubits).h(0)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


@dataclass(frozen=True)
class Way:
    """One way to run the circuit: medians of several runs."""

    #: What runs.
    name: str
    #: Wall time of a run, in seconds.
    seconds: float
    #: Processor time of all threads, as a share of the wall time.
    cores: float


@dataclass(frozen=True)
class Anatomy:
    """Where the time of a run goes. Times are in seconds and medians."""

    qubits: int
    precision: str
    workers: int
    #: NumPy, Python to Rust with the interpreter lock held and released, Rust alone.
    ways: list[Way]
    #: One call from Python: `Circuit.run`, ready before.
    call_s: float
    #: Of it: what Python and the binding do before and after.
    python_s: float
    #: Of it: the kernels, from the first amplitude to the last.
    kernel_s: float
    #: Once for each circuit, not for each run: gates to passes.
    plan_s: float
    #: Of the kernels: what moving the bytes takes at the bandwidth of this machine.
    memory_s: float
    #: Of the kernels: workers without a piece to work on, as time of all workers together.
    idle_s: float
    gates: int
    passes: int
    moved_bytes: int
    #: Read and written in place, over as many bytes as the state has, in bytes a second.
    bandwidth: float
    #: What another Python thread gets done during runs on one worker, as a share of what it does alone.
    other_released: float
    other_held: float
    #: The longest time that thread was kept waiting, in seconds.
    stall_released_s: float
    stall_held_s: float

    @property
    def lock_cost(self) -> float:
        """What holding the interpreter lock adds to a run by itself, as a share of it."""
        held, released = (next(way.seconds for way in self.ways if way.name == name) for name in (HELD, RELEASED))
        return held / released - 1

    @property
    def sentence(self) -> str:
        """What the lock cost, in words."""
        change = f"{abs(self.lock_cost):.0%} {'longer' if self.lock_cost > 0 else 'shorter'}"
        return (
            f"With the interpreter lock held, a run by itself takes {change}, with as many cores: native threads do "
            f"not ask for the lock. What it costs is others: another Python thread gets {self.other_held:.0%} of its "
            f"work done and waits up to {self.stall_held_s * 1e3:.1f} ms; with the lock released, "
            f"{self.other_released:.0%} and {self.stall_released_s * 1e3:.1f} ms."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        import dataclasses

        return dataclasses.asdict(self) | {"lock_cost": self.lock_cost, "sentence": self.sentence}

    def __rich__(self) -> Any:
        from multilane.quantum._anatomy_text import show

        return show(self)


NUMPY = "NumPy"
HELD = "Python to Rust, interpreter lock held"
RELEASED = "Python to Rust, interpreter lock released"
NATIVE = "Rust alone"


def anatomy(
    qubits: int = 20, *, precision: Literal["f64", "f32"] = "f64", workers: int | None = None, rounds: int = ROUNDS
) -> Anatomy:
    """Measure where the time of a GHZ circuit goes.

    Parameters
    ----------
    qubits : int
        From 2 to 26: NumPy runs it, too.
    precision : {'f64', 'f32'}
    workers : int, optional
        As many as there are usable processors when None.
    rounds : int
        How often each way runs; the medians count.

    Raises
    ------
    CircuitError
        Too few or too many qubits.
    ImportError
        NumPy is not installed.

    >>> found = anatomy(8, rounds=2)
    >>> [way.name for way in found.ways][0], found.gates
    ('NumPy', 8)
    """
    if not 2 <= qubits <= 26:
        raise CircuitError(f"`qubits` is {qubits}, and must be from 2 to 26")
    positive_count(workers, "workers")
    positive_count(rounds, "rounds")
    circuit = ghz(qubits)
    data = circuit._data
    ways: dict[str, list[tuple[float, float]]] = {name: [] for name in (NUMPY, HELD, RELEASED, NATIVE)}
    parts: list[dict[str, int]] = []
    whole: list[float] = []
    circuit.run(precision=precision, workers=workers)

    def taken_apart(hold: bool) -> dict[str, int]:
        return _multilane.quantum_anatomy(data, precision, workers, hold)

    for turn in range(rounds):
        if turn < SLOW_ROUNDS:
            _, seconds, cores = _timed(lambda: numpy_ghz(qubits, precision))
            ways[NUMPY].append((seconds, cores))
        part, _, cores = _timed(lambda: taken_apart(True))
        ways[HELD].append((part["native_ns"] / 1e9, cores))
        part, _, cores = _timed(lambda: taken_apart(False))
        ways[RELEASED].append((part["native_ns"] / 1e9, cores))
        parts.append(part)
        taken, _, cores = _timed(lambda: _multilane.quantum_native_runs(data, precision, workers, 2))
        ways[NATIVE].append((taken[-1] / 1e9, cores))
        whole.append(_timed(lambda: circuit.run(precision=precision, workers=workers))[1])

    state_bytes = (16 if precision == "f64" else 8) << qubits
    bandwidth = statistics.median(_multilane.quantum_in_place_bandwidth(state_bytes, workers, rounds)) * 1e9
    call = statistics.median(whole)
    # From runs beside those of whole calls: where nothing but kernels takes time, noise decides which is longer.
    kernel = min(statistics.median(part["kernel_ns"] for part in parts) / 1e9, call)
    lanes = parts[0]["lanes"]
    idle = statistics.median(lanes * part["kernel_ns"] - part["busy_ns"] for part in parts) / 1e9
    alone, with_released, with_held = (
        _other_thread(run)
        for run in (
            None,
            lambda: _multilane.quantum_anatomy(data, precision, 1, False),
            lambda: _multilane.quantum_anatomy(data, precision, 1, True),
        )
    )
    return Anatomy(
        qubits=qubits,
        precision=precision,
        workers=lanes,
        ways=[
            Way(name, statistics.median(s for s, _ in runs), statistics.median(c for _, c in runs))
            for name, runs in ways.items()
        ],
        call_s=call,
        python_s=call - kernel,
        kernel_s=kernel,
        plan_s=statistics.median(part["plan_ns"] for part in parts) / 1e9,
        memory_s=min(parts[0]["moved_bytes"] / bandwidth, kernel),
        idle_s=min(max(idle, 0.0), lanes * kernel),
        gates=parts[0]["gates"],
        passes=parts[0]["passes"],
        moved_bytes=parts[0]["moved_bytes"],
        bandwidth=bandwidth,
        other_released=with_released[0] / alone[0],
        other_held=with_held[0] / alone[0],
        stall_released_s=with_released[1],
        stall_held_s=with_held[1],
    )


def numpy_ghz(qubits: int, precision: str) -> npt.NDArray[np.complexfloating]:
    """Return the GHZ state as one computes it with NumPy: a view for each gate, one thread."""
    import numpy as np

    state = np.zeros(2**qubits, np.complex128 if precision == "f64" else np.complex64)
    state[0] = 1
    pairs = state.reshape(-1, 2)
    zero, one = pairs[:, 0].copy(), pairs[:, 1].copy()
    pairs[:, 0], pairs[:, 1] = (zero + one) / 2**0.5, (zero - one) / 2**0.5
    for qubit in range(qubits - 1):
        # Axes: qubits above, the target, the control, qubits below.
        view = state.reshape(-1, 2, 2, 2**qubit)
        kept = view[:, 0, 1].copy()
        view[:, 0, 1] = view[:, 1, 1]
        view[:, 1, 1] = kept
    return state


def _timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """Return what ``work`` gave, its seconds, and the cores it used."""
    cpu, started = time.process_time(), time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    return result, seconds, (time.process_time() - cpu) / seconds


def _other_thread(runs: Callable[[], object] | None) -> tuple[float, float]:
    """Return how often another thread counts in a second while ``runs`` goes on, and its longest stall in seconds."""
    done = threading.Event()
    counted, longest = [0], [0.0]

    def count() -> None:
        last = time.perf_counter()
        while not done.is_set():
            now = time.perf_counter()
            counted[0] += 1
            longest[0] = max(longest[0], now - last)
            last = now

    thread = threading.Thread(target=count)
    started = time.perf_counter()
    thread.start()
    while time.perf_counter() - started < WATCH_S:
        if runs is None:
            time.sleep(WATCH_S / 10)
        else:
            runs()
    seconds = time.perf_counter() - started
    done.set()
    thread.join()
    return counted[0] / seconds, longest[0]
