"""`map` and `starmap`: many calls, in chunks, with bounded look-ahead."""

from __future__ import annotations

import builtins
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent import futures
from typing import Any, TypeVar

from multilane import _multilane
from multilane._checks import positive_count
from multilane._executor import Executor, default_executor
from multilane._functions import name_of
from multilane._handle import Handle

__all__ = ["map", "run_map", "starmap", "watch"]

T = TypeVar("T")

#: Chunks in flight for each worker: one that runs, and enough that none waits for the parent.
_AHEAD = 4
#: A chunk should take about this many seconds: long against dispatch, short against the whole.
_CHUNK_SECONDS = 0.005
#: Chunks for each worker that a call of known length is cut into, at least.
_CHUNKS_PER_WORKER = 8
_LARGEST_CHUNK = 1 << 16


class _ChunkError(Exception):
    """A call of a chunk failed: the results before it, and its error."""

    def __init__(self, results: list[Any], error: BaseException | bytes) -> None:
        super().__init__(results, error)
        self.results = results
        self.error = error

    def unwrap(self, name: str) -> BaseException:
        """Rebuild the error of the call."""
        if isinstance(self.error, BaseException):
            return self.error
        from multilane import _errors_codec

        return _errors_codec.decode(self.error, name, None)


def _fail(
    results: list[Any], error: Exception, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> _ChunkError:
    from multilane import _errors_codec

    if _multilane.in_worker():
        return _ChunkError(results, _errors_codec.encode(error, function, arguments, None))
    _errors_codec.note_call(error, function, arguments, None)
    return _ChunkError(results, error)


def _run_chunk(function: Callable[..., Any], *columns: tuple[Any, ...]) -> list[Any]:
    results: list[Any] = []
    try:
        # Keeps what it has when a call raises, at the speed of a plain list.
        results.extend(builtins.map(function, *columns))
    except Exception as error:
        arguments = tuple(column[len(results)] for column in columns)
        raise _fail(results, error, function, arguments) from None
    return results


def _run_star_chunk(function: Callable[..., Any], rows: tuple[Iterable[Any], ...]) -> list[Any]:
    results: list[Any] = []
    try:
        results.extend(itertools.starmap(function, rows))
    except Exception as error:
        row = rows[len(results)]
        arguments = tuple(row) if isinstance(row, (tuple, list)) else (row,)
        raise _fail(results, error, function, arguments) from None
    return results


def map(
    fn: Callable[..., T],
    *iterables: Iterable[Any],
    workers: int | None = None,
    backend: str = "auto",
    chunksize: int | None = None,
    ordered: bool = True,
    progress: bool = False,
    timeout: float | None = None,
) -> Iterator[T]:
    """Call ``fn`` with the items of the iterables on all workers.

    Reads the iterables only as far ahead as the workers need, so they may be endless.

    Parameters
    ----------
    fn
        The function.
    *iterables
        As many as ``fn`` has arguments; ends with the shortest.
    workers : int, optional
        Workers of the shared pool that runs it; see `Executor`.
    backend : {'auto', 'processes', 'threads', 'serial'}
        Where they live; see `Executor`.
    chunksize : int, optional
        Calls that go to a worker together; chosen from measured durations by default.
    ordered : bool
        Give results in the order of the inputs; False gives each as it is done.
    progress : bool
        Show a line of live progress.
    timeout : float, optional
        Seconds to wait for each next result.

    Yields
    ------
    object
        Results. The first error of a call is raised in its place.

    Examples
    --------
    >>> import multilane as ml
    >>> list(ml.map(pow, [2, 3], [5, 2]))
    [32, 9]
    """
    return default_executor(backend, workers).map(
        fn, *iterables, chunksize=chunksize, ordered=ordered, progress=progress, timeout=timeout
    )


def starmap(
    fn: Callable[..., T],
    iterable: Iterable[Iterable[Any]],
    *,
    workers: int | None = None,
    backend: str = "auto",
    chunksize: int | None = None,
    ordered: bool = True,
    progress: bool = False,
    timeout: float | None = None,
) -> Iterator[T]:
    """Like `map`, for argument tuples that are already together.

    Examples
    --------
    >>> import multilane as ml
    >>> list(ml.starmap(pow, [(2, 5), (3, 2)]))
    [32, 9]
    """
    return default_executor(backend, workers).starmap(
        fn, iterable, chunksize=chunksize, ordered=ordered, progress=progress, timeout=timeout
    )


class _Chunker:
    """Chooses how many calls go together, from how long the last chunks took."""

    def __init__(self, chunksize: int | None, size: int | None, workers: int) -> None:
        self.fixed = chunksize
        self.next = chunksize or 1
        self.limit = _LARGEST_CHUNK
        if size is not None:
            self.limit = max(1, min(_LARGEST_CHUNK, size // (workers * _CHUNKS_PER_WORKER)))

    def learn(self, calls: int, handle: Handle[Any]) -> None:
        stats = handle.stats
        if self.fixed is not None or stats is None:
            return
        each = max(stats.wall / calls, 1e-8)
        wanted = max(1, int(_CHUNK_SECONDS / each))
        # Grow step by step: one quick call says little about the next.
        self.next = min(self.limit, wanted, max(self.next * 8, 1))


class _Run:
    """One map: reads the source, keeps chunks in flight, hands out results."""

    def __init__(
        self,
        executor: Executor,
        fn: Callable[..., Any],
        iterables: tuple[Iterable[Any], ...],
        *,
        star: bool,
        timeout: float | None,
        chunksize: int | None,
        ordered: bool,
        progress: bool,
    ) -> None:
        if not callable(fn):
            raise TypeError(f"{fn!r} is not callable")
        positive_count(chunksize, "chunksize")
        size = _common_length(iterables)
        self.executor = executor
        self.fn = fn
        self.run = _run_star_chunk if star else _run_chunk
        self.sources = [iter(iterable) for iterable in iterables]
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.ordered = ordered
        self.chunker = _Chunker(chunksize, size, executor.workers)
        self.waiting: deque[tuple[int, Handle[Any]]] = deque()
        self.ahead = executor.workers * _AHEAD
        self.group: Any = None
        if progress:
            from multilane._progress import GroupProgress

            self.group = GroupProgress(getattr(fn, "__name__", type(fn).__name__), size)
        # Started here and not at the first `next`: like the standard library's, a map
        # runs whether or not it is read.
        self.fill()

    def fill(self) -> None:
        while len(self.waiting) < self.ahead:
            count = self.chunker.next
            columns = [tuple(itertools.islice(source, count)) for source in self.sources]
            calls = min((len(column) for column in columns), default=0)
            if calls == 0:
                return
            if any(len(column) > calls for column in columns):
                columns = [column[:calls] for column in columns]
            handle = self.executor.submit(self.run, self.fn, *columns)
            self.waiting.append((calls, handle))

    def left(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def chunks(self) -> Iterator[Iterator[Any]]:
        done = 0
        waiting = self.waiting
        try:
            while waiting:
                if not self.ordered:
                    self.bring_done_forward()
                calls, handle = waiting.popleft()
                failed: _ChunkError | None = None
                try:
                    results: list[Any] = handle.result(self.left())
                except _ChunkError as error:
                    failed, results = error, error.results
                self.chunker.learn(calls, handle)
                del handle
                self.fill()
                done += calls
                if self.group is not None:
                    self.group.update(done, running=len(waiting))
                # From the end of the list, so that nothing here keeps a result that its
                # consumer has let go.
                results.reverse()
                yield itertools.starmap(results.pop, itertools.repeat((), len(results)))
                if failed is not None:
                    raise failed.unwrap(name_of(self.fn))
                del results
        finally:
            for _, handle in waiting:
                handle.cancel()
            if self.group is not None:
                self.group.close()

    def bring_done_forward(self) -> None:
        """Rotate a finished chunk to the front; waits for one."""
        for patience in (0.0, self.left()):
            for _ in range(len(self.waiting)):
                if self.waiting[0][1].done():
                    return
                self.waiting.rotate(-1)
            if patience != 0.0:
                handles = [handle for _, handle in self.waiting]
                futures.wait(handles, timeout=patience, return_when=futures.FIRST_COMPLETED)
        while not self.waiting[0][1].done() and any(handle.done() for _, handle in self.waiting):
            self.waiting.rotate(-1)


def run_map(
    executor: Executor,
    fn: Callable[..., Any],
    iterables: tuple[Iterable[Any], ...],
    **options: Any,
) -> Iterator[Any]:
    """Start the calls on an executor; their results, at the speed of a list."""
    run = _Run(executor, fn, iterables, **options)
    return itertools.chain.from_iterable(run.chunks())


def _common_length(iterables: Sequence[Iterable[Any]]) -> int | None:
    try:
        return min(len(iterable) for iterable in iterables)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


class _Calls:
    """Counts the calls of one decorated function for its line of progress."""

    def __init__(self, label: str) -> None:
        from multilane._progress import GroupProgress

        self.submitted = self.done = self.failed = 0
        self.group = GroupProgress(label)

    def finish(self, handle: Any) -> None:
        self.done += 1
        self.failed += bool(handle.cancelled() or handle.exception() is not None)
        self.group.update(self.done, self.failed, self.submitted - self.done)
        if self.done == self.submitted:
            self.group.close()


def watch(handle: Handle[Any], calls: _Calls | None, label: str) -> _Calls:
    """Count a call in its function's line of progress, which ends with the last call."""
    if calls is None or calls.done == calls.submitted:
        calls = _Calls(label)
    calls.submitted += 1
    handle.add_done_callback(calls.finish)
    return calls
