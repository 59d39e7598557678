"""One thread takes a lock again and again, another one waits for its turn; then turns come in the order of arrival."""

from __future__ import annotations

import functools
import statistics
import threading
import time

from multilane import sync

from .frame import Exhibit, Outcome, together
from .timeline import Timeline

#: Turns that the polite thread wants.
TURNS = 20

#: Turns after which the greedy thread gives up, so that the program ends.
MOST_TURNS = 2_000_000

#: Turns of the greedy thread for one of the other that pass for fair: one under way, and one more at the hand-over.
FAIR = 2


class Table:
    """A lock with two threads that want it, and how often each got it."""

    def __init__(self, lock: threading.Lock | sync.Lock) -> None:
        self.lock = lock
        self.greedy = self.polite = 0
        #: Turns of the greedy thread during each wait of the polite one.
        self.overtaken: list[int] = []
        self.timeline = Timeline(["greedy", "polite"])
        self.ended = False


def take_again_and_again(table: Table) -> None:
    """Take the lock as soon as it has been given back."""
    since = time.monotonic_ns()
    while not table.ended and table.greedy < MOST_TURNS:
        with table.lock:
            table.greedy += 1
    table.timeline.add("greedy", since, time.monotonic_ns(), "hold", "again and again")


def take_turns(table: Table) -> None:
    """Wait for the lock, use it for a moment, and come back."""
    while not table.greedy:
        time.sleep(0)
    while table.polite < TURNS and table.greedy < MOST_TURNS:
        before = table.greedy
        with table.timeline.span("polite", "wait"):
            table.lock.acquire()
        table.overtaken.append(table.greedy - before)
        with table.timeline.span("polite", "hold"):
            table.polite += 1
        table.lock.release()
    table.ended = True


def _serve(lock: threading.Lock | sync.Lock) -> Table:
    table = Table(lock)
    together(
        {"greedy": functools.partial(take_again_and_again, table), "polite": functools.partial(take_turns, table)}
    )
    return table


def _outcome(table: Table, what: str) -> Outcome:
    usual, worst = statistics.median(table.overtaken), max(table.overtaken)
    waits = [span.end_ns - span.start_ns for span in table.timeline.spans if span.kind == "wait"]
    fair = usual <= FAIR
    seen = (
        "the two threads take turns"
        if fair
        else f"while one thread waits for a turn, the other takes {usual:,.0f} turns"
    )
    return Outcome(
        fair,
        seen,
        {
            "the lock": what,
            "turns of the greedy thread": f"{table.greedy:,}",
            "turns of the polite thread": f"{table.polite:,}",
            "overtaken during one wait": f"{usual:,.0f} times in the median, {worst:,} at most",
            "a wait took": f"{statistics.median(waits) / 1e6:.3g} ms in the median",
        },
        table.timeline,
    )


def broken() -> Outcome:
    """Use the lock of the standard library, which goes to whoever is quickest."""
    return _outcome(_serve(threading.Lock()), "threading.Lock")


def cured() -> Outcome:
    """Use a fair lock."""
    return _outcome(_serve(sync.Lock(fair=True, name="table")), "sync.Lock(fair=True)")


EXHIBIT = Exhibit(
    title="Starvation: a thread that never gets its turn",
    broken=broken,
    cured=cured,
    hazard="A thread that gives a lock back and takes it again at once is already running; the one that waits must first be "
    "woken, and then comes too late. So one thread has all the turns, although nothing is deadlocked.",
    cure="A fair lock is handed to whoever waited longest: the greedy thread joins the end of the line. Each hand-over costs "
    "a change of threads, so be fair where waiting matters, not everywhere.",
    broken_code=take_again_and_again,
    cured_code=take_turns,
)
