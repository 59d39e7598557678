"""`gather`, `as_completed` and `wait` over handles."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterable, Iterator
from typing import Any

from multilane._handle import Handle

__all__ = ["as_completed", "gather", "wait"]


def gather(*handles: Handle | Iterable[Handle], timeout: float | None = None) -> list[Any]:
    """Wait for tasks and return their results in the order given.

    Parameters
    ----------
    *handles : Handle, or one iterable of them
    timeout : float, optional
        Seconds to wait for all of them together.

    Raises
    ------
    TimeoutError
        They were not all done in time.

    >>> import multilane as ml
    >>> with ml.Executor(workers=1, backend="serial") as executor:
    ...     ml.gather(executor.submit(len, "ab"), executor.submit(len, "abc"))
    [2, 3]
    """
    import time

    every: list[Any] = list(handles)
    if len(every) == 1 and not isinstance(every[0], concurrent.futures.Future):
        every = list(every[0])
    if timeout is None:
        return [handle.result() for handle in every]
    until = time.monotonic() + timeout
    return [handle.result(max(0.0, until - time.monotonic())) for handle in every]


def as_completed(handles: Iterable[Handle], timeout: float | None = None) -> Iterator[Any]:
    """Give handles as their tasks end; see `concurrent.futures.as_completed`."""
    return concurrent.futures.as_completed(handles, timeout)


def wait(
    handles: Iterable[Handle],
    timeout: float | None = None,
    return_when: str = concurrent.futures.ALL_COMPLETED,
) -> Any:
    """Wait for tasks to end; see `concurrent.futures.wait`."""
    return concurrent.futures.wait(handles, timeout, return_when)
