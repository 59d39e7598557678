"""What a handle says of a task: result, error, state, notes, measurements."""

from __future__ import annotations

import concurrent.futures
import operator
import pickle
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import multilane as ml
from eventually import eventually
from gates import Gate, pass_gate
from tasks import Counter, add, echo, fail, fail_custom, report_then_pass, square


def test_a_result_comes_back(pool: ml.Executor) -> None:
    assert pool.submit(square, 7).result() == 49


def test_positional_and_keyword_arguments_arrive(pool: ml.Executor) -> None:
    assert pool.submit(echo, 1, "a", None, flag=True, fn=2, self=3).result() == (
        (1, "a", None),
        {"flag": True, "fn": 2, "self": 3},
    )


def test_a_handle_is_a_future_of_the_standard_library(pool: ml.Executor) -> None:
    handle = pool.submit(square, 3)
    assert isinstance(handle, concurrent.futures.Future)
    assert handle.result(timeout=60) == handle.get() == 9
    assert handle.done()
    assert not handle.running()
    assert not handle.cancelled()
    assert handle.exception() is None


def test_a_result_is_decoded_once(pool: ml.Executor) -> None:
    handle = pool.submit(echo, [1])
    assert handle.result() is handle.result()


@pytest.mark.parametrize("function", [operator.mul, max, divmod], ids=lambda function: function.__name__)
def test_builtin_functions_run(pool: ml.Executor, function: Any) -> None:
    assert pool.submit(function, 7, 3).result() == function(7, 3)


def test_an_error_keeps_its_type_and_message(pool: ml.Executor) -> None:
    handle = pool.submit(fail, "broken")
    with pytest.raises(ValueError, match="broken") as raised:
        handle.result()
    assert str(raised.value) == "broken"
    assert handle.exception() is raised.value
    assert handle.done()


def test_an_error_shows_where_it_was_raised_and_by_which_call(pool: ml.Executor) -> None:
    error = pool.submit(fail, message="broken").exception()
    shown = "".join(traceback.format_exception(error))
    assert "raise ValueError(message)" in shown
    assert "tasks.fail(message='broken')" in shown


def test_an_error_names_the_place_that_submitted_the_call(pool: ml.Executor) -> None:
    error = pool.submit(fail).exception()
    assert error is not None
    notes = "\n".join(error.__notes__)
    assert "test_results.py" in notes
    assert "test_an_error_names_the_place_that_submitted_the_call" in notes


def test_notes_are_added_once(pool: ml.Executor) -> None:
    handle = pool.submit(fail)
    first, second = handle.exception(), handle.exception()
    assert first is second
    assert first is not None
    assert len(first.__notes__) == len(set(first.__notes__))


def test_an_error_with_a_constructor_of_its_own_arrives(pool: ml.Executor) -> None:
    error = pool.submit(fail_custom).exception()
    assert "7: seven" in str(error)
    assert type(error).__name__ in ("Custom", "RemoteError")


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_errors_outside_exception_arrive_and_the_pool_goes_on(workers: ml.Executor, kind: type[BaseException]) -> None:
    def leave() -> None:
        raise kind("out")

    assert isinstance(workers.submit(leave).exception(), kind)
    assert workers.submit(square, 2).result() == 4


def test_a_call_that_does_not_fit_raises_type_error(pool: ml.Executor) -> None:
    with pytest.raises(TypeError, match="argument"):
        pool.submit(square, 1, 2, 3).result()


def test_what_cannot_be_called_is_refused(pool: ml.Executor) -> None:
    with pytest.raises(TypeError):
        pool.submit(42).result()  # type: ignore[arg-type]


def test_done_callbacks_run_once_with_the_handle(workers: ml.Executor, gate: Gate) -> None:
    handle = workers.submit(pass_gate, gate.path, 5)
    seen: list[Any] = []
    handle.add_done_callback(seen.append)
    handle.add_done_callback(seen.append)
    assert seen == []
    gate.open()
    eventually(lambda: len(seen) == 2, "both callbacks")
    handle.add_done_callback(seen.append)
    assert seen == [handle] * 3


def test_an_error_in_a_callback_is_logged_and_spoils_nothing(
    pool: ml.Executor, caplog: pytest.LogCaptureFixture
) -> None:
    handle = pool.submit(square, 2)
    seen: list[Any] = []
    handle.add_done_callback(lambda _: fail("in the callback"))
    handle.add_done_callback(seen.append)
    eventually(lambda: seen, "the second callback")
    eventually(lambda: "in the callback" in caplog.text, "the log")
    assert handle.result() == 4


def test_a_callback_may_submit_and_ask(workers: ml.Executor) -> None:
    results: list[Any] = []

    def go_on(handle: Any) -> None:
        if handle.result() < 1000:
            workers.submit(square, handle.result()).add_done_callback(go_on)
        else:
            results.append(handle.result())

    workers.submit(square, 3).add_done_callback(go_on)
    eventually(lambda: results == [6561], "the chain of callbacks")


def test_on_complete_gets_results_and_on_error_errors(pool: ml.Executor) -> None:
    results: list[Any] = []
    errors: list[BaseException] = []
    good, bad = pool.submit(square, 3), pool.submit(fail, "bad")
    for handle in (good, bad):
        assert handle.on_complete(results.append).on_error(errors.append) is handle
    eventually(lambda: results and errors, "both callbacks")
    assert results == [9]
    assert [str(error) for error in errors] == ["bad"]


def test_progress_is_seen_while_the_task_runs(workers: ml.Executor, gate: Gate) -> None:
    handle = workers.submit(report_then_pass, 3, 12, gate.path)
    eventually(lambda: handle.progress is not None, "progress")
    assert handle.progress == ml.Progress(3, 12)
    gate.open()
    assert handle.result() is None


def test_progress_without_a_total(workers: ml.Executor, gate: Gate) -> None:
    handle = workers.submit(report_then_pass, 3, None, gate.path)
    eventually(lambda: handle.progress is not None, "progress")
    assert handle.progress is not None
    assert handle.progress.fraction is None
    gate.open()
    handle.result()


def report_twice(first: str, second: str) -> None:
    pass_gate(first)
    ml.report_progress(1, 2)
    pass_gate(second)


def test_on_progress_hears_reports(workers: ml.Executor, make_gate: Any) -> None:
    first, second = make_gate(), make_gate()
    handle = workers.submit(report_twice, first.path, second.path)
    eventually(handle.running, "the start")
    heard: list[tuple[int, int | None]] = []
    assert handle.on_progress(lambda done, total: heard.append((done, total))) is handle
    first.open()
    eventually(lambda: heard == [(1, 2)], "the report")
    second.open()
    handle.result()


def test_on_progress_may_be_asked_for_before_the_start(workers: ml.Executor, make_gate: Any) -> None:
    block, first, second = make_gate(), make_gate(), make_gate()
    blockers = [workers.submit(pass_gate, block.path) for _ in range(2)]
    handle = workers.submit(report_twice, first.path, second.path)
    heard: list[tuple[int, int | None]] = []
    handle.on_progress(lambda done, total: heard.append((done, total)))
    block.open(2)
    first.open()
    eventually(lambda: heard == [(1, 2)], "the report")
    second.open()
    ml.gather(handle, *blockers)


def test_reporting_progress_outside_a_task_does_nothing() -> None:
    assert ml.report_progress(1, 2) is False


def test_try_get_never_waits(workers: ml.Executor, gate: Gate) -> None:
    handle = workers.submit(pass_gate, gate.path, "there")
    assert handle.try_get() is None
    assert handle.try_get("not yet") == "not yet"
    gate.open()
    assert handle.result() == "there"
    assert handle.try_get("not yet") == "there"


def test_try_get_raises_the_error_of_the_task(pool: ml.Executor) -> None:
    handle = pool.submit(fail, "bad")
    handle.exception()
    with pytest.raises(ValueError, match="bad"):
        handle.try_get()


def test_waiting_ends_after_the_timeout(workers: ml.Executor, gate: Gate) -> None:
    handle = workers.submit(pass_gate, gate.path)
    for wait in (handle.result, handle.exception):
        for timeout in (0, 0.01, -1):
            with pytest.raises(TimeoutError):
                wait(timeout=timeout)
    assert not handle.done()
    gate.open()
    handle.result()


def test_states_of_a_task(workers: ml.Executor, gate: Gate) -> None:
    running = [workers.submit(pass_gate, gate.path) for _ in range(2)]
    pending = workers.submit(square, 2)
    for handle in running:
        eventually(handle.running, "the start")
    assert not pending.running()
    assert not pending.done()
    assert "pending" in repr(pending)
    assert "running" in repr(running[0])
    gate.open(2)
    assert pending.result() == 4
    assert "finished" in repr(pending)


def test_names_come_from_the_function_or_the_caller(pool: ml.Executor) -> None:
    assert pool.submit(square, 2).name == "tasks.square"
    assert pool.submit(Counter(3).add, 2).name == "tasks.Counter.add"
    assert pool.submit_with(square, (2,), name="area").name == "area"


def test_metadata_belongs_to_one_handle(pool: ml.Executor) -> None:
    first, second = pool.submit(square, 1), pool.submit(square, 2)
    first.metadata["colour"] = "red"
    assert first.metadata == {"colour": "red"}
    assert second.metadata == {}


def test_stats_add_up(pool: ml.Executor) -> None:
    handle = pool.submit(sum, list(range(100_000)))
    handle.result()
    stats = handle.stats
    assert stats is not None
    assert stats.attempts == 1
    assert stats.worker >= 0
    assert 0 < stats.wall <= handle.elapsed
    assert stats.cpu >= 0
    assert stats.wait >= 0
    if pool.backend == "processes":
        assert stats.bytes_in > 200_000
        assert stats.bytes_out > 0


def test_elapsed_grows_until_the_end(workers: ml.Executor, gate: Gate) -> None:
    handle = workers.submit(pass_gate, gate.path)
    before = handle.elapsed
    eventually(lambda: handle.elapsed > before, "time")
    gate.open()
    handle.result()
    assert handle.elapsed == handle.elapsed


def test_a_handle_refuses_what_only_its_pool_may_do(pool: ml.Executor) -> None:
    handle = pool.submit(square, 2)
    with pytest.raises(concurrent.futures.InvalidStateError):
        handle.set_result(5)
    with pytest.raises(concurrent.futures.InvalidStateError):
        handle.set_exception(None)
    with pytest.raises(TypeError, match="submitting"):
        ml.Handle()
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(handle)


def test_waiting_for_several_counts_each_end_once(pool: ml.Executor, make_gate: Callable[[], Gate]) -> None:
    if pool.backend == "serial":
        pytest.skip("a task has ended when it is submitted")
    gates = [make_gate(), make_gate()]
    first, second = (pool.submit(pass_gate, gate.path) for gate in gates)
    held, announced = threading.Event(), threading.Event()
    first.add_done_callback(lambda _: held.wait())
    # What tells waiters of the end comes behind the callback that is held up.
    _ = first._condition
    first.add_done_callback(lambda _: announced.set())
    gates[0].open()
    eventually(first.done, "the first is done, its waiters not told yet")
    waited: list[Any] = []
    waiter = threading.Thread(target=lambda: waited.append(ml.wait([first, second])))
    waiter.start()
    eventually(lambda: second._waiters, "somebody waits for both")
    held.set()
    announced.wait()
    gates[1].open()
    waiter.join()
    assert waited[0].done == {first, second}


def test_metrics_count_per_function(pool: ml.Executor) -> None:
    name = f"metrics in {pool.backend}"
    before = ml.metrics().get(name)
    assert before is None
    handles = [pool.submit_with(add, (1, n), name=name) for n in (1, 2, "3")]
    ml.wait(handles)
    measured = ml.metrics()[name]
    assert (measured.count, measured.failures) == (3, 1)
    assert 0 <= measured.p50 <= measured.p90 <= measured.p99 <= measured.max * 1.13
    assert measured.total >= measured.max
