"""`Handle`: what a caller holds of a task."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, InvalidStateError
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

from multilane import _multilane

__all__ = ["CancelOutcome", "Handle", "Progress", "TaskStats"]

T = TypeVar("T")
D = TypeVar("D")


class Progress(NamedTuple):
    """How far a running task says it is.

    Examples
    --------
    >>> Progress(3, 12).fraction
    0.25
    """

    done: int
    total: int | None

    @property
    def fraction(self) -> float | None:
        """Share done, 0 to 1; None while the total is unknown."""
        return self.done / self.total if self.total else None


class TaskStats(NamedTuple):
    """What was measured of a task's last attempt; times in seconds."""

    worker: int
    attempts: int
    wall: float
    cpu: float
    wait: float
    bytes_in: int
    bytes_out: int


class CancelOutcome:
    """Whether a task was cancelled, and whether it had to be stopped for that.

    True when the task is cancelled.

    Attributes
    ----------
    stopped : bool
        The task was running and its worker was stopped.
    """

    __slots__ = ("_cancelled", "stopped")

    def __init__(self, cancelled: bool, stopped: bool) -> None:
        self._cancelled = cancelled
        self.stopped = stopped

    def __bool__(self) -> bool:
        return self._cancelled

    def __repr__(self) -> str:
        how = "stopped while running" if self.stopped else "removed before it started"
        return f"<CancelOutcome: {how if self._cancelled else 'not cancelled'}>"


class Handle(_multilane.Handle, Future[T]):
    """A submitted call: a `concurrent.futures.Future` that can also be awaited.

    Made by submitting a task, never by hand. Passed as an argument to another task,
    it stands for its result: that task starts when the result is there.

    Examples
    --------
    >>> import multilane as ml
    >>> with ml.Executor(workers=1, backend="serial") as executor:
    ...     executor.submit(pow, 2, 10).result()
    1024
    """

    if TYPE_CHECKING:

        def result(self, timeout: float | None = None) -> T:
            """Wait for the task and return its result, or raise its error."""

        def get(self, timeout: float | None = None) -> T:
            """Do the same as `result`."""
    else:
        get = _multilane.Handle.result

    def cancel(self) -> CancelOutcome:  # type: ignore[override]
        """Take the task out of the queue, or stop it where the backend can.

        Returns
        -------
        CancelOutcome
            True when the task is cancelled. A task running in a process is stopped by
            ending its worker; one running in a thread cannot be stopped, and False comes back.
        """
        how = self._cancel(True)
        return CancelOutcome(how != "no", how == "stopped")

    def try_get(self, default: D | None = None) -> T | D | None:
        """Return the result if it is there, else ``default``, without waiting.

        Raises the task's error if it failed.
        """
        return self.result() if self.done() else default

    def on_complete(self, function: Callable[[T], object]) -> Handle[T]:
        """Call ``function(result)`` when the task returns; gives the handle back."""

        def call(handle: Future[T]) -> None:
            if not handle.cancelled() and handle.exception() is None:
                function(handle.result())

        self.add_done_callback(call)
        return self

    def on_error(self, function: Callable[[BaseException], object]) -> Handle[T]:
        """Call ``function(error)`` when the task fails or is cancelled; gives the handle back."""

        def call(handle: Future[T]) -> None:
            error = CancelledError() if handle.cancelled() else handle.exception()
            if error is not None:
                function(error)

        self.add_done_callback(call)
        return self

    def on_progress(self, function: Callable[[int, int | None], object]) -> Handle[T]:
        """Call ``function(done, total)`` when the task reports progress; gives the handle back.

        Reports that come faster than about 40 a second are joined.
        """
        self._on_progress(function)
        return self

    @property
    def progress(self) -> Progress | None:
        """The last progress the running task reported, or None."""
        reported = self._progress()
        return None if reported is None else Progress(*reported)

    @property
    def name(self) -> str:
        """Name of the function."""
        return self._name

    @property
    def stats(self) -> TaskStats | None:
        """What was measured, once the task has run."""
        measured = self._stats()
        return None if measured is None else TaskStats(*measured)

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary for the caller's own notes on this task."""
        notes: dict[str, Any] = self.__dict__.setdefault("_notes", {})
        return notes

    def __await__(self) -> Generator[Any, None, T]:
        import asyncio

        return asyncio.wrap_future(self).__await__()

    def __repr__(self) -> str:
        return f"<Handle of {self._name}: {self._state.lower().replace('_and_notified', '')}>"

    # What `concurrent.futures.wait` and `as_completed` use of a future. Both are made
    # when they are first asked for: a condition costs as much as a whole task.

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override]
        made = self.__dict__.get("_lazy_condition")
        # Somebody is about to wait: when that is a task in a thread, its own tasks come first.
        self._help()
        if made is None:
            made = self.__dict__.setdefault("_lazy_condition", threading.Condition())
            self.__dict__.setdefault("_lazy_waiters", [])
            # From here on the end of the task is announced to the waiters. They are
            # added with the condition held, after looking at `_state`.
            self.add_done_callback(_announce)
        return made  # type: ignore[no-any-return]

    @property
    def _state(self) -> str:  # type: ignore[override]  # an attribute there
        """The state by the name `concurrent.futures` gives it.

        Whoever sees the end here counts the task as done and then adds a waiter, which must not be told of it again:
        so the end is announced before it is seen.
        """
        state: str = super()._state
        if state in _ENDED and "_lazy_condition" in self.__dict__:
            _announce(self)
        return state

    @property
    def _waiters(self) -> list[Any]:  # type: ignore[override]
        _ = self._condition
        waiters: list[Any] = self.__dict__["_lazy_waiters"]
        return waiters

    def set_result(self, result: object) -> NoReturn:
        """Refuse: the task's worker sets the result."""
        raise InvalidStateError(f"the result of {self!r} is set by its worker")

    def set_exception(self, exception: BaseException | None) -> NoReturn:
        """Refuse: the task's worker sets the error."""
        raise InvalidStateError(f"the error of {self!r} is set by its worker")

    def set_running_or_notify_cancel(self) -> NoReturn:
        """Refuse: the pool moves the task on."""
        raise InvalidStateError(f"{self!r} is moved on by its pool")


#: The states, by the names of `concurrent.futures`, that are never left.
_ENDED = ("FINISHED", "CANCELLED_AND_NOTIFIED")


def _announce(handle: Any) -> None:
    """Tell the waiters that a task has ended, once."""
    with handle._condition:
        if handle.__dict__.setdefault("_announced_by", (mine := object())) is not mine:
            return
        for waiter in handle._waiters:
            if handle.cancelled():
                waiter.add_cancelled(handle)
            elif handle.exception() is not None:
                waiter.add_exception(handle)
            else:
                waiter.add_result(handle)
        handle._condition.notify_all()


_multilane.set_handle_type(Handle)
