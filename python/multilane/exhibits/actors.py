"""Four threads sell what is not there; then an actor owns the stock, and survives a message that fails."""

from __future__ import annotations

import functools
from collections.abc import Callable

import multilane as ml

from .frame import Exhibit, Outcome, switching_often, together
from .timeline import Timeline

STOCK = 2_000

CLERKS = 4

ROUNDS = 100


class Shop:
    """A number of things to sell."""

    def __init__(self, stock: int) -> None:
        self.stock = stock

    def left(self) -> int:
        """Say how many there are."""
        return self.stock

    def take(self) -> None:
        """Take one away."""
        self.stock = self.left() - 1

    def sell(self) -> bool:
        """Sell one, if there is one: look, then take."""
        if self.left() > 0:
            self.take()
            return True
        return False

    def count(self, shelf: str) -> int:
        """Count a shelf by its number; fails for what is no number."""
        return self.stock if int(shelf) else 0


def sell_all(shop: Shop) -> int:
    """Sell as long as there is something, without a lock; how many were sold."""
    sold = 0
    while shop.sell():
        sold += 1
    return sold


def sell_all_by_messages(shop: ml.Actor[Shop]) -> int:
    """Ask the one who has the stock."""
    sold = 0
    while shop.ask("sell").result():
        sold += 1
    return sold


class Day:
    """Clerks that sell together."""

    def __init__(self, sell: Callable[[], int]) -> None:
        self.sell = sell
        self.sold: dict[str, int] = {}
        self.timeline = Timeline([f"clerk {number}" for number in range(1, CLERKS + 1)])
        together({name: functools.partial(self.work, name) for name in self.timeline.lanes})

    def work(self, name: str) -> None:
        """Be one clerk."""
        with self.timeline.span(name, "work"):
            self.sold[name] = self.sell()

    @property
    def total(self) -> int:
        """How many were sold."""
        return sum(self.sold.values())


def broken() -> Outcome:
    """Let clerks share the stock, until more is sold than there was."""
    switching_often()
    rounds = 0
    while True:
        rounds += 1
        shop = Shop(STOCK)
        day = Day(functools.partial(sell_all, shop))
        if day.total != STOCK or rounds == ROUNDS:
            break
    for name in day.timeline.lanes:
        ended = max(span.end_ns for span in day.timeline.spans if span.lane == name)
        if day.total != STOCK:
            day.timeline.add(name, ended, ended + 1, "bad")
    return Outcome(
        day.total == STOCK,
        f"{day.total:,} were sold of {STOCK:,} that there were" if day.total != STOCK else "none was sold twice",
        {
            "in stock": f"{STOCK:,}",
            "sold": f"{day.total:,}",
            "sold by": ", ".join(f"{name} {sold:,}" for name, sold in sorted(day.sold.items())),
            "rounds": str(rounds),
        },
        day.timeline,
    )


def cured() -> Outcome:
    """Let an actor have the stock; and send it a message that fails."""
    switching_often()
    with ml.Actor(Shop, STOCK, name="shop", on_failure="resume") as shop:
        day = Day(functools.partial(sell_all_by_messages, shop))
        kept = shop.ask("left").result()
    with ml.Actor(Shop, STOCK, name="shop", on_failure="restart") as shop:
        shop.ask("sell").result()
        failed = shop.ask("count", "top shelf")
        waiting = [shop.ask("left") for _ in range(3)]
        error = failed.exception()
        answers = {handle.result() for handle in waiting}
        restarts = shop.restarts
    note = next((note for note in getattr(error, "__notes__", ()) if "the actor" in note), "")
    return Outcome(
        day.total == STOCK and kept == 0 and restarts == 1 and answers == {STOCK},
        f"{day.total:,} were sold of {STOCK:,}, and a message that fails restarts the actor and costs no other",
        {
            "in stock": f"{STOCK:,}",
            "sold": f"{day.total:,}",
            "sold by": ", ".join(f"{name} {sold:,}" for name, sold in sorted(day.sold.items())),
            "a message that fails": f"{type(error).__name__}: {error}; {note}",
            "restarts": str(restarts),
            "messages behind it": f"{len(waiting)}, all answered",
        },
        day.timeline,
    )


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
section stock
thread clerk x 2: enter stock; do sell; leave stock
""",
    """\
section stock
channel mailbox[2], answers[2]
thread clerk x 2: send mailbox; receive answers
daemon shop: loop: receive mailbox; enter stock; do sell; leave stock; send answers
""",
)

EXHIBIT = Exhibit(
    title="Actors: a stock that is sold twice",
    broken=broken,
    cured=cured,
    hazard="Each clerk looks whether something is left and then takes it. Two that look at the last one at the same "
    "time both sell it; and two that take at once count only one of the two.",
    cure="An actor owns the stock, and clerks send it messages, which it takes one at a time: no lock, and no way "
    "around it. When a message fails, its supervision decides: here the state is made anew, and the messages "
    "behind it are kept.",
    broken_code=sell_all,
    cured_code=sell_all_by_messages,
    protocols=PROTOCOLS,
)
