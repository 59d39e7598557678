"""The entry point of a worker process."""

from __future__ import annotations

import sys

# What `pickle` itself uses where it can; it brings `re` along, which a worker that is to start soon does without.
from _pickle import loads

# Without the enumerations that `signal` makes of its numbers; type checkers know `signal` alone.
from _signal import SIG_IGN, SIGINT, signal  # type: ignore[import-not-found]

from multilane import _multilane

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _encode_error(
    error: BaseException,
    function: Callable[..., Any] | None,
    arguments: tuple[Any, ...] | None,
    keywords: dict[str, Any] | None,
) -> bytes:
    from multilane import _errors_codec

    return _errors_codec.encode(error, function, arguments, keywords)


def unsendable(error: BaseException, function: object) -> BaseException:
    """Build the error for a result that cannot leave the worker."""
    from multilane._functions import name_of
    from multilane.errors import SerializationError

    wrapped = SerializationError(
        f"the result of `{name_of(function)}` cannot be sent to the parent process: {error}; "
        "return plain data, or use backend='threads'"
    )
    wrapped.__cause__ = error
    return wrapped


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue


def main() -> None:
    """Join the pool named on the command line and run its tasks."""
    # The parent decides what Ctrl-C means; it ends its workers itself.
    signal(SIGINT, SIG_IGN)
    setup = loads(_multilane.worker_join(sys.argv[1:]))
    sys.argv = setup["argv"]
    if setup["initializer"] is not None:
        try:
            initializer, arguments = loads(setup["initializer"])
            initializer(*arguments)
        except BaseException as error:
            import traceback

            traceback.print_exc()
            _multilane.worker_fail(f"the initializer raised {type(error).__name__}: {error}".encode())
            _flush()
            sys.exit(3)
    _multilane.worker_run(_encode_error, _flush)
    _flush()
