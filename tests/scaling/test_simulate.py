"""A recorded run, replayed on another number of workers."""

from __future__ import annotations

import pytest

import multilane as ml


def count(number: int) -> int:
    return sum(range(number))


def test_a_recorded_run_is_replayed() -> None:
    with ml.Executor(2, backend="processes") as pool:
        pool.wait_ready()
        with ml.record() as recording:
            handles = [pool.submit(count, 50_000) for _ in range(24)]
            assert [handle.result() for handle in handles] == [count(50_000)] * 24
    trace = recording.trace
    assert trace is not None
    one, two, many = (trace.simulate(workers, processors=64) for workers in (1, 2, 24))
    assert one["makespan_ns"] >= 0.999 * two["makespan_ns"] >= 0.998 * many["makespan_ns"]
    # One worker needs as long as all tasks together, unless they came even later.
    assert one["bound_by"] in ("workers", "arrivals")
    assert one["makespan_ns"] >= sum(task["cpu_ns"] for task in trace.tasks())
    # Whatever other programs took, the tasks themselves do not need longer than they took.
    assert two["makespan_ns"] <= 1.1 * trace.makespan_ns
    assert trace.simulate(24, processors=1)["bound_by"] == "processors"


def test_what_cannot_be_simulated_is_refused() -> None:
    trace = ml.Trace.from_json('{"format": 1}')
    assert trace.simulate(3)["bound_by"] == "nothing"
    with pytest.raises(ValueError, match="are at least 1"):
        trace.simulate(0)
    with pytest.raises(ValueError, match="are at least 1"):
        trace.simulate(2, processors=0.5)
