"""The fixed work of a proof: one function and the arguments of every call.

Never runs anything but the caller's own iterable of inputs.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

#: Calls per worker when a function takes no input: two, so that an unequal pair still leaves work to balance.
CALLS_PER_WORKER = 2


@dataclass(frozen=True, eq=False)
class Work:
    """One function, called once with each tuple of arguments.

    Every way of running it does exactly these calls: what is compared is the time of the same work, never the time a
    task was asked to last.
    """

    function: Callable[..., Any]
    calls: tuple[tuple[Any, ...], ...]
    name: str

    def first(self, count: int) -> Work:
        """Take the first calls only, from the start again when there are fewer.

        >>> Work(abs, ((1,), (2,)), "abs").first(3).calls
        ((1,), (2,), (1,))
        """
        repeated = tuple(self.calls[index % len(self.calls)] for index in range(count))
        return Work(self.function, repeated, self.name)


def work_of(
    function: Callable[..., Any], inputs: Iterable[Any] | None, *, workers: int, name: str | None = None
) -> Work:
    """Describe the work of a proof.

    Each input is the one argument of a call; without inputs the function is called with none.

    >>> work_of(abs, [-1, -2], workers=2).calls
    ((-1,), (-2,))
    >>> work_of(dict, None, workers=2).calls
    ((), (), (), ())
    """
    if not callable(function):
        raise TypeError(f"`{function!r}` is not a function; pass the function first and its inputs second")
    plain = plain_function(function)
    label = name or name_of(plain)
    if inputs is None:
        needed = _needed_arguments(plain)
        if needed:
            raise TypeError(f"`{label}` needs `{needed[0]}`; pass its inputs, one for each task")
        return Work(plain, ((),) * (CALLS_PER_WORKER * workers), label)
    calls = tuple((value,) for value in inputs)
    if not calls:
        raise ValueError("`inputs` is empty; pass one input for each task, and at least two tasks")
    return Work(plain, calls, label)


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function inside a `multilane.parallel` function, so that each strategy runs the same code."""
    inner = getattr(function, "__wrapped__", None)
    if callable(inner) and type(function).__module__.partition(".")[0] == "multilane":
        return plain_function(inner)
    return function


def name_of(function: Callable[..., Any]) -> str:
    """Name a function as its author would.

    >>> name_of(functools.partial(pow, 2))
    'pow'
    """
    if isinstance(function, functools.partial):
        return name_of(function.func)
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


def _needed_arguments(function: Callable[..., Any]) -> Sequence[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is inspect.Parameter.empty and p.kind not in optional]
