"""What makes the locks and queues of each library."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from measuring.suite import AGAIN, OURS


@dataclass(frozen=True)
class Engine:
    """A library: its name in tables, and what makes its objects."""

    title: str
    lock: Callable[[], Any] | None = None
    rlock: Callable[[], Any] | None = None
    queue: Callable[[int], Any] | None = None


TITLES = {OURS: "multilane", "threading": "threading", "queue": "queue.Queue", "simple": "queue.SimpleQueue"}


def make(name: str) -> Engine:
    """Return a library by its name."""
    name = name.removesuffix(AGAIN)
    title = TITLES[name]
    if name == "threading":
        return Engine(title, threading.Lock, threading.RLock)
    if name == "queue":
        return Engine(title, queue=queue.Queue)
    if name == "simple":
        return Engine(title, queue=lambda maxsize: queue.SimpleQueue())
    from multilane import sync

    return Engine(title, sync.Lock, sync.RLock, sync.Channel)
