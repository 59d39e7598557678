"""Which backend runs a task, and why."""

from __future__ import annotations

import sys

from multilane import _multilane
from multilane.errors import BackendUnavailable

__all__ = ["BACKENDS", "choose"]

BACKENDS = ("auto", "processes", "threads", "serial")


def choose(backend: str = "auto") -> tuple[str, str]:
    """Name the backend to use and the reason.

    Parameters
    ----------
    backend : {'auto', 'processes', 'threads', 'serial'}

    Returns
    -------
    backend, reason : str

    Raises
    ------
    ValueError
        There is no backend of that name.
    BackendUnavailable
        It does not work here.

    >>> choose("serial")
    ('serial', 'asked for')
    """
    if backend not in BACKENDS:
        raise ValueError(f"there is no backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    if _multilane.in_worker():
        if backend in ("threads", "serial"):
            return backend, "asked for"
        return "processes", "tasks of a task go to the pool that runs it"
    if backend == "processes" and not sys.platform.startswith("linux"):
        raise BackendUnavailable("the backend 'processes' needs Linux (futex, memfd, pidfd); use backend='threads'")
    if backend != "auto":
        return backend, "asked for"
    gil_enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not gil_enabled:
        return "threads", f"Python {version} runs free-threaded: threads use all cores"
    if not sys.platform.startswith("linux"):
        return "threads", f"processes need Linux; threads of Python {version} share one core"
    return (
        "processes",
        f"Python {version} has one interpreter lock for all threads: only processes use all cores",
    )
