"""Functions that tests run in workers, which import them from here."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import multilane as ml
from gates import pass_gate


def echo(*arguments: Any, **keywords: Any) -> Any:
    return arguments, keywords


def square(number: int) -> int:
    return number * number


def add(left: Any, right: Any) -> Any:
    return left + right


def fail(message: str = "no") -> None:
    raise ValueError(message)


def fail_on(number: int, bad: int) -> int:
    if number == bad:
        raise ValueError(f"{number} is bad")
    return number


def append(path: str, text: object, result: Any = None) -> Any:
    """Add a line to a file, whole even when several processes do."""
    end = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(end, f"{text}\n".encode())
    finally:
        os.close(end)
    return result


def lines(path: Path | str) -> list[str]:
    """Read what `append` wrote."""
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def fail_first(path: str, failures: int) -> int:
    """Fail as often as asked, counting in a file; the attempt that worked."""
    append(path, "attempt")
    attempt = len(lines(path))
    if attempt <= failures:
        raise OSError(f"attempt {attempt}")
    return attempt


def append_then_pass(path: str, text: object, gate: str) -> object:
    append(path, text)
    return pass_gate(gate, text)


def report_then_pass(done: int, total: int | None, gate: str) -> None:
    ml.report_progress(done, total)
    pass_gate(gate)


def where() -> tuple[int, int]:
    """Process and thread of the worker."""
    return os.getpid(), threading.get_ident()


def nest(depth: int) -> int:
    """Count down through tasks that wait for tasks."""
    if depth == 0:
        return 0
    handle: ml.Handle[int] = ml.parallel(nest)(depth - 1)
    return int(handle.result()) + 1


def sum_in_tasks(numbers: list[int]) -> int:
    return sum(ml.map(square, numbers))


settings: dict[str, Any] = {}


def set_up(name: str, value: Any) -> None:
    settings[name] = value


def setting(name: str) -> Any:
    return settings.get(name)


class Custom(Exception):
    """Needs two arguments, which a pickle of its `args` does not have."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


def fail_custom() -> None:
    raise Custom(7, "seven")


class Counter:
    """An object with state, methods and a call."""

    def __init__(self, start: int) -> None:
        self.value = start

    def add(self, number: int) -> int:
        return self.value + number

    @classmethod
    def make(cls, start: int) -> int:
        return cls(start).value

    @staticmethod
    def double(number: int) -> int:
        return 2 * number

    def __call__(self, number: int) -> int:
        return self.value * number
