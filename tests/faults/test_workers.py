"""Workers that die: the task's handle names the cause, all else goes on."""

from __future__ import annotations

import collections
import functools
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import multilane as ml
from eventually import eventually
from faulty import crash, end_by, grow, leave
from gates import Gate, pass_gate
from tasks import append, lines, square, where

TASKS = 10_000
KILLS = 50


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate")
    yield gate
    gate.close()


@pytest.mark.parametrize(
    ("function", "argument", "cause"),
    [
        (crash, None, "SIGSEGV"),
        (leave, 7, "status 7"),
        (leave, 0, "status 0"),
        (end_by, signal.SIGKILL, "SIGKILL"),
        (end_by, signal.SIGTERM, "SIGTERM"),
    ],
    ids=["segfault", "exit 7", "exit 0", "SIGKILL", "SIGTERM"],
)
def test_a_dead_worker_fails_its_task_alone(function: Callable[..., None], argument: int | None, cause: str) -> None:
    arguments = () if argument is None else (argument,)
    with ml.Executor(2, "processes") as pool:
        before = [pool.submit(square, n) for n in range(50)]
        bad: ml.Handle[None] = pool.submit(function, *arguments)
        after = [pool.submit(square, n) for n in range(50)]
        with pytest.raises(ml.WorkerDied, match=cause) as raised:
            bad.result()
        assert bad.name in str(raised.value)
        assert "test_workers.py" in "\n".join(raised.value.__notes__)
        assert ml.gather(before + after) == 2 * [n * n for n in range(50)]


def test_a_task_that_kills_every_worker_ends_when_its_attempts_are_used_up(tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    with ml.Executor(1, "processes") as pool:
        handle = pool.submit_with(append_and_leave, (log,), retries=3, backoff=0.0)
        with pytest.raises(ml.WorkerDied):
            handle.result()
        assert lines(log) == ["attempt"] * 4
        assert pool.submit(square, 3).result() == 9


def append_and_leave(path: str) -> None:
    append(path, "attempt")
    os._exit(1)


def test_a_worker_that_outgrows_its_memory_is_stopped(gate: Gate) -> None:
    with ml.Executor(1, "processes", memory_limit=256 << 20) as pool:
        handle = pool.submit(grow, 1024, gate.path)
        with pytest.raises(ml.WorkerMemoryExceeded, match="256 MiB"):
            handle.result()
        assert issubclass(ml.WorkerMemoryExceeded, ml.WorkerDied)
        assert pool.submit(square, 3).result() == 9


def test_an_idle_worker_that_dies_is_replaced() -> None:
    with ml.Executor(1, "processes") as pool:
        pid = pool.submit(where).result()[0]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: pool.worker_pids() not in ([], [pid]), "the next worker")
        assert pool.submit(where).result()[0] != pid


def test_a_callback_hears_of_a_lost_task() -> None:
    heard: list[object] = []
    with ml.Executor(1, "processes") as pool:
        pool.submit(leave, 1).add_done_callback(lambda handle: heard.append(handle.exception()))
        eventually(lambda: heard, "the callback")
    assert isinstance(heard[0], ml.WorkerDied)


def test_a_lost_task_takes_its_dependents_along() -> None:
    with ml.Executor(1, "processes") as pool:
        dependent = pool.submit(square, pool.submit(leave, 1))
        with pytest.raises(ml.DependencyError) as raised:
            dependent.result()
        assert isinstance(raised.value.__cause__, ml.WorkerDied)


class Killer:
    """Kills a random worker whenever another share of the tasks has been finished."""

    def __init__(self, pool: ml.Executor, log: Path, seed: int, wanted: int = KILLS) -> None:
        self.pool = pool
        self.log = log
        self.random = random.Random(seed)
        self.wanted = wanted
        self.kills = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while self.kills < self.wanted and not self.ended.is_set():
            share = TASKS * self.kills // (self.wanted + 10)
            eventually(functools.partial(self.reached, share), "progress")
            pids = self.pool.worker_pids()
            if pids:
                try:
                    os.kill(self.random.choice(pids), signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.kills += 1

    def reached(self, share: int) -> bool:
        return self.finished() >= share or self.ended.is_set()

    def finished(self) -> int:
        """Lines of the log, from its length: each has eight bytes."""
        return self.log.stat().st_size // 8 if self.log.exists() else 0

    def __enter__(self) -> Killer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def work(path: str, number: int) -> int:
    append(path, f"{number:07d}")
    return number * 3


@pytest.mark.slow
def test_no_task_is_lost_or_run_twice_while_workers_are_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ml.Executor(2, "processes") as pool:
        with Killer(pool, log, seed=1) as killer:
            handles = [pool.submit(work, str(log), number) for number in range(TASKS)]
            errors = {number: handle.exception() for number, handle in enumerate(handles)}
        assert killer.kills == KILLS
    lost = {number for number, error in errors.items() if error is not None}
    assert all(isinstance(errors[number], ml.WorkerDied) for number in lost)
    assert len(lost) <= KILLS
    assert all(handles[number].result() == number * 3 for number in errors if number not in lost)
    runs = collections.Counter(int(line) for line in lines(log))
    assert max(runs.values()) == 1
    assert set(range(TASKS)) - lost <= runs.keys()


def test_every_retriable_task_is_right_while_workers_are_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ml.Executor(2, "processes") as pool, Killer(pool, log, seed=2, wanted=20) as killer:
        handles = [pool.submit_with(work, (str(log), number), retries=KILLS, backoff=0.0) for number in range(TASKS)]
        assert ml.gather(handles) == [number * 3 for number in range(TASKS)]
        killer.ended.set()
    assert {int(line) for line in lines(log)} == set(range(TASKS))


def test_waiting_tasks_survive_the_death_of_all_workers(gate: Gate) -> None:
    with ml.Executor(2, "processes") as pool:
        running = [pool.submit(pass_gate, gate.path) for _ in range(2)]
        for handle in running:
            eventually(handle.running, "the start")
        waiting = [pool.submit(square, n) for n in range(500)]
        for pid in pool.worker_pids():
            os.kill(pid, signal.SIGKILL)
        assert all(isinstance(handle.exception(), ml.WorkerDied) for handle in running)
        assert ml.gather(waiting) == [n * n for n in range(500)]
