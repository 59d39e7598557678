"""`record`: a trace of everything this process's pools do."""

from __future__ import annotations

import platform
import sys
from typing import Any

from multilane import _multilane

__all__ = ["Recording", "record", "recording", "versions"]

#: Recordings that are open.
_open: set[Recording] = set()


def recording() -> bool:
    """Say whether anybody records what the pools of this process do.

    >>> recording()
    False
    """
    return bool(_open)


def versions() -> dict[str, str]:
    """Return the versions and build facts that belong to a measurement."""
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "multilane": _multilane.__version__,
        "gil": "on" if gil else "off",
    }


class Recording:
    """An open or finished recording; ``trace`` is there once it is finished."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.trace: _multilane.Trace | None = None
        self._native: Any = None

    def __enter__(self) -> Recording:
        from multilane._executor import _live

        self._native = _multilane.Recording()
        _open.add(self)
        for executor in list(_live):
            executor._pool.look_again()
        return self

    def __exit__(self, *_: object) -> None:
        from multilane._executor import _live

        _open.discard(self)
        executors = list(_live)
        reasons = {executor.backend: executor.backend_reason for executor in executors}
        self.trace = self._native.finish(
            self.label,
            versions(),
            "; ".join(f"{backend}: {reason}" for backend, reason in sorted(reasons.items())),
            [executor._pool for executor in executors],
        )


def record(label: str = "") -> Recording:
    """Record every task that ends inside the ``with`` block.

    Parameters
    ----------
    label : str
        What the trace is called.

    Examples
    --------
    >>> import multilane as ml
    >>> with ml.record("squares") as recording:
    ...     _ = list(ml.map(abs, range(100), chunksize=10))
    >>> len(recording.trace)
    10
    """
    return Recording(label)
