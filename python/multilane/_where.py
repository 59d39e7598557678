"""Where in the user's program something was written; reads the stack, changes nothing."""

from __future__ import annotations

import os
import sys

__all__ = ["caller_line", "user_line"]

#: The front's own modules lie here. Its subpackages do not count: the graph algorithms are users of the builder.
_FRONT = os.path.dirname(os.path.abspath(__file__))


def user_line() -> tuple[str, int]:
    """Return file and line of the innermost call from outside of this package's own modules.

    >>> user_line()
    ('<doctest multilane._where.user_line[0]>', 1)
    """
    frame = sys._getframe(1)
    while os.path.dirname(frame.f_code.co_filename) == _FRONT and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def caller_line() -> tuple[str, int]:
    """Return file and line of the innermost call from outside of the whole package, its subpackages included."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_FRONT + os.sep) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
