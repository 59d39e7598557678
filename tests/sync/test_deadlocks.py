"""A wait that could never end raises in one thread, and says who waits for whom, and where."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import pytest

import multilane as ml
from crew import Crew
from eventually import eventually
from multilane import sync

pytestmark = pytest.mark.filterwarnings("ignore::multilane.errors.LockOrderWarning")


def where(marker: str) -> str:
    """File and line of the only line that ends with a comment."""
    lines = Path(__file__).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if line.endswith(f"# {marker}")]
    return f"{__file__}:{number}"


def test_two_locks(crew: Crew) -> None:
    first, second = sync.Lock(name="first"), sync.Lock(name="second")
    both = threading.Barrier(2)

    def one() -> None:
        with first:  # one takes
            both.wait()
            eventually(lambda: second.waiting or "two" in crew.errors or second.holder)
            with second:  # one waits
                pass

    def two() -> None:
        with second:  # two takes
            both.wait()
            with first:  # two waits
                pass

    crew.start("one", one)
    crew.start("two", two)
    crew.join()
    (loser,) = crew.errors
    error = crew.errors.pop(loser)
    assert isinstance(error, ml.DeadlockError)
    steps = {step.thread: step for step in error.steps}
    assert steps.keys() == {"one", "two"}
    assert error.steps[0].thread == loser
    assert steps["one"].waits_for == "Lock `second`"
    assert steps["two"].waits_for == "Lock `first`"
    for thread in steps:
        assert steps[thread].where.startswith(where(f"{thread} waits"))
        assert steps[thread].where in str(error)
    for thread, other in (("one", "two"), ("two", "one")):
        taken_at = steps[thread].taken_at
        assert taken_at is None or taken_at.startswith(where(f"{other} takes"))


def test_a_reentrant_lock_a_plain_one_and_a_reader(crew: Crew) -> None:
    plain, reentrant, shared = sync.Lock(), sync.RLock(), sync.RWLock()
    start = threading.Barrier(3)

    def nested(outer: object, inner: object) -> None:
        with outer:  # type: ignore[attr-defined]
            start.wait()
            with inner:  # type: ignore[attr-defined]
                pass

    crew.start("a", lambda: nested(plain, reentrant))
    crew.start("b", lambda: nested(reentrant, shared.write()))
    crew.start("c", lambda: nested(shared.read(), plain))
    crew.join()
    assert len(crew.errors) == 1
    error = crew.errors.popitem()[1]
    assert isinstance(error, ml.DeadlockError)
    assert len(error.steps) == 3


@pytest.mark.parametrize("kind", [sync.Lock, lambda: sync.Semaphore(1, owned=True)])
def test_a_thread_that_waits_for_itself(kind: type[sync.Lock]) -> None:
    lock = kind()
    with lock:
        with pytest.raises(ml.DeadlockError, match="itself"):
            lock.acquire()
        assert not lock.acquire(timeout=0.01)
    assert lock.acquire(blocking=False)
    lock.release()  # a lock that stays held would be around every later order


def test_a_join(crew: Crew) -> None:
    lock = sync.Lock()

    def want() -> None:
        with lock:
            pass

    with lock:
        thread = crew.start("wants", want)
        eventually(lambda: lock.waiting == 1)
        with pytest.raises(ml.DeadlockError, match="for the end of 'wants'"):
            sync.join(thread)
        sync.join(thread, timeout=0.01)
        assert thread.is_alive()
    sync.join(thread)


def test_a_wait_that_wants_its_lock_back(crew: Crew) -> None:
    outer, condition = sync.Lock(), sync.Condition(sync.Lock())

    def waits() -> None:
        with outer, condition:
            condition.wait()

    def holds() -> None:
        with condition:
            condition.notify()
            eventually(lambda: condition._is_owned())
            with outer:
                pass

    crew.start("waits", waits)
    eventually(lambda: condition.waiting == 1)
    crew.start("holds", holds)
    crew.join()
    assert len(crew.errors) == 1
    assert isinstance(crew.errors.popitem()[1], ml.DeadlockError)


def test_a_timeout_ends_a_cycle_without_an_error(crew: Crew) -> None:
    first, second = sync.Lock(), sync.Lock()
    both = threading.Barrier(2)

    def patient() -> None:
        with first:
            both.wait()
            with second:
                pass

    def impatient() -> bool:
        with second:
            both.wait()
            return first.acquire(timeout=0.02)

    crew.start("patient", patient)
    crew.start("impatient", impatient)
    crew.join()
    assert crew.results["impatient"] is False


def test_a_semaphore_that_signals_is_no_deadlock(crew: Crew) -> None:
    semaphore = sync.Semaphore(1)
    semaphore.acquire()

    def signal() -> None:
        eventually(lambda: semaphore.waiting == 1)
        semaphore.release()

    crew.start("signal", signal)
    assert semaphore.acquire()


def test_detection_can_be_switched_off() -> None:
    lock = sync.Lock()
    other = sync.Lock()
    with sync.detection(deadlocks=False, order=False), warnings.catch_warnings():
        warnings.simplefilter("error")
        with lock, other:
            pass
        with other, lock:
            assert not lock.acquire(timeout=0)


def test_an_order_that_went_well_is_reported_with_both_places() -> None:
    first, second = sync.Lock(name="first"), sync.Lock(name="second")

    def forwards() -> None:
        with first, second:  # forwards
            pass

    def backwards() -> None:
        with second, first:  # backwards
            pass

    forwards()
    with pytest.warns(ml.LockOrderWarning) as warned:
        backwards()
    (message,) = [str(one.message) for one in warned]
    assert "Lock `first` is taken while Lock `second` is held" in message
    assert where("forwards") in message
    assert where("backwards") in message
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backwards()


def test_a_warning_that_is_an_error_leaves_the_lock_free() -> None:
    first, second = sync.RLock(), sync.Lock()
    with first, second:
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with second, pytest.raises(ml.LockOrderWarning):
            first.acquire()
    assert not first.locked()
