"""What cannot go between processes: a clear error for its own task, and the pool goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import multilane as ml
from faulty import (
    Unpicklable,
    UnpicklableError,
    UnprintableError,
    Unreadable,
    UnreadableError,
    make,
    throw,
)
from tasks import Custom, echo, fail_custom, square


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[ml.Executor]:
    with ml.Executor(1, "processes") as pool:
        yield pool


@pytest.fixture
def pool(shared_pool: ml.Executor) -> Iterator[ml.Executor]:
    yield shared_pool
    assert shared_pool.submit(square, 4).result() == 16


@pytest.mark.parametrize(
    "value", [Unpicklable(), threading.Lock(), (n for n in range(3))], ids=["own", "lock", "generator"]
)
def test_arguments_that_cannot_be_pickled(pool: ml.Executor, value: object) -> None:
    with pytest.raises((ml.SerializationError, RuntimeError), match="pickle"):
        pool.submit(echo, value).result()


def test_arguments_that_cannot_be_read(pool: ml.Executor) -> None:
    with pytest.raises(RuntimeError, match="cannot be read"):
        pool.submit(echo, Unreadable()).result()


def test_results_that_cannot_be_pickled(pool: ml.Executor) -> None:
    with pytest.raises(ml.SerializationError, match=r"the result of `faulty\.make` cannot be sent"):
        pool.submit(make, Unpicklable).result()
    with pytest.raises(ml.SerializationError, match="lock"):
        pool.submit(threading.Lock).result()


def test_results_that_cannot_be_read(pool: ml.Executor) -> None:
    handle = pool.submit(make, Unreadable)
    with pytest.raises(ml.SerializationError, match="cannot be read in this process"):
        handle.result()
    assert isinstance(handle.exception(), ml.SerializationError)


@pytest.mark.parametrize("kind", [UnpicklableError, UnreadableError])
def test_errors_that_cannot_travel_keep_their_words(pool: ml.Executor, kind: type[BaseException]) -> None:
    with pytest.raises(ml.RemoteError, match="thrown") as raised:
        pool.submit(throw, kind).result()
    assert raised.value.type_name == f"faulty.{kind.__name__}"
    assert "raise kind" in str(raised.value.__cause__)


def test_errors_that_cannot_be_printed_arrive(pool: ml.Executor) -> None:
    error = pool.submit(throw, UnprintableError).exception()
    assert type(error).__name__ in ("UnprintableError", "RemoteError")


def test_errors_with_a_constructor_of_their_own(pool: ml.Executor) -> None:
    error = pool.submit(fail_custom).exception()
    assert isinstance(error, (Custom, ml.RemoteError))
    assert "7: seven" in str(error)


def test_a_function_whose_module_does_not_import_in_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ml.Executor(1, "processes") as pool:
        pool.wait_ready(60)
        # The worker was started before the folder was known.
        (tmp_path / "only_here.py").write_text("def answer():\n    return 42\n")
        monkeypatch.syspath_prepend(tmp_path)
        import only_here  # type: ignore[import-not-found]

        with pytest.raises(ModuleNotFoundError, match="only_here"):
            pool.submit(only_here.answer).result()
        assert pool.submit(square, 2).result() == 4


def test_an_initializer_that_cannot_be_pickled() -> None:
    lock = threading.Lock()
    with pytest.raises(ml.SerializationError, match="initializer"):
        ml.Executor(1, "processes", initializer=echo, initargs=(lock,))


def test_a_bad_item_fails_a_map(pool: ml.Executor) -> None:
    with pytest.raises((ml.SerializationError, RuntimeError), match="pickle"):
        list(pool.map(echo, [1, Unpicklable(), 2]))
