"""What an exhibit is, and how its programs are run: each in a process of its own, which cannot hang the caller.

A program that hangs is part of the show: it looks at its threads from outside and says so. What it cannot see, the
deadline ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .timeline import Timeline

__all__ = ["BROKEN", "CURED", "Exhibit", "Outcome", "run", "switching_often", "together"]

BROKEN, CURED = "broken", "cured"

#: Seconds after which a program is ended; none needs a tenth of it on a machine that is not overloaded.
DEADLINE = 60.0

#: Seconds for which a program looks at threads that should have ended, when all else says that they never will.
PATIENCE = 0.3


@dataclass
class Outcome:
    """What one program showed.

    Attributes
    ----------
    holds
        Whether it did what it should; None when this machine does not show it.
    seen
        What happened, in a sentence.
    facts
        What was measured: names and values.
    timeline
        Who did what, when.
    """

    holds: bool | None
    seen: str
    facts: dict[str, str] = field(default_factory=dict)
    timeline: Timeline = field(default_factory=Timeline)

    def to_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"holds": self.holds, "seen": self.seen, "facts": self.facts, "timeline": self.timeline.to_data()}

    @staticmethod
    def of_data(data: dict[str, Any]) -> Outcome:
        """Read what `to_data` gave."""
        return Outcome(data["holds"], data["seen"], data["facts"], Timeline.of_data(data["timeline"]))


@dataclass(frozen=True)
class Exhibit:
    """A hazard, shown alive, and its cure.

    Attributes
    ----------
    title
        What is shown.
    broken, cured
        The programs; each returns what it showed.
    hazard, cure
        Why the one goes wrong and what the other does about it, in a few lines.
    broken_code, cured_code
        The functions that matter, for readers.
    protocols
        What the two programs do, described for an exhaustive check; None where nobody can describe it in a few lines.
    """

    title: str
    broken: Callable[[], Outcome]
    cured: Callable[[], Outcome]
    hazard: str
    cure: str
    broken_code: Callable[..., Any] | None = None
    cured_code: Callable[..., Any] | None = None
    protocols: tuple[str, str] | None = None


def run(name: str, version: str, deadline: float = DEADLINE) -> Outcome:
    """Run one of the programs of an exhibit in a fresh process.

    Parameters
    ----------
    name : str
        The exhibit.
    version : {'broken', 'cured'}
    deadline : float
        Seconds after which it is ended.

    Raises
    ------
    RuntimeError
        The program itself failed.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}
    command = [sys.executable, "-m", "multilane.exhibits", name, version]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=deadline, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(False, f"it never ended, and was stopped after {deadline:g} s")
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"the {version} program of `{name}` failed with code {done.returncode}: {last[0]}")
    return Outcome.of_data(json.loads(done.stdout.splitlines()[-1]))


def together(jobs: dict[str, Callable[[], object]], patience: float | None = None) -> list[str]:
    """Run jobs in threads that start at once, and wait for them.

    Parameters
    ----------
    jobs : dict
        Functions by the names of their threads.
    patience : float, optional
        Seconds to wait for threads that may hang, once the others have ended.

    Returns
    -------
    list of str
        The threads that have not ended.

    Raises
    ------
    Exception
        What a job raised first.
    """
    gate = threading.Barrier(len(jobs))
    errors: list[Exception] = []

    def work(job: Callable[[], object]) -> None:
        gate.wait()
        try:
            job()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(job,), name=name, daemon=True) for name, job in jobs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience)
    if errors:
        raise errors[0]
    return [thread.name for thread in threads if thread.is_alive()]


def switching_often() -> None:
    """Let the interpreter change threads as often as it can, so that few operations show what many would."""
    sys.setswitchinterval(1e-6)
