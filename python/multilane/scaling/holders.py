"""Finds out who holds the lock that workers wait for: runs the operation once more, untimed, and looks.

A lock of `multilane.sync` names its holder and where it was taken. Of any other lock, the worker that runs while the
others wait is taken for the holder. Looking takes the interpreter lock, which is why no run that is looked at is timed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

from multilane import _multilane
from multilane.sync._report import _site as site_of

from . import ways
from .sweep import Series
from .ways import Threads

__all__ = ["Looker", "locks_of"]

#: Seconds between two looks, and of all of them together.
PAUSE = 0.002
LONG_ENOUGH = 0.2

#: Runs at most: short ones are repeated.
RUNS = 6


@dataclass(frozen=True)
class Place:
    """What was seen at one look: where a worker waited for what, and where the holder was."""

    lock: str
    waits_at: str
    held_at: str
    named: bool


@dataclass
class Looker:
    """Looks at the threads of a run until they are done."""

    operation: str
    looks: int = 0
    places: Counter[Place] = field(default_factory=Counter)
    seconds: float = 0.0

    def watch(self, threads: list[threading.Thread]) -> None:
        """Look, with pauses, until the threads have ended."""
        started = time.monotonic()
        while any(thread.is_alive() for thread in threads):
            self._look([thread for thread in threads if thread.is_alive()])
            time.sleep(PAUSE)
        self.seconds += time.monotonic() - started

    def _look(self, threads: list[threading.Thread]) -> None:
        frames = sys._current_frames()
        doing = _multilane.threads_doing([thread.native_id or 0 for thread in threads])
        waits = {ident: (lock, taken) for ident, lock, _, taken in _multilane.sync_waits()}
        self.looks += 1
        waiting = [thread for thread, what in zip(threads, doing, strict=True) if what == "lock"]
        others = [thread for thread, what in zip(threads, doing, strict=True) if what in ("running", "interpreter")]
        # One of those that wait together is enough: a look counts once.
        for thread in waiting[:1]:
            waits_at = self._where(frames.get(thread.ident or 0))
            known = waits.get(thread.ident or 0)
            if known is not None:
                lock, taken = known
                self.places[Place(lock, waits_at, site_of(taken) or "", True)] += 1
            elif len(others) == 1:
                self.places[Place("", waits_at, self._where(frames.get(others[0].ident or 0)), False)] += 1

    def _where(self, frame: FrameType | None) -> str:
        code: CodeType | None = None
        while frame is not None:
            code = frame.f_code
            if code.co_filename == ways.__file__:
                # Either the lock that the strategy asks for, or native code that has no place of its own.
                wrapped = code.co_name == "call"
                return "the lock around each operation" if wrapped else f"native code of {self.operation}"
            if code.co_filename != threading.__file__:
                return f"{code.co_filename}:{frame.f_lineno} in {code.co_name}"
            frame = frame.f_back
        return ""


def locks_of(one: Series, workers: int) -> list[dict[str, Any]]:
    """Run the operation again on so many workers; what was seen, the most frequent place first."""
    if not isinstance(one.way, Threads) or workers < 2:
        return []
    looker = Looker(getattr(one.operation.function, "__name__", one.workload))
    way = Threads(one.way.options, looker)
    count = one.counts.get(workers, workers)
    for _ in range(RUNS):
        way.run(one.operation, workers, count)
        if looker.seconds >= LONG_ENOUGH:
            break
    names = {"workload": one.workload, "size": one.size, "strategy": one.strategy, "workers": workers}
    return [
        names
        | {
            "lock": place.lock,
            "waits_at": place.waits_at,
            "held_at": place.held_at,
            "named": place.named,
            "seen": seen,
            "looks": looker.looks,
        }
        for place, seen in looker.places.most_common()
    ]
