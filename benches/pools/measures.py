"""The measurements, each a function from a prepared engine to one sample.

A sample is a flat dictionary of numbers with their units in the names. Everything that is not the
thing measured (imports, the pool's start, warm-up, making the data) happens outside the clock, and
every result is checked.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from measuring.suite import Sample
from pools import work
from pools.bare import BareProcesses
from pools.engines import Engine


@dataclass(frozen=True)
class Scale:
    """How much work one sample does."""

    cpu_task_s: float = 0.2
    cpu_rounds: int = 5
    rounds: int = 3
    round_s: float = 0.5
    most_tasks: int = 200_000
    latency_s: float = 1.0
    array_bytes: int = 1_000_000_000
    map_calls: int = 1_000_000
    recording_pairs: int = 15
    recording_tasks: int = 50_000


QUICK = Scale(
    cpu_task_s=0.1,
    round_s=0.15,
    most_tasks=50_000,
    latency_s=0.3,
    array_bytes=200_000_000,
    map_calls=200_000,
    recording_pairs=7,
    recording_tasks=20_000,
)


def warm(engine: Engine) -> None:
    """Send every worker a few tasks, so that none is still starting."""
    engine.run_all(work.noop, [(index,) for index in range(16 * engine.workers)])


def spin_count(seconds: float) -> int:
    """Return how many rounds of `work.spin` take about ``seconds`` here and now."""
    count = 1_000
    while True:
        elapsed = min(_timed(work.spin, count)[0] for _ in range(3))
        if elapsed > min(seconds / 4, 0.02):
            return max(1, round(count * seconds / elapsed))
        count *= 4


def cpu(engine: Engine, scale: Scale) -> Sample:
    """As many equal pure-Python tasks as workers, against the same tasks one after the other.

    Beside both runs the same work in bare processes, without any pool: what the cores give at
    that moment, since two virtual cores are not always two.
    """
    with BareProcesses(engine.workers) as bare:
        engine.start()
        warm(engine)
        count = spin_count(scale.cpu_task_s)
        expected = work.spin(count)
        serial, parallel, alone, cores = [], [], [], []
        for _ in range(scale.cpu_rounds):
            serial.append(_timed(lambda: [work.spin(count) for _ in range(engine.workers)])[0])
            tasks = [(count,)] * engine.workers
            wall, results = _timed(engine.run_all, work.spin_timed, tasks)
            _require(all(value == expected for value, _ in results), "spin")
            parallel.append(wall)
            cores.append(sum(used for _, used in results) / wall)
            wall, values = _timed(bare.run, count)
            _require(values == [expected] * engine.workers, "spin")
            alone.append(wall)
        engine.stop()
    return {
        "speedup": _median_ratio(serial, parallel),
        "bare": _median_ratio(serial, alone),
        "of_bare": _median_ratio(alone, parallel),
        "cores": statistics.median(cores),
        "serial_s": serial,
        "parallel_s": parallel,
        "bare_s": alone,
    }


def throughput(engine: Engine, scale: Scale) -> Sample:
    """No-op tasks submitted one by one, then collected: tasks per second, submit to result."""
    engine.start()
    warm(engine)

    def one_round(tasks: int) -> tuple[float, float]:
        started = time.perf_counter()
        if engine.submits:
            handles = [engine.submit(work.noop, index) for index in range(tasks)]
            submitted = time.perf_counter()
            results = [engine.result(handle) for handle in handles]
        else:
            results = engine.run_all(work.noop, ((index,) for index in range(tasks)))
            submitted = started
        ended = time.perf_counter()
        _require(results == [None] * tasks, "noop")
        return ended - started, submitted - started

    tasks = 200
    while True:
        elapsed, _ = one_round(tasks)
        if elapsed > scale.round_s / 4 or tasks >= scale.most_tasks:
            break
        tasks = min(scale.most_tasks, tasks * 4)
    tasks = max(100, min(scale.most_tasks, round(tasks * scale.round_s / elapsed)))
    rates, submits = [], []
    for _ in range(scale.rounds):
        gc.collect()
        elapsed, submitting = one_round(tasks)
        rates.append(tasks / elapsed)
        if engine.submits:
            submits.append(tasks / submitting)
    engine.stop()
    sample: Sample = {"tasks_per_s": statistics.median(rates), "tasks": tasks, "rates": rates}
    if submits:
        sample["submits_per_s"] = statistics.median(submits)
    return sample


def latency(engine: Engine, scale: Scale) -> Sample:
    """The round trip of one no-op at a time."""
    engine.start()
    warm(engine)
    for _ in range(200 if engine.submits else 5):
        engine.result(engine.submit(work.noop))
    trips = []
    end = time.perf_counter() + scale.latency_s
    while (started := time.perf_counter()) < end:
        engine.result(engine.submit(work.noop))
        trips.append(time.perf_counter() - started)
    engine.stop()
    trips.sort()
    return {
        "median_us": statistics.median(trips) * 1e6,
        "mean_us": statistics.fmean(trips) * 1e6,
        "p99_us": trips[int(len(trips) * 0.99)] * 1e6,
        "least_us": trips[0] * 1e6,
        "trips": len(trips),
    }


def array(engine: Engine, scale: Scale) -> Sample:
    """A large float64 array as an argument and its sum back: the first call, and later ones."""
    import numpy

    engine.start()
    warm(engine)
    _load_array_library(engine)
    calls = []
    for call in range(3):
        # A new array with new contents for each call: a pool that kept the last one would be
        # found out. (Changing one array in place is not fair: joblib sends the old contents.)
        values = numpy.full(scale.array_bytes // 8, float(call + 1))
        local = min(_timed(work.total, values)[0] for _ in range(2))
        elapsed, result = _timed(_call, engine, work.total, values)
        _require(result == values.size * (call + 1), "total")
        calls.append(elapsed)
        del values
    engine.stop()
    return {
        "first_s": calls[0],
        "later_s": statistics.median(calls[1:]),
        "local_s": local,
        "bytes": scale.array_bytes,
        "calls_s": calls,
    }


def share(engine: Engine, scale: Scale) -> Sample:
    """The same with an array placed in shared memory once; counts what was copied after that.

    multilane has `share`. The standard library's executor is given the same through
    ``multiprocessing.shared_memory``, by hand.
    """
    import numpy

    engine.start()
    warm(engine)
    _load_array_library(engine)
    values = numpy.ones(scale.array_bytes // 8)
    local = min(_timed(work.total, values)[0] for _ in range(3))
    by_multilane = engine.package == "multilane"
    sample = _share_by_multilane(engine, values) if by_multilane else _share_by_hand(engine, values)
    engine.stop()
    return sample | {"local_s": local, "bytes": values.nbytes}


def _share_by_multilane(engine: Engine, values: Any) -> Sample:
    placing, shared = _timed(engine.library.share, values)
    calls, copied = [], []
    for _ in range(3):
        held = work.shared_bytes()
        resident = work.reset_peak()
        elapsed, (result, growth) = _timed(_call, engine, work.total_and_growth, shared)
        _require(result == values.size, "total")
        calls.append(elapsed)
        here = work.peak_bytes() - resident
        copied.append(max(0, growth - values.nbytes, here, work.shared_bytes() - held))
    return {
        "share_s": placing,
        "first_s": calls[0],
        "later_s": statistics.median(calls[1:]),
        "copied_bytes": max(copied),
        "copied_fraction": max(copied) / values.nbytes,
        "calls_s": calls,
    }


def _share_by_hand(engine: Engine, values: Any) -> Sample:
    from multiprocessing import shared_memory

    import numpy

    started = time.perf_counter()
    segment = shared_memory.SharedMemory(create=True, size=values.nbytes)
    view: Any = numpy.ndarray(values.shape, dtype=values.dtype, buffer=segment.buf)
    view[:] = values
    placing = time.perf_counter() - started
    arguments = (segment.name, values.size)
    calls = []
    for _ in range(3):
        elapsed, result = _timed(_call, engine, work.total_of_segment, *arguments)
        _require(result == values.size, "total_of_segment")
        calls.append(elapsed)
    del view
    segment.close()
    segment.unlink()
    return {
        "share_s": placing,
        "first_s": calls[0],
        "later_s": statistics.median(calls[1:]),
        "calls_s": calls,
    }


def bulk(engine: Engine, scale: Scale) -> Sample:
    """Many tiny calls through the pool's own bulk call, with the best chunk where it takes one.

    The search and the measurement are separate rounds: the winner of a noisy search is measured
    again, so that luck in the search gives no advantage.
    """
    engine.start()
    warm(engine)

    def calls_per_s(items: range, chunk: int | None) -> float:
        gc.collect()
        elapsed, results = _timed(engine.bulk, work.tiny, items, chunk)
        _require(len(results) == len(items) and results[-1] == len(items), "tiny")
        return len(items) / elapsed

    # A bulk call may start workers of its own.
    calls_per_s(range(64), 32 if engine.takes_chunks else None)
    # A pool that would need minutes is measured on as many calls as it does in about a second.
    items = range(4_000)
    while len(items) < scale.map_calls:
        rate = calls_per_s(items, 500 if engine.takes_chunks else None)
        if len(items) / rate > 0.1:
            items = range(min(scale.map_calls, round(rate * 0.6)))
            break
        items = range(min(scale.map_calls, len(items) * 4))
    search: dict[int, float] = {}
    chunk = None
    if engine.takes_chunks:
        most = len(items) // engine.workers
        for size in (64, 256, 1_024, 4_096, 16_384, 65_536, most // 4, most):
            if size <= most:
                search[size] = calls_per_s(items, size)
        chunk = max(search, key=lambda size: search[size])
    rates = [calls_per_s(items, chunk) for _ in range(scale.rounds)]
    engine.stop()
    return {
        "calls_per_s": statistics.median(rates),
        "calls": len(items),
        "chunk": chunk,
        "search": search,
        "rates": rates,
    }


def startup(engine: Engine, scale: Scale) -> Sample:
    """From nothing to a pool whose workers all run a task at the same time, and to its end."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        engine.start()
        made = time.perf_counter()
        meetings = [(folder, str(index), engine.workers) for index in range(engine.workers)]
        engine.run_all(work.meet, meetings)
        ready = time.perf_counter()
        engine.stop()
        stopped = time.perf_counter()
    return {
        "ready_s": ready - started,
        "made_s": made - started,
        "stop_s": stopped - ready,
    }


def recording(engine: Engine, scale: Scale) -> Sample:
    """What a recording adds to a task, from floods of no-ops with and without one.

    No-ops, because their dispatch is all there is: the difference of two floods is the cost
    itself, where tasks of 100 µs would drown it in their own noise. It is quoted as a share of
    the time that a task of 100 µs takes on all workers together, the closing of the recording
    included. Rounds come in threes: without, with, and without again, in an order that turns;
    the third shows the noise.
    """
    engine.start()
    warm(engine)
    tasks = [(index,) for index in range(scale.recording_tasks)]

    def plain() -> float:
        return _timed(engine.run_all, work.noop, tasks)[0]

    def recorded() -> float:
        started = time.perf_counter()
        with engine.library.record(label="cost of a recording"):
            engine.run_all(work.noop, tasks)
        return time.perf_counter() - started

    walls: list[list[float]] = [[], [], []]
    rounds: list[Callable[[], float]] = [plain, recorded, plain]
    for triple in range(scale.recording_pairs):
        for step in range(3):
            place = (triple + step) % 3
            gc.collect()
            walls[place].append(rounds[place]() / len(tasks))
    engine.stop()
    without, with_record, again = walls
    costs = [b - a for a, b in zip(without, with_record, strict=True)]
    noise = [b - a for a, b in zip(without, again, strict=True)]
    task_s = 100e-6 / engine.workers
    return {
        "cost": statistics.median(costs) / task_s,
        "noise": statistics.median(noise) / task_s,
        "costs_s": costs,
        "noises_s": noise,
    }


MEASURES: dict[str, Callable[[Engine, Scale], Sample]] = {
    "cpu": cpu,
    "throughput": throughput,
    "latency": latency,
    "array": array,
    "share": share,
    "map": bulk,
    "startup": startup,
    "recording": recording,
}


def _timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - started, result


def _median_ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def _call(engine: Engine, function: Callable[..., Any], *arguments: Any) -> Any:
    return engine.result(engine.submit(function, *arguments))


def _require(right: bool, name: str) -> None:
    if not right:
        raise ArithmeticError(f"the pool returned a wrong result of `{name}`")


def _load_array_library(engine: Engine) -> None:
    engine.run_all(work.import_array_library, [()] * 16 * engine.workers)
