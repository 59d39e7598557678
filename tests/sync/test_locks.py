"""Locks, conditions, semaphores and the rest do what `threading` says, and what they say beyond it."""

from __future__ import annotations

import functools
import math
import threading
from typing import Any

import pytest

import multilane as ml
from crew import Crew
from eventually import eventually
from multilane import sync

LOCKS = [sync.Lock, sync.RLock, lambda: sync.Lock(fair=True)]


@pytest.mark.parametrize("kind", LOCKS)
def test_timeouts(kind: Any, crew: Crew) -> None:
    lock = kind()
    for endless in (-1, math.inf, threading.TIMEOUT_MAX):
        assert lock.acquire(timeout=endless)
        lock.release()
    with pytest.raises(ValueError, match="non-blocking"):
        lock.acquire(False, 1)
    with pytest.raises(ValueError, match="non-negative"):
        lock.acquire(timeout=-2)
    with pytest.raises(ValueError, match="NaN"):
        lock.acquire(timeout=math.nan)
    with pytest.raises(OverflowError):
        lock.acquire(timeout=1e100)
    with lock:
        crew.start("zero", lambda: lock.acquire(timeout=0))
        crew.start("some", lambda: lock.acquire(timeout=0.01))
        crew.start("none", lambda: lock.acquire(0))
        crew.join()
    assert crew.results == {"zero": False, "some": False, "none": False}


@pytest.mark.parametrize("kind", LOCKS)
def test_only_the_holder_releases(kind: Any, crew: Crew) -> None:
    lock = kind()
    with pytest.raises(RuntimeError, match="nobody holds it"):
        lock.release()
    with lock:
        crew.start("other", lock.release)
        crew.join()
        error = crew.errors.pop("other")
        assert isinstance(error, RuntimeError)
        assert "is held by 'MainThread'" in str(error)
    assert not lock.locked()


def test_a_lock_says_who_holds_it_and_where() -> None:
    lock = sync.Lock(name="ledger")
    assert lock.holder is None
    with lock:
        holder = lock.holder
        assert holder is not None
        assert holder.thread == "MainThread"
        assert holder.seconds >= 0
        assert holder.where is None or "in test_a_lock_says_who_holds_it_and_where" in holder.where
        assert "locked" in repr(lock)
        assert "`ledger`" in repr(lock)


def test_a_fair_lock_goes_to_who_waited_longest(crew: Crew) -> None:
    lock, order = sync.Lock(fair=True), []

    def take(number: int) -> None:
        with lock:
            order.append(number)

    with lock:
        for number in range(6):
            crew.start(str(number), functools.partial(take, number))
            eventually(lambda number=number: lock.waiting == number + 1)  # type: ignore[misc]
    crew.join()
    assert order == list(range(6))


def test_a_fair_lock_starves_nobody(crew: Crew) -> None:
    lock, stop = sync.Lock(fair=True), sync.Event()
    turns = [0, 0]

    def hog(number: int) -> None:
        while not stop.is_set():
            with lock:
                turns[number] += 1

    for number in (0, 1):
        crew.start(str(number), functools.partial(hog, number))
    eventually(lambda: all(turns))
    for _ in range(20):
        with lock:
            pass
    stop.set()


@pytest.mark.slow
def test_ten_thousand_wait(crew: Crew) -> None:
    lock, size = sync.Lock(), 10_000
    passed = sync.AtomicInt()

    def wait() -> None:
        with lock:
            passed.add()

    before = threading.stack_size(128 * 1024)
    try:
        with lock:
            for number in range(size):
                crew.start(str(number), wait)
            eventually(lambda: lock.waiting == size)
    finally:
        threading.stack_size(before)
    crew.join()
    assert passed.load() == size


def test_readers_share_and_writers_do_not(crew: Crew) -> None:
    lock = sync.RWLock()

    def read() -> bool:
        with lock.read():
            return lock.readers == 2

    with lock.read():
        crew.start("reads", read)
        crew.start("writes", lambda: lock.acquire_write(timeout=0.01))
        crew.join()
        assert lock.readers == 1
    with lock.write():
        crew.start("reads then", lambda: lock.acquire_read(False))
        crew.join()
        with pytest.raises(RuntimeError):
            lock.release_read()
    assert crew.results == {"reads": True, "writes": False, "reads then": False}
    assert "unlocked" in repr(lock)


def test_a_condition_over_any_lock(crew: Crew) -> None:
    for lock in (None, sync.Lock(), sync.RLock(), threading.Lock(), threading.RLock()):
        condition = sync.Condition(lock)
        ready: list[int] = []

        def wait(condition: sync.Condition = condition, ready: list[int] = ready) -> bool:
            with condition:
                return bool(condition.wait_for(lambda: ready, timeout=60))

        crew.start("waits", wait)
        eventually(lambda condition=condition: condition.waiting == 1)  # type: ignore[misc]
        with condition:
            ready.append(1)
            condition.notify_all()
            assert not condition.wait(timeout=0)
        crew.join()
        assert crew.results["waits"] is True


def test_a_wait_gives_a_reentrant_lock_back_entirely(crew: Crew) -> None:
    lock = sync.RLock()
    condition = sync.Condition(lock)

    def wait() -> int:
        with condition, condition, condition:
            condition.wait()
            return lock._recursion_count()

    crew.start("waits", wait)
    eventually(lambda: condition.waiting == 1)
    with condition:
        condition.notify()
    crew.join()
    assert crew.results["waits"] == 3


def test_an_owned_semaphore_is_given_back_by_who_has_it(crew: Crew) -> None:
    semaphore = sync.BoundedSemaphore(2, owned=True, name="slots")
    with pytest.raises(ValueError, match="bound is 2"):
        semaphore.release()
    semaphore.acquire()
    crew.start("other", semaphore.release)
    crew.join()
    assert "Semaphore `slots` is held by 'MainThread'" in str(crew.errors.pop("other"))
    semaphore.release()
    assert semaphore.value == 2


def test_a_latch_a_counter_and_what_is_done_once(crew: Crew) -> None:
    latch, counter, once = sync.Latch(4), sync.AtomicInt(), sync.Once()

    def work() -> Any:
        counter.add()
        latch.count_down()
        return once.call(lambda: counter.add(100))

    for number in range(4):
        crew.start(str(number), work)
    assert latch.wait(timeout=60)
    crew.join()
    assert counter.load() == 104
    assert len(set(crew.results.values())) == 1
    assert once.done
    with pytest.raises(ValueError, match="Latch"):
        latch.count_down()
    with pytest.raises(OverflowError):
        sync.AtomicInt(2**63 - 1).add()
    assert counter.compare_exchange(104, 1)
    assert not counter.compare_exchange(104, 2)
    assert (counter.exchange(5), int(counter)) == (1, 5)


def test_what_failed_is_not_done() -> None:
    once = sync.Once()
    with pytest.raises(ZeroDivisionError):
        once.call(lambda: 1 / 0)
    assert not once.done
    assert once.call(int, "7", base=8) == 7
    assert once.call(int, "9") == 7
    inner = sync.Once()
    with pytest.raises(ml.DeadlockError):
        inner.call(lambda: inner.call(int))


def test_the_action_of_a_barrier_runs_once_and_its_error_breaks_it(crew: Crew) -> None:
    runs: list[int] = []
    barrier = sync.Barrier(3, action=lambda: runs.append(1))
    for number in range(3):
        crew.start(str(number), barrier.wait)
    crew.join()
    assert (sorted(crew.results.values()), runs) == ([0, 1, 2], [1])
    broken = sync.Barrier(1, action=lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.wait()
    assert broken.broken
    with pytest.raises(threading.BrokenBarrierError):
        broken.wait()
