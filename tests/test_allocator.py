"""Where a worker's objects lie: in fresh pools of CPython's allocator, not in the holes that imports leave."""

from __future__ import annotations

import os
import sysconfig

import pytest

import multilane as ml

# Pools are aligned to their size, `POOL_SIZE` of CPython's Objects/obmalloc.c.
POOL_BITS = 14

pytestmark = pytest.mark.skipif(
    "PYTHONMALLOC" in os.environ or bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="only CPython's own allocator has pools",
)


def pools_of_new_integers(count: int) -> int:
    """Make integers of one size and keep them; in how many pools do they lie?"""
    made = [(1 << 40) + index for index in range(count)]
    return len({id(number) >> POOL_BITS for number in made})


@pytest.mark.parametrize("tasks", [1, 2])
def test_the_objects_of_a_task_lie_in_one_fresh_pool(tasks: int) -> None:
    with ml.Executor(1, "processes") as pool:
        results = [pool.submit(pools_of_new_integers, 64).result() for _ in range(tasks)]
    # 64 of 16 KiB's 509: only a task that starts near a pool's end needs two.
    assert results[-1] <= 2


def test_functions_that_keep_coming_do_not_fill_memory() -> None:
    with ml.Executor(1, "processes") as pool:
        for number in range(300):
            assert pool.submit(lambda number=number: number).result() == number
        grown = pool.submit(lambda: _resident_bytes()).result()
    with ml.Executor(1, "processes") as pool:
        fresh = pool.submit(lambda: _resident_bytes()).result()
    assert grown - fresh < 16 << 20


def _resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
