"""Cancelling, priorities, retries and timeouts."""

from __future__ import annotations

import concurrent.futures
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from eventually import eventually
from gates import Gate, pass_gate
from tasks import append, append_then_pass, fail, fail_first, lines, square


def test_a_pending_task_leaves_the_queue(workers: ml.Executor, gate: Gate, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    blockers = [workers.submit(pass_gate, gate.path) for _ in range(2)]
    for blocker in blockers:
        eventually(blocker.running, "the start")
    pending = [workers.submit(append, log, n) for n in range(10)]
    seen: list[Any] = []
    pending[3].add_done_callback(seen.append)
    outcome = pending[3].cancel()
    assert outcome
    assert not outcome.stopped
    assert pending[3].cancelled()
    assert pending[3].done()
    eventually(lambda: seen == [pending[3]], "the callback")
    for wait in (pending[3].result, pending[3].exception):
        with pytest.raises(concurrent.futures.CancelledError):
            wait()
    gate.open(2)
    ml.gather(pending[:3] + pending[4:])
    assert sorted(lines(log)) == ["0", "1", "2", "4", "5", "6", "7", "8", "9"]


def test_cancelling_twice_says_so_twice(workers: ml.Executor, gate: Gate) -> None:
    blockers = [workers.submit(pass_gate, gate.path) for _ in range(2)]
    pending = workers.submit(square, 2)
    assert pending.cancel()
    assert pending.cancel()
    gate.open(2)
    ml.gather(blockers)


def test_what_is_done_cannot_be_cancelled(pool: ml.Executor) -> None:
    handle = pool.submit(square, 2)
    handle.result()
    outcome = handle.cancel()
    assert not outcome
    assert not outcome.stopped
    assert "not cancelled" in repr(outcome)
    assert handle.result() == 4


def test_a_running_task_is_stopped_where_the_backend_can(workers: ml.Executor, gate: Gate) -> None:
    handle = workers.submit(pass_gate, gate.path, "ran on")
    eventually(handle.running, "the start")
    outcome = handle.cancel()
    if workers.backend == "processes":
        assert outcome
        assert outcome.stopped
        assert handle.cancelled()
        with pytest.raises(concurrent.futures.CancelledError):
            handle.result()
    else:
        assert not outcome
        gate.open()
        assert handle.result() == "ran on"
    assert ml.gather([workers.submit(square, n) for n in range(8)]) == [n * n for n in range(8)]


def test_stopping_one_task_leaves_the_others(make_gate: Callable[[], Gate]) -> None:
    # One gate each: a worker that is being stopped may still take a byte.
    closed, gate = make_gate(), make_gate()
    with ml.Executor(2, "processes") as pool:
        stopped, other = pool.submit(pass_gate, closed.path), pool.submit(pass_gate, gate.path, "other")
        for handle in (stopped, other):
            eventually(handle.running, "the start")
        waiting = [pool.submit(square, n) for n in range(100)]
        assert stopped.cancel().stopped
        gate.open()
        assert other.result() == "other"
        assert ml.gather(waiting) == [n * n for n in range(100)]


def test_a_cancelled_task_takes_its_dependents_along(workers: ml.Executor, gate: Gate) -> None:
    blockers = [workers.submit(pass_gate, gate.path) for _ in range(2)]
    first = workers.submit(square, 2)
    second = workers.submit(square, first)
    third = workers.submit(square, second)
    assert first.cancel()
    with pytest.raises(ml.DependencyError, match="was cancelled"):
        third.result()
    gate.open(2)
    ml.gather(blockers)


def test_a_task_that_waits_for_others_is_cancelled_alone(workers: ml.Executor, gate: Gate) -> None:
    first = workers.submit(pass_gate, gate.path, 3)
    second = workers.submit(square, first)
    assert second.cancel()
    assert second.cancelled()
    gate.open()
    assert first.result() == 3


def _one_worker(backend: str) -> ml.Executor:
    return ml.Executor(1, backend)


def test_urgent_tasks_start_first(concurrent: str, gate: Gate, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    with _one_worker(concurrent) as pool:
        blocker = pool.submit(pass_gate, gate.path)
        eventually(blocker.running, "the start")
        order = [0, 5, -3, 5, 9, 0, -3]
        for at, priority in enumerate(order):
            pool.submit_with(append, (log, f"{priority} {at}"), priority=priority)
        gate.open()
    assert lines(log) == ["9 4", "5 1", "5 3", "0 0", "0 5", "-3 2", "-3 6"]


def test_an_urgent_task_overtakes_a_long_queue(concurrent: str, gate: Gate, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    with _one_worker(concurrent) as pool:
        blocker = pool.submit(pass_gate, gate.path)
        eventually(blocker.running, "the start")
        handles = [pool.submit(append, log, "plain") for _ in range(10_000)]
        urgent = [pool.submit_with(append, (log, f"urgent {n}"), priority=n) for n in range(1, 100)]
        gate.open()
        ml.gather(handles + urgent)
    assert lines(log)[:99] == [f"urgent {n}" for n in range(99, 0, -1)]


def test_tasks_of_one_priority_start_in_order(concurrent: str, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    with _one_worker(concurrent) as pool:
        for n in range(500):
            pool.submit(append, log, n)
    assert lines(log) == [str(n) for n in range(500)]


def test_a_failing_task_is_tried_again(pool: ml.Executor, tmp_path: Path) -> None:
    handle = pool.submit_with(fail_first, (str(tmp_path / "log"), 2), retries=2, backoff=0.001)
    assert handle.result() == 3
    assert handle.stats is not None
    assert handle.stats.attempts == 3


def test_the_last_error_is_raised_when_retries_run_out(pool: ml.Executor, tmp_path: Path) -> None:
    handle = pool.submit_with(fail_first, (str(tmp_path / "log"), 9), retries=2, backoff=0.0)
    with pytest.raises(OSError, match="attempt 3"):
        handle.result()
    assert len(lines(tmp_path / "log")) == 3


def test_the_pause_between_attempts_doubles(pool: ml.Executor, tmp_path: Path) -> None:
    # The pauses are lower bounds, whatever the machine does meanwhile.
    handle = pool.submit_with(fail_first, (str(tmp_path / "log"), 2), retries=2, backoff=0.02)
    assert handle.result() == 3
    assert handle.elapsed >= 0.02 + 0.04


def test_others_run_while_one_waits_for_its_next_attempt(concurrent: str, tmp_path: Path) -> None:
    with _one_worker(concurrent) as pool:
        log = str(tmp_path / "log")
        handle = pool.submit_with(fail_first, (log, 1), retries=1, backoff=1000.0)
        eventually(lambda: lines(log) == ["attempt"], "the first attempt")
        assert pool.submit(square, 5).result() == 25
        assert not handle.done()
        assert not handle.running()
        assert handle.cancel()
        assert handle.cancelled()


def test_shutting_down_waits_for_further_attempts(concurrent: str, tmp_path: Path) -> None:
    with _one_worker(concurrent) as pool:
        handle = pool.submit_with(fail_first, (str(tmp_path / "log"), 3), retries=3, backoff=0.001)
    assert handle.done()
    assert handle.result() == 4


def test_a_task_that_takes_too_long_ends_with_a_timeout(concurrent: str, gate: Gate) -> None:
    with _one_worker(concurrent) as pool:
        handle = pool.submit_with(pass_gate, (gate.path,), timeout=0.05)
        with pytest.raises(ml.TaskTimeout, match=r"ran longer than its timeout of 0\.05 s") as raised:
            handle.result()
        assert isinstance(raised.value, TimeoutError)
        assert ("was stopped" in str(raised.value)) == (concurrent == "processes")
        if concurrent == "threads":
            gate.open()
        assert pool.submit(square, 3).result() == 9


def test_a_timeout_counts_from_the_start_of_the_task(concurrent: str, gate: Gate) -> None:
    with _one_worker(concurrent) as pool:
        blocker = pool.submit(pass_gate, gate.path)
        eventually(blocker.running, "the start")
        waiting = pool.submit_with(square, (3,), timeout=30.0)
        short = pool.submit_with(square, (4,), timeout=0.2)
        eventually(lambda: short.elapsed > 0.3, "more than the timeout")
        assert not short.done()
        gate.open()
        assert ml.gather(waiting, short) == [9, 16]


def hang_first(path: str, gate: str) -> int:
    append(path, os.getpid())
    if len(lines(path)) == 1:
        pass_gate(gate)
    return len(lines(path))


def test_a_stopped_attempt_is_followed_by_another(gate: Gate, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _one_worker("processes") as pool:
        arguments = (str(log), gate.path)
        handle = pool.submit_with(hang_first, arguments, timeout=3.0, retries=1, backoff=0.0)
        assert handle.result() == 2
        assert len(set(lines(log))) == 2


def test_each_attempt_has_the_whole_timeout(concurrent: str, make_gate: Callable[[], Gate]) -> None:
    first, second = make_gate(), make_gate()
    start = threading.Event()
    calls = 0

    def attempts() -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            start.set()
            pass_gate(first.path)
            fail("first")
        return pass_gate(second.path, "second")

    if concurrent == "processes":
        pytest.skip("the closure counts in this process")
    with _one_worker(concurrent) as pool:
        handle = pool.submit_with(attempts, timeout=0.5, retries=1, backoff=0.3)
        start.wait()
        eventually(lambda: handle.elapsed > 0.1, "part of the timeout")
        first.open()
        eventually(lambda: handle.elapsed > 0.6, "more than the timeout")
        second.open()
        assert handle.result() == "second"


@pytest.mark.parametrize("timeout", [0, -1, -0.5, float("nan"), float("inf")])
def test_a_timeout_has_to_be_positive(pool: ml.Executor, timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        pool.submit_with(square, (2,), timeout=timeout)
    assert pool.submit(square, 2).result() == 4


@pytest.mark.parametrize(
    "options", [{"retries": -1}, {"retries": 1.5}, {"backoff": -1.0}, {"backoff": float("nan")}, {"retries": 70_000}]
)
def test_bad_options_are_refused(pool: ml.Executor, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        pool.submit_with(square, (2,), **options)


def test_a_refused_call_leaves_nothing_to_wait_for(backend: str) -> None:
    with ml.Executor(1, backend) as pool:
        with pytest.raises(ValueError, match="timeout"):
            pool.submit_with(square, (2,), timeout=-1)
        with pytest.raises(TypeError):
            pool.submit()  # type: ignore[call-arg]
    with pytest.raises(RuntimeError, match=r"shut ?down|closed"):
        pool.submit(square, 2)


def test_a_cancelled_running_task_may_be_followed(gate: Gate, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    with ml.Executor(1, "processes") as pool:
        handle = pool.submit_with(append_then_pass, (log, "once", gate.path), retries=5, backoff=0.0)
        eventually(lambda: lines(log), "the start")
        assert handle.cancel().stopped
        assert pool.submit(square, 2).result() == 4
    assert lines(log) == ["once"]
