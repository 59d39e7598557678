"""A thread ends with a lock in its hands: its waiters hang; then they learn it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import multilane as ml
from multilane import sync

from .frame import PATIENCE, Exhibit, Outcome
from .timeline import Timeline


class Full(Exception):
    """What the work raises."""


def append_and_forget(lock: threading.Lock | sync.Lock) -> None:
    """Take the lock, fail, and never give it back."""
    lock.acquire()
    raise Full("no space left")
    lock.release()


def append(lock: sync.Lock) -> None:
    """Give the lock back whatever happens: `with` does it."""
    with lock:
        raise Full("no space left")


def _dies(work: Callable[[Any], None], lock: threading.Lock | sync.Lock, timeline: Timeline) -> threading.Thread:
    """Run the work in a thread that ends with its error."""

    def run() -> None:
        try:
            with timeline.span("writer", "hold"):
                time.sleep(0.002)
                work(lock)
        except Full:
            return

    thread = threading.Thread(target=run, name="writer")
    thread.start()
    thread.join()
    return thread


def broken() -> Outcome:
    """Wait for a lock whose holder has ended."""
    timeline = Timeline(["writer", "reader"])
    lock = threading.Lock()
    writer = _dies(append_and_forget, lock, timeline)
    began = time.monotonic_ns()
    reader = threading.Thread(target=lock.acquire, name="reader", daemon=True)
    reader.start()
    reader.join(PATIENCE)
    hangs = reader.is_alive() and lock.locked() and not writer.is_alive()
    timeline.add("reader", began, time.monotonic_ns(), "hang" if hangs else "wait")
    return Outcome(
        not hangs,
        "the writer has ended, the lock is still taken, and the reader waits for ever"
        if hangs
        else "the reader went on",
        {
            "the writer": "has ended",
            "the lock": "taken" if lock.locked() else "free",
            "who holds it": "threading.Lock cannot say",
        },
        timeline,
    )


def cured() -> Outcome:
    """Wait for a lock of multilane's in the same way, then for one that was taken with `with`."""
    timeline = Timeline(["writer", "reader"])
    lost, kept = sync.Lock(name="journal"), sync.Lock(name="journal")
    _dies(append_and_forget, lost, timeline)
    began = time.monotonic_ns()
    try:
        lost.acquire()
        told = ""
    except ml.LockAbandonedError as error:
        told = str(error).splitlines()[0]
    waited = time.monotonic_ns() - began
    timeline.add("reader", began, began + waited, "bad", "is told")
    freed = lost.recover()
    _dies(append, kept, timeline)
    with timeline.span("reader", "hold"):
        got = kept.acquire()
        time.sleep(0.002)
        kept.release()
    return Outcome(
        bool(told) and freed and got,
        f"a sync.Lock tells its waiter at once: {told}; with `with`, nothing is left to tell",
        {
            "told after": f"{waited / 1e3:.0f} µs",
            "recovered": "yes" if freed else "no",
            "taken with `with`": "given back by the error",
        },
        timeline,
    )


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
lock journal
thread writer: acquire journal; do fail
thread reader: with journal: do read
""",
    """\
lock journal
thread writer: with journal: do fail
thread reader: with journal: do read
""",
)

EXHIBIT = Exhibit(
    title="A mutex that is never given back",
    broken=broken,
    cured=cured,
    hazard="The writer takes the lock, its work raises, and the line that gives the lock back is never reached. The "
    "lock does not know that its holder has ended, so whoever comes next waits for ever.",
    cure="Take locks with `with`, which gives them back on every way out. Where that was forgotten, a sync.Lock knows "
    "its holder: waiters get a LockAbandonedError, and `recover` frees the lock after a look at what it "
    "protects.",
    broken_code=append_and_forget,
    cured_code=append,
    protocols=PROTOCOLS,
)
