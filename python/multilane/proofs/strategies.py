"""The ways of running the fixed work: one after the other, on plain threads, on multilane's backends.

A strategy is opened and warmed up before it is timed, and each run returns its results, its wall clock and its trace.
What a run measures is recorded by the native recorder; nothing here adds up or judges.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import multilane as ml

from .functions import lane
from .work import Work

if TYPE_CHECKING:
    from multilane._multilane import Trace

SEQUENTIAL = "sequential"
PLAIN_THREADS = "plain threads"
PROCESSES = "multilane processes"
THREADS = "multilane threads"

#: What is run when the caller does not say.
DEFAULT = (PLAIN_THREADS, PROCESSES, THREADS)

#: Milliseconds between two looks at what the plain threads wait for.
SAMPLING_MS = 1


@dataclass(frozen=True)
class Measured:
    """What one run gave."""

    results: Sequence[Any]
    wall_ns: int
    trace: Trace


class Strategy(Protocol):
    """A way of running the work."""

    name: str
    workers: int

    def open(self) -> None:
        """Start what is needed, before any timing."""
        ...

    def run(self, work: Work) -> Measured:
        """Run all calls of the work, timed from the common start to the last end."""
        ...

    def close(self) -> None:
        """Give back what `open` started."""
        ...


def make(name: str, workers: int) -> Strategy:
    """Make a strategy by its name.

    >>> make("plain threads", 2).workers
    2
    >>> make("magic", 2)
    Traceback (most recent call last):
    ValueError: there is no strategy `magic`; choose from `plain threads`, `multilane processes`, `multilane threads`
    """
    known: dict[str, Callable[[], Strategy]] = {
        SEQUENTIAL: Sequential,
        PLAIN_THREADS: lambda: PlainThreads(workers),
        PROCESSES: lambda: Multilane("processes", workers),
        THREADS: lambda: Multilane("threads", workers),
    }
    if name in known:
        return known[name]()
    short = name.removeprefix("multilane ")
    if f"multilane {short}" in known:
        return known[f"multilane {short}"]()
    raise ValueError(f"there is no strategy `{name}`; choose from {', '.join(f'`{each}`' for each in DEFAULT)}")


class Sequential:
    """One call after the other in the calling thread: what every other way is measured against."""

    def __init__(self) -> None:
        self.name = SEQUENTIAL
        self.workers = 1

    def open(self) -> None:
        """Nothing to start."""

    def run(self, work: Work) -> Measured:
        """Run all calls in this thread."""
        recorder = _recorder(work, "serial", 1)
        with _reporting_to(recorder):
            started = time.monotonic_ns()
            results = [recorder.run(0, work.name, work.function, arguments) for arguments in work.calls]
            ended = time.monotonic_ns()
        return Measured(results, ended - started, recorder.finish())

    def close(self) -> None:
        """Nothing to give back."""


class PlainThreads:
    """Plain `threading` threads over one queue: the control, which the interpreter lock must make fail."""

    def __init__(self, workers: int) -> None:
        self.name = PLAIN_THREADS
        self.workers = workers

    def open(self) -> None:
        """Nothing to start: the threads of a run wait at its gate before the clock starts."""

    def run(self, work: Work) -> Measured:
        """Run all calls on fresh threads that start together."""
        recorder = _recorder(work, "plain threads", self.workers)
        recorder.start_sampler(SAMPLING_MS)
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(work.calls)):
            waiting.put(number)
        results: list[Any] = [None] * len(work.calls)
        errors: list[BaseException] = []
        gate = threading.Event()
        at_gate = threading.Semaphore(0)

        def lane(index: int) -> None:
            with _reporting_to(recorder):
                at_gate.release()
                gate.wait()
                while not errors:
                    try:
                        number = waiting.get_nowait()
                    except queue.Empty:
                        return
                    try:
                        results[number] = recorder.run(index, work.name, work.function, work.calls[number])
                    except BaseException as error:
                        errors.append(error)

        threads = [threading.Thread(target=lane, args=(index,), name=f"lane-{index}") for index in range(self.workers)]
        for thread in threads:
            thread.start()
        for _ in threads:
            at_gate.acquire()
        started = time.monotonic_ns()
        gate.set()
        try:
            for thread in threads:
                thread.join()
        except BaseException as error:
            # Ctrl-C: the lanes take no further call.
            errors.append(error)
            raise
        ended = time.monotonic_ns()
        trace = recorder.finish()
        if errors:
            raise errors[0]
        return Measured(results, ended - started, trace)

    def close(self) -> None:
        """Nothing to give back: the threads of a run end with it."""


class Multilane:
    """A multilane pool, started once and used for every run."""

    def __init__(self, backend: str, workers: int) -> None:
        self.name = f"multilane {backend}"
        self.backend = backend
        self.workers = workers
        self.pool: ml.Executor | None = None

    def open(self) -> None:
        """Start the pool and wait for its workers."""
        self.pool = ml.Executor(self.workers, backend=self.backend, name=f"prove on {self.backend}")
        self.pool.wait_ready()

    def run(self, work: Work) -> Measured:
        """Submit all calls and collect their results in order."""
        if self.pool is None:
            raise RuntimeError(f"`{self.name}` is not open; open it before the first run")
        with ml.record(label=self.name) as recording:
            started = time.monotonic_ns()
            handles = [self.pool.submit(work.function, *arguments) for arguments in work.calls]
            results = [handle.result() for handle in handles]
            ended = time.monotonic_ns()
        trace = recording.trace
        assert trace is not None, "a recording that has ended has a trace"
        return Measured(results, ended - started, trace)

    def close(self) -> None:
        """Shut the pool down."""
        pool, self.pool = self.pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _reporting_to(recorder: Any) -> Iterator[None]:
    lane.recorder = recorder
    try:
        yield
    finally:
        lane.recorder = None


def _recorder(work: Work, backend: str, workers: int) -> Any:
    from multilane import _multilane

    return _multilane.TraceRecorder(work.name, backend, workers)
