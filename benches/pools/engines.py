"""One adapter for each measured pool: the same four verbs over every library.

Each pool runs as its documentation shows it, with its own defaults; only the number of workers is
given. A library is imported in `prepare`, so that the start of a pool can be timed without it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from measuring.suite import AGAIN


class Engine:
    """A pool with ``submit`` and ``shutdown``, as in `concurrent.futures`."""

    title: ClassVar[str]
    package: ClassVar[str | None] = None
    #: Whether tasks can be submitted one by one; joblib has only its bulk call.
    submits: ClassVar[bool] = True
    #: Whether the caller chooses how many calls of `bulk` travel together.
    takes_chunks: ClassVar[bool] = False

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.pool: Any = None
        self.library: Any = None

    def prepare(self) -> None:
        """Import the library."""
        self.library = importlib.import_module("concurrent.futures")

    def start(self) -> None:
        """Make the pool."""
        raise NotImplementedError

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Hand one task over; return its handle."""
        return self.pool.submit(function, *arguments)

    def result(self, handle: Any) -> Any:
        """Wait for one task."""
        return handle.result()

    def run_all(self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Submit calls one by one, then collect every result."""
        handles = [self.submit(function, *arguments) for arguments in calls]
        return [self.result(handle) for handle in handles]

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        """Map a function over items through the pool's own bulk call."""
        return list(self.pool.map(function, items))

    def stop(self) -> None:
        """Shut the pool down and wait for its workers."""
        self.pool.shutdown()


class Multilane(Engine):
    """multilane on its process workers."""

    title = "multilane"
    package = "multilane"

    def prepare(self) -> None:
        self.library = importlib.import_module("multilane")

    def start(self) -> None:
        self.pool = self.library.Executor(workers=self.workers, backend="processes")

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        calls = self.library.map(function, items, workers=self.workers, backend="processes")
        return list(calls)


class ThreadExecutor(Engine):
    """The standard library's threads: the control that must not speed up Python code."""

    title = "ThreadPoolExecutor"

    def start(self) -> None:
        self.pool = self.library.ThreadPoolExecutor(self.workers)


class ProcessExecutor(Engine):
    """The standard library's executor over processes."""

    title = "ProcessPoolExecutor"
    takes_chunks = True
    method: ClassVar[str | None] = None

    def start(self) -> None:
        context = importlib.import_module("multiprocessing").get_context(self.method)
        self.pool = self.library.ProcessPoolExecutor(self.workers, mp_context=context)

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        return list(self.pool.map(function, items, chunksize=chunk or 1))


class ProcessExecutorSpawn(ProcessExecutor):
    """The same, with workers that start from nothing."""

    title = "ProcessPoolExecutor, spawn"
    method = "spawn"


class Pool(Engine):
    """``multiprocessing.Pool``."""

    title = "multiprocessing.Pool"
    takes_chunks = True
    method: ClassVar[str | None] = None

    def prepare(self) -> None:
        self.library = importlib.import_module("multiprocessing.pool")

    def start(self) -> None:
        context = importlib.import_module("multiprocessing").get_context(self.method)
        self.pool = context.Pool(self.workers)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.pool.apply_async(function, arguments)

    def result(self, handle: Any) -> Any:
        return handle.get()

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        results: list[Any] = self.pool.map(function, items, chunk)
        return results

    def stop(self) -> None:
        self.pool.close()
        self.pool.join()


class PoolSpawn(Pool):
    """The same, with workers that start from nothing."""

    title = "multiprocessing.Pool, spawn"
    method = "spawn"


class Loky(Engine):
    """loky's executor."""

    title = "loky"
    package = "loky"
    takes_chunks = True

    def prepare(self) -> None:
        self.library = importlib.import_module("loky")

    def start(self) -> None:
        self.pool = self.library.ProcessPoolExecutor(self.workers)

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        return list(self.pool.map(function, items, chunksize=chunk or 1))


class Pebble(Engine):
    """pebble's process pool."""

    title = "pebble"
    package = "pebble"
    takes_chunks = True

    def prepare(self) -> None:
        self.library = importlib.import_module("pebble")

    def start(self) -> None:
        self.pool = self.library.ProcessPool(max_workers=self.workers)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.pool.schedule(function, args=arguments)

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        return list(self.pool.map(function, items, chunksize=chunk or 1).result())

    def stop(self) -> None:
        self.pool.close()
        self.pool.join()


class Mpire(Engine):
    """mpire's worker pool."""

    title = "mpire"
    package = "mpire"
    takes_chunks = True

    def prepare(self) -> None:
        self.library = importlib.import_module("mpire")

    def start(self) -> None:
        self.pool = self.library.WorkerPool(n_jobs=self.workers, keep_alive=True)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.pool.apply_async(function, arguments)

    def result(self, handle: Any) -> Any:
        return handle.get()

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        results: list[Any] = self.pool.map(function, items, chunk_size=chunk)
        return results

    def stop(self) -> None:
        self.pool.stop_and_join()
        self.pool.terminate()


class Joblib(Engine):
    """joblib with its default backend.

    It has no submit: a task is a call of one item, tasks are one call in batches of one, and its
    own automatic batches serve `bulk`.
    """

    title = "joblib"
    package = "joblib"
    submits = False

    def prepare(self) -> None:
        self.library = importlib.import_module("joblib")

    def start(self) -> None:
        self.pool = self.library.Parallel(n_jobs=self.workers)
        self.pool.__enter__()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.run_all(function, [arguments])[0]

    def result(self, handle: Any) -> Any:
        return handle

    def run_all(self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        self.pool.batch_size = 1
        return self._call(function, calls)

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        self.pool.batch_size = "auto"
        return self._call(function, ((item,) for item in items))

    def _call(self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        delayed = self.library.delayed(function)
        results: list[Any] = self.pool(delayed(*arguments) for arguments in calls)
        return results

    def stop(self) -> None:
        """Close the call; joblib keeps its workers for the next one until the program ends."""
        self.pool.__exit__(None, None, None)


class MakeParallel(Engine):
    """makeparallel's decorator: native threads that take the interpreter lock."""

    title = "makeparallel"
    package = "makeparallel"

    def prepare(self) -> None:
        self.library = importlib.import_module("makeparallel")

    def start(self) -> None:
        self.wrapped: dict[Callable[..., Any], Callable[..., Any]] = {}

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        wrapper = self.wrapped.get(function)
        if wrapper is None:
            wrapper = self.wrapped[function] = self.library.parallel(function)
        return wrapper(*arguments)

    def result(self, handle: Any) -> Any:
        return handle.get()

    def bulk(self, function: Callable[[Any], Any], items: range, chunk: int | None) -> list[Any]:
        results: list[Any] = self.library.parallel_map(function, list(items))
        return results

    def stop(self) -> None:
        """Do nothing: each call has a thread of its own."""


ENGINES: dict[str, type[Engine]] = {
    "multilane": Multilane,
    "pool": Pool,
    "pool-spawn": PoolSpawn,
    "process-executor": ProcessExecutor,
    "process-executor-spawn": ProcessExecutorSpawn,
    "thread-executor": ThreadExecutor,
    "loky": Loky,
    "pebble": Pebble,
    "mpire": Mpire,
    "joblib": Joblib,
    "makeparallel": MakeParallel,
}


def engine_class(name: str) -> type[Engine]:
    """Return the adapter called ``name``, with or without the mark of a second measurement.

    >>> engine_class("pool-again").title
    'multiprocessing.Pool'
    """
    return ENGINES[name.removesuffix(AGAIN)]
