"""Readers see half of what a writer writes; then they read together, and never while it writes."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable

from multilane import sync

from .frame import Exhibit, Outcome, switching_often, together
from .timeline import Timeline
from .watched import Lockable, Watched

READERS = 3

#: Writes of the one writer in each round; readers read as long as it writes.
WRITES = 2_000

ROUNDS = 50

#: Nanoseconds that the picture shows, each way from a moment.
SHOWN_NS = 150_000


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


def write_alone(price: Price, value: int, lock: Watched) -> None:
    """Write both numbers while nobody reads; the lock is the side for writers."""
    with lock:
        price.set_bid(value)
        price.set_ask(rounded(value))


def write_drawn(price: Price, value: int, timeline: Timeline) -> None:
    """Write both numbers, and draw that."""
    with timeline.span("writer", "work"):
        write(price, value)


class Market:
    """One writer, three readers, and what the readers saw."""

    def __init__(self) -> None:
        self.price = Price()
        self.torn = self.reads = self.most_inside = 0
        self.inside = sync.AtomicInt()
        self.count = threading.Lock()
        self.closed = False
        self.timeline = Timeline(["writer", *(f"reader {number}" for number in range(1, READERS + 1))])

    def open(self, write: Callable[[Price, int], None], reading: Lockable) -> None:
        """Let everybody in until the writer is done."""
        readers = {name: functools.partial(self.read, reading) for name in self.timeline.lanes[1:]}
        together({"writer": functools.partial(self.run, write), **readers})

    def run(self, write: Callable[[Price, int], None]) -> None:
        """Write again and again."""
        for value in range(1, WRITES + 1):
            write(self.price, value)
        self.closed = True

    def read(self, reading: Lockable) -> None:
        """Read until the writer is done."""
        name = threading.current_thread().name
        reads = torn = most = 0
        while not self.closed:
            with reading:
                start = time.monotonic_ns()
                most = max(most, self.inside.add())
                bid, ask = self.price.bid, self.price.ask
                self.inside.add(-1)
                end = time.monotonic_ns()
            self.timeline.add(name, start, end, "work" if bid == ask else "bad", f"reads {bid} and {ask}")
            reads += 1
            torn += bid != ask
        with self.count:
            self.reads += reads
            self.torn += torn
            self.most_inside = max(self.most_inside, most)

    def outcome(self, rounds: int) -> Outcome:
        """Say what was seen."""
        kinds = {span.kind for span in self.timeline.spans}
        # A torn read, or else the writer alone.
        shown = next(kind for kind in ("bad", "hold", "work") if kind in kinds)
        spans = [span for span in self.timeline.spans if span.kind == shown]
        middle = spans[len(spans) // 2].start_ns
        return Outcome(
            self.torn == 0,
            f"{self.torn:,} of {self.reads:,} reads saw half of a write"
            if self.torn
            else "every read saw a whole price",
            {
                "writes": f"{WRITES:,}",
                "reads": f"{self.reads:,}",
                "torn reads": f"{self.torn:,}",
                "readers inside at once": f"{self.most_inside} at most",
                "rounds": str(rounds),
            },
            self.timeline.around(middle, SHOWN_NS),
        )


def broken() -> Outcome:
    """Read without a lock until a torn price is seen."""
    switching_often()
    rounds = 0
    while True:
        rounds += 1
        market = Market()
        drawn = functools.partial(write_drawn, timeline=market.timeline)
        market.open(drawn, contextlib.nullcontext())
        if market.torn or rounds == ROUNDS:
            return market.outcome(rounds)


def cured() -> Outcome:
    """Read and write under one lock with two sides."""
    switching_often()
    lock = sync.RWLock(name="price")
    market = Market()
    writing, reading = Watched(lock.write(), market.timeline), Watched(lock.read(), market.timeline, "work")
    market.open(functools.partial(write_alone, lock=writing), reading)
    return market.outcome(1)


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
section price
thread writer: enter price; do write; leave price
thread reader: enter price; do read; leave price
""",
    """\
section price
lock side
thread writer: with side: enter price; do write; leave price
thread reader: with side: enter price; do read; leave price
""",
)

EXHIBIT = Exhibit(
    title="Readers and writers: a price that never was",
    broken=broken,
    cured=cured,
    hazard="The writer sets two numbers that belong together, one after the other. A reader that comes in between "
    "sees the new one beside the old one, a price that never was.",
    cure="An RWLock lets any number of readers in together, or one writer alone. Turns come in the order of arrival, "
    "so a stream of readers does not keep the writer out.",
    broken_code=write,
    cured_code=write_alone,
    protocols=PROTOCOLS,
)
