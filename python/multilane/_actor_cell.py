"""Where the state of an actor lives: in this process, or in a worker process of its own.

Called by one thread at a time, the actor's; knows nothing of mailboxes and supervision.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol

from multilane._executor import Executor
from multilane._functions import name_of
from multilane.errors import UnknownMessage

__all__ = ["Cell", "LocalCell", "ProcessCell", "StateLost"]


class StateLost(Exception):
    """The process that had the state is gone, and this is another one."""


class Cell(Protocol):
    """Keeps the state of one actor."""

    def start(self) -> None:
        """Make the state."""
        ...

    def call(self, message: str | Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Deliver a message and return the answer."""
        ...

    def restart(self) -> None:
        """Close the state, as far as it can be, and make it anew."""
        ...

    def end(self) -> None:
        """Close the state, if there is one, and let go of its worker."""
        ...

    def kill(self, reason: str) -> None:
        """End the worker now, where that is possible."""
        ...


class LocalCell:
    """The state as an object of this process."""

    def __init__(self, factory: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.factory = factory
        self.args = args
        self.state: Any = None
        self.made = False

    def start(self) -> None:
        self.state = self.factory(*self.args)
        self.made = True

    def call(self, message: str | Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return method_of(self.state, message)(*args, **kwargs)

    def restart(self) -> None:
        # It failed: that it cannot be closed is no news.
        with contextlib.suppress(Exception):
            self._close()
        self.start()

    def end(self) -> None:
        self._close()

    def kill(self, reason: str) -> None:
        """Nothing to do: a thread cannot be ended."""

    def _close(self) -> None:
        state, self.state = self.state, None
        made, self.made = self.made, False
        if made:
            close(state)


class ProcessCell:
    """The state in a worker process that has nothing else to do."""

    def __init__(self, factory: Callable[..., Any], args: tuple[Any, ...], name: str) -> None:
        self.factory = factory
        self.args = args
        self.executor = Executor(1, "processes", name=f"actor {name}")
        self.made = False

    def start(self) -> None:
        self.executor.submit(_start, self.factory, self.args).result()
        self.made = True

    def call(self, message: str | Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.executor.submit(_call, message, args, kwargs).result()

    def restart(self) -> None:
        with contextlib.suppress(Exception):
            self.executor.submit(_close).result()
        self.start()

    def end(self) -> None:
        made, self.made = self.made, False
        try:
            if made:
                self.executor.submit(_close).result()
        finally:
            self.executor.shutdown(wait=False)

    def kill(self, reason: str) -> None:
        self.executor.kill(reason)


def method_of(state: object, message: str | Callable[..., Any]) -> Callable[..., Any]:
    """Find what a message calls.

    >>> method_of([3], "append")
    <built-in method append of list object at ...>
    """
    if not isinstance(message, str):
        return lambda *args, **kwargs: message(state, *args, **kwargs)
    method = getattr(state, message, None)
    if not callable(method):
        raise UnknownMessage(f"`{name_of(type(state))}` has no method `{message}`")
    found: Callable[..., Any] = method
    return found


def close(state: object) -> None:
    """Close a state that can be closed."""
    method = getattr(state, "close", None)
    if callable(method):
        method()


# What runs in the worker process, which has one actor at most.

_states: list[Any] = []


def _start(factory: Callable[..., Any], args: tuple[Any, ...]) -> None:
    _states[:] = [factory(*args)]


def _call(message: str | Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not _states:
        raise StateLost
    return method_of(_states[0], message)(*args, **kwargs)


def _close() -> None:
    states, _states[:] = list(_states), []
    for state in states:
        close(state)
