"""How a function goes to a worker: by name where it can be imported, by value elsewhere."""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

_STABLE = (int, float, complex, str, bytes, bool, type(None), ModuleType, type, BuiltinFunctionType)

Guard = tuple[Any, str | None, Any]


def apply(function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
    """Call ``function``; what a worker runs for bound methods and other callables."""
    return function(*arguments, **keywords)


def name_of(function: object) -> str:
    """Name a callable for people: module and qualified name.

    >>> import functools
    >>> name_of(functools.partial(sorted, reverse=True))
    'sorted'
    """
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__func__", function)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    return name if module in (None, "builtins", "__main__") else f"{module}.{name}"


def resolve(module: str, name: str) -> Any:
    """Import the function behind a decorated name."""
    found = lookup(module, name)
    return getattr(found, "__wrapped__", found)


class _Named:
    """Pickles as a call of `resolve`."""

    def __init__(self, module: str, name: str) -> None:
        self.where = (module, name)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return resolve, self.where


def encode(function: Callable[..., Any]) -> tuple[bytes, list[Guard] | None, str]:
    """Pickle a function.

    Returns
    -------
    pickled : bytes
    guards : list of (holder, name, value), or None
        What the function refers to and what that was: namespace, name and value, or
        cell, None and value. None when the function has to be pickled for each call.
    name : str
        For people.
    """
    name = name_of(function)
    by_name = _by_name(function)
    if by_name is not None:
        return by_name, [], name
    import cloudpickle

    guards: list[Guard] | None = []
    if isinstance(function, FunctionType):
        guards = _guards(function)
    return cloudpickle.dumps(function, protocol=5), guards, name


def _by_name(function: Callable[..., Any]) -> bytes | None:
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None)
    if not module or not name or module == "__main__" or "<" in name:
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is function:
        try:
            return pickle.dumps(function, protocol=5)
        except Exception:
            return None
    if getattr(found, "__wrapped__", None) is function:
        return pickle.dumps(_Named(module, name), protocol=5)
    return None


def _names(code: CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _guards(function: FunctionType) -> list[Guard] | None:
    """List what a function refers to, or None when that could change unseen."""
    guards: list[Guard] = []
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        function = waiting.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        if function.__dict__.keys() - {"__wrapped__"}:
            return None
        namespace = function.__globals__
        found: list[Guard] = [
            (namespace, name, namespace[name]) for name in set(_names(function.__code__)) if name in namespace
        ]
        try:
            found += [(cell, None, cell.cell_contents) for cell in function.__closure__ or ()]
        except ValueError:  # a cell that is still empty
            return None
        values = [value for _, _, value in found]
        values += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        for value in values:
            if isinstance(value, FunctionType):
                if _by_name(value) is None:
                    waiting.append(value)
            elif not _is_stable(value):
                return None
        guards += found
    return guards


def _is_stable(value: object) -> bool:
    if isinstance(value, (tuple, frozenset)):
        return all(_is_stable(item) for item in value)
    return isinstance(value, _STABLE)


def lookup(module: str, name: str) -> Any:
    """Import what a module calls ``name``."""
    __import__(module)
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found
