"""Pipelines carry every item once, in order, hold few of them, and end however they are left."""

from __future__ import annotations

import gc
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import multilane as ml
from crew import Crew
from eventually import eventually
from gates import Gate
from patterns.stages import (
    die_of_seven,
    in_a_task,
    plus_one,
    refuse_seven,
    stop_iteration,
    twice,
    unsendable,
    wait_at,
)


def threads_of(name: str) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(name)]


@pytest.mark.parametrize(("workers", "buffer", "ordered"), [(1, 1, True), (3, 2, True), (3, 4, False)])
def test_gives_what_a_loop_gives(backend: str, workers: int, buffer: int, ordered: bool) -> None:
    stages = ml.Stage(plus_one, workers=workers), ml.Stage(twice, workers=workers), str
    with ml.pipeline(*stages, backend=backend, buffer=buffer, ordered=ordered) as pipeline:
        for size in (0, 1, 50):
            expected = [str(2 * (number + 1)) for number in range(size)]
            found = list(pipeline(range(size)))
            assert (found if ordered else sorted(found, key=int)) == expected


def test_order_is_kept_past_items_that_take_longer() -> None:
    second_done = threading.Event()

    def slow_first(number: int) -> int:
        if number == 0:
            second_done.wait()
        elif number == 1:
            second_done.set()
        return number

    with ml.pipeline(ml.Stage(slow_first, workers=2), plus_one, backend="threads") as pipeline:
        assert list(pipeline(range(10))) == list(range(1, 11))


def test_without_order_nothing_waits_for_an_item_that_takes_longer() -> None:
    let_go = threading.Event()

    def slow_first(number: int) -> int:
        if number == 0:
            let_go.wait()
        return number

    with ml.pipeline(ml.Stage(slow_first, workers=2), plus_one, backend="threads", ordered=False) as pipeline:
        run = pipeline(range(10))
        first = [next(run) for _ in range(9)]
        assert sorted(first) == list(range(2, 11))
        let_go.set()
        assert list(run) == [1]


def test_stages_work_on_different_items_at_the_same_time() -> None:
    # Each stage waits until the other is at work too: with one item at a time neither would ever be.
    meeting = threading.Barrier(2)

    def meet(number: int) -> int:
        meeting.wait(60)
        return number

    def first(number: int) -> int:
        return meet(number) if number > 0 else number

    def second(number: int) -> int:
        return meet(number) if number < 9 else number

    with ml.pipeline(first, second, backend="threads") as pipeline:
        assert list(pipeline(range(10))) == list(range(10))


@pytest.mark.parametrize("buffer", [1, 4])
def test_reads_an_endless_source_no_further_than_it_has_room(backend: str, buffer: int) -> None:
    read = 0

    def source() -> Iterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    with ml.pipeline(plus_one, twice, backend=backend, buffer=buffer) as pipeline:
        run = pipeline(source())
        # One in the hands of the reader of the source, three channels, and in each stage one more than it has workers
        # and what waits for its turn.
        bound = 1 + 3 * buffer + 2 * (2 + buffer)
        for taken in range(1, 40):
            assert next(run) == 2 * (taken + 1)
            assert read <= taken + bound
        run.close()
        assert read <= 39 + bound


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_comes_in_its_place_and_names_stage_and_item(backend: str, workers: int) -> None:
    with ml.pipeline(
        plus_one, ml.Stage(refuse_seven, workers=workers), twice, backend=backend, name="numbers"
    ) as pipeline:
        run = pipeline(itertools.count())
        found = []
        with pytest.raises(ValueError, match="7 is refused") as raised:
            for result in run:
                found.append(result)
        assert found == [2 * number for number in range(1, 7)]
        assert any(
            "the stage `patterns.stages.refuse_seven` of the pipeline `numbers`, for item 6" in note
            for note in raised.value.__notes__
        )
        assert list(run) == []
        assert list(pipeline(range(3))) == [2, 4, 6]


def test_kept_errors_stand_in_the_place_of_results(backend: str) -> None:
    with ml.pipeline(ml.Stage(refuse_seven, workers=2), plus_one, backend=backend, errors="keep") as pipeline:
        found = list(pipeline(range(10)))
    failure = found[7]
    assert isinstance(failure, ml.StageFailure)
    assert (failure.item, failure.stage) == (7, "patterns.stages.refuse_seven")
    assert isinstance(failure.error, ValueError)
    assert found[:7] + found[8:] == [1, 2, 3, 4, 5, 6, 7, 9, 10]


def test_an_error_of_the_source_comes_after_what_it_gave(backend: str) -> None:
    def source() -> Iterator[int]:
        yield from range(3)
        raise OSError("unplugged")

    with ml.pipeline(plus_one, backend=backend, errors="keep") as pipeline:
        run = pipeline(source())
        assert [next(run) for _ in range(3)] == [1, 2, 3]
        with pytest.raises(OSError, match="unplugged") as raised:
            next(run)
        assert "the source of the pipeline `pipeline`, for item 3" in raised.value.__notes__[-1]


def test_a_stage_that_raises_stop_iteration_does_not_end_the_results(backend: str) -> None:
    with ml.pipeline(stop_iteration, backend=backend) as pipeline, pytest.raises(RuntimeError, match="StopIteration"):
        list(pipeline(range(3)))


def test_retries() -> None:
    tried: set[int] = set()

    def second_time(number: int) -> int:
        if number in tried:
            return number
        tried.add(number)
        raise OSError("not yet")

    for backend in ("serial", "threads"):
        tried.clear()
        with ml.pipeline(ml.Stage(second_time, retries=1), backend=backend) as pipeline:
            assert list(pipeline([3, 4])) == [3, 4]


def test_a_worker_that_dies_costs_its_item_only() -> None:
    with ml.pipeline(die_of_seven, plus_one, backend="processes", errors="keep") as pipeline:
        found = list(pipeline(range(12)))
    assert isinstance(found[7], ml.StageFailure)
    assert isinstance(found[7].error, ml.WorkerDied)
    assert found[:7] + found[8:] == [number + 1 for number in range(12) if number != 7]


def test_what_cannot_go_to_a_process_is_an_error_of_its_item() -> None:
    with ml.pipeline(plus_one, unsendable, backend="processes") as pipeline:
        with pytest.raises(ml.SerializationError, match="unsendable"):
            list(pipeline([1]))
        with pytest.raises(ml.SerializationError, match="plus_one"):
            list(pipeline([threading.Lock()]))


def test_stages_on_different_backends() -> None:
    here = os.getpid()

    def is_here(pid: int) -> bool:
        return pid == here

    def pid_of(_: int) -> int:
        return os.getpid()

    stages = ml.Stage(pid_of, backend="processes", workers=2), ml.Stage(is_here, backend="threads")
    with ml.pipeline(*stages) as pipeline:
        assert list(pipeline(range(5))) == [False] * 5


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 4), st.booleans())
def test_whatever_is_read_is_delivered_or_named(taken: int, size: int, buffer: int, ordered: bool) -> None:
    read: list[int] = []

    def source() -> Iterator[int]:
        for number in range(size):
            read.append(number)
            yield number

    with ml.pipeline(
        ml.Stage(plus_one, workers=2), twice, backend="threads", buffer=buffer, ordered=ordered
    ) as pipeline:
        run = pipeline(source())
        delivered = [result // 2 - 1 for result in itertools.islice(run, taken)]
        run.close()
        eventually(lambda: not threads_of("pipeline: source"), "the end of the reader of the source")
        assert sorted(delivered + run.undelivered) == read


def test_closing_stops_calls_in_processes_and_ends_the_threads(gate: Gate) -> None:
    with ml.pipeline(wait_at(gate.path), backend="processes", name="held") as pipeline:
        run = pipeline(range(5))
        gate.open()
        assert next(run) == 0
        run.close()
        assert set(run.undelivered) <= {1, 2, 3, 4}
        eventually(lambda: not threads_of("held"), "the end of the threads")
        with pytest.raises(CancelledError, match="`held` was closed"):
            next(run)
        gate.open(10)
        assert list(pipeline(range(2))) == [0, 1]


def test_closing_wakes_who_waits_for_a_result(crew: Crew, concurrent: str, gate: Gate) -> None:
    pipeline = ml.pipeline(wait_at(gate.path), backend=concurrent)
    run = pipeline(range(5))
    waits = threading.Event()

    def take() -> object:
        waits.set()
        try:
            return next(run)
        except CancelledError as error:
            return str(error)

    crew.start("takes", take)
    waits.wait()
    run.close()
    crew.join()
    assert "closed before its end" in crew.results["takes"]
    gate.open(10)
    pipeline.close()


def test_letting_go_of_a_run_ends_its_threads(concurrent: str) -> None:
    with ml.pipeline(plus_one, backend=concurrent, name="dropped") as pipeline:
        run = pipeline(itertools.count())
        assert next(run) == 1
        assert threads_of("dropped")
        del run
        gc.collect()
        eventually(lambda: not threads_of("dropped"), "the end of the threads")
        assert list(pipeline(range(2))) == [1, 2]


def test_two_runs_at_once_do_not_mix(concurrent: str) -> None:
    with ml.pipeline(plus_one, twice, backend=concurrent) as pipeline:
        one, other = pipeline(range(100)), pipeline(range(100, 200))
        mixed = list(zip(one, other, strict=True))
    assert mixed == [(2 * (n + 1), 2 * (n + 101)) for n in range(100)]


def test_counts_what_each_stage_did(backend: str) -> None:
    with ml.pipeline(plus_one, ml.Stage(twice, name="double"), backend=backend) as pipeline:
        run = pipeline(range(30))
        assert len(list(run)) == 30
        stages = run.stages
    assert [(stage.name, stage.items) for stage in stages] == [("patterns.stages.plus_one", 30), ("double", 30)]
    assert all(stage.busy > 0 and 0 < stage.utilisation <= 1 for stage in stages)


def test_a_recording_has_every_call(concurrent: str) -> None:
    with ml.pipeline(plus_one, ml.Stage(twice, workers=2), backend=concurrent) as pipeline:
        assert list(pipeline(range(5))) == [2, 4, 6, 8, 10]
        with ml.record() as recording:
            assert list(pipeline(range(20))) == [2 * (number + 1) for number in range(20)]
        assert recording.trace is not None
        names = [task["function"].rpartition(".")[2] for task in recording.trace.tasks()]
        assert sorted(names) == ["plus_one"] * 20 + ["twice"] * 20


def test_a_run_of_the_parent_refuses_the_child_of_a_fork() -> None:
    with ml.pipeline(plus_one, backend="threads") as pipeline:
        run = pipeline(range(3))
        pid = os.fork()
        if pid == 0:
            try:
                next(run)
            except RuntimeError as error:
                os._exit(0 if "belongs to the process that forked" in str(error) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert list(run) == [1, 2, 3]


def test_inside_of_a_task() -> None:
    with ml.Executor(1, "processes") as pool:
        for backend in ("auto", "threads", "serial"):
            assert pool.submit(in_a_task, backend).result() == [2, 4, 6, 8, 10]
        with pytest.raises(ml.BackendUnavailable, match="use backend='threads'"):
            pool.submit(in_a_task, "processes").result()


def test_a_closed_pipeline_refuses_further_runs() -> None:
    with ml.pipeline(plus_one, backend="threads", name="over") as pipeline:
        pass
    with pytest.raises(RuntimeError, match="`over` is closed"):
        pipeline(range(3))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ml.pipeline(), TypeError, "at least one stage"),
        (lambda: ml.pipeline(3), TypeError, "not 3"),  # type: ignore[arg-type]
        (lambda: ml.pipeline(abs, buffer=0), ValueError, "`buffer` is 0"),
        (lambda: ml.pipeline(abs, buffer=None), ValueError, "bounded"),  # type: ignore[arg-type]
        (lambda: ml.pipeline(abs, errors="drop"), ValueError, "`errors` is 'drop'"),
        (lambda: ml.pipeline(abs, backend="magic"), ValueError, "no backend 'magic'"),
        (lambda: ml.pipeline(ml.Stage(abs, workers=0)), ValueError, "`workers` is 0"),
        (lambda: ml.pipeline(ml.Stage(abs, backend="serial"), abs, backend="threads"), ValueError, "`abs` is serial"),
        (lambda: ml.pipeline(abs, backend="threads")(3), TypeError, "iterable"),  # type: ignore[arg-type]
    ],
)
def test_says_what_is_wrong_with_it(make: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
