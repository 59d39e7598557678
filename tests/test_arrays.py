"""Arrays and buffers: values, writability, sharing without copies, memory given back."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import multilane as ml

Array = npt.NDArray[Any]
KIB = 1 << 10
#: In the pickle below the first, copied below the second, mapped from there on.
THRESHOLDS = (16 * KIB, 256 * KIB)
SIZES = sorted({0, 1, 4096, 1 << 22, *(limit + by for limit in THRESHOLDS for by in (-1, 0, 1))})


@pytest.fixture(scope="module")
def pool() -> Iterator[ml.Executor]:
    with ml.Executor(1, "processes") as pool:
        yield pool


def first(value: Any) -> Any:
    return value


def total(array: Array) -> float:
    return float(array.sum())


def flags(array: Array) -> tuple[bool, bool, bool]:
    return array.flags.writeable, array.flags.c_contiguous, array.flags.f_contiguous


def fill(array: Array, value: float) -> Array:
    array[...] = value
    return array


kept: list[Any] = []


def keep(array: Array) -> float:
    kept.append(array)
    return float(array[0])


def kept_sums() -> list[float]:
    return [float(array.sum()) for array in kept]


def forget() -> None:
    kept.clear()


@pytest.mark.parametrize("size", SIZES)
def test_arrays_of_any_size_go_and_come_back(pool: ml.Executor, size: int) -> None:
    array = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    result = pool.submit(first, array).result()
    assert result.dtype == array.dtype
    assert np.array_equal(result, array)
    assert result.flags.writeable


@pytest.mark.parametrize("shape", [(100, 300), (0, 5), (), (3, 0, 2), (40, 50, 60)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_shapes_and_orders_survive(pool: ml.Executor, shape: tuple[int, ...], order: Any) -> None:
    array = np.asarray(np.arange(float(np.prod(shape, dtype=int))).reshape(shape), order=order)
    result = pool.submit(first, array).result()
    assert result.shape == shape
    assert np.array_equal(result, array)
    assert result.flags.f_contiguous == array.flags.f_contiguous
    assert pool.submit(flags, array).result()[1:] == flags(array)[1:]


def test_views_with_gaps_survive(pool: ml.Executor) -> None:
    base = np.arange(200_000.0).reshape(400, 500)
    for view in (base[::2, ::3], base[::-1], base.T[10:300], base[:, 1:2], np.broadcast_to(base[0], (100, 500))):
        assert np.array_equal(pool.submit(first, view).result(), view)


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "<u8", ">f8", "c16", "M8[ns]", "S7", "U9", [("a", "i4"), ("b", "f8", (2,))]], ids=str
)
def test_dtypes_survive(pool: ml.Executor, dtype: Any) -> None:
    array = np.zeros(50_000, dtype)
    result = pool.submit(first, array).result()
    assert result.dtype == array.dtype
    assert result.tobytes() == array.tobytes()


def test_arrays_of_objects_go_too(pool: ml.Executor) -> None:
    array = np.array([{"a": 1}, None, "text"] * 10_000, dtype=object)
    assert pool.submit(first, array).result().tolist() == array.tolist()


def test_several_arrays_in_one_call(pool: ml.Executor) -> None:
    arrays = {str(n): np.full(50_000 + n, float(n)) for n in range(5)}
    result = pool.submit(first, arrays).result()
    assert all(np.array_equal(result[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("length", [100, 100_000, 1 << 20])
def test_other_buffers_go_too(pool: ml.Executor, length: int) -> None:
    import array

    numbers = array.array("d", range(length // 8))
    assert pool.submit(first, numbers).result() == numbers
    data = bytearray(os.urandom(length))
    assert pool.submit(first, data).result() == data
    assert pool.submit(first, bytes(data)).result() == bytes(data)


@pytest.mark.parametrize("length", [1000, 10_000, 100_000])
def test_a_task_may_write_what_it_gets_and_the_caller_sees_nothing(pool: ml.Executor, length: int) -> None:
    array = np.ones(length)
    assert pool.submit(flags, array).result()[0]
    assert total(pool.submit(fill, array, 3.0).result()) == 3.0 * length
    assert total(array) == length


@pytest.mark.parametrize("length", [1000, 10_000, 100_000])
def test_two_results_of_one_array_are_apart(pool: ml.Executor, length: int) -> None:
    array = np.ones(length)
    one, two = pool.submit(first, array).result(), pool.submit(first, array).result()
    one[:] = 5
    assert total(two) == total(array) == length


def test_what_a_caller_writes_after_submitting_does_not_show(pool: ml.Executor) -> None:
    array = np.ones(1 << 20)
    handles = []
    for value in range(10):
        array[:] = value
        handles.append(pool.submit(total, array))
    assert ml.gather(handles) == [value * float(1 << 20) for value in range(10)]


def test_a_kept_array_keeps_its_values(pool: ml.Executor) -> None:
    for length in (1000, 10_000, 100_000):
        for value in range(1, 6):
            pool.submit(keep, np.full(length, float(value))).result()
    # Memory of the tasks above is used again and again here.
    for value in range(20):
        pool.submit(total, np.full(100_000, 1000.0 + value)).result()
    expected = [float(value * length) for length in (1000, 10_000, 100_000) for value in range(1, 6)]
    assert pool.submit(kept_sums).result() == expected
    pool.submit(forget).result()


def test_a_kept_result_keeps_its_values(pool: ml.Executor) -> None:
    results = [pool.submit(np.full, 100_000, float(value)).result() for value in range(10)]
    for _ in range(10):
        pool.submit(np.full, 100_000, -1.0).result()
    assert [total(result) for result in results] == [value * 100_000.0 for value in range(10)]


def test_a_result_outlives_its_worker_and_pool() -> None:
    with ml.Executor(1, "processes") as own:
        result = own.submit(np.full, 1 << 20, 7.0).result()
        late = own.submit(np.full, 1 << 20, 8.0)
    assert total(result) == 7.0 * (1 << 20)
    assert total(late.result()) == 8.0 * (1 << 20)
    result[:] = 1.0
    assert total(result) == float(1 << 20)


def test_a_shared_array_is_read_only_everywhere(pool: ml.Executor) -> None:
    shared = ml.share(np.arange(100_000.0))
    assert not shared.flags.writeable
    assert pool.submit(flags, shared).result()[0] is False
    with pytest.raises(ValueError, match="read-only"):
        pool.submit(fill, shared, 1.0).result()
    assert pool.submit(total, shared).result() == total(shared)


def poke(array: Array, at: int, value: float) -> None:
    """Write to an array's memory, read-only or not."""
    ctypes.cast(array.ctypes.data, ctypes.POINTER(ctypes.c_double))[at] = value


def test_a_shared_array_is_the_very_memory_of_its_tasks(pool: ml.Executor) -> None:
    shared = ml.share(np.zeros(1 << 20))
    for value in (0.0, 42.0, 43.0):
        poke(shared, 5, value)
        assert pool.submit(total, shared).result() == value


def test_an_empty_array_that_a_task_kept_and_its_caller_changed(pool: ml.Executor) -> None:
    array = ml.empty(1 << 20)
    array[0] = 1.0
    assert pool.submit(keep, array).result() == 1.0
    array[0] = 2.0
    assert pool.submit(total, array).result() == 2.0
    assert pool.submit(kept_sums).result() == [1.0]
    pool.submit(forget).result()


def test_a_view_of_a_shared_array_is_not_copied_either(pool: ml.Executor) -> None:
    shared = ml.share(np.arange(1 << 20))
    for view in (shared[100_000:], shared[: 1 << 19], shared.reshape(1024, 1024)[500:]):
        assert np.array_equal(pool.submit(first, view).result(), view)


@pytest.mark.parametrize("order", ["C", "F"])
def test_share_keeps_shape_order_and_type(order: Any) -> None:
    array = np.asarray(np.arange(12, dtype="i2").reshape(3, 4), order=order)
    shared = ml.share(array)
    assert (shared.shape, shared.dtype, shared.flags.f_contiguous) == ((3, 4), array.dtype, order == "F")
    assert np.array_equal(shared, array)


def test_share_takes_bytes_and_refuses_objects() -> None:
    assert bytes(ml.share(b"abc")) == b"abc"
    assert bytes(ml.share(b"")) == b""
    with pytest.raises(TypeError, match="objects"):
        ml.share(np.array([object()]))


def test_an_empty_array_is_filled_in_place(pool: ml.Executor) -> None:
    array = ml.empty((1000, 200), "f4")
    assert array.shape == (1000, 200)
    assert not array.any()
    array[:] = 2
    assert pool.submit(total, array).result() == 400_000.0
    assert total(pool.submit(fill, array, 9.0).result()) == 1_800_000.0
    assert total(array) == 400_000.0
    array[:] = 3
    assert pool.submit(total, array).result() == 600_000.0


def test_empty_arrays_start_as_zeros_when_memory_is_used_again() -> None:
    for _ in range(5):
        array = ml.empty(100_000)
        assert not array.any()
        array[:] = 1.0
        del array


def test_empty_takes_any_shape_and_refuses_bad_ones() -> None:
    assert ml.empty(0).shape == (0,)
    assert ml.empty(()).shape == ()
    with pytest.raises(ValueError, match="negative"):
        ml.empty((-1, 2))
    with pytest.raises(TypeError, match="objects"):
        ml.empty(3, object)


def shared_kib() -> int:
    """Shared memory this process's file descriptors hold, in KiB."""
    blocks = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if "memfd:multilane" in os.readlink(entry):
                blocks = max(blocks, os.stat(entry).st_blocks // 2)
        except OSError:
            continue
    return blocks


def resident_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def resident_and_shared() -> tuple[int, int]:
    return resident_kib(), shared_kib()


@pytest.mark.slow
def test_memory_is_given_back(pool: ml.Executor) -> None:
    array = np.ones(50 * 1000 * 1000 // 8)

    def round_trips(count: int) -> None:
        for _ in range(count):
            assert pool.submit(first, array).result()[-1] == 1.0

    round_trips(10)
    before = (*resident_and_shared(), *pool.submit(resident_and_shared).result())
    round_trips(200)
    after = (*resident_and_shared(), *pool.submit(resident_and_shared).result())
    # One of 210 arrays that stays would be 49 MB more.
    growth = [late - early for early, late in zip(before, after, strict=True)]
    assert max(growth) < 3 * array.nbytes // 1024, growth


def test_many_small_blocks_are_given_back(pool: ml.Executor) -> None:
    array = np.ones(4000)
    for _ in range(3):
        ml.gather([pool.submit(first, array) for _ in range(1000)])
    before = shared_kib()
    for _ in range(5):
        ml.gather([pool.submit(first, array) for _ in range(1000)])
    assert shared_kib() - before < 1000 * array.nbytes // 1024


def available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


@pytest.mark.slow
def test_a_result_of_more_than_4_gib() -> None:
    size = (4 << 30) + 1
    if available_bytes() < 3 * size:
        pytest.skip("needs 12 GiB of free memory")
    with ml.Executor(1, "processes") as own:
        handle = own.submit(np.zeros, size, np.uint8)
        result = handle.result()
        assert result.nbytes == size
        assert result[-1] == 0
        result[-1] = 5
        assert handle.stats is not None
        assert handle.stats.bytes_out >= size
        del handle, result
        assert own.submit(first, 1).result() == 1
