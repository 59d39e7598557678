"""What a pool is: its workers, their set-up and limits, its end."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from eventually import eventually
from gates import Gate, pass_gate
from tasks import append, echo, fail, lines, set_up, setting, settings, square, where


def test_a_backend_says_why_it_was_chosen(backend: str) -> None:
    with ml.Executor(1, backend) as pool:
        assert pool.backend == backend
        assert pool.backend_reason


def test_auto_names_a_backend_and_a_reason() -> None:
    with ml.Executor(1) as pool:
        assert pool.backend in ("threads", "processes")
        assert "Python" in pool.backend_reason


def test_by_default_there_is_a_worker_per_usable_processor(backend: str) -> None:
    with ml.Executor(backend=backend) as pool:
        assert 1 <= pool.workers <= len(os.sched_getaffinity(0))


def test_max_workers_is_another_name() -> None:
    with ml.Executor(max_workers=3, backend="threads") as pool:
        assert pool.workers == 3


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0},
        {"workers": -1},
        {"workers": 1.5},
        {"workers": True},
        {"max_pending": 0},
        {"memory_limit": -1},
        {"max_tasks_per_worker": 0},
        {"native_threads": 0},
        {"backend": "magic"},
        {"max_workers": 0},
    ],
    ids=str,
)
def test_bad_options_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ml.Executor(**options)


@pytest.mark.parametrize(
    "options",
    [{"workers": 0}, {"timeout": -1}, {"retries": -1}, {"max_pending": 0}, {"backend": "magic"}],
    ids=str,
)
def test_bad_options_of_parallel_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ml.parallel(**options)


def test_an_initializer_that_cannot_be_called_is_refused(backend: str) -> None:
    with pytest.raises(TypeError, match="initializer"):
        ml.Executor(1, backend, initializer="no")  # type: ignore[arg-type]


def test_workers_are_where_the_backend_says(backend: str) -> None:
    with ml.Executor(1, backend) as pool:
        process, thread = pool.submit(where).result()
        assert (process == os.getpid()) == (backend != "processes")
        if backend != "processes":
            assert (thread == threading.get_ident()) == (backend == "serial")
        assert (process in pool.worker_pids()) == (backend == "processes")


def test_the_initializer_runs_in_every_worker_before_its_tasks(backend: str) -> None:
    settings.clear()
    with ml.Executor(2, backend, initializer=set_up, initargs=("colour", "red")) as pool:
        assert [handle.result() for handle in [pool.submit(setting, "colour") for _ in range(20)]] == ["red"] * 20
    settings.clear()


def test_the_initializer_may_be_a_closure(backend: str) -> None:
    seen: list[int] = []
    with ml.Executor(1, backend, initializer=lambda value: seen.append(value), initargs=(5,)) as pool:
        assert pool.submit(square, 2).result() == 4
    assert seen == ([] if backend == "processes" else [5])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failing_initializer_breaks_the_pool_and_says_why(backend: str, capfd: pytest.CaptureFixture[str]) -> None:
    pool = ml.Executor(2, backend, initializer=fail, initargs=("bad set-up",))
    try:
        with pytest.raises(ml.BrokenPool, match="bad set-up"):
            pool.submit(square, 2).result()
        with pytest.raises(ml.BrokenPool, match="bad set-up"):
            for _ in range(100):
                pool.submit(square, 2).result()
        assert pool.wait_ready(60) is False
    finally:
        pool.shutdown()


def test_wait_ready_waits_for_the_workers(backend: str) -> None:
    with ml.Executor(2, backend) as pool:
        assert pool.wait_ready(60)
        assert len(pool.worker_pids()) == (2 if backend == "processes" else 0)


def test_workers_make_room_after_their_tasks(tmp_path: Path) -> None:
    with ml.Executor(1, "processes", max_tasks_per_worker=3) as pool:
        pids = [pool.submit(where).result()[0] for _ in range(9)]
        assert [len(set(pids[at : at + 3])) for at in (0, 3, 6)] == [1, 1, 1]
        assert len(set(pids)) == 3


def test_recycling_loses_no_task() -> None:
    with ml.Executor(2, "processes", max_tasks_per_worker=20) as pool:
        handles = [pool.submit(square, n) for n in range(200)]
        assert ml.gather(handles) == [n * n for n in range(200)]


def test_submit_waits_while_too_much_is_pending(concurrent: str, make_gate: Callable[[], Gate]) -> None:
    gate = make_gate()
    with ml.Executor(1, concurrent, max_pending=3) as pool:
        handles = [pool.submit(pass_gate, gate.path) for _ in range(3)]
        submitted = threading.Event()

        def one_more() -> None:
            handles.append(pool.submit(square, 9))
            submitted.set()

        thread = threading.Thread(target=one_more)
        thread.start()
        assert not submitted.wait(0.05)
        gate.open()
        assert submitted.wait(60)
        thread.join()
        gate.open(2)
        assert handles[-1].result() == 81


def test_max_pending_holds_for_many_tasks(backend: str) -> None:
    with ml.Executor(2, backend, max_pending=4) as pool:
        handles = [pool.submit(square, n) for n in range(500)]
        assert ml.gather(handles) == [n * n for n in range(500)]


def test_parallel_has_its_own_limit() -> None:
    function = ml.parallel(workers=1, backend="threads", max_pending=2)(square)
    assert ml.gather(function(n) for n in range(50)) == [n * n for n in range(50)]
    function.executor.shutdown()


def test_parallel_passes_its_options_on(backend: str, tmp_path: Path) -> None:
    log = str(tmp_path / "log")

    @ml.parallel(workers=1, backend=backend, retries=2, backoff=0.0, name="flaky")
    def flaky() -> int:
        append(log, "attempt")
        if len(lines(log)) < 3:
            raise OSError("not yet")
        return len(lines(log))

    handle = flaky()
    assert handle.result() == 3
    assert handle.name == "flaky"
    assert flaky.__name__ == "flaky"
    with pytest.raises(TypeError, match="colour"):
        flaky.options(colour=1)
    assert flaky.options(name="other").__wrapped__ is flaky.__wrapped__


def test_shutdown_finishes_what_was_submitted(backend: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pool = ml.Executor(2, backend)
    for n in range(300):
        pool.submit(append, str(log), n)
    pool.shutdown()
    assert sorted(map(int, lines(log))) == list(range(300))
    pool.shutdown()


def test_nothing_is_submitted_after_shutdown(backend: str) -> None:
    pool = ml.Executor(1, backend)
    pool.shutdown()
    with pytest.raises(RuntimeError):
        pool.submit(square, 2)
    with pytest.raises(RuntimeError):
        pool.map(square, [2])
    assert "closed" in repr(pool)


def test_shutdown_may_cancel_what_has_not_started(concurrent: str, gate: Gate) -> None:
    pool = ml.Executor(1, concurrent)
    running = pool.submit(pass_gate, gate.path, "ran")
    eventually(running.running, "the start")
    pending = [pool.submit(square, n) for n in range(10_000)]
    dependent = pool.submit(square, pending[0])
    pool.shutdown(wait=False, cancel_futures=True)
    assert all(handle.cancelled() for handle in pending)
    with pytest.raises(ml.DependencyError):
        dependent.result(60)
    gate.open()
    pool.shutdown()
    assert running.result() == "ran"


def test_shutdown_without_waiting_lets_tasks_end(concurrent: str, gate: Gate) -> None:
    pool = ml.Executor(1, concurrent)
    handle = pool.submit(pass_gate, gate.path, "ran")
    pool.shutdown(wait=False)
    assert not handle.done()
    gate.open()
    assert handle.result() == "ran"
    pool.shutdown()


def test_workers_are_gone_after_shutdown() -> None:
    pool = ml.Executor(2, "processes")
    pool.wait_ready(60)
    pids = pool.worker_pids()
    pool.shutdown()
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_kill_ends_everything_at_once(gate: Gate) -> None:
    pool = ml.Executor(1, "processes")
    handle = pool.submit(pass_gate, gate.path)
    eventually(handle.running, "the start")
    pool.kill("enough")
    with pytest.raises(ml.BrokenPool, match="enough"):
        handle.result()
    pool.shutdown()


def test_a_forgotten_pool_finishes_its_tasks_and_goes(concurrent: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pool = ml.Executor(1, concurrent)
    pool.submit(where).result()
    pids = pool.worker_pids()
    handles = [pool.submit(append, str(log), n) for n in range(100)]
    gone = weakref.ref(pool)
    del pool
    gc.collect()
    assert gone() is None
    ml.gather(handles)
    assert len(lines(log)) == 100
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the end of the workers")


def test_many_handles_at_once(pool: ml.Executor) -> None:
    handles = [pool.submit(square, n) for n in range(10_000)]
    assert ml.gather(handles) == [n * n for n in range(10_000)]
    assert len(set(handles)) == 10_000


def test_many_threads_submit_at_once(pool: ml.Executor) -> None:
    results: dict[int, list[Any]] = {}

    def submit(start: int) -> None:
        handles = [pool.submit(echo, start, n) for n in range(200)]
        results[start] = [handle.result()[0] for handle in handles]

    threads = [threading.Thread(target=submit, args=(start,)) for start in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {start: [(start, n) for n in range(200)] for start in range(16)}


def test_native_threads_are_limited_in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with ml.Executor(1, "processes", native_threads=3) as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "3"
    workers = 2 * len(os.sched_getaffinity(0))
    with ml.Executor(workers, "processes") as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    with ml.Executor(1, "processes") as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "5"


def test_a_trace_is_there_after_shutdown(backend: str) -> None:
    with ml.Executor(1, backend, trace=True) as pool:
        ml.gather([pool.submit(square, n) for n in range(10)])
    assert len(pool.trace) == 10
