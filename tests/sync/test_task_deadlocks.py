"""Tasks of threads, actors and locks that wait for each other are found, and only those."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from crew import Crew
from eventually import eventually
from multilane import sync


def where(marker: str) -> str:
    """File and line of the only line that ends with a comment."""
    lines = Path(__file__).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if line.endswith(f"# {marker}")]
    return f"{__file__}:{number}"


def test_two_tasks_that_wait_for_each_other() -> None:
    handles: dict[str, ml.Handle[Any]] = {}
    all_there = threading.Event()

    def ping() -> Any:
        all_there.wait()
        return handles["pong"].result()  # ping waits

    def pong() -> Any:
        all_there.wait()
        return handles["ping"].result()  # pong waits

    with ml.Executor(2, "threads") as executor:
        handles["ping"] = executor.submit(ping)  # ping is submitted
        handles["pong"] = executor.submit(pong)  # pong is submitted
        all_there.set()
        # One finds it and fails, so that the other, which waits for its result, gets that error.
        errors = [handle.exception() for handle in handles.values()]
    for error in errors:
        assert isinstance(error, ml.DeadlockError)
        assert len(error.steps) == 2
        for step in error.steps:
            other = "pong" if "ping" in step.where else "ping"
            assert step.waits_for.endswith(f"<locals>.{other}`")
            assert step.waits_for in str(error)
            assert step.taken_at is not None
            assert step.taken_at.startswith(where(f"{other} is submitted"))
        assert {step.where.split(" in ")[0] for step in error.steps} == {where("ping waits"), where("pong waits")}


class Caller:
    """An actor's state that passes a question on."""

    def __init__(self) -> None:
        self.others: list[ml.Actor[Any]] = []

    def meet(self, *others: ml.Actor[Any]) -> None:
        self.others = list(others)

    def ask_round(self, both: threading.Barrier) -> Any:
        both.wait()
        return self.others[0].ask("answer").result()

    def answer(self) -> str:
        return "here"


def test_two_actors_that_ask_each_other() -> None:
    both = threading.Barrier(2)
    with ml.Actor(Caller, name="one") as one, ml.Actor(Caller, name="two") as two:
        one.ask("meet", two).result()
        two.ask("meet", one).result()
        asked = [one.ask("ask_round", both), two.ask("ask_round", both)]
        outcomes = [handle.exception() or handle.result() for handle in asked]
        # The one that fails answers the question that waits in its mailbox next.
        (error,) = [outcome for outcome in outcomes if isinstance(outcome, ml.DeadlockError)]
        assert "here" in outcomes
        assert {step.waits_for for step in error.steps} == {
            "the end of task `one.answer`",
            "the end of task `two.answer`",
        }
        assert "let one of them not wait for the other's answer" in str(error)
        assert one.ask("answer").result() == two.ask("answer").result() == "here"


def test_a_task_that_wants_the_lock_of_who_waits_for_it() -> None:
    lock = sync.Lock(name="mine")

    def want() -> None:
        with lock:
            pass

    with ml.Executor(1, "threads") as executor:
        with lock:
            handle = executor.submit(want)
            eventually(lambda: lock.waiting == 1)
            with pytest.raises(ml.DeadlockError) as raised:
                handle.result()
            assert [step.waits_for for step in raised.value.steps] == [
                f"the end of task `{handle.name}`",
                "Lock `mine`",
            ]
            with pytest.raises(TimeoutError):
                handle.result(timeout=0.01)
        handle.result()


def test_a_task_in_the_queue_of_the_worker_that_waits_for_it() -> None:
    handles: list[ml.Handle[Any]] = []
    all_there = threading.Event()

    def first() -> Any:
        all_there.wait()
        return handles[1].result()

    with ml.Executor(1, "threads") as executor:
        handles.append(executor.submit(first))
        handles.append(executor.submit(int, 7))
        all_there.set()
        error = handles[0].exception()
        assert isinstance(error, ml.DeadlockError)
        assert len(error.steps) == 1
        assert handles[1].result() == 7


def test_tasks_that_wait_for_tasks_that_end_are_left_alone(crew: Crew) -> None:
    handles: list[ml.Handle[int]] = []

    def after(number: int) -> int:
        # Those before were taken from the queue before, whatever runs them.
        return number + sum(handles[before].result() for before in {number // 2, number - 1} if 0 <= before < number)

    def outside() -> None:
        for handle in list(handles):
            handle.result()

    with ml.Executor(3, "threads") as executor:
        hold = threading.Event()
        blocked = [executor.submit(hold.wait) for _ in range(3)]
        handles.extend(executor.submit(after, number) for number in range(60))
        for number in range(3):
            crew.start(f"outside {number}", outside)
        hold.set()
        expected: list[int] = []
        for number in range(60):
            before = {number // 2, number - 1}
            expected.append(number + sum(expected[one] for one in before if 0 <= one < number))
        assert [handle.result() for handle in handles] == expected
        assert all(handle.result() for handle in blocked)
        crew.join()
    assert not crew.errors


@pytest.mark.parametrize("workers", [1, 2])
def test_nested_tasks_are_left_alone(workers: int) -> None:
    with ml.Executor(workers, "threads") as executor:

        def tree(depth: int) -> int:
            if depth == 0:
                return 1
            return sum(handle.result() for handle in [executor.submit(tree, depth - 1) for _ in range(2)])

        assert executor.submit(tree, 6).result() == 64


def test_a_task_whose_time_runs_out_is_no_deadlock() -> None:
    lock = sync.Lock()

    def want() -> None:
        with lock:
            pass

    with ml.Executor(1, "threads") as executor, lock:
        handle = executor.submit_with(want, timeout=0.05)
        eventually(lambda: lock.waiting == 1)
        with pytest.raises(ml.TaskTimeout):
            handle.result()
