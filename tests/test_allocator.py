"""Where a worker's objects lie: in fresh pools of CPython's allocator, not in the holes that imports leave."""

from __future__ import annotations

import os
import sysconfig
from collections import Counter

import pytest

import multilane as ml

# Pools are aligned to their size, `POOL_SIZE` of CPython's Objects/obmalloc.c.
POOL_BITS = 14

pytestmark = pytest.mark.skipif(
    "PYTHONMALLOC" in os.environ or bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="only CPython's own allocator has pools",
)


def share_in_two_pools(count: int) -> float:
    """Make integers of one size and keep them; which share of them lies in the two pools with most?"""
    made = [(1 << 40) + index for index in range(count)]
    pools = Counter(id(number) >> POOL_BITS for number in made)
    return sum(held for _, held in pools.most_common(2)) / count


@pytest.mark.parametrize("tasks", [1, 2])
def test_the_objects_of_a_task_lie_in_a_fresh_pool(tasks: int) -> None:
    with ml.Executor(1, "processes") as pool:
        shares = [pool.submit(share_in_two_pools, 256).result() for _ in range(tasks)]
    # Of 509 blocks; a pool near its end gives way to a second. What died since leaves a few holes.
    assert shares[-1] > 0.75


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
