"""Functions and states that the tests of pipelines and actors run in workers, which import them from here."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import multilane as ml
from gates import pass_gate


def plus_one(number: int) -> int:
    return number + 1


def twice(number: int) -> int:
    return 2 * number


def refuse_seven(number: int) -> int:
    if number == 7:
        raise ValueError("7 is refused")
    return number


def die_of_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def stop_iteration(number: int) -> int:
    raise StopIteration(number)


def unsendable(number: int) -> Any:
    return threading.Lock()


def wait_at(path: str) -> Callable[[int], int]:
    def wait(number: int) -> int:
        pass_gate(path)
        return number

    return wait


def in_a_task(backend: str) -> list[int]:
    return list(ml.pipeline(plus_one, twice, backend=backend)(range(5)))


class Counter:
    """State of an actor."""

    def __init__(self, start: int = 0) -> None:
        self.count = start
        self.seen: list[int] = []

    def add(self, number: int = 1) -> int:
        self.count += number
        self.seen.append(number)
        return self.count

    def get(self) -> int:
        return self.count

    def order(self) -> list[int]:
        return self.seen

    def fail(self, message: str = "no") -> None:
        self.count = -1
        raise ValueError(message)

    def pid(self) -> int:
        return os.getpid()

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def wait(self, path: str) -> None:
        pass_gate(path)


class Closes(Counter):
    """State that notes in a file when it is closed."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def close(self) -> None:
        with open(self.path, "a") as file:
            file.write(f"{self.count}\n")


def double(counter: Counter, by: int = 2) -> int:
    counter.count *= by
    return counter.count


def in_a_task_actor(backend: str) -> int:
    with ml.Actor(Counter, 1, backend=backend) as counter:
        return int(counter.ask("add", 2).result())
