"""Two threads add to one number without a lock; then with one."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable

from multilane import sync

from .frame import Exhibit, Outcome, switching_often, together
from .timeline import Timeline
from .watched import Watched

#: Deposits of each thread in one round.
DEPOSITS = 5_000

#: Rounds until it is given up that an update is ever lost.
ROUNDS = 100

#: Nanoseconds that the picture shows of a round in which nothing is lost.
SHOWN_NS = 60_000


class Account:
    """A number behind methods, as most numbers are."""

    def __init__(self) -> None:
        self.balance = 0

    def read(self) -> int:
        """Return the balance."""
        return self.balance

    def write(self, balance: int) -> None:
        """Set the balance."""
        self.balance = balance


def deposit(account: Account) -> int:
    """Read, add, write; between the steps the other thread may do the same."""
    balance = account.read() + 1
    account.write(balance)
    return balance


def deposit_locked(account: Account, lock: Watched) -> int:
    """Read, add and write while nobody else can."""
    with lock:
        balance = account.read() + 1
        account.write(balance)
    return balance


class Round:
    """Deposits of two threads, with the times and the balance of each."""

    def __init__(self, deposit: Callable[[Account], int]) -> None:
        self.account = Account()
        self.log: dict[str, list[tuple[int, int, int]]] = {"thread A": [], "thread B": []}
        self.deposit = deposit
        together({name: functools.partial(self.work, log) for name, log in self.log.items()})
        self.made = 2 * DEPOSITS
        self.lost = self.made - self.account.balance

    def work(self, log: list[tuple[int, int, int]]) -> None:
        """Make the deposits of one thread."""
        for _ in range(DEPOSITS):
            start = time.monotonic_ns()
            balance = self.deposit(self.account)
            log.append((start, time.monotonic_ns(), balance))

    def timeline(self) -> Timeline:
        """Show the two deposits that wrote the same first, and those around them."""
        one, other = self.log.values()
        theirs = {balance: entry for entry in other for balance in entry[2:]}
        pair = next(((entry, theirs[entry[2]]) for entry in one if entry[2] in theirs), (one[0], other[0]))
        start, end = min(entry[0] for entry in pair), max(entry[1] for entry in pair)
        margin = (end - start) // 4
        timeline = Timeline(list(self.log))
        for name, log in self.log.items():
            for entry in log:
                if entry[1] >= start - margin and entry[0] <= end + margin:
                    bad = bool(self.lost) and entry in pair
                    timeline.add(name, *entry[:2], "bad" if bad else "work", f"writes {entry[2]:,}")
        return timeline.window(start - margin, end + margin)

    def facts(self) -> dict[str, str]:
        """Count."""
        return {
            "deposits made": f"{self.made:,}",
            "balance": f"{self.account.balance:,}",
            "lost": f"{self.lost:,}",
        }


def broken() -> Outcome:
    """Deposit from two threads until an update is lost."""
    switching_often()
    rounds = 1
    seen = Round(deposit)
    while not seen.lost and rounds < ROUNDS:
        rounds += 1
        seen = Round(deposit)
    words = f"{seen.lost:,} of {seen.made:,} deposits are gone" if seen.lost else f"none lost in {rounds} rounds"
    return Outcome(not seen.lost, words, seen.facts() | {"rounds": str(rounds)}, seen.timeline())


def cured() -> Outcome:
    """Deposit from two threads that hold a lock while they do."""
    switching_often()
    timeline = Timeline(["thread A", "thread B"])
    lock = Watched(sync.Lock(name="account"), timeline)
    seen = Round(functools.partial(deposit_locked, lock=lock))
    counter = sync.AtomicInt()
    together({name: functools.partial(_count, counter) for name in seen.log})
    return Outcome(
        not seen.lost and int(counter) == seen.made,
        f"all {seen.account.balance:,} deposits are there",
        seen.facts() | {"counted by a sync.AtomicInt without a lock": f"{int(counter):,} of {seen.made:,}"},
        timeline.around(_meeting(timeline), SHOWN_NS),
    )


def _count(counter: sync.AtomicInt) -> None:
    for _ in range(DEPOSITS):
        counter.add()


def _meeting(timeline: Timeline) -> int:
    """Find a moment when the lock went from one thread to the other."""
    holds = sorted((span for span in timeline.spans if span.kind == "hold"), key=lambda span: span.start_ns)
    passed = [after.start_ns for before, after in itertools.pairwise(holds) if before.lane != after.lane]
    return passed[len(passed) // 2]


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
section balance
thread depositor x 2: enter balance; do add; leave balance
""",
    """\
section balance
lock account
thread depositor x 2: with account: enter balance; do add; leave balance
""",
)

EXHIBIT = Exhibit(
    title="A race: two threads change one number",
    broken=broken,
    cured=cured,
    hazard="Each thread reads the balance, adds 1 and writes it back. When the other one reads in between, both write "
    "the same number, and one deposit is gone. The interpreter lock does not help: it may change hands between "
    "any two steps.",
    cure="A lock makes the three steps one: whoever wants to read waits until the other has written. For a mere "
    "count, AtomicInt does it without a lock.",
    broken_code=deposit,
    cured_code=deposit_locked,
    protocols=PROTOCOLS,
)
