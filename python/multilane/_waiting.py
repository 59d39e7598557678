"""`gather`, `as_completed` and `wait` over handles."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, NamedTuple, TypeVar, overload

__all__ = ["as_completed", "gather", "wait"]

T = TypeVar("T")
F = TypeVar("F", bound=Future[Any])


@overload
def gather(*handles: Future[T] | Iterable[Future[T]], timeout: float | None = None) -> list[T]: ...
@overload
def gather(*handles: Future[Any] | Iterable[Future[Any]], timeout: float | None = None) -> list[Any]: ...
def gather(*handles: Any, timeout: float | None = None) -> list[Any]:
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

    Examples
    --------
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


@overload
def as_completed(handles: Iterable[F], timeout: float | None = None) -> Iterator[F]: ...
@overload  # for handles of different types in one list
def as_completed(  # type: ignore[overload-cannot-match]
    handles: Iterable[Future[Any]], timeout: float | None = None
) -> Iterator[Any]: ...
def as_completed(handles: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    """Give handles as their tasks end; see `concurrent.futures.as_completed`.

    Parameters
    ----------
    handles : iterable of Handle
        Futures of the standard library may be among them.
    timeout : float, optional
        Seconds until `TimeoutError` when not all are done.

    Examples
    --------
    >>> import multilane as ml
    >>> with ml.Executor(workers=1, backend="serial") as executor:
    ...     [handle.result() for handle in ml.as_completed([executor.submit(abs, -2)])]
    [2]
    """
    return concurrent.futures.as_completed(handles, timeout)


class Waited(NamedTuple, Generic[F]):
    """What `wait` found, as `concurrent.futures.wait` gives it."""

    done: set[F]
    not_done: set[F]


@overload
def wait(handles: Iterable[F], timeout: float | None = None, return_when: str = ...) -> Waited[F]: ...
@overload  # for handles of different types in one list
def wait(  # type: ignore[overload-cannot-match]
    handles: Iterable[Future[Any]], timeout: float | None = None, return_when: str = ...
) -> Waited[Any]: ...
def wait(
    handles: Iterable[Any], timeout: float | None = None, return_when: str = concurrent.futures.ALL_COMPLETED
) -> Waited[Any]:
    """Wait for tasks to end; see `concurrent.futures.wait`.

    Parameters
    ----------
    handles : iterable of Handle
        Futures of the standard library may be among them.
    timeout : float, optional
        Seconds after which it returns in any case.
    return_when : str
        ``FIRST_COMPLETED``, ``FIRST_EXCEPTION`` or ``ALL_COMPLETED``, as `concurrent.futures` names them.

    Returns
    -------
    done, not_done : set of Handle
    """
    done, not_done = concurrent.futures.wait(handles, timeout, return_when)
    return Waited(done, not_done)
