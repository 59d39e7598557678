"""`map` and `starmap`: order, chunks, endless inputs, errors."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from eventually import eventually
from gates import Gate, pass_gate
from tasks import add, append, echo, fail_on, lines, square


def test_results_come_in_order(pool: ml.Executor) -> None:
    assert list(pool.map(square, range(1000))) == [n * n for n in range(1000)]


@pytest.mark.parametrize("chunksize", [1, 2, 7, 100, 5000])
def test_any_chunk_size_gives_the_same(pool: ml.Executor, chunksize: int) -> None:
    assert list(pool.map(square, range(100), chunksize=chunksize)) == [n * n for n in range(100)]
    assert sorted(pool.map(square, range(100), chunksize=chunksize, ordered=False)) == [n * n for n in range(100)]


def test_the_shortest_iterable_ends_it(pool: ml.Executor) -> None:
    assert list(pool.map(add, [1, 2, 3], itertools.count(10))) == [11, 13, 15]
    assert list(pool.map(add, itertools.count(10), [1, 2])) == [11, 13]


def test_nothing_gives_nothing(pool: ml.Executor) -> None:
    assert list(pool.map(square, [])) == []
    assert list(pool.map(add, [1], [])) == []
    assert list(pool.starmap(add, [])) == []


def test_starmap_takes_tuples(pool: ml.Executor) -> None:
    assert list(pool.starmap(add, ((n, 1) for n in range(50)))) == list(range(1, 51))
    assert list(pool.starmap(echo, [(), (1,), (1, 2)], chunksize=2)) == [((), {}), ((1,), {}), ((1, 2), {})]


def test_inputs_of_any_kind(pool: ml.Executor) -> None:
    items: list[Any] = [1, 2.5, "text", None, True, b"bytes", [1], {"a": 1}, (1, 2), 2**80]
    assert [row[0][0] for row in pool.map(echo, items)] == items


def test_a_map_of_many_calls(pool: ml.Executor) -> None:
    assert sum(pool.map(square, range(50_000))) == sum(n * n for n in range(50_000))


class Source:
    """An endless input that knows how far it was read."""

    def __init__(self) -> None:
        self.read = 0
        self.closed = False

    def __iter__(self) -> Iterator[int]:
        try:
            while True:
                yield self.read
                self.read += 1
        finally:
            self.closed = True


@pytest.mark.parametrize("ordered", [True, False])
def test_an_endless_input_is_read_a_bounded_way_ahead(pool: ml.Executor, ordered: bool) -> None:
    source = Source()
    results = pool.map(square, source, chunksize=3, ordered=ordered)
    first = list(itertools.islice(results, 30))
    assert len(first) == 30
    assert source.read <= 30 + 3 * 2 * 16
    if ordered:
        assert first == [n * n for n in range(30)]


def test_nobody_reads_ahead_of_a_slow_consumer(workers: ml.Executor) -> None:
    source = Source()
    results = workers.map(square, source, chunksize=1)
    next(results)
    read = source.read
    # Workers finish all that is in flight; the input stays where it was.
    workers.submit(square, 1).result()
    assert source.read == read


def test_stopping_early_cancels_what_has_not_started(concurrent: str, gate: Gate, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    with ml.Executor(1, concurrent) as pool:
        results = pool.map(append, itertools.repeat(log), itertools.count(), itertools.repeat(7), chunksize=1)
        assert next(results) == 7
        blocker = pool.submit_with(pass_gate, (gate.path,), priority=1)
        eventually(blocker.running, "the start")
        before = len(lines(log))
        results.close() if hasattr(results, "close") else None
        del results
        gc.collect()
        gate.open()
        pool.submit(square, 1).result()
        assert len(lines(log)) == before


def test_an_error_is_raised_in_its_place(pool: ml.Executor) -> None:
    for chunksize in (1, 10, None):
        results = pool.map(fail_on, range(100), itertools.repeat(25), chunksize=chunksize)
        seen = []
        with pytest.raises(ValueError, match="25 is bad"):
            for result in results:
                seen.append(result)  # kept up to the error
        assert seen == list(range(25))
        assert list(results) == []


def test_an_error_names_the_call_of_the_function(pool: ml.Executor) -> None:
    with pytest.raises(ValueError, match="3 is bad") as raised:
        list(pool.map(fail_on, range(10), itertools.repeat(3), chunksize=5))
    notes = "\n".join(raised.value.__notes__)
    assert "tasks.fail_on(3, 3)" in notes


def test_an_error_of_the_input_is_raised(pool: ml.Executor) -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(pool.map(square, items()))
    assert pool.submit(square, 2).result() == 4


def test_a_map_times_out(workers: ml.Executor, gate: Gate) -> None:
    results = workers.map(pass_gate, [gate.path], timeout=0.01)
    with pytest.raises(TimeoutError):
        next(results)
    gate.open()


def test_unordered_results_come_as_they_are_done(workers: ml.Executor, gate: Gate) -> None:
    def maybe_wait(number: int, path: str) -> int:
        if number == 0:
            pass_gate(path)
        return number

    results = workers.map(maybe_wait, range(8), itertools.repeat(gate.path), chunksize=1, ordered=False)
    first = [next(results) for _ in range(7)]
    assert sorted(first) == [1, 2, 3, 4, 5, 6, 7]
    gate.open()
    assert list(results) == [0]


def test_a_map_runs_without_being_read(concurrent: str, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    with ml.Executor(2, concurrent) as pool:
        results = pool.map(append, [log] * 4, range(4), chunksize=1)
        eventually(lambda: len(lines(log)) == 4, "the calls")
        assert list(results) == [None] * 4


@pytest.mark.parametrize("chunksize", [0, -1, 1.5])
def test_a_bad_chunk_size_is_refused(pool: ml.Executor, chunksize: Any) -> None:
    with pytest.raises(ValueError, match="chunksize"):
        pool.map(square, [1], chunksize=chunksize)


def test_what_cannot_be_called_is_refused(pool: ml.Executor) -> None:
    with pytest.raises(TypeError):
        pool.map(3, [1])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        pool.map(square, 3)  # type: ignore[arg-type]


def test_the_module_has_maps_of_its_own(backend: str) -> None:
    assert list(ml.map(square, range(5), workers=1, backend=backend)) == [0, 1, 4, 9, 16]
    assert list(ml.starmap(add, [(1, 2)], workers=1, backend=backend)) == [3]


def test_two_maps_run_side_by_side(workers: ml.Executor) -> None:
    one, two = workers.map(square, range(100)), workers.map(square, range(100, 200))
    pairs = list(zip(one, two, strict=True))
    assert pairs == [(n * n, (n + 100) ** 2) for n in range(100)]


def test_an_array_is_mapped_element_by_element(pool: ml.Executor) -> None:
    import numpy as np

    results = list(pool.map(square, np.arange(300)))
    assert [int(value) for value in results] == [n * n for n in range(300)]
    rows = np.arange(300.0).reshape(100, 3)
    assert [float(total) for total in pool.map(np.sum, rows)] == rows.sum(axis=1).tolist()
