"""Locks, semaphores, barriers and channels that cannot hang silently.

The classes have the names, arguments and methods of `threading` and `queue`. Beyond
that, a lock knows who holds it, a wait that could never end raises `DeadlockError`
instead, and locks that are taken in two orders are reported with a `LockOrderWarning`.

Waiting never holds the interpreter lock, and Ctrl-C ends it in the main thread.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Iterator
from queue import Empty, Full
from threading import BrokenBarrierError
from typing import Any, Self, TypeVar

from multilane import _multilane
from multilane._multilane import (
    AtomicInt,
    Barrier,
    BoundedSemaphore,
    Channel,
    Condition,
    Event,
    Latch,
    Lock,
    Once,
    RLock,
    RWLock,
    Semaphore,
)
from multilane.errors import DeadlockError, LockAbandonedError, LockOrderWarning, ProtocolError
from multilane.sync._protocol import Failure, Move, Net, Protocol, Verdict, Waits
from multilane.sync._report import Holder, ShutDown, WaitStep

__all__ = [
    "AtomicInt",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "Channel",
    "Condition",
    "DeadlockError",
    "Empty",
    "Event",
    "Failure",
    "Full",
    "Holder",
    "Latch",
    "Lock",
    "LockAbandonedError",
    "LockOrderWarning",
    "Move",
    "Net",
    "Once",
    "Protocol",
    "ProtocolError",
    "Queue",
    "RLock",
    "RWLock",
    "Semaphore",
    "ShutDown",
    "SimpleQueue",
    "Verdict",
    "WaitStep",
    "Waits",
    "detection",
    "join",
    "select",
]

T = TypeVar("T")


class Queue(Channel[T]):
    """A `Channel` under the name of `queue.Queue`."""


class SimpleQueue(Channel[T]):
    """A `Channel` without a bound, under the name of `queue.SimpleQueue`."""

    def __new__(cls) -> Self:
        """Make one; it takes no bound."""
        return super().__new__(cls)


def select(
    *offers: Channel[Any] | tuple[Channel[Any], Any], timeout: float | None = None
) -> tuple[Channel[Any], Any] | None:
    """Wait at several channels, and get from or put into the first that is ready.

    Parameters
    ----------
    *offers : Channel, or tuple of Channel and item
        A channel to get from, or a channel with an item to put. Where several are ready, the
        first of them in this order is taken; no other is touched.
    timeout : float, optional
        Seconds to wait.

    Returns
    -------
    tuple of Channel and item, or None
        The channel, with what was taken out of it (None after a put); None after ``timeout``.

    Raises
    ------
    ShutDown
        One of the channels is shut down.

    Examples
    --------
    >>> from multilane import sync
    >>> numbers, words = sync.Channel(), sync.Channel()
    >>> words.put("ready")
    >>> channel, item = sync.select(numbers, words)
    >>> channel is words, item
    (True, 'ready')
    >>> sync.select(numbers, words, timeout=0) is None
    True
    """
    return _multilane.sync_select(offers, timeout)


def join(thread: threading.Thread, timeout: float | None = None) -> None:
    """Wait for a thread to end as ``thread.join(timeout)``, as part of the detection of deadlocks.

    Parameters
    ----------
    thread : threading.Thread
    timeout : float, optional
        Seconds to wait.

    Raises
    ------
    DeadlockError
        The thread waits, in the end, for this one. Later, the wait of another thread may
        raise it instead, since that one closes the cycle.

    Examples
    --------
    >>> import threading
    >>> from multilane import sync
    >>> event = sync.Event()
    >>> thread = threading.Thread(target=event.set)
    >>> thread.start()
    >>> sync.join(thread)
    >>> event.is_set()
    True
    """
    if thread.ident is None or thread is threading.current_thread():
        thread.join(timeout)  # raises what is wrong with it
        return
    _multilane.sync_join(thread.ident, timeout is None, lambda: thread.join(timeout))


@contextlib.contextmanager
def detection(*, deadlocks: bool | None = None, order: bool | None = None) -> Iterator[None]:
    """Set what is watched in this process, while a block runs.

    Parameters
    ----------
    deadlocks : bool, optional
        Whether waits that can never end raise `DeadlockError`. On by default.
    order : bool, optional
        Whether locks taken in two orders are reported. On by default.

    Examples
    --------
    >>> from multilane import sync
    >>> with sync.detection(order=False):
    ...     lock = sync.Lock()
    """
    before = _multilane.sync_settings(deadlocks, order)
    try:
        yield
    finally:
        _multilane.sync_settings(*before)


def _calibrate() -> None:
    # From Python code: the extension compares what it reads of this frame with the interpreter's answer.
    _multilane.sync_calibrate()


_calibrate()
atexit.register(_multilane.sync_closing)
os.register_at_fork(after_in_child=_multilane.sync_after_fork)
