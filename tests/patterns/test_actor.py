"""Actors take one message at a time, in order, and end or go on after a failure as they were told."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from crew import Crew
from eventually import eventually
from gates import Gate
from patterns.stages import Closes, Counter, double, in_a_task_actor


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "multilane.actor")


def test_answers_and_keeps_the_order(concurrent: str) -> None:
    with ml.Actor(Counter, 10, backend=concurrent, name="counter") as counter:
        for number in range(100):
            counter.tell("add", number)
        answer = counter.ask("add", number=1)
        assert isinstance(answer, ml.Handle)
        assert answer.result() == 10 + sum(range(100)) + 1
        assert answer.name == "counter.add"
        assert counter.ask("order").result() == [*range(100), 1]


def test_functions_are_messages_too(concurrent: str) -> None:
    with ml.Actor(Counter, 3, backend=concurrent) as counter:
        assert counter.ask(double).result() == 6
        assert counter.ask(double, by=3).result() == 18
        assert counter.ask(Counter.add, 2).result() == 20
        counter.tell(double)
        assert counter.ask("get").result() == 40


def test_the_state_of_a_process_lives_in_another_process() -> None:
    with ml.Actor(Counter, backend="processes") as there, ml.Actor(Counter) as here:
        assert there.ask("pid").result() != os.getpid()
        assert here.ask("pid").result() == os.getpid()


def test_no_message_meets_another(crew: Crew, concurrent: str) -> None:
    with ml.Actor(Counter, backend=concurrent) as counter:

        def send() -> None:
            for _ in range(100):
                counter.tell("add")

        for number in range(4):
            crew.start(f"sends {number}", send)
        crew.join()
        assert counter.ask("get").result() == 400


def test_answers_can_be_awaited_and_stand_for_their_results() -> None:
    with ml.Actor(Counter) as counter, ml.Executor(1, "threads") as pool:

        async def ask() -> int:
            answer: int = await counter.ask("add", 5)
            return answer

        assert asyncio.run(ask()) == 5
        assert counter.ask("add", counter.ask("get")).result() == 10
        assert counter.ask("add", pool.submit(abs, -3)).result() == 13


def test_a_full_mailbox_makes_senders_wait(crew: Crew, gate: Gate) -> None:
    with ml.Actor(Counter, mailbox=3) as counter:
        counter.tell("wait", gate.path)
        sent: list[int] = []

        def send() -> None:
            for number in range(6):
                counter.tell("add", number)
                sent.append(number)

        crew.start("sends", send)
        eventually(lambda: len(sent) == 3)
        assert counter._room.waiting in (0, 1)
        eventually(lambda: counter._room.waiting == 1)
        assert len(sent) == 3
        gate.open()
        crew.join()
        assert counter.ask("order").result() == list(range(6))


def test_a_message_that_is_cancelled_makes_room(gate: Gate) -> None:
    with ml.Actor(Counter, mailbox=1) as counter:
        counter.tell("wait", gate.path)
        assert counter.ask("add", 1).cancel()
        last = counter.ask("get")
        gate.open()
        assert last.result() == 0


@pytest.mark.parametrize(("policy", "left"), [("restart", 5), ("resume", -1)])
def test_after_a_failure_it_goes_on(concurrent: str, policy: str, left: int) -> None:
    with ml.Actor(Counter, 5, backend=concurrent, on_failure=policy, name="counter") as counter:
        counter.tell("add", 10)
        failed, after = counter.ask("fail", "rotten"), counter.ask("get")
        with pytest.raises(ValueError, match="rotten") as raised:
            failed.result()
        assert any("in the actor `counter`, message `counter.fail`" in note for note in raised.value.__notes__)
        assert after.result() == left
        assert counter.restarts == (policy == "restart")


@pytest.mark.parametrize("policy", ["stop", "escalate"])
def test_after_a_failure_it_ends(concurrent: str, policy: str, gate: Gate) -> None:
    counter = ml.Actor(Counter, backend=concurrent, on_failure=policy, name="counter")
    counter.tell("wait", gate.path)
    failed, after = counter.ask("fail", "rotten"), counter.ask("get")
    gate.open()
    with pytest.raises(ValueError, match="rotten"):
        failed.result()
    with pytest.raises(ml.ActorStopped, match=r"`counter` .*ValueError: rotten; the message `counter.get`") as raised:
        after.result()
    assert isinstance(raised.value.__cause__, ValueError)
    with pytest.raises(ml.ActorStopped, match=r"`counter\.add`"):
        counter.tell("add")
    assert not counter.alive
    counter.stop()


def test_a_function_decides(concurrent: str) -> None:
    def decide(error: BaseException) -> str:
        return "resume" if "minor" in str(error) else "stop"

    with ml.Actor(Counter, backend=concurrent, on_failure=decide) as counter:
        minor, major = counter.ask("fail", "minor"), counter.ask("fail", "major")
        assert isinstance(minor.exception(), ValueError)
        assert isinstance(major.exception(), ValueError)
        eventually(lambda: not counter.alive)


@pytest.mark.parametrize(
    ("decide", "words"),
    [
        (lambda _: "ignore", "`on_failure` returned 'ignore'"),
        (lambda _: 1 // 0, "`on_failure` raised ZeroDivisionError"),
    ],
)
def test_a_function_that_decides_nothing_ends_it(decide: Callable[[BaseException], Any], words: str) -> None:
    counter = ml.Actor(Counter, on_failure=decide, name="counter")
    assert isinstance(counter.ask("fail").exception(), ValueError)
    with pytest.raises(ml.ActorStopped, match=words):
        counter.ask("get")
    counter.stop()


def test_letting_go_of_an_actor_ends_its_process() -> None:
    counter = ml.Actor(Counter, backend="processes")
    pid = counter.ask("pid").result()
    assert Path(f"/proc/{pid}").exists()
    del counter
    gc.collect()
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the end of the process")


def test_too_many_restarts_end_it(concurrent: str) -> None:
    counter = ml.Actor(Counter, backend=concurrent, max_restarts=2, name="counter")
    failed = [counter.ask("fail", str(number)) for number in range(4)]
    errors = [handle.exception() for handle in failed]
    assert [type(error) for error in errors] == [ValueError, ValueError, ValueError, ml.ActorStopped]
    assert counter.restarts == 2
    assert "failed again after 2 restarts within 60 s" in str(errors[-1])
    counter.stop()


def test_a_failure_that_nobody_saw_is_raised_by_stop(concurrent: str, caplog: pytest.LogCaptureFixture) -> None:
    counter = ml.Actor(Counter, backend=concurrent, on_failure="escalate", name="counter")
    counter.tell("fail", "unseen")
    with pytest.raises(ml.ActorStopped, match="`counter` failed with ValueError: unseen") as raised:
        counter.stop()
    assert isinstance(raised.value.__cause__, ValueError)
    assert "`counter.fail` raised ValueError: unseen" in caplog.text
    counter.stop()


class Parent:
    """Makes a child, which it hands out."""

    made = 0

    def __init__(self, on_failure: str) -> None:
        Parent.made += 1
        self.child = ml.Actor(Counter, on_failure=on_failure, name=f"child {Parent.made}")

    def get(self) -> ml.Actor[Counter]:
        return self.child


@pytest.mark.parametrize("policy", ["restart", "stop", "resume"])
def test_a_supervisor_fails_with_its_child(policy: str, caplog: pytest.LogCaptureFixture) -> None:
    Parent.made = 0
    with ml.Actor(Parent, "escalate", name="parent", on_failure=policy) as parent:
        child = parent.ask("get").result()
        assert child.supervisor is parent
        assert isinstance(child.ask("fail", "rotten").exception(), ValueError)
        assert not child.alive
        if policy == "stop":
            eventually(lambda: not parent.alive)
            return
        heir = parent.ask("get").result()
        assert heir.alive is (policy == "restart")
        assert parent.restarts == (policy == "restart")
        assert "the actor `parent` fails with its `child 1`" in caplog.text


def test_children_end_with_their_supervisor() -> None:
    Parent.made = 0
    with ml.Actor(Parent, "restart", name="parent") as parent:
        child = parent.ask("get").result()
        assert child.ask("add", 2).result() == 2
    assert not child.alive
    with pytest.raises(ml.ActorStopped, match="ended with its supervisor `parent`"):
        child.ask("get")


def test_a_process_that_dies_loses_its_message_and_no_other(gate: Gate) -> None:
    with ml.Actor(Counter, 5, backend="processes", name="counter") as counter:
        counter.tell("wait", gate.path)
        died, after = counter.ask("die"), [counter.ask("add") for _ in range(3)]
        gate.open()
        with pytest.raises(ml.WorkerDied):
            died.result()
        assert [handle.result() for handle in after] == [6, 7, 8]
        assert counter.restarts == 1


def test_a_process_that_dies_while_it_waits_costs_no_message() -> None:
    with ml.Actor(Counter, 5, backend="processes", on_failure="resume") as counter:
        pid = counter.ask("pid").result()
        os.kill(pid, signal.SIGKILL)
        assert counter.ask("add").result() == 6
        assert counter.ask("pid").result() != pid
        assert counter.restarts == 1


def test_what_has_not_reached_the_state_is_no_failure(concurrent: str) -> None:
    with ml.Actor(Counter, 5, backend=concurrent, on_failure="stop") as counter:
        with pytest.raises(ml.UnknownMessage, match="no method `subtract`"):
            counter.ask("subtract").result()
        with pytest.raises(ml.UnknownMessage, match="no method `count`"):
            counter.ask("count").result()
        if concurrent == "processes":
            with pytest.raises(ml.SerializationError):
                counter.ask("add", threading.Lock()).result()
        assert counter.ask("get").result() == 5


def test_stopping_delivers_what_waits(concurrent: str, gate: Gate, crew: Crew) -> None:
    counter = ml.Actor(Counter, backend=concurrent)
    counter.tell("wait", gate.path)
    waiting = [counter.ask("add") for _ in range(5)]
    crew.start("stops", counter.stop)
    eventually(lambda: not counter.alive)
    gate.open()
    crew.join()
    assert [handle.result() for handle in waiting] == [1, 2, 3, 4, 5]
    with pytest.raises(ml.ActorStopped, match="is stopped"):
        counter.ask("get")


def test_stopping_at_once_refuses_what_waits(concurrent: str, gate: Gate, crew: Crew) -> None:
    counter = ml.Actor(Counter, backend=concurrent)
    counter.tell("wait", gate.path)
    waiting = [counter.ask("add") for _ in range(5)]
    crew.start("stops", functools.partial(counter.stop, drain=False))
    eventually(lambda: counter._over is not None)
    gate.open()
    crew.join()
    assert {type(handle.exception()) for handle in waiting} == {ml.ActorStopped}


def test_killing_ends_the_process_of_a_message(gate: Gate) -> None:
    counter = ml.Actor(Counter, backend="processes")
    running, waiting = counter.ask("wait", gate.path), counter.ask("get")
    eventually(running.running)
    counter.kill()
    assert running.exception() is not None
    assert waiting.exception() is not None
    with pytest.raises(ml.ActorStopped, match="was killed"):
        counter.ask("get")


def test_the_state_is_closed(concurrent: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ml.Actor(Closes, str(log), backend=concurrent) as counter:
        counter.tell("add", 3)
        assert isinstance(counter.ask("fail").exception(), ValueError)
        counter.tell("add", 8)
    assert log.read_text().split() == ["-1", "8"]


class Loops:
    """Sends to itself."""

    def __init__(self) -> None:
        self.me: ml.Actor[Any] | None = None
        self.left = 0

    def meet(self, me: ml.Actor[Any]) -> None:
        self.me = me

    def down(self, number: int) -> None:
        assert self.me is not None
        self.left = number
        if number:
            self.me.tell("down", number - 1)

    def flood(self) -> None:
        assert self.me is not None
        while True:
            self.me.tell("down", 0)

    def ask_itself(self) -> Any:
        assert self.me is not None
        return self.me.ask("down", 0).result()

    def tell_then_wait(self, other: ml.Actor[Any]) -> int:
        assert self.me is not None
        self.me.tell("down", 0)
        before = self.left
        other.ask("get").result()
        return self.left - before


def test_messages_to_itself() -> None:
    with ml.Actor(Loops, name="loops", mailbox=2, on_failure="resume") as loops, ml.Actor(Counter) as other:
        loops.tell("meet", loops)
        loops.ask("down", 5).result()
        eventually(lambda: loops.ask(lambda state: state.left).result() == 0)
        with pytest.raises(ml.MailboxFull, match="`loops` is full"):
            loops.ask("flood").result()
        with pytest.raises(ml.ActorError, match=r"asks itself `loops.down`.*use `tell`"):
            loops.ask("ask_itself").result()
        loops.ask(lambda state: setattr(state, "left", 3)).result()
        # A worker that waits may run tasks of its own; a message is none of those.
        assert loops.ask("tell_then_wait", other).result() == 0


def test_a_factory_that_fails(concurrent: str) -> None:
    with pytest.raises(ValueError, match="invalid literal") as raised:
        ml.Actor(int, "x", backend=concurrent, name="number")
    assert any("at the start of the actor `number`" in note for note in raised.value.__notes__)


def test_inside_of_a_task() -> None:
    with ml.Executor(1, "processes") as pool:
        assert pool.submit(in_a_task_actor, "threads").result() == 3
        with pytest.raises(ml.BackendUnavailable, match="use backend='threads'"):
            pool.submit(in_a_task_actor, "processes").result()


def test_an_error_of_the_block_is_not_hidden() -> None:
    with pytest.raises(KeyError, match="mine"), ml.Actor(Counter, on_failure="escalate") as counter:
        counter.tell("fail")
        eventually(lambda: not counter.alive)
        raise KeyError("mine")


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ml.Actor(3), TypeError, "`factory` is 3"),  # type: ignore[arg-type]
        (lambda: ml.Actor(Counter, backend="serial"), ValueError, "a worker of its own"),
        (lambda: ml.Actor(Counter, mailbox=0), ValueError, "`mailbox` is 0"),
        (lambda: ml.Actor(Counter, mailbox=None), ValueError, "bounded"),  # type: ignore[arg-type]
        (lambda: ml.Actor(Counter, on_failure="ignore"), ValueError, "`on_failure` is 'ignore'"),
        (lambda: ml.Actor(Counter, max_restarts=-1), ValueError, "`max_restarts` is -1"),
        (lambda: ml.Actor(Counter, within=0), ValueError, "`within` is 0"),
    ],
)
def test_says_what_is_wrong_with_it(make: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_a_message_is_a_name_or_a_function() -> None:
    with ml.Actor(Counter) as counter, pytest.raises(TypeError, match="not 3"):
        counter.ask(3)  # type: ignore[call-overload]
