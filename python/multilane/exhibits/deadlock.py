"""Two threads take two locks in opposite orders: they hang; then one of them is told, and then there is one order."""

from __future__ import annotations

import functools
import threading
import time
import warnings

import multilane as ml
from multilane import sync

from .frame import PATIENCE, Exhibit, Outcome, together
from .timeline import Timeline

#: Transfers of each thread in one order.
TRANSFERS = 2_000


class Pair:
    """Two threads that each take a first lock, meet, and then take the lock of the other."""

    def __init__(self) -> None:
        self.meeting = threading.Barrier(2)
        self.timeline = Timeline(["payer", "auditor"])
        self.began: dict[str, int] = {}
        self.errors: list[tuple[int, int, str, ml.DeadlockError]] = []
        self.done: list[str] = []


def transfer(name: str, pair: Pair, first: threading.Lock, second: threading.Lock) -> None:
    """Take one lock, then the other."""
    with first, pair.timeline.span(name, "hold"):
        pair.meeting.wait()
        pair.began[name] = time.monotonic_ns()
        with second:
            pair.done.append(name)


def transfer_again(name: str, pair: Pair, first: sync.Lock, second: sync.Lock) -> None:
    """Take one lock, then the other; let go of both when that would never end, and try again."""
    while name not in pair.done:
        try:
            with first, pair.timeline.span(name, "hold"):
                if name not in pair.began:
                    pair.meeting.wait()
                pair.began[name] = time.monotonic_ns()
                with second:
                    pair.done.append(name)
        except ml.DeadlockError as error:
            pair.errors.append((pair.began[name], time.monotonic_ns(), name, error))


def transfer_in_order(accounts: tuple[sync.Lock, sync.Lock], backwards: bool) -> None:
    """Take the locks in one order, whichever way the money goes."""
    source, target = reversed(accounts) if backwards else accounts
    first, second = sorted((source, target), key=id)
    for _ in range(TRANSFERS):
        with first, second:
            pass


def broken() -> Outcome:
    """Let two threads wait for each other."""
    pair = Pair()
    accounts, journal = threading.Lock(), threading.Lock()
    began = time.monotonic_ns()
    stuck = together(
        {
            "payer": functools.partial(transfer, "payer", pair, accounts, journal),
            "auditor": functools.partial(transfer, "auditor", pair, journal, accounts),
        },
        patience=PATIENCE,
    )
    now = time.monotonic_ns()
    for name in stuck:
        pair.timeline.add(name, began, pair.began.get(name, began), "hold")
        pair.timeline.add(name, pair.began.get(name, began), now, "hang")
    hangs = len(stuck) == 2 and accounts.locked() and journal.locked()
    return Outcome(
        not hangs,
        "each thread holds what the other waits for, for ever" if hangs else "both threads went on",
        {
            "threads that never end": ", ".join(stuck) or "none",
            "locks held": str(sum(lock.locked() for lock in (accounts, journal))),
            "who told": "nobody",
        },
        pair.timeline,
    )


def cured() -> Outcome:
    """Let two threads wait for each other with locks that notice; then take them in one order."""
    pair = Pair()
    accounts, journal = sync.Lock(name="accounts"), sync.Lock(name="journal")
    with warnings.catch_warnings():
        # That the orders differ is reported as well; here it is the point.
        warnings.simplefilter("ignore", ml.LockOrderWarning)
        together(
            {
                "payer": functools.partial(transfer_again, "payer", pair, accounts, journal),
                "auditor": functools.partial(transfer_again, "auditor", pair, journal, accounts),
            }
        )
    facts = {}
    if pair.errors:
        closed, at, name, error = pair.errors[0]
        pair.timeline.add(name, closed, at, "bad", "DeadlockError")
        facts["DeadlockError after the cycle closed"] = f"{(at - closed) / 1e6:.2f} ms"
        facts["the cycle"] = "; ".join(f"{step.thread} waits for {step.waits_for}" for step in error.steps)
    ordered = (sync.Lock(name="A"), sync.Lock(name="B"))
    together(
        {
            "payer": functools.partial(transfer_in_order, ordered, False),
            "auditor": functools.partial(transfer_in_order, ordered, True),
        }
    )
    facts["in one order"] = f"{2 * TRANSFERS:,} transfers without one"
    return Outcome(
        sorted(pair.done) == ["auditor", "payer"] and len(pair.errors) >= 1,
        "one thread is told, lets go and tries again; both end",
        facts,
        pair.timeline,
    )


EXHIBIT = Exhibit(
    title="A deadlock: two locks in two orders",
    broken=broken,
    cured=cured,
    hazard="The payer holds the accounts and wants the journal, the auditor holds the journal and wants the accounts. "
    "Neither lets go of what it has, so neither gets what it wants.",
    cure="Take locks in one order everywhere. Locks of multilane.sync notice a cycle when it closes: the thread that closes "
    "it gets a DeadlockError with names and lines, leaves its `with`, and the other goes on.",
    broken_code=transfer,
    cured_code=transfer_in_order,
)
