"""Takes one sample of locks or of queues; every count is checked."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from locks import engines
from measuring.suite import Sample


@dataclass(frozen=True)
class Scale:
    """How much work one sample does."""

    #: Turns of one batch of locks, and how many batches.
    turns: int = 50_000
    batches: int = 30
    #: Seconds that threads contend.
    contend_s: float = 1.0
    #: Items through a queue in all.
    items: int = 200_000
    #: Deadlocks.
    deadlocks: int = 30


QUICK = Scale(batches=8, contend_s=0.3, items=40_000, deadlocks=8)


def take(engine_name: str, test: str, _workers: int, scale: dict[str, Any]) -> Sample:
    """Return one sample; tests are called by a kind and its numbers."""
    engine = engines.make(engine_name)
    limits = Scale(**scale)
    kind, *numbers = test.split("-")
    if kind == "free":
        assert engine.lock is not None
        assert engine.rlock is not None
        return free(engine.lock(), engine.rlock(), limits)
    if kind == "contended":
        assert engine.lock is not None
        return contended(engine.lock(), int(numbers[0]), limits)
    if kind == "queue":
        assert engine.queue is not None
        return through(engine.queue, int(numbers[0]), int(numbers[1]), limits)
    return deadlocks(engine.lock, limits)


def free(lock: Any, rlock: Any, scale: Scale) -> Sample:
    """Nanoseconds to take and release what nobody else wants."""

    def block(lock: Any) -> None:
        for _ in range(scale.turns):
            with lock:
                pass

    def calls(lock: Any) -> None:
        for _ in range(scale.turns):
            lock.acquire()
            lock.release()

    def nothing(_lock: Any) -> None:
        for _ in range(scale.turns):
            pass

    def ns(work: Callable[[Any], None], lock: Any) -> float:
        seconds = []
        for _ in range(scale.batches):
            started = time.perf_counter()
            work(lock)
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds) / scale.turns * 1e9

    loop = ns(nothing, None)
    return {
        "with_us": (ns(block, lock) - loop) / 1e3,
        "calls_us": (ns(calls, lock) - loop) / 1e3,
        "rlock_us": (ns(block, rlock) - loop) / 1e3,
    }


def contended(lock: Any, threads: int, scale: Scale) -> Sample:
    """Turns a second of threads that all want the lock, all the time; each turn changes a shared count."""
    stop = threading.Event()
    start = threading.Barrier(threads + 1)
    shared = [0]
    turns = [0] * threads

    def work(number: int) -> None:
        mine = 0
        start.wait()
        while not stop.is_set():
            for _ in range(100):
                with lock:
                    shared[0] += 1
                mine += 1
        turns[number] = mine

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    started = time.perf_counter()
    time.sleep(scale.contend_s)
    stop.set()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    if shared[0] != sum(turns):
        raise RuntimeError(f"the lock let two threads in: {shared[0]} of {sum(turns)}")
    return {"turns_per_s": sum(turns) / seconds}


def through(make: Callable[[int], Any], threads: int, maxsize: int, scale: Scale) -> Sample:
    """Items a second from so many producers to as many consumers, or put and taken by one thread."""
    queue = make(maxsize)
    share = scale.items // max(threads, 1)
    taken = [0] * threads

    def put() -> None:
        for _ in range(share):
            queue.put(1)

    def get(number: int) -> None:
        taken[number] = sum(queue.get() for _ in range(share))

    started = time.perf_counter()
    if threads == 0:
        for _ in range(share):
            queue.put(1)
            queue.get()
        return {"items_per_s": share / (time.perf_counter() - started)}
    workers = [threading.Thread(target=put) for _ in range(threads)]
    workers += [threading.Thread(target=get, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    if sum(taken) != share * threads:
        raise RuntimeError(f"{sum(taken)} of {share * threads} items came out")
    return {"items_per_s": share * threads / seconds}


def deadlocks(lock: Any, scale: Scale) -> Sample:
    """Seconds from the wait that closes a cycle of two threads to its error."""
    from multilane import sync

    seconds = []

    def cross(first: Any, second: Any, both: threading.Barrier) -> None:
        with first:
            both.wait()
            started = time.perf_counter()
            try:
                with second:
                    pass
            except sync.DeadlockError:
                seconds.append(time.perf_counter() - started)

    with sync.detection(order=False):
        for _ in range(scale.deadlocks):
            one, other, both = lock(), lock(), threading.Barrier(2)
            threads = [threading.Thread(target=cross, args=(*pair, both)) for pair in ((one, other), (other, one))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    if len(seconds) != scale.deadlocks:
        raise RuntimeError(f"{len(seconds)} of {scale.deadlocks} deadlocks were found")
    return {"median_s": statistics.median(seconds), "worst_s": max(seconds)}
