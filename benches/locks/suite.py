"""The suite of locks and channels: tests, requirements, engines."""

from __future__ import annotations

from typing import Any

from locks.engines import TITLES
from locks.measures import QUICK, Scale, take
from measuring.suite import OURS, Check, Form, Metric, Suite, Test

THREADS = (2, 4, 8, 16)
#: Producers (and as many consumers; with 0, one thread does both) and the bound of the queue.
QUEUES = ((0, 0), (1, 0), (2, 0), (1, 100), (2, 100))

FREE = (
    Metric("with_us", "with Lock", Form.MICROSECONDS, False),
    Metric("calls_us", "acquire, release", Form.MICROSECONDS, False),
    Metric("rlock_us", "with RLock", Form.MICROSECONDS, False),
)
TURNS = (Metric("turns_per_s", "turns", Form.PER_SECOND, True),)
ITEMS = (Metric("items_per_s", "items", Form.PER_SECOND, True),)
FOUND = (
    Metric("median_s", "median", Form.MILLISECONDS, False),
    Metric("worst_s", "worst", Form.MILLISECONDS, False),
)


def _queue_title(threads: int, maxsize: int) -> str:
    who = "one thread puts and gets" if threads == 0 else f"{threads} to {threads} threads"
    return f"{who}, {'no bound' if maxsize == 0 else f'at most {maxsize} items'}"


def _tests() -> dict[str, Test]:
    tests = {"free": Test("A lock that nobody else wants", "free lock", FREE, (OURS, "threading"), "threading")}
    for threads in THREADS:
        title = f"A lock that {threads} threads want"
        tests[f"contended-{threads}"] = Test(title, f"{threads} threads", TURNS, (OURS, "threading"), "threading")
    for threads, maxsize in QUEUES:
        title = f"Queue: {_queue_title(threads, maxsize)}"
        peers = (OURS, "queue", "simple") if maxsize == 0 else (OURS, "queue")
        tests[f"queue-{threads}-{maxsize}"] = Test(title, title, ITEMS, peers, "queue")
    tests["deadlock"] = Test("From closing a deadlock of two locks to its error", "deadlock", FOUND, (OURS,), None)
    return tests


def _checks() -> tuple[Check, ...]:
    return (
        Check("free", "with_us", 1 / 1.3, "threading"),
        Check("free", "calls_us", 1 / 1.3, "threading"),
        *(Check(f"contended-{threads}", "turns_per_s", 1, "threading") for threads in THREADS),
        *(Check(f"queue-{threads}-{maxsize}", "items_per_s", 5, "queue") for threads, maxsize in QUEUES),
        Check("deadlock", "worst_s", 0.010),
    )


def describe(scale: dict[str, Any]) -> str:
    """Say how much work a sample is."""
    return (
        f"{scale['batches']} batches of {scale['turns']:,} turns, {scale['contend_s']} s of contention, "
        f"{scale['items']:,} items, {scale['deadlocks']} deadlocks"
    )


SUITE = Suite(
    name="sync",
    folder="sync",
    heading="Locks and channels, measured side by side",
    tests=_tests(),
    checks=_checks(),
    titles=TITLES,
    packages=(OURS,),
    scale=Scale(),
    quick=QUICK,
    repeats=5,
    take=take,
    describe=describe,
)
