"""Errors on their way from a worker to the caller, and their wording."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from reprlib import Repr
from types import CodeType
from typing import Any

from multilane.errors import (
    DependencyError,
    RemoteError,
    RemoteTraceback,
    SerializationError,
)

_short = Repr()
_short.maxstring = _short.maxother = 60
_short.maxlist = _short.maxtuple = _short.maxdict = 4


def _describe(value: object) -> str:
    shape = getattr(value, "shape", None)
    dtype = getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"<{type(value).__name__} {shape} {dtype}>"
    try:
        return _short.repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def call_text(function: object, arguments: tuple[Any, ...] | None, keywords: Mapping[str, Any] | None) -> str:
    """Show a call in one line, long values shortened."""
    from multilane._functions import apply, name_of

    if function is apply and arguments:
        function, arguments = arguments[0], arguments[1:]
    shown = [_describe(value) for value in arguments or ()]
    shown += [f"{name}={_describe(value)}" for name, value in (keywords or {}).items()]
    return f"{name_of(function)}({', '.join(shown)})"


def encode(
    error: BaseException,
    function: Callable[..., Any] | None,
    arguments: tuple[Any, ...] | None,
    keywords: Mapping[str, Any] | None,
) -> bytes:
    """Encode an error in the worker: the object if it survives, its words in any case."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    call = None if function is None else call_text(function, arguments, keywords)
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    try:
        message = str(error)
    except Exception:
        message = "<the error cannot be printed>"
    return pickle.dumps((_pickled(error), name, message, text, call))


def _pickled(error: BaseException) -> bytes | None:
    for module in ("pickle", "cloudpickle"):
        try:
            dumps = __import__(module).dumps
            data: bytes = dumps(error)
            if module == "pickle" and b"__main__" in data:
                continue
            # An error whose constructor takes other arguments than `args` pickles well
            # and fails when it is read: better to learn that here.
            if isinstance(pickle.loads(data), BaseException):
                return data
        except Exception:
            continue
    return None


def decode(data: bytes, name: str, site: str | None) -> BaseException:
    """Rebuild an error in the parent."""
    pickled, kind, message, text, call = pickle.loads(data)
    error: BaseException | None = None
    if pickled is not None:
        try:
            error = pickle.loads(pickled)
        except Exception:
            error = None
    if not isinstance(error, BaseException):
        error = RemoteError(kind, message)
    error.__cause__ = RemoteTraceback(text)
    error.add_note(f"raised in task `{name}`" if call is None else f"raised in the call {call}")
    if site is not None:
        error.add_note(f"submitted at {site}")
    return error


def note_call(
    error: BaseException,
    function: object,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any] | None,
) -> None:
    """Add the call to an error that was raised in this process."""
    error.add_note(f"raised in the call {call_text(function, arguments, keywords)}")


def unreadable(name: str, error: BaseException) -> BaseException:
    """Build the error for a result that arrived and cannot be read here."""
    wrapped = SerializationError(
        f"the result of task `{name}` cannot be read in this process: "
        f"{type(error).__name__}: {error}; return plain data, or make its module importable here"
    )
    wrapped.__cause__ = error
    return wrapped


def unsendable_call(function: object, error: BaseException) -> BaseException:
    """Build the error for a call that cannot be sent to a worker."""
    from multilane._functions import name_of

    if not isinstance(error, (pickle.PicklingError, TypeError, AttributeError, ValueError)):
        return error
    wrapped = SerializationError(
        f"the call of `{name_of(function)}` cannot be sent to a worker process: {error}; "
        "pass plain data and open files, locks or connections inside the task, "
        "or use backend='threads'"
    )
    wrapped.__cause__ = error
    return wrapped


def dependency_failed(name: str, other: str, error: BaseException) -> BaseException:
    """Build the error of a task whose dependency failed; names the whole chain."""
    chain: tuple[str, ...] = (name, other)
    root = error
    if isinstance(error, DependencyError):
        chain = (name, *error.chain)
        root = error.__cause__ or error
    what = "was cancelled" if isinstance(root, CancelledError) else "failed"
    wrapped = DependencyError(
        f"task `{name}` did not run: `{chain[-1]}` {what} "
        f"({' waits for '.join(f'`{part}`' for part in chain)}): {type(root).__name__}: {root}",
        chain,
    )
    wrapped.__cause__ = root
    return wrapped


def site(code: CodeType, last: int) -> str:
    """Name the file and line of an instruction."""
    line: int | None = code.co_firstlineno
    for index, position in enumerate(code.co_positions()):
        if index == last // 2:
            line = position[0]
            break
    return f"{code.co_filename}:{line}, in {code.co_qualname}"


def report_start_failure(text: str, error: BaseException | None) -> None:
    """Log why a worker cannot start, as `concurrent.futures` does."""
    logging.getLogger("concurrent.futures").critical("a worker cannot start: %s", text, exc_info=error)


def report_callback(handle: object, error: BaseException) -> None:
    """Log an error of a done callback, as `concurrent.futures` does."""
    logging.getLogger("concurrent.futures").error("exception calling callback for %r", handle, exc_info=error)
