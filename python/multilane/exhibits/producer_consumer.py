"""Producers outrun a consumer and fill memory; then a bounded channel makes them wait."""

from __future__ import annotations

import functools
import queue
import time

from multilane import _multilane, sync

from .frame import Exhibit, Outcome, together
from .timeline import Timeline

PRODUCERS = 2

#: Items of each producer.
ITEMS = 1_000

#: The most items that the program is meant to hold.
BOUND = 8

#: Arithmetic that an item costs the consumer: some hundredths of a millisecond.
WORK = 20_000

#: Every so many items are drawn as one.
DRAWN = 50


class Line:
    """A queue between producers and a consumer, and how long it got."""

    def __init__(self, queue: queue.Queue[int] | sync.Channel[int]) -> None:
        self.queue = queue
        self.longest = self.consumed = 0
        self.oldest_ns = 0
        self.put_at: dict[int, int] = {}
        names = [f"producer {number}" for number in range(1, PRODUCERS + 1)]
        self.timeline = Timeline([*names, "consumer"])
        producers = {name: functools.partial(produce, self, name, part) for part, name in enumerate(names)}
        together({**producers, "consumer": functools.partial(consume, self)})

    def outcome(self) -> Outcome:
        """Say what was seen."""
        return Outcome(
            self.longest <= BOUND and self.consumed == PRODUCERS * ITEMS,
            f"the queue grew to {self.longest:,} items, all of which had to be kept"
            if self.longest > BOUND
            else f"never more than {self.longest} items waited",
            {
                "items": f"{PRODUCERS * ITEMS:,}, all consumed"
                if self.consumed == PRODUCERS * ITEMS
                else f"{self.consumed:,}",
                "longest queue": f"{self.longest:,}",
                "longest wait of an item": f"{self.oldest_ns / 1e6:.3g} ms",
            },
            self.timeline,
        )


def produce(line: Line, name: str, part: int) -> None:
    """Put items in as quickly as they can be made."""
    since = time.monotonic_ns()
    for number in range(part * ITEMS, (part + 1) * ITEMS):
        line.put_at[number] = now = time.monotonic_ns()
        if number % DRAWN == DRAWN - 1:
            # One item is made in no time: a long stretch is one of waiting.
            kind = "work" if isinstance(line.queue, queue.Queue) else "wait"
            line.timeline.add(name, since, now, kind)
            since = now
        line.queue.put(number)


def consume(line: Line) -> None:
    """Take items out, and do with each what takes longer than to make it."""
    since = time.monotonic_ns()
    for number in range(1, PRODUCERS * ITEMS + 1):
        line.longest = max(line.longest, line.queue.qsize())
        item = line.queue.get()
        line.oldest_ns = max(line.oldest_ns, time.monotonic_ns() - line.put_at.pop(item))
        _multilane.load_compute(WORK)
        line.consumed += 1
        if number % DRAWN == 0:
            now = time.monotonic_ns()
            line.timeline.add("consumer", since, now, "work")
            since = now


def broken() -> Outcome:
    """Put a queue without a bound between them."""
    return Line(queue.Queue()).outcome()


def cured() -> Outcome:
    """Put a bounded channel between them."""
    return Line(sync.Channel(maxsize=BOUND)).outcome()


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
channel items
thread producer: loop: send items
thread consumer: loop: receive items; do use
""",
    """\
channel items[8]
thread producer: loop: send items
thread consumer: loop: receive items; do use
""",
)

EXHIBIT = Exhibit(
    title="Producers that outrun their consumer",
    broken=broken,
    cured=cured,
    hazard="Making an item is quicker than using it, and the queue between the two takes everything. It grows as long "
    "as the producers run: memory fills up, and every item waits behind all that came before.",
    cure="A channel with a bound. A producer that finds no room waits until the consumer has taken something out: the "
    "slowest sets the pace, and what is held is known beforehand.",
    broken_code=produce,
    cured_code=consume,
    protocols=PROTOCOLS,
)
