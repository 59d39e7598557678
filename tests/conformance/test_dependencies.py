"""Handles as arguments, and tasks that submit tasks."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

import multilane as ml
from gates import Gate, pass_gate
from tasks import add, echo, fail, nest, square, sum_in_tasks


def test_a_handle_stands_for_its_result(pool: ml.Executor) -> None:
    first = pool.submit(square, 3)
    second = pool.submit(add, first, right=pool.submit(square, 4))
    assert second.result() == 25


def test_a_task_starts_when_what_it_waits_for_is_done(workers: ml.Executor, gate: Gate) -> None:
    first = workers.submit(pass_gate, gate.path, 5)
    second = workers.submit(square, first)
    others = [workers.submit(square, n) for n in range(4)]
    ml.gather(others)
    assert not second.running()
    assert not second.done()
    gate.open()
    assert second.result() == 25


def test_the_same_handle_may_be_passed_twice(pool: ml.Executor) -> None:
    first = pool.submit(square, 3)
    assert pool.submit(add, first, first).result() == 18


def test_a_handle_that_is_done_may_be_passed(pool: ml.Executor) -> None:
    first = pool.submit(square, 3)
    first.result()
    assert pool.submit(square, first).result() == 81


def test_a_long_chain_ends(pool: ml.Executor) -> None:
    handle = pool.submit(add, 0, 1)
    for _ in range(300):
        handle = pool.submit(add, handle, 1)
    assert handle.result() == 301


def test_a_wide_graph_ends(pool: ml.Executor) -> None:
    leaves = [pool.submit(square, n) for n in range(200)]
    assert pool.submit(echo, *leaves).result() == (tuple(n * n for n in range(200)), {})


def test_a_failure_names_the_chain(pool: ml.Executor) -> None:
    first = pool.submit_with(fail, ("rotten",), name="root")
    second = pool.submit_with(square, (first,), name="middle")
    third = pool.submit_with(square, (second,), name="leaf")
    with pytest.raises(ml.DependencyError) as raised:
        third.result()
    error = raised.value
    assert error.chain == ("leaf", "middle", "root")
    assert isinstance(error.__cause__, ValueError)
    assert "rotten" in str(error)
    assert "`leaf` waits for `middle` waits for `root`" in str(error)
    assert "raise ValueError" in "".join(traceback.format_exception(error))


def test_a_failure_stops_only_what_depends_on_it(pool: ml.Executor) -> None:
    bad, good = pool.submit(fail), pool.submit(square, 2)
    with pytest.raises(ml.DependencyError):
        pool.submit(add, bad, good).result()
    assert pool.submit(add, good, good).result() == 8


def test_handles_of_one_backend_feed_another() -> None:
    with ml.Executor(1, "threads") as threads, ml.Executor(1, "processes") as processes:
        first = threads.submit(square, 3)
        second = processes.submit(square, first)
        third = threads.submit(add, second, first)
        assert third.result() == 90


def test_dependencies_have_retries_and_priorities(pool: ml.Executor) -> None:
    first = pool.submit(square, 2)
    assert pool.submit_with(add, (first,), {"right": first}, priority=3, retries=1, timeout=60).result() == 8


def test_a_task_whose_dependency_runs_is_waited_for_at_shutdown(concurrent: str, gate: Gate) -> None:
    pool = ml.Executor(1, concurrent)
    first = pool.submit(pass_gate, gate.path, 6)
    second = pool.submit(square, first)
    pool.shutdown(wait=False)
    gate.open()
    pool.shutdown()
    assert second.result() == 36


@pytest.mark.parametrize("count", [1, 2])
def test_tasks_wait_for_tasks_of_theirs_at_any_worker_count(backend: str, count: int) -> None:
    with ml.Executor(count, backend) as pool:
        handles = [pool.submit(nest, 5) for _ in range(6)]
        assert ml.gather(handles) == [5] * 6


def submit_within(pool: ml.Executor, depth: int) -> int:
    if depth == 0:
        return 1
    handles = [pool.submit(submit_within, pool, depth - 1) for _ in range(2)]
    return sum(handle.result() for handle in handles)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", ["serial", "threads"])
def test_tasks_submit_to_their_own_pool(name: str, count: int) -> None:
    with ml.Executor(count, name) as pool:
        assert pool.submit(submit_within, pool, 5).result() == 32


def wait_within(pool: ml.Executor) -> Any:
    handles = [pool.submit(square, n) for n in range(3)]
    done, _ = ml.wait(handles)
    return sorted(handle.result() for handle in ml.as_completed(done))


def test_a_task_may_wait_in_every_way_for_its_own_tasks() -> None:
    with ml.Executor(1, "threads") as pool:
        assert pool.submit(wait_within, pool).result(60) == [0, 1, 4]


def map_within(pool: ml.Executor) -> Any:
    return [list(pool.map(square, range(5), ordered=ordered)) for ordered in (True, False)]


def test_a_task_may_map_over_its_own_pool() -> None:
    with ml.Executor(1, "threads") as pool:
        ordered, free = pool.submit(map_within, pool).result(60)
        assert ordered == sorted(free) == [0, 1, 4, 9, 16]


def test_a_task_may_use_map(backend: str) -> None:
    with ml.Executor(1, backend) as pool:
        assert pool.submit(sum_in_tasks, list(range(50))).result() == sum(n * n for n in range(50))


def crossed(mine: ml.Executor, other: ml.Executor, depth: int) -> int:
    return 0 if depth == 0 else 1 + other.submit(crossed, other, mine, depth - 1).result()


def test_two_pools_of_threads_may_wait_for_each_other() -> None:
    with ml.Executor(1, "threads") as one, ml.Executor(1, "threads") as two:
        assert one.submit(crossed, one, two, 1).result(60) == 1


def test_a_pool_does_not_travel_into_a_process() -> None:
    with ml.Executor(1, "processes") as pool, pytest.raises(ml.SerializationError):
        pool.submit(submit_within, pool, 1).result()
