"""Who held the lock that workers waited for, found in runs that are not timed."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from multilane import _multilane, sync
from multilane.scaling.holders import locks_of
from multilane.scaling.sweep import Series
from multilane.scaling.ways import Operation, make

#: Iterations of a native operation that takes a few milliseconds.
LONG = 2_000_000


def seen(function: Any, strategy: str = "threads") -> list[dict[str, Any]]:
    """Run an operation on two workers and look."""
    series = Series("work", "", strategy, make(strategy), Operation(function), (1, 2), counts={2: 16})
    return locks_of(series, 2)


def test_a_lock_of_this_package_names_its_holder() -> None:
    lock = sync.Lock(name="table")

    def hold() -> None:
        with lock:
            _multilane.load_compute(LONG)

    place = seen(hold)[0]
    assert place["lock"] == "Lock `table`"
    assert place["named"]
    assert f"{__file__}:" in place["waits_at"]
    assert place["waits_at"].endswith(" in hold")
    # Where it was taken is known on those versions of Python that say so.
    assert place["held_at"] in ("", place["waits_at"])
    assert 0 < place["seen"] <= place["looks"]


def test_of_another_lock_it_is_the_worker_that_runs() -> None:
    lock = threading.Lock()

    def work() -> None:
        _multilane.load_compute(LONG)

    def hold() -> None:
        with lock:
            work()

    place = seen(hold)[0]
    assert (place["lock"], place["named"]) == ("", False)
    assert place["waits_at"].endswith(" in hold")
    assert place["held_at"].endswith(" in work")


def test_locks_that_are_not_in_python_are_named_by_the_operation() -> None:
    place = seen(lambda: _multilane.load_compute(LONG), "threads+lock")[0]
    assert place["waits_at"] == "the lock around each operation"
    series = Series("work", "", "threads", make("threads"), Operation(_multilane.load_lock, (LONG,)), (1, 2))
    series.counts[2] = 16
    found = locks_of(series, 2)[0]
    assert (found["waits_at"], found["held_at"]) == ("native code of load_lock", "native code of load_lock")


def test_where_nobody_waits_nothing_is_seen() -> None:
    assert seen(lambda: _multilane.load_compute(1000)) == []
    with_processes = Series("work", "", "processes", make("processes"), Operation(seen), (1, 2))
    assert locks_of(with_processes, 2) == []


def test_a_thread_is_seen_to_do_something() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    try:
        doing = _multilane.threads_doing([threading.get_native_id(), thread.native_id or 0, 2**31 - 1])
    finally:
        event.set()
        thread.join()
    if doing[0] is None:
        pytest.skip("the system does not say what threads do")
    # Who looks at itself is in the call that reads.
    assert doing[0] in ("running", "other")
    assert doing[1] in ("lock", "interpreter", "running")
    assert doing[2] is None
