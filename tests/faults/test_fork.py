"""A program that forks while a pool is alive: the child is on its own, the parent undisturbed."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import multilane as ml
from tasks import square


def in_child(body: Callable[[], object]) -> None:
    """Run ``body`` in a fork that ends like a program; fail when it fails."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            body()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.fixture(params=["threads", "processes"])
def pool(request: pytest.FixtureRequest) -> Iterator[ml.Executor]:
    with ml.Executor(2, request.param) as pool:
        assert ml.gather([pool.submit(square, n) for n in range(10)]) == [n * n for n in range(10)]
        yield pool
        assert ml.gather([pool.submit(square, n) for n in range(100)]) == [n * n for n in range(100)]


def test_the_child_makes_a_pool_of_its_own(pool: ml.Executor) -> None:
    def body() -> None:
        with ml.Executor(1, pool.backend) as own:
            assert own.submit(square, 5).result() == 25
            assert list(own.map(square, range(5))) == [0, 1, 4, 9, 16]

    in_child(body)


def test_the_executor_of_the_parent_refuses_the_child(pool: ml.Executor) -> None:
    def body() -> None:
        with pytest.raises(RuntimeError, match="fork"):
            pool.submit(square, 5)
        with pytest.raises(RuntimeError, match="fork"):
            pool.submit_with(square, (5,), retries=1)
        with pytest.raises(RuntimeError, match="fork"):
            pool.map(square, range(5))
        pool.shutdown()
        pool.kill()

    in_child(body)


def test_an_unfinished_handle_of_the_parent_raises_in_the_child(pool: ml.Executor) -> None:
    # Waits for something that only the parent can finish.
    read, write = os.pipe()
    with ml.Executor(1, "threads") as threads:
        handle = threads.submit(os.read, read, 1)

        def body() -> None:
            with pytest.raises(RuntimeError, match="forked"):
                handle.result()

        in_child(body)
        os.write(write, b"x")
        assert handle.result() == b"x"
    os.close(read)
    os.close(write)


def test_a_finished_handle_is_read_in_the_child(pool: ml.Executor) -> None:
    handle = pool.submit(square, 6)
    handle.result()
    in_child(lambda: handle.result() == 36 or os._exit(1))


def test_a_child_that_ends_with_its_destructors_disturbs_nothing(pool: ml.Executor) -> None:
    shared = ml.share(np.arange(1_000_000))
    result = pool.submit(np.full, 1_000_000, 7.0).result()
    pid = os.fork()
    if pid == 0:
        try:
            pool.shutdown(wait=False)
            del shared, result
            pool._pool = None
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert int(shared.sum()) == 499_999_500_000
    assert float(result.sum()) == 7_000_000.0
    assert pool.submit(np.sum, shared).result() == 499_999_500_000


def _square_in_pool(number: int) -> int:
    with ml.Executor(1, "threads") as own:
        return int(own.submit(square, number).result())


def test_multiprocessing_forks_work_beside_a_pool(pool: ml.Executor) -> None:
    with multiprocessing.get_context("fork").Pool(2) as other:
        assert other.map(_square_in_pool, range(4)) == [0, 1, 4, 9]


def test_the_default_pool_is_made_again_in_the_child() -> None:
    assert list(ml.map(square, range(3), workers=1)) == [0, 1, 4]
    in_child(lambda: list(ml.map(square, range(3), workers=1)) == [0, 1, 4] or os._exit(1))
    assert list(ml.map(square, range(3), workers=1)) == [0, 1, 4]


def test_a_child_that_runs_circuits_leaves_the_states_of_its_parent() -> None:
    """The memory of dropped states is used again, by parent and child each for itself."""
    pair = ml.quantum.Circuit(17).h(0).cx(0, 16)
    expected = np.zeros(1 << 17, complex)
    expected[[0, 1 | 1 << 16]] = 0.5**0.5
    # Dropped at once: what follows lies in its memory, or in the child's copy of it.
    pair.run()
    pair.run()
    kept = pair.run().state()

    def body() -> None:
        for _ in range(2):
            other = ml.quantum.Circuit(17).x(3).run().state()
            assert other[8] == 1
            assert np.count_nonzero(other) == 1
        np.testing.assert_allclose(kept, expected)

    in_child(body)
    np.testing.assert_allclose(kept, expected)
    np.testing.assert_allclose(pair.run().state(), expected)
