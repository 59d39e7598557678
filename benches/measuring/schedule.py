"""Decides the order of the samples and takes each in a fresh child process.

The order is random and comes from a seed. Engines of one test and repeat run next to each other,
so that a slow minute of the machine meets all of them, and ratios are taken inside such a block.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import machine
from measuring.suite import Sample, Suite

# A core used by others for a tenth of the time moves a two-core result by about as much as the
# noise of a quiet machine; compilers and other tests use far more.
FOREIGN_CORES = 0.15

TASKS = Path("/proc/self/task")


@dataclass(frozen=True)
class Turn:
    """One sample to take."""

    test: str
    engine: str
    repeat: int


def order(engines: dict[str, list[str]], repeats: int, seed: int) -> list[Turn]:
    """Return every turn, in random order: tests within a repeat, engines within a test.

    >>> turns = order({"cpu": ["pool", "loky"], "map": ["pool"]}, repeats=2, seed=1)
    >>> len(turns), turns == order({"cpu": ["pool", "loky"], "map": ["pool"]}, repeats=2, seed=1)
    (6, True)
    """
    chance = random.Random(seed)
    turns = []
    for repeat in range(repeats):
        tests = list(engines)
        chance.shuffle(tests)
        for test in tests:
            names = list(engines[test])
            chance.shuffle(names)
            turns += [Turn(test, name, repeat) for name in names]
    return turns


def take(suite: Suite, package: str, turn: Turn, workers: int, scale: Any) -> Sample:
    """Run one turn in a child process and return its sample; an ``error`` field when it failed."""
    place = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder, _output(folder) as output:
        out = Path(folder) / "sample.json"
        started, busy_before = time.monotonic(), machine.busy_s()
        child = subprocess.Popen(
            [
                *(sys.executable, "-m", "measuring.child", package, turn.engine, turn.test, str(workers)),
                *(json.dumps(dataclasses.asdict(scale)), str(out)),
            ],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        code, used = _wait(child, suite.limit_s)
        if out.exists():
            sample: Sample = json.loads(out.read_text())
        else:
            said = (Path(folder) / "output").read_text(errors="replace").strip().splitlines()
            last = said[-1] if said else "no output"
            sample = {"error": f"no sample, exit status {code}: {last}"}
        if code != 0:
            sample["exit_status"] = code
        wall = time.monotonic() - started
        busy, stolen = (now - then for now, then in zip(machine.busy_s(), busy_before, strict=True))
        sample["wall_s"] = wall
        sample["foreign_cores"] = max(0.0, busy + stolen - used) / wall
        return sample


def disturbed(sample: Sample) -> bool:
    """Tell whether other programs, or other guests of the host, took part of the machine.

    The result has no say in it: dropping such samples cannot favour an engine.

    >>> disturbed({"foreign_cores": 0.9}), disturbed({"foreign_cores": 0.02})
    (True, False)
    """
    return bool(sample.get("foreign_cores", 0.0) > FOREIGN_CORES)


def _wait(child: subprocess.Popen[bytes], limit_s: float) -> tuple[int | None, float]:
    """Wait for a child and end what it leaves behind; return its status and CPU seconds."""
    limit = time.monotonic() + limit_s
    code: int | None = None
    try:
        # `wait4` is the one call that also returns the CPU time of the child's own children.
        while not (ended := os.wait4(child.pid, os.WNOHANG))[0] and time.monotonic() < limit:
            time.sleep(0.02)
    finally:
        # Whatever an engine leaves behind would disturb the next sample, or outlive an interrupted run.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    if ended[0]:
        code = os.waitstatus_to_exitcode(ended[1])
    else:
        ended = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(ended[1])
    usage = ended[2]
    return code, usage.ru_utime + usage.ru_stime + _end_orphans()


def adopt_orphans() -> None:
    """Make this process the parent of whatever its descendants leave behind.

    Without it the CPU time of such a process would count as a disturbance from outside.
    """
    set_child_subreaper = 36
    if ctypes.CDLL(None, use_errno=True).prctl(set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _end_orphans() -> float:
    """End the adopted processes; return the CPU seconds that they had used.

    Between samples this process has no other children.
    """
    used = 0.0
    while orphans := [pid for task in TASKS.glob("*/children") for pid in task.read_text().split()]:
        for orphan in map(int, orphans):
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
            usage = os.wait4(orphan, 0)[2]
            used += usage.ru_utime + usage.ru_stime
    return used


@contextlib.contextmanager
def _output(folder: str) -> Iterator[int]:
    descriptor = os.open(Path(folder) / "output", os.O_CREAT | os.O_WRONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
