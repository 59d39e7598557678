# What the extension module holds. `make types` compares every name and signature with the built module.
#
# Private to the package but for `Trace`, `report_progress` and `__version__`, which `multilane` hands on.

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NoReturn, final

__version__: str

# Tasks

class Handle:
    """What `multilane.Handle` is made of: a reference to a task, whose result stays encoded until it is asked for."""

    def __new__(cls, *args: Never, **kwargs: Never) -> Self: ...
    def __reduce__(self) -> NoReturn: ...
    def result(self, timeout: float | None = None) -> Any:
        """Return the task's result; wait for it."""

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the error the task ended with, or None; wait for the end."""

    def done(self) -> bool:
        """Say whether the task has ended, in whatever way."""

    def running(self) -> bool:
        """Say whether a worker runs it now."""

    def cancelled(self) -> bool:
        """Say whether it was cancelled."""

    def add_done_callback(self, function: Callable[[Any], object]) -> None:
        """Call ``function(handle)`` once the task has ended."""

    @property
    def elapsed(self) -> float:
        """Seconds from submission to the end, or to now."""

    @property
    def task_id(self) -> int:
        """Unique number of the task in this process."""

    def _cancel(self, running: bool) -> Literal["removed", "stopped", "no"]: ...
    def _on_progress(self, function: Callable[[int, int | None], object]) -> None: ...
    def _progress(self) -> tuple[int, int | None] | None: ...
    def _stats(self) -> tuple[int, int, float, float, float, int, int] | None: ...
    def _is_mine(self) -> bool: ...
    @property
    def _name(self) -> str: ...
    @property
    def _state(self) -> str: ...

def set_handle_type(class_: type[Handle], /) -> None:
    """Name the Python class that handles are instances of."""

def report_progress(done: int, total: int | None = None) -> bool:
    """Report the progress of the task that runs now.

    Parameters
    ----------
    done, total : int
        Units done, and units in all where that is known.

    Returns
    -------
    bool
        False outside of a task, where the call does nothing.
    """

def metrics() -> dict[str, tuple[int, int, float, float, float, float, float, float]]:
    """Return count, failures, total, cpu, p50, p90, p99 and max of each function; times in seconds."""

# Pools

class _Pool(Protocol):
    ...
