"""Two threads take two locks in opposite orders: they hang; then one of them is told, and then there is one order."""

from __future__ import annotations

import functools
import threading
import time
import warnings
from collections.abc import Callable

import multilane as ml
from multilane import sync

from .frame import PATIENCE, Exhibit, Outcome, together
from .timeline import Timeline
from .watched import Watched

#: Transfers of each thread in one order.
TRANSFERS = 2_000


def transfer(first: Watched, second: Watched, meet: Callable[[], object]) -> None:
    """Take one lock, then the other."""
    with first:
        meet()
        with second:
            pass


def transfer_again(first: Watched, second: Watched, meet: Callable[[], object]) -> None:
    """Take one lock, then the other; when that would never end, give back what is taken and try again."""
    while True:
        try:
            return transfer(first, second, meet)
        except ml.DeadlockError:
            continue


def transfer_in_order(source: sync.Lock, target: sync.Lock) -> None:
    """Take the locks in one order, whichever way the money goes."""
    first, second = sorted((source, target), key=id)
    with first, second:
        pass


def broken() -> Outcome:
    """Let two threads wait for each other."""
    timeline = Timeline(["payer", "auditor"])
    plain = threading.Lock(), threading.Lock()
    accounts, journal = (Watched(lock, timeline) for lock in plain)
    meeting = threading.Barrier(2)
    stuck = together(
        {
            "payer": functools.partial(transfer, accounts, journal, meeting.wait),
            "auditor": functools.partial(transfer, journal, accounts, meeting.wait),
        },
        patience=PATIENCE,
    )
    held = [lock for lock in plain if lock.locked()]
    for lock in (accounts, journal):
        lock.note_hanging()
    hangs = len(stuck) == len(held) == 2
    start = min(span.start_ns for span in timeline.spans)
    # Three quarters of the picture are the wait, which has no end.
    closed = max((span.start_ns for span in timeline.spans if span.kind == "hang"), default=start)
    return Outcome(
        not hangs,
        "each thread holds what the other waits for, for ever" if hangs else "both threads went on",
        {"threads that never end": ", ".join(stuck) or "none", "locks held": str(len(held)), "who is told": "nobody"},
        timeline.window(start, closed + 3 * (closed - start)),
    )


class Meeting:
    """Where each thread waits for the other, the first time it comes."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(2)
        self.came: set[str] = set()

    def come(self) -> None:
        """Wait for the other thread, once."""
        name = threading.current_thread().name
        if name not in self.came:
            self.came.add(name)
            self.barrier.wait()


class Told(Watched):
    """A lock that keeps the deadlock errors it raised, with how long the wait was."""

    errors: list[tuple[float, ml.DeadlockError]]

    def __enter__(self) -> Watched:
        began = time.monotonic_ns()
        try:
            return super().__enter__()
        except ml.DeadlockError as error:
            self.errors.append(((time.monotonic_ns() - began) / 1e6, error))
            raise


def cured() -> Outcome:
    """Let two threads wait for each other with locks that notice; then take them in one order."""
    timeline = Timeline(["payer", "auditor"])
    # Fair, so that the lock that is given back goes to the thread that waits, and not to the one that tries again.
    accounts = Told(sync.Lock(fair=True, name="accounts"), timeline)
    journal = Told(sync.Lock(fair=True, name="journal"), timeline)
    accounts.errors = journal.errors = []
    meeting = Meeting()
    with warnings.catch_warnings():
        # That the orders differ is reported as well; here it is the point.
        warnings.simplefilter("ignore", ml.LockOrderWarning)
        stuck = together(
            {
                "payer": functools.partial(transfer_again, accounts, journal, meeting.come),
                "auditor": functools.partial(transfer_again, journal, accounts, meeting.come),
            }
        )
    source, target = sync.Lock(name="one"), sync.Lock(name="other")

    def many(*pair: sync.Lock) -> None:
        for _ in range(TRANSFERS):
            transfer_in_order(*pair)

    together({"payer": functools.partial(many, source, target), "auditor": functools.partial(many, target, source)})
    facts = {"errors": f"{len(accounts.errors)}, in one of the two threads"}
    for took_ms, error in accounts.errors[:1]:
        facts["DeadlockError after the wait began"] = f"{took_ms:.2f} ms"
        facts["it says"] = "; ".join(f"{step.thread} waits for {step.waits_for}" for step in error.steps)
    facts["in one order"] = f"{2 * TRANSFERS:,} transfers, and nobody was told anything"
    return Outcome(
        not stuck and len(accounts.errors) >= 1,
        "one thread is told, gives back what it holds and tries again; both end",
        facts,
        timeline,
    )


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
lock accounts, journal
thread payer: with accounts: with journal: do transfer
thread auditor: with journal: with accounts: do transfer
""",
    """\
lock accounts, journal
thread payer: with accounts: with journal: do transfer
thread auditor: with accounts: with journal: do transfer
""",
)

EXHIBIT = Exhibit(
    title="A deadlock: two locks in two orders",
    broken=broken,
    cured=cured,
    hazard="The payer holds the accounts and wants the journal, the auditor holds the journal and wants the accounts. "
    "Neither lets go of what it has, so neither gets what it wants.",
    cure="Take locks in one order everywhere: `transfer_in_order` cannot deadlock. Where that is not possible, locks "
    "of multilane.sync notice a cycle when it closes. The thread that closes it gets a DeadlockError with names "
    "and lines, leaves its `with`, and the other goes on.",
    broken_code=transfer,
    cured_code=transfer_again,
    protocols=PROTOCOLS,
)
