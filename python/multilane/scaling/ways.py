"""The ways of running operations on workers, each giving one timed run as a sample.

A way is named by how workers are made and what is changed about the queue: ``threads``, ``processes``, and with a
plus sign ``own`` (a queue for each worker instead of one for all), ``lock`` (a lock around each operation),
``batch=8`` (operations taken at once), ``window=4`` (operations in flight; not for threads).

The routes to devices are ways as well (``cuda``, ``vulkan``, ``wgpu``, ``cpu``); see `devices`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import multilane as ml
from multilane import _multilane

__all__ = ["ROUTES", "Operation", "Way", "make", "parse"]

#: One timed run: the fields of a sample of `multilane-lab`.
Sample = dict[str, Any]

#: Ways to a device; the last is threads of the processor that stand in for one.
ROUTES = ("cuda", "vulkan", "wgpu", "cpu")

#: Seconds that a worker may take until it is ready to start; a warm-up comes before.
PATIENCE = 120.0


@dataclass(frozen=True, eq=False)
class Operation:
    """What is run again and again.

    Attributes
    ----------
    function, arguments
        The call.
    numbered
        Whether the call takes the operation's number instead of the arguments.
    bytes
        Memory that a call moves, where that is known.
    kernel
        What a device runs instead of calling the function, the arguments being its sizes.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    numbered: bool = False
    bytes: float = 0.0
    kernel: str = ""


class Way(Protocol):
    """A way of running operations."""

    def run(self, operation: Operation, workers: int, count: int, warm_up: bool = False) -> Sample:
        """Run ``count`` operations on ``workers`` workers."""
        ...

    def close(self) -> None:
        """Give back what the runs have started."""
        ...


class Looks(Protocol):
    """Looks closer at the threads of a run."""

    def watch(self, threads: list[threading.Thread]) -> None:
        """Look until the threads have ended."""
        ...


@dataclass(frozen=True)
class Options:
    """What the name of a way says."""

    kind: str
    own: bool = False
    lock: bool = False
    batch: int = 1
    window: int = 0


def parse(name: str) -> Options:
    """Read the name of a way.

    >>> parse("threads+own+batch=8")
    Options(kind='threads', own=True, lock=False, batch=8, window=0)
    >>> parse("magic")
    Traceback (most recent call last):
    ValueError: there is no strategy `magic`; give `threads` or `processes`, or a way to a device ...
    """
    kind, *parts = name.replace(" ", "").split("+")
    found: dict[str, Any] = {}
    for part in parts:
        key, _, value = part.partition("=")
        if key in ("own", "lock") and not value and kind != "processes":
            found[key] = True
        elif (
            key in ("batch", "window") and value.isdecimal() and int(value) > 0 and (key, kind) != ("window", "threads")
        ):
            found[key] = int(value)
        else:
            kind = ""
    if kind not in ("threads", "processes", *ROUTES):
        raise ValueError(
            f"there is no strategy `{name}`; give `threads` or `processes`, or a way to a device "
            f"({', '.join(f'`{route}`' for route in ROUTES)}), with `+own`, `+lock`, `+batch=8`, `+window=4`"
        )
    return Options(kind, **found)


def make(name: str) -> Way:
    """Make a way by its name."""
    options = parse(name)
    if options.kind in ROUTES:
        from .devices import OnDevice

        return OnDevice(options)
    return Threads(options) if options.kind == "threads" else Processes(options)


class Threads:
    """Plain threads over a native queue; what they wait for is looked at from outside.

    With a looker, which looks closer and disturbs the run, the samples are not to be used.
    """

    def __init__(self, options: Options, looker: Looks | None = None) -> None:
        self.options = options
        self.looker = looker

    def run(self, operation: Operation, workers: int, count: int, warm_up: bool = False) -> Sample:
        """Run on fresh threads that start together."""
        lanes = _multilane.LaneRun(workers, count, batch=self.options.batch, own=self.options.own)
        function = _locked(operation.function) if self.options.lock else operation.function
        errors: list[BaseException] = []

        def work(lane: int) -> None:
            try:
                lanes.run(lane, function, operation.arguments, warm_up=warm_up, numbered=operation.numbered)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(lane,), name=f"lane-{lane}") for lane in range(workers)]
        for thread in threads:
            thread.start()
        watch = None
        try:
            ready = lanes.wait_ready(PATIENCE)
            if ready is None:
                raise TimeoutError(f"a worker was not ready after {PATIENCE:.0f} s; give smaller operations")
            watch = self._look(ready)
            before = _multilane.system_use()
            lanes.open()
            if self.looker is not None:
                self.looker.watch(threads)
            for thread in threads:
                thread.join()
            after = _multilane.system_use()
        except BaseException:
            # Ctrl-C: the lanes begin no further operation.
            lanes.cancel()
            for thread in threads:
                thread.join()
            raise
        finally:
            seen = watch.stop() if watch is not None else {}
        if errors:
            raise errors[0]
        return _of_lanes(operation, workers, lanes.report(), seen, before, after)

    def _look(self, threads: list[int]) -> _multilane.Watch | None:
        return _multilane.Watch(threads)

    def close(self) -> None:
        """Nothing to give back: the threads of a run end with it."""


class Processes:
    """A multilane pool for each worker count, started at its first run."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.pools: dict[int, ml.Executor] = {}
        #: The workers of each pool, as its last run had them.
        self.processes: dict[int, list[int]] = {}

    def run(self, operation: Operation, workers: int, count: int, warm_up: bool = False) -> Sample:
        """Submit the operations and wait for all of them."""
        pool = self.pools.get(workers)
        if pool is None:
            pool = self.pools[workers] = ml.Executor(workers, backend="processes", name=f"scale on {workers}")
            pool.wait_ready()
            warm_up = True
        if warm_up:
            for handle in [pool.submit(operation.function, *_call(operation, 0)) for _ in range(2 * workers)]:
                handle.result()
        batch, window = self.options.batch, self.options.window or count
        delay = _delay_of(self.processes.get(workers, []))
        before = _multilane.system_use()
        with ml.record(label="scale") as recording:
            started = time.monotonic_ns()
            flying: list[ml.Handle[Any]] = []
            for first in range(0, count, batch):
                size = min(batch, count - first)
                if size == 1:
                    flying.append(pool.submit(operation.function, *_call(operation, first)))
                else:
                    calls = [_call(operation, number) for number in range(first, first + size)]
                    flying.append(pool.submit(_batch, operation.function, calls))
                if len(flying) >= window:
                    flying.pop(0).result()
            for handle in flying:
                handle.result()
            wall_ns = time.monotonic_ns() - started
        after = _multilane.system_use()
        assert recording.trace is not None, "a recording that has ended has a trace"
        held_up = _delay_of(self.processes.get(workers, [])) - delay
        self.processes[workers] = [worker["os_id"] for worker in recording.trace.worker_list()]
        return _of_trace(operation, workers, count, wall_ns, recording.trace.analyse(), before, after, held_up)

    def close(self) -> None:
        """Shut the pools down."""
        pools, self.pools = self.pools, {}
        for pool in pools.values():
            pool.shutdown(wait=True, cancel_futures=True)


def _call(operation: Operation, number: int) -> tuple[Any, ...]:
    return (number,) if operation.numbered else operation.arguments


def _batch(function: Callable[..., Any], calls: list[tuple[Any, ...]]) -> None:
    for arguments in calls:
        function(*arguments)


def _locked(function: Callable[..., Any]) -> Callable[..., Any]:
    lock = threading.Lock()

    def call(*arguments: Any) -> Any:
        with lock:
            return function(*arguments)

    return call


def _of_lanes(
    operation: Operation,
    workers: int,
    report: dict[str, Any],
    seen: dict[str, int],
    before: dict[str, int],
    after: dict[str, int],
) -> Sample:
    """Make a sample of what lanes of this process used and were seen to do."""
    own = after["own_cpu_ns"] - before["own_cpu_ns"]
    between = min(report["between_ns"], report["cpu_ns"])
    lane_ns = workers * report["wall_ns"]
    blocked = max(0, lane_ns - report["cpu_ns"] - report["run_delay_ns"] - report["idle_ns"])
    return {
        "workers": workers,
        "operations": report["operations"],
        "wall_ns": report["wall_ns"],
        "cpu_ns": report["cpu_ns"] - between,
        "system_ns": min(report["system_ns"], report["cpu_ns"] - between),
        "process_cpu_ns": own,
        "run_delay_ns": report["run_delay_ns"],
        "dispatch_ns": between,
        "idle_ns": report["idle_ns"],
        "longest_ns": report["longest_ns"],
        "faults": report["faults"],
        "switches": report["switches"],
        "foreign_ns": max(0, after["machine_cpu_ns"] - before["machine_cpu_ns"] - own),
        "throttled_ns": throttled(before, after, lane_ns),
        "bytes_per_operation": operation.bytes,
        "watch_cpu_ns": seen.get("watch_cpu_ns", 0),
        **shared_out(blocked, seen),
    }


def shared_out(blocked_ns: int, seen: dict[str, int]) -> dict[str, int]:
    """Share out the time that workers were blocked by what they were seen to be blocked in.

    >>> shares = shared_out(100, {"running": 7, "interpreter": 3, "lock": 1})
    >>> {name: share for name, share in shares.items() if share}
    {'interpreter_wait_ns': 75, 'lock_wait_ns': 25}
    """
    names = {
        "interpreter": "interpreter_wait_ns",
        "lock": "lock_wait_ns",
        "allocator": "allocator_wait_ns",
        "sleep": "sleep_ns",
        "memory": "fault_wait_ns",
        "other": "other_wait_ns",
    }
    total = sum(seen.get(name, 0) for name in names)
    if total == 0:
        return {field: blocked_ns if name == "other" else 0 for name, field in names.items()}
    return {field: blocked_ns * seen.get(name, 0) // total for name, field in names.items()}


def _of_trace(
    operation: Operation,
    workers: int,
    count: int,
    wall_ns: int,
    analysis: dict[str, Any],
    before: dict[str, int],
    after: dict[str, int],
    held_up_ns: int,
) -> Sample:
    """Make a sample of what a pool recorded; its processes and the dispatcher's threads were held up for so long."""
    parts: dict[str, float] = analysis["decomposition"]
    span: int = analysis["makespan_ns"] * analysis["workers"]

    def ns(*names: str) -> int:
        return round(sum(parts[name] for name in names) * span)

    own = after["own_cpu_ns"] - before["own_cpu_ns"] + analysis["cpu_ns"]
    # No operation waits for another one, so whatever keeps a worker without work is the handing out.
    outside = max(0, wall_ns - analysis["makespan_ns"]) * workers
    dispatch = ns("dispatch", "serialisation", "serial_fraction", "start_up", "idle") + outside
    idle = ns("load_imbalance")
    # Who waits for a processor hands out late; so far as other programs have it, that is their doing.
    foreign = max(0, after["machine_cpu_ns"] - before["machine_cpu_ns"] - own)
    excused = min(max(0, held_up_ns - ns("run_queue")) * foreign // max(1, foreign + own), dispatch + idle)
    excused_idle = excused * idle // max(1, dispatch + idle)
    return {
        "workers": workers,
        "operations": count,
        "wall_ns": wall_ns,
        "cpu_ns": ns("useful"),
        "process_cpu_ns": own,
        "run_delay_ns": ns("run_queue") + excused,
        "interpreter_wait_ns": ns("interpreter_wait"),
        "other_wait_ns": ns("waiting"),
        "dispatch_ns": dispatch - (excused - excused_idle),
        "idle_ns": idle - excused_idle,
        "longest_ns": max((each["max_ns"] for each in analysis["functions"].values()), default=0),
        "foreign_ns": foreign,
        "throttled_ns": throttled(before, after, workers * wall_ns),
        "bytes_per_operation": operation.bytes,
    }


def _delay_of(processes: Iterable[int]) -> int:
    """Add up how long these processes, and the threads of this one, were ready to run without a processor."""
    files = [f"/proc/{process}/schedstat" for process in processes]
    files += [f"/proc/self/task/{thread}/schedstat" for thread in _entries("/proc/self/task")]
    total = 0
    for file in files:
        with contextlib.suppress(OSError, ValueError, IndexError), open(file, encoding="ascii") as text:
            total += int(text.read().split()[1])
    return total


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def throttled(before: dict[str, int], after: dict[str, int], lane_ns: int) -> int:
    """Say for how long the CPU limit stopped this process between two looks."""
    return min(after["throttled_ns"] - before["throttled_ns"], lane_ns)
