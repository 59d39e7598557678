"""Runs a program as one operation: any program that takes its number of workers on the command line.

Each run is one process from its start to its end; its threads are looked at from outside. Its output is thrown away.
"""

from __future__ import annotations

import shlex
import string
import subprocess
import time
from pathlib import Path
from typing import Any

import multilane as ml
from multilane import _multilane

from .ways import Operation, Sample, shared_out

__all__ = ["Command"]

#: Characters of a failed program's complaints that are passed on.
TAIL = 400


class Command:
    """A program with ``{workers}`` and ``{size}`` where they belong.

    >>> Command("./prog --threads {workers} --size {size}").arguments(4, 100)
    ['./prog', '--threads', '4', '--size', '100']
    >>> Command("./prog -j {threads}")
    Traceback (most recent call last):
    ValueError: the command has `{threads}`, which is neither `{workers}` nor `{size}`
    """

    def __init__(self, template: str, *, weak: bool = False) -> None:
        try:
            words = shlex.split(template)
            names = {name for word in words for _, name, _, _ in string.Formatter().parse(word) if name is not None}
        except ValueError as error:
            raise ValueError(f"the command cannot be read: {error}") from error
        for name in sorted(names - {"workers", "size"}):
            raise ValueError(f"the command has `{{{name}}}`, which is neither `{{workers}}` nor `{{size}}`")
        if not words:
            raise ValueError("the command is empty")
        if "workers" not in names:
            raise ValueError("the command has no `{workers}`, so every run would be the same")
        self.template = template
        self.words = words
        self.weak = weak
        self.sized = "size" in names

    def arguments(self, workers: int, size: Any) -> list[str]:
        """Fill in worker count and size."""
        return [word.format(workers=workers, size=size) for word in self.words]

    def run(self, operation: Operation, workers: int, count: int, warm_up: bool = False) -> Sample:
        """Run the program once, for the size that the operation carries."""
        arguments = self.arguments(workers, operation.arguments[0] if operation.arguments else "")
        before = _multilane.system_use()
        started = time.monotonic_ns()
        try:
            program = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise ml.MultilaneError(f"`{arguments[0]}` cannot be started: {error.strerror or error}") from error
        watch = self._look(program.pid, workers)
        try:
            _, complaints = program.communicate()
        except BaseException:
            program.kill()
            program.wait()
            raise
        finally:
            wall_ns = time.monotonic_ns() - started
            seen = watch.stop() if watch is not None else {}
        after = _multilane.system_use()
        if program.returncode != 0:
            said = complaints.decode("utf-8", "replace").strip()[-TAIL:]
            line = shlex.join(arguments)
            ended = f"by signal {-program.returncode}" if program.returncode < 0 else f"with {program.returncode}"
            raise ml.MultilaneError(f"`{line}` ended {ended}{': ' + said if said else ''}")
        return self._sample(workers, wall_ns, seen, before, after)

    def _look(self, process: int, workers: int) -> _multilane.Watch | None:
        return _multilane.Watch.program(process, workers)

    def _sample(
        self, workers: int, wall_ns: int, seen: dict[str, int], before: dict[str, int], after: dict[str, int]
    ) -> Sample:
        cpu = after["children_cpu_ns"] - before["children_cpu_ns"]
        own = after["own_cpu_ns"] - before["own_cpu_ns"]
        lane_ns = workers * wall_ns
        delay = min(seen.get("run_delay_ns", 0), max(0, lane_ns - cpu))
        blocked = max(0, lane_ns - cpu - delay)
        alone = min((workers - 1) * seen.get("alone_ns", 0), blocked)
        return {
            "workers": workers,
            "operations": workers if self.weak else 1,
            "wall_ns": wall_ns,
            "cpu_ns": min(cpu, lane_ns),
            "system_ns": min(after["children_system_ns"] - before["children_system_ns"], cpu),
            "process_cpu_ns": cpu,
            "run_delay_ns": delay,
            "serial_ns": alone,
            "faults": after["children_faults"] - before["children_faults"],
            "switches": after["children_switches"] - before["children_switches"],
            "foreign_ns": max(0, after["machine_cpu_ns"] - before["machine_cpu_ns"] - cpu - own),
            "throttled_ns": min(after["throttled_ns"] - before["throttled_ns"], lane_ns),
            "watch_cpu_ns": seen.get("watch_cpu_ns", 0),
            **shared_out(blocked - alone, seen),
        }

    def close(self) -> None:
        """Nothing to give back: each run ends its program."""

    @property
    def name(self) -> str:
        """The program's name."""
        return Path(self.words[0]).name
