"""`gather`, `as_completed`, `wait`, and handles in asyncio."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

import pytest

import multilane as ml
from eventually import eventually
from gates import Gate, pass_gate
from tasks import fail, square


def test_gather_keeps_the_order(pool: ml.Executor) -> None:
    handles = [pool.submit(square, n) for n in range(10)]
    assert ml.gather(*handles) == ml.gather(handles) == [n * n for n in range(10)]
    assert ml.gather() == []


def test_gather_raises_the_first_error_in_order(pool: ml.Executor) -> None:
    with pytest.raises(ValueError, match="one"):
        ml.gather(pool.submit(square, 1), pool.submit(fail, "one"), pool.submit(fail, "two"))


def test_gather_times_out(workers: ml.Executor, gate: Gate) -> None:
    handles: list[ml.Handle[Any]] = [workers.submit(square, 1), workers.submit(pass_gate, gate.path)]
    with pytest.raises(TimeoutError):
        ml.gather(*handles, timeout=0.01)
    gate.open()
    ml.gather(handles)


def test_as_completed_gives_what_is_done_first(workers: ml.Executor, gate: Gate) -> None:
    held, quick = workers.submit(pass_gate, gate.path), workers.submit(square, 2)
    order = ml.as_completed([held, quick])
    assert next(order) is quick
    gate.open()
    assert next(order) is held
    assert list(order) == []


def test_as_completed_times_out(workers: ml.Executor, gate: Gate) -> None:
    held = workers.submit(pass_gate, gate.path)
    with pytest.raises(TimeoutError):
        list(ml.as_completed([held], timeout=0.01))
    gate.open()
    assert list(ml.as_completed([held, held])) == [held]


def test_wait_for_the_first_or_the_first_error(workers: ml.Executor, gate: Gate) -> None:
    held, bad = workers.submit(pass_gate, gate.path), workers.submit(fail)
    for how in (concurrent.futures.FIRST_COMPLETED, concurrent.futures.FIRST_EXCEPTION):
        done, left = ml.wait([held, bad], return_when=how)
        assert (done, left) == ({bad}, {held})
    done, left = ml.wait([held], timeout=0.01)
    assert (done, left) == (set(), {held})
    gate.open()
    done, left = ml.wait([held, bad])
    assert (done, left) == ({held, bad}, set())


def test_handles_mix_with_futures_of_the_standard_library(pool: ml.Executor) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        mixed: list[Any] = [pool.submit(square, 3), other.submit(square, 4)]
        assert sorted(future.result() for future in concurrent.futures.as_completed(mixed)) == [9, 16]


def test_a_handle_is_awaited(workers: ml.Executor) -> None:
    async def main() -> Any:
        handles = [workers.submit(square, n) for n in range(20)]
        return await asyncio.gather(*handles), await workers.submit(square, 30)

    assert asyncio.run(main()) == ([n * n for n in range(20)], 900)


def test_an_awaited_error_is_raised(workers: ml.Executor) -> None:
    async def main() -> None:
        await workers.submit(fail, "awaited")

    with pytest.raises(ValueError, match="awaited"):
        asyncio.run(main())


def test_the_loop_runs_while_a_handle_is_awaited(workers: ml.Executor, gate: Gate) -> None:
    async def main() -> Any:
        async def open_it() -> None:
            gate.open()

        opener = asyncio.ensure_future(open_it())
        result = await workers.submit(pass_gate, gate.path, "through")
        await opener
        return result

    assert asyncio.run(main()) == "through"


def test_cancelling_the_wait_cancels_a_pending_task(workers: ml.Executor, gate: Gate) -> None:
    blockers = [workers.submit(pass_gate, gate.path) for _ in range(2)]
    pending = workers.submit(square, 2)

    async def main() -> None:
        await asyncio.wait_for(asyncio.wrap_future(pending), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert pending.cancelled()
    gate.open(2)
    ml.gather(blockers)


def test_run_in_executor_works(workers: ml.Executor) -> None:
    async def main() -> int:
        return await asyncio.get_running_loop().run_in_executor(workers, square, 9)

    assert asyncio.run(main()) == 81


def test_threads_wait_for_the_same_handle(workers: ml.Executor, gate: Gate) -> None:
    handle = workers.submit(pass_gate, gate.path, "all")
    eventually(handle.running, "the start")
    with concurrent.futures.ThreadPoolExecutor(8) as others:
        waiting = [others.submit(handle.result, 60) for _ in range(8)]
        gate.open()
        assert [future.result() for future in waiting] == ["all"] * 8
