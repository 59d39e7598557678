"""Wait for a condition without guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Far beyond what any condition needs, below the time limit of a test.
PATIENCE_SECONDS = 60.0


def eventually(condition: Callable[[], object], what: str = "the condition") -> None:
    """Poll until ``condition()`` is true; fail the test when it never is."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{what} was not met within {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.001)
