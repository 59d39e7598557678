"""Gates that hold tasks of any backend until a test lets them go."""

from __future__ import annotations

import os
from pathlib import Path


class Gate:
    """A named pipe: a task that passes takes one byte, the test puts bytes in.

    The path may go to a process; `pass_gate` there blocks until there is a byte for it.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        # Open for both directions, so that nobody waits for the other side to open it.
        self._end = os.open(path, os.O_RDWR)

    def open(self, tasks: int = 1) -> None:
        """Let so many tasks through, now or when they come."""
        os.write(self._end, b"." * tasks)

    def close(self) -> None:
        os.close(self._end)


def pass_gate(path: str, value: object = None) -> object:
    """Wait for a byte in the gate; returns ``value``."""
    end = os.open(path, os.O_RDONLY)
    try:
        os.read(end, 1)
    finally:
        os.close(end)
    return value
