"""Another process that makes noise during a random half of the runs: what a verdict has to hold out against.

Started as ``python -m multilane.scaling.noise`` it keeps one processor busy when its input says so, with arithmetic or
with streams through memory, and ends with its input, however the program on the other end ends.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO

from multilane import _multilane

__all__ = ["KINDS", "Noise"]

#: What the other process does, by the letter that asks for it.
KINDS = {b"c": "compute", b"m": "memory"}
SILENCE = b"0"
DONE = b"."


class Noise:
    """Makes noise during half of the runs of each point: in every two runs one, chosen at random.

    >>> with Noise(seed=1) as noise:
    ...     kinds = []
    ...     for _ in range(4):
    ...         with noise.during("a point") as kind:
    ...             kinds.append(kind)
    >>> sum(kind == "" for kind in kinds)
    2
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        #: Whether the next runs of a point are noisy.
        self._decided: dict[Any, list[bool]] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Noise:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        try:
            self._ask(SILENCE)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            # It ends with its input.
            process.communicate()

    @contextmanager
    def during(self, point: Any) -> Iterator[str]:
        """Make noise, or none, while the block runs; says which kind, nothing where there is none."""
        decided = self._decided.setdefault(point, [])
        if not decided:
            decided += self._random.sample([True, False], 2)
        if not decided.pop():
            yield ""
            return
        letter = self._random.choice(list(KINDS))
        self._ask(letter)
        try:
            yield KINDS[letter]
        finally:
            self._ask(SILENCE)

    def _ask(self, letter: bytes) -> None:
        assert self._process is not None, "noise is made inside of `with`"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(letter)
        if self._process.stdout.read(1) != DONE:
            raise RuntimeError("the process that makes noise has ended")


def main(asked: BinaryIO, answers: BinaryIO) -> None:
    """Do what each letter says until there are no more."""
    busy: _multilane.Beside | None = None
    while letter := asked.read(1):
        if busy is not None:
            busy.stop()
        busy = _multilane.Beside(KINDS[letter], 1) if letter in KINDS else None
        answers.write(DONE)
        answers.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
