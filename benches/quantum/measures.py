"""Takes one sample: a simulator, a test, warm caches, its amplitudes checked on a small circuit."""

from __future__ import annotations

import re
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from measuring.suite import Sample
from quantum import in_place
from quantum.cases import CASES, Gate, ghz
from quantum.engines import Engine, Multilane, make

ROOT = Path(__file__).resolve().parents[2]
STATUS = Path("/proc/self/status")

#: Bytes of an amplitude.
BYTES = {"f64": 16, "f32": 8}

#: How far amplitudes may be from dense algebra.
TOLERANCE = {"f64": 1e-12, "f32": 3e-6}

#: How long the thread that watches for stalls sleeps between two looks.
WATCH_S = 0.000_5


@dataclass(frozen=True)
class Scale:
    """How much work one sample does."""

    #: Added to the qubits that a test names.
    more_qubits: int = 0
    shots: int = 10_000
    #: Seconds that a call is repeated for, and the fewest and the most calls.
    repeat_s: float = 2.0
    fewest: int = 2
    most: int = 50
    #: A first call that takes longer is no warm-up but the measurement.
    warm_s: float = 6.0


QUICK = Scale(more_qubits=-4, shots=1_000, repeat_s=0.4)


def take(engine_name: str, test: str, workers: int, scale: dict[str, Any]) -> Sample:
    """Return one sample; tests are called by what is done, a number of qubits, and a precision if it is f32."""
    name, number, *rest = test.split("-")
    limits = Scale(**scale)
    qubits = int(number) + limits.more_qubits
    precision = rest[0] if rest else "f64"
    if engine_name == "in-place":
        return {"gb_per_s": in_place.bandwidth(BYTES[precision] << qubits, workers)}
    if engine_name == "native":
        return {"seconds": native(qubits, workers)}
    engine = make(engine_name, workers, precision)
    check(engine)
    match name:
        case "shots":
            return shots(engine, qubits, limits)
        case "stall":
            return stall(engine, qubits)
        case "call":
            return call(engine, qubits, limits)
        case "pass":
            return passes(engine, qubits)
    run = engine.run(CASES[name][1](qubits), qubits)
    if rest and int(number) == MOST_QUBITS:
        return large(run, BYTES[engine.precision] << qubits)
    return {"seconds": statistics.median(repeat(run, limits))}


#: The state that just fits: measured once, with its memory.
MOST_QUBITS = 28


def large(run: Callable[[], Any], state_bytes: int) -> Sample:
    """One call, and the most memory it held against the state alone."""
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    started = time.perf_counter()
    run()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak": (_memory("VmHWM") - before) / state_bytes}


def shots(engine: Engine, qubits: int, scale: Scale) -> Sample:
    """A GHZ state, measured so often."""
    run = engine.shots(ghz(qubits), qubits, scale.shots)
    drawn = run()
    if drawn != scale.shots:
        raise ValueError(f"{drawn} shots instead of {scale.shots}")
    return {"seconds": statistics.median(repeat(run, scale))}


def stall(engine: Engine, qubits: int) -> Sample:
    """How long another Python thread, which looks at the clock twice a millisecond, is kept from it."""
    run = engine.run(CASES["qft"][1](qubits), qubits)
    run()
    longest = []
    for _ in range(5):
        ready, done = threading.Event(), threading.Event()
        looks = [0.0]

        def watch(looks: list[float] = looks, ready: threading.Event = ready, done: threading.Event = done) -> None:
            last = time.perf_counter()
            ready.set()
            while not done.is_set():
                time.sleep(WATCH_S)
                now = time.perf_counter()
                looks[0] = max(looks[0], now - last - WATCH_S)
                last = now

        thread = threading.Thread(target=watch)
        thread.start()
        ready.wait()
        run()
        done.set()
        thread.join()
        longest.append(looks[0])
    return {"stall_s": statistics.median(longest)}


def call(engine: Engine, qubits: int, scale: Scale) -> Sample:
    """A circuit so small that the call is all there is: the median of many."""
    gates = ghz(qubits)
    run = engine.whole(gates, qubits) if isinstance(engine, Multilane) else engine.run(gates, qubits)
    run()
    seconds = []
    end = time.perf_counter() + scale.repeat_s
    while len(seconds) < 20 or time.perf_counter() < end:
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return {"call_us": statistics.median(seconds) * 1e6}


#: How often each gate is applied at each place.
TURNS = 5


def passes(engine: Engine, qubits: int) -> Sample:
    """Gates one at a time on a register, each a pass over it: GB/s read and written, of each and of the slowest."""
    if not isinstance(engine, Multilane):
        raise TypeError("only multilane's own register")
    register = engine.quantum.Register(qubits, precision=engine.precision)
    state_bytes = BYTES[engine.precision] << qubits
    low, middle, high = 0, qubits // 2, qubits - 1
    one = [(low,), (middle,), (high,)]
    pairs = [(low, 1), (low, high), (high, low), (middle, high)]
    matrix = _random_unitary(4)
    gates: dict[str, tuple[Callable[..., object], list[tuple[int, ...]]]] = {
        "h": (register.h, one),
        "x": (register.x, one),
        "rx": (lambda qubit: register.rx(0.3, qubit), one),
        "rz": (lambda qubit: register.rz(0.3, qubit), one),
        "u": (lambda qubit: register.u(0.3, 0.7, 1.1, qubit), one),
        "cx": (register.cx, pairs),
        "pair": (lambda first, second: register.unitary(matrix, [first, second]), pairs),
    }
    found = {}
    for name, (gate, places) in gates.items():
        rates = []
        for place in places:
            # Where a control above a cache line is 0, nothing is read.
            moved = state_bytes if name == "cx" and place[0] > 2 else 2 * state_bytes
            seconds = [_timed(lambda gate=gate, place=place: gate(*place)) for _ in range(TURNS + 1)][1:]
            rates.append(moved / statistics.median(seconds) / 1e9)
        found[name] = min(rates)
    return {"gb_per_s": min(found.values()), **found}


def _random_unitary(size: int) -> Any:
    normal = np.random.default_rng(7).standard_normal((2, size, size))
    return np.linalg.qr(normal[0] + 1j * normal[1])[0]


def native(qubits: int, workers: int) -> float:
    """The same circuit from a Rust program, which says its seconds."""
    command = ["cargo", "run", "--locked", "--release", "--quiet", "--package", "multilane-quantum", "--example", "ghz"]
    said = subprocess.run(
        [*command, "--", str(qubits), str(workers)], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"median ([\d.e-]+) s", said)
    if found is None:
        raise ValueError(f"no seconds in {said!r}")
    return float(found[1])


def check(engine: Engine) -> None:
    """Raise unless the amplitudes of small circuits are those of dense algebra."""
    qubits = 6
    for title, gates_of in CASES.values():
        gates = gates_of(qubits)
        difference = float(np.abs(np.asarray(engine.state(gates, qubits)) - dense(gates, qubits)).max())
        if not difference < TOLERANCE[engine.precision]:
            raise ValueError(f"{title}: amplitudes differ by {difference:.2g}")


def dense(gates: list[Gate], qubits: int) -> Any:
    """Return the state as products of NumPy's."""
    half = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    known = {
        "h": half,
        "x": np.eye(2)[::-1],
        # The first qubit is the least significant one.
        "cx": np.eye(4)[[0, 3, 2, 1]],
        "swap": np.eye(4)[[0, 2, 1, 3]],
    }
    state = np.zeros(2**qubits, complex)
    state[0] = 1
    for name, on, value in gates:
        matrix = value if name == "u4" else np.diag([1, 1, 1, np.exp(1j * value)]) if name == "cp" else known[name]
        axes = [qubits - 1 - qubit for qubit in on][::-1]
        front = np.moveaxis(state.reshape([2] * qubits), axes, range(len(on)))
        front = (matrix @ front.reshape(2 ** len(on), -1)).reshape(front.shape)
        state = np.moveaxis(front, range(len(on)), axes).reshape(-1)
    return state


def repeat(run: Callable[[], Any], scale: Scale) -> list[float]:
    """Return the seconds of repeated calls."""
    first = _timed(run)
    if first > scale.warm_s:
        return [first]
    seconds: list[float] = []
    while len(seconds) < scale.fewest or (sum(seconds) < scale.repeat_s and len(seconds) < scale.most):
        seconds.append(_timed(run))
    return seconds


def _timed(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _memory(field: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise ValueError(field)
