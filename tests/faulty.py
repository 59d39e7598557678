"""Tasks that go wrong, and how to look at processes from outside."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any


def crash() -> None:
    ctypes.string_at(0)


def leave(status: int) -> None:
    os._exit(status)


def end_by(number: int) -> None:
    os.kill(os.getpid(), number)
    signal.pause()


def grow(mebibytes: int, gate: str) -> None:
    """Use memory, then wait to be stopped."""
    from gates import pass_gate

    data = bytearray(b"x") * (mebibytes << 20)
    pass_gate(gate)
    del data


class Unreadable:
    """Pickles, and raises when it is read."""

    def __reduce__(self) -> Any:
        return explode, ()


def explode() -> None:
    raise RuntimeError("cannot be read")


class Unpicklable:
    def __reduce__(self) -> Any:
        raise RuntimeError("cannot be pickled")


class UnpicklableError(Exception):
    def __reduce__(self) -> Any:
        raise RuntimeError("cannot be pickled")


class UnreadableError(Exception):
    def __reduce__(self) -> Any:
        return explode, ()


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot be printed")


def make(kind: type) -> Any:
    return kind()


def throw(kind: type[BaseException]) -> None:
    raise kind("thrown")


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def start_program(folder: Path, source: str) -> subprocess.Popen[str]:
    """Start a program in a file of its own, in a process group of its own."""
    program = folder / "program.py"
    program.write_text(textwrap.dedent(source))
    return subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )


def read_pids(program: subprocess.Popen[str]) -> list[int]:
    """Read the line on which the program printed its workers."""
    assert program.stdout is not None
    line = program.stdout.readline()
    if not line:
        assert program.stderr is not None
        raise AssertionError(program.stderr.read())
    return [int(word) for word in line.split()]


def finish(program: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end: status, output, errors."""
    output, errors = program.communicate(timeout=60)
    return program.returncode, output, errors
