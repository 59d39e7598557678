"""Readers see half of what a writer writes; then they read together, and never while it writes."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from multilane import sync

from .frame import Exhibit, Outcome, switching_often, together
from .timeline import Timeline

READERS = 3

#: Writes of the one writer in each round; readers read as long as it writes.
WRITES = 2_000

ROUNDS = 50

#: Spans of each thread that the picture shows.
SHOWN = 12


class Price:
    """Two numbers that are always equal, between writes."""

    def __init__(self) -> None:
        self.bid = self.ask = 0

    def set_bid(self, value: int) -> None:
        """Write the one."""
        self.bid = value

    def set_ask(self, value: int) -> None:
        """Write the other."""
        self.ask = value


def rounded(value: int) -> int:
    """Compute what is written second; it takes a while, and changes nothing."""
    for _ in range(20):
        value = int(value)
    return value


def write(price: Price, value: int) -> None:
    """Write both numbers, one after the other."""
    price.set_bid(value)
    price.set_ask(rounded(value))


def write_alone(price: Price, value: int, lock: sync.RWLock) -> None:
    """Write both numbers while nobody reads."""
    with lock.write():
        price.set_bid(value)
        price.set_ask(rounded(value))


class Market:
    """One writer, three readers, and what the readers saw."""

    def __init__(
        self, write: Callable[[Price, int], None], reading: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self.price = Price()
        self.write = write
        self.reading = reading
        self.torn = self.reads = self.most_inside = 0
        self.inside = sync.AtomicInt()
        self.count = threading.Lock()
        self.closed = False
        self.timeline = Timeline(["writer", *(f"reader {number}" for number in range(1, READERS + 1))])
        readers = {name: functools.partial(self.read, name) for name in self.timeline.lanes[1:]}
        together({"writer": self.run, **readers})

    def run(self) -> None:
        """Write again and again."""
        for value in range(1, WRITES + 1):
            with self.drawn("writer", "hold", value):
                self.write(self.price, value)
        self.closed = True

    def read(self, name: str) -> None:
        """Read until the writer is done."""
        reads = torn = most = 0
        while not self.closed:
            with self.drawn(name, "work", reads), self.reading():
                most = max(most, self.inside.add())
                bid, ask = self.price.bid, self.price.ask
                self.inside.add(-1)
            reads += 1
            torn += bid != ask
        with self.count:
            self.reads += reads
            self.torn += torn
            self.most_inside = max(self.most_inside, most)

    @contextlib.contextmanager
    def drawn(self, lane: str, kind: str, number: int) -> Iterator[None]:
        """Draw the first few."""
        if number > SHOWN:
            yield
            return
        with self.timeline.span(lane, kind):
            yield

    def outcome(self, rounds: int) -> Outcome:
        """Say what was seen."""
        return Outcome(
            self.torn == 0,
            f"{self.torn:,} of {self.reads:,} reads saw half of a write" if self.torn else "every read saw a whole price",
            {
                "writes": f"{WRITES:,}",
                "reads": f"{self.reads:,}",
                "torn reads": f"{self.torn:,}",
                "readers inside at once": f"{self.most_inside} at most",
                "rounds": str(rounds),
            },
            self.timeline,
        )


def broken() -> Outcome:
    """Read without a lock until a torn price is seen."""
    switching_often()
    rounds = 1
    market = Market(write, contextlib.nullcontext)
    while not market.torn and rounds < ROUNDS:
        rounds += 1
        market = Market(write, contextlib.nullcontext)
    return market.outcome(rounds)


def cured() -> Outcome:
    """Read and write under one lock with two sides."""
    switching_often()
    lock = sync.RWLock(name="price")
    return Market(functools.partial(write_alone, lock=lock), lock.read).outcome(1)


EXHIBIT = Exhibit(
    title="Readers and writers: a price that never was",
    broken=broken,
    cured=cured,
    hazard="The writer sets two numbers that belong together, one after the other. A reader that comes in between sees the "
    "new one beside the old one, a price that never was.",
    cure="An RWLock lets any number of readers in together, or one writer alone. Turns come in the order of arrival, so a "
    "stream of readers does not keep the writer out.",
    broken_code=write,
    cured_code=write_alone,
)
