"""One thread takes a lock again and again, another one waits for its turn; then turns come in the order of arrival.

Each thread has a processor of its own: on one, the kernel may run a thread as soon as it is woken, which helps it.
"""

from __future__ import annotations

import os
import statistics
import threading
import time

from multilane import _multilane, sync

from .frame import Exhibit, Outcome, together
from .timeline import Timeline
from .watched import Lockable, Watched

#: Turns that the polite thread wants.
TURNS = 20

#: Turns after which the greedy thread gives up, so that the program ends.
MOST_TURNS = 50_000

#: Arithmetic of one turn, without the interpreter lock: some hundredths of a millisecond.
WORK = 10_000

#: Turns of the greedy thread for one of the other that pass for fair: one under way, and one more at the hand-over.
FAIR = 2


class Turns:
    """How often each thread had the lock."""

    def __init__(self) -> None:
        self.greedy = self.polite = 0
        #: Turns of the greedy thread during each wait of the polite one.
        self.overtaken: list[int] = []


def take_again_and_again(lock: Lockable, turns: Turns) -> None:
    """Take the lock as soon as it has been given back."""
    while turns.polite < TURNS and turns.greedy < MOST_TURNS:
        with lock:
            _multilane.load_compute(WORK)
            turns.greedy += 1


def take_turns(lock: Lockable, turns: Turns) -> None:
    """Take the lock once, and be elsewhere until the other one has had it."""
    while turns.polite < TURNS and turns.greedy < MOST_TURNS:
        before = turns.greedy
        while turns.greedy == before:
            time.sleep(0)
        before = turns.greedy
        with lock:
            turns.overtaken.append(turns.greedy - before)
            _multilane.load_compute(WORK)
            turns.polite += 1


def _serve(lock: threading.Lock | sync.Lock, what: str) -> Outcome:
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        return Outcome(None, "two threads that run at the same time need two processors")
    timeline = Timeline(["greedy", "polite"])
    turns = Turns()

    def greedy() -> None:
        os.sched_setaffinity(0, {processors[0]})
        with timeline.span("greedy", "hold", "again and again"):
            take_again_and_again(lock, turns)

    def polite() -> None:
        os.sched_setaffinity(0, {processors[1]})
        take_turns(Watched(lock, timeline), turns)

    together({"greedy": greedy, "polite": polite})
    usual, worst = statistics.median(turns.overtaken), max(turns.overtaken)
    waits = [span.end_ns - span.start_ns for span in timeline.spans if span.kind == "wait"]
    fair = usual <= FAIR and turns.polite == TURNS
    return Outcome(
        fair,
        "the two threads take turns"
        if fair
        else f"while one thread waits for a turn, the other takes {usual:,.0f} in the median",
        {
            "the lock": what,
            "turns of the greedy thread": f"{turns.greedy:,}",
            "turns of the polite thread": f"{turns.polite:,}",
            "overtaken during one wait": f"{usual:,.0f} times in the median, {worst:,} at most",
            "a wait took": f"{statistics.median(waits) / 1e6:.3g} ms in the median",
        },
        timeline,
    )


def broken() -> Outcome:
    """Use the lock of the standard library, which goes to whoever is quickest."""
    return _serve(threading.Lock(), "threading.Lock")


def cured() -> Outcome:
    """Use a fair lock."""
    return _serve(sync.Lock(fair=True, name="table"), "sync.Lock(fair=True)")


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
lock table
thread greedy: loop: with table: do use
thread polite: loop: with table: do use
""",
    """\
fair lock table
thread greedy: loop: with table: do use
thread polite: loop: with table: do use
""",
)

EXHIBIT = Exhibit(
    title="Starvation: a thread that hardly ever gets its turn",
    broken=broken,
    cured=cured,
    hazard="A thread that gives a lock back and takes it again at once is already running; the one that waits must "
    "first be woken, and then comes too late. So one thread has nearly all the turns, although nothing is "
    "deadlocked.",
    cure="A fair lock is handed to whoever waited longest: the greedy thread joins the end of the line. Each "
    "hand-over costs a change of threads, so be fair where waiting matters, not everywhere.",
    broken_code=take_again_and_again,
    cured_code=cured,
    protocols=PROTOCOLS,
)
