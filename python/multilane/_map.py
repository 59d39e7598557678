"""`map` and `starmap`: many calls, in chunks, with bounded look-ahead."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from multilane._executor import Executor, default_executor
from multilane._handle import Handle

__all__ = ["map", "run_map", "starmap", "watch"]

#: Chunks in flight for each worker: one that runs, and enough that none waits for the parent.
_AHEAD = 4
#: A chunk should take about this many seconds: long against dispatch, short against the whole.
_CHUNK_SECONDS = 0.005
#: Chunks for each worker that a call of known length is cut into, at least.
_CHUNKS_PER_WORKER = 8
_LARGEST_CHUNK = 8192


def _run_chunk(function: Callable[..., Any], chunk: list[tuple[Any, ...]]) -> list[Any]:
    return [function(*arguments) for arguments in chunk]


def map(
    fn: Callable[..., Any],
    *iterables: Iterable[Any],
    workers: int | None = None,
    backend: str = "auto",
    chunksize: int | None = None,
    ordered: bool = True,
    progress: bool = False,
    timeout: float | None = None,
) -> Iterator[Any]:
    """Call ``fn`` with the items of the iterables on all workers.

    Reads the iterables only as far ahead as the workers need, so they may be endless.

    Parameters
    ----------
    fn
        The function.
    *iterables
        As many as ``fn`` has arguments; ends with the shortest.
    workers, backend
        See `Executor`.
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
    fn: Callable[..., Any],
    iterable: Iterable[Iterable[Any]],
    *,
    workers: int | None = None,
    backend: str = "auto",
    chunksize: int | None = None,
    ordered: bool = True,
    progress: bool = False,
    timeout: float | None = None,
) -> Iterator[Any]:
    """Like `map`, for argument tuples that are already together.

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

    def learn(self, calls: int, handle: Handle) -> None:
        stats = handle.stats
        if self.fixed is not None or stats is None:
            return
        each = max(stats.wall / calls, 1e-8)
        wanted = max(1, int(_CHUNK_SECONDS / each))
        # Grow step by step: one quick call says little about the next.
        self.next = min(self.limit, wanted, max(self.next * 8, 1))


def run_map(
    executor: Executor,
    fn: Callable[..., Any],
    calls: Iterable[tuple[Any, ...]],
    *,
    timeout: float | None,
    chunksize: int | None,
    ordered: bool,
    progress: bool,
    size: int | None,
) -> Iterator[Any]:
    """Run the calls on an executor; the checks happen now, the work while it is read."""
    if not callable(fn):
        raise TypeError(f"{fn!r} is not callable")
    if chunksize is not None and (not isinstance(chunksize, int) or chunksize < 1):
        raise ValueError(f"`chunksize` is {chunksize!r}, but must be a positive number or None")
    from multilane._progress import GroupProgress

    deadline = None if timeout is None else time.monotonic() + timeout
    chunker = _Chunker(chunksize, size, executor.workers)
    waiting: deque[tuple[int, Handle]] = deque()
    source = iter(calls)
    # Started here and not at the first `next`: like the standard library's, a map runs
    # whether or not it is read.
    ahead = executor.workers * _AHEAD
    _fill(executor, fn, source, chunker, waiting, ahead)
    label = getattr(fn, "__name__", type(fn).__name__)
    group = GroupProgress(label, size) if progress else None
    return _results(executor, fn, source, chunker, waiting, ahead, deadline, ordered, group)


def _fill(
    executor: Executor,
    fn: Callable[..., Any],
    source: Iterator[tuple[Any, ...]],
    chunker: _Chunker,
    waiting: deque[tuple[int, Handle]],
    ahead: int,
) -> None:
    while len(waiting) < ahead:
        chunk = list(itertools.islice(source, chunker.next))
        if not chunk:
            return
        waiting.append((len(chunk), executor.submit(_run_chunk, fn, chunk)))


def _results(
    executor: Executor,
    fn: Callable[..., Any],
    source: Iterator[tuple[Any, ...]],
    chunker: _Chunker,
    waiting: deque[tuple[int, Handle]],
    ahead: int,
    deadline: float | None,
    ordered: bool,
    group: Any,
) -> Iterator[Any]:
    done = 0
    try:
        while waiting:
            if not ordered:
                _bring_done_forward(waiting, deadline)
            calls, handle = waiting.popleft()
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            results = handle.result(left)
            chunker.learn(calls, handle)
            del handle
            _fill(executor, fn, source, chunker, waiting, ahead)
            done += calls
            if group is not None:
                group.update(done, running=len(waiting))
            yield from results
    finally:
        for _, handle in waiting:
            handle.cancel()
        if group is not None:
            group.close()


def _bring_done_forward(waiting: deque[tuple[int, Handle]], deadline: float | None) -> None:
    from concurrent.futures import FIRST_COMPLETED, wait

    for _ in range(len(waiting)):
        if waiting[0][1].done():
            return
        waiting.rotate(-1)
    left = None if deadline is None else max(0.0, deadline - time.monotonic())
    wait([handle for _, handle in waiting], timeout=left, return_when=FIRST_COMPLETED)
    for _ in range(len(waiting)):
        if waiting[0][1].done():
            return
        waiting.rotate(-1)


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


def watch(handle: Handle, calls: _Calls | None, label: str) -> _Calls:
    """Count a call in its function's line of progress, which ends with the last call."""
    if calls is None or calls.done == calls.submitted:
        calls = _Calls(label)
    calls.submitted += 1
    handle.add_done_callback(calls.finish)
    return calls
