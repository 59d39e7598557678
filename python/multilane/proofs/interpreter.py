"""Facts about the interpreter that runs a proof."""

from __future__ import annotations

import sys


def gil_is_on() -> bool:
    """Whether this interpreter runs one thread at a time.

    >>> isinstance(gil_is_on(), bool)
    True
    """
    asked = getattr(sys, "_is_gil_enabled", None)
    return True if asked is None else bool(asked())
