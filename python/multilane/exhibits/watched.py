"""A lock that notes in a timeline who waits for it and who has it, so that programs need not."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any, Protocol

from .timeline import Timeline

__all__ = ["Watched"]


class Lockable(Protocol):
    """A lock, or a side of one."""

    def __enter__(self) -> Any: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> Any: ...


class Watched:
    """A lock with a timeline, whose lanes are the names of threads.

    Parameters
    ----------
    lock : context manager
        What is taken by `with`.
    timeline : Timeline
    kind : str
        What having it is drawn as.

    Examples
    --------
    >>> import threading
    >>> timeline = Timeline()
    >>> with Watched(threading.Lock(), timeline):
    ...     pass
    >>> [(span.lane, span.kind) for span in timeline.spans]
    [('MainThread', 'wait'), ('MainThread', 'hold')]
    """

    def __init__(self, lock: Lockable, timeline: Timeline, kind: str = "hold") -> None:
        self.lock = lock
        self.timeline = timeline
        self.kind = kind
        #: What each thread does with the lock now, and since when.
        self.now: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Watched:
        lane = threading.current_thread().name
        self.now[lane] = "wait", time.monotonic_ns()
        try:
            self.lock.__enter__()
        except BaseException:
            self._note(lane, "bad")
            raise
        self._note(lane, "wait")
        self.now[lane] = self.kind, time.monotonic_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._note(threading.current_thread().name, self.kind)
        self.lock.__exit__(kind, error, traceback)

    def note_hanging(self) -> None:
        """Draw those who will never go on; call it when nobody moves any more."""
        for lane, (doing, _) in list(self.now.items()):
            self._note(lane, "hang" if doing == "wait" else doing)

    def _note(self, lane: str, kind: str) -> None:
        _, since = self.now.pop(lane)
        self.timeline.add(lane, since, time.monotonic_ns(), kind)
