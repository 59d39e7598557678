"""What deadlocks, holders and orders of locks are called in errors and warnings.

Called by the extension when it has found something; reads the stacks of threads and never waits.
"""

from __future__ import annotations

import queue
import sys
import threading
import warnings
from queue import Empty as Empty
from queue import Full as Full
from types import CodeType, FrameType
from typing import NamedTuple

from multilane.errors import DeadlockError, LockAbandonedError, LockOrderWarning

# Deeper stacks say no more about where locks are taken.
_DEPTH = 12

if sys.version_info >= (3, 13):
    ShutDown = queue.ShutDown
else:

    class ShutDown(Exception):
        """A channel is shut down; from Python 3.13 on this is `queue.ShutDown`."""


class Holder(NamedTuple):
    """Who holds a lock.

    Attributes
    ----------
    thread : str
        The name of the thread.
    seconds : float
        For how long, to a few milliseconds.
    where : str or None
        File and line that took it, on Python versions where that is known.
    """

    thread: str
    seconds: float
    where: str | None


class WaitStep(NamedTuple):
    """One thread of a deadlock.

    Attributes
    ----------
    thread : str
        Its name.
    waits_for : str
        What it waits for: a kind, and a name or a number.
    where : str
        File, line and function of the wait.
    taken_at : str or None
        Where the thread of the next step took what this one waits for; of a task, where it was submitted.
    stack : str
        The stack of the thread, innermost call first.
    """

    thread: str
    waits_for: str
    where: str
    taken_at: str | None
    stack: str


def _place(code: CodeType, line: int | None) -> str:
    return f"{code.co_filename}:{line or code.co_firstlineno} in {code.co_name}"


def _walk(frame: FrameType | None) -> str:
    lines: list[str] = []
    while frame is not None and len(lines) < _DEPTH:
        if frame.f_code.co_filename != __file__:
            lines.append(_place(frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return "\n".join(lines)


def _site(site: tuple[CodeType, int] | None) -> str | None:
    if site is None:
        return None
    code, position = site
    for start, end, line in code.co_lines():
        if start <= position < end:
            return _place(code, line)
    return _place(code, None)


def _thread_name(ident: int) -> str:
    if ident == 0:
        return "a thread that has ended"
    # Not `threading.enumerate`, which waits for a lock.
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    return thread.name if thread is not None else f"thread {ident}"


def stack() -> str:
    """Return where the program is, innermost call first."""
    return _walk(sys._getframe(1))


def holder(ident: int, seconds: float, site: tuple[CodeType, int] | None) -> Holder:
    """Describe who holds a lock."""
    return Holder(_thread_name(ident), seconds, _site(site))


def deadlock(found: list[tuple[int, str, tuple[CodeType, int] | None]]) -> DeadlockError:
    """Word a cycle of waits: thread, what it waits for, and where the next one took that."""
    frames = sys._current_frames()
    steps: list[WaitStep] = []
    for ident, waits_for, site in found:
        walked = _walk(frames.get(ident))
        where = walked.partition("\n")[0] or "an unknown place"
        steps.append(WaitStep(_thread_name(ident), waits_for, where, _site(site), walked))
    alone = len(steps) == 1
    who = "this thread would wait for itself" if alone else f"these {len(steps)} threads would wait for each other"
    lines = [f"{who} for ever:"]
    for index, step in enumerate(steps):
        owner = steps[(index + 1) % len(steps)].thread
        lines.append(f"  {step.thread!r} waits at {step.where}")
        if step.waits_for == "the end of a thread":
            lines.append(f"    for the end of {owner!r}")
        elif step.waits_for.startswith("the end of "):
            submitted = f", submitted at {step.taken_at}" if step.taken_at else ""
            lines.append(f"    for {step.waits_for}, which is for {owner!r} to run{submitted}")
        else:
            taken = f", taken at {step.taken_at}" if step.taken_at else ""
            lines.append(f"    for {step.waits_for}, held by {owner!r}{taken}")
    if any(step.waits_for.startswith("the end of task") for step in steps):
        lines.append("let one of them not wait for the other's answer, or wait with a timeout")
    else:
        lines.append("take the locks in one order everywhere, or wait with a timeout")
    return DeadlockError("\n".join(lines), tuple(steps))


def abandoned(message: str) -> LockAbandonedError:
    """Word that the holder is gone."""
    return LockAbandonedError(message)


def held_by_other(what: str, ident: int) -> RuntimeError:
    """Word that a thread released what another holds."""
    return RuntimeError(
        f"{what} is held by {_thread_name(ident)!r}, and only that thread can release it; "
        "to signal another thread, use an Event or a Semaphore"
    )


def inverted(held: str, taken: str, path: list[str], now: str, before: str) -> None:
    """Warn of locks taken in two orders."""

    def indent(text: str) -> str:
        return "\n".join(f"    {line}" for line in text.splitlines())

    between = f" (by way of {', '.join(path[1:-1])})" if len(path) > 2 else ""
    message = (
        f"{taken} is taken while {held} is held, and was held before while {held} was taken{between}: "
        "two threads that do so at once may deadlock\n"
        f"  now:\n{indent(now)}\n"
        f"  before:\n{indent(before)}"
    )
    warnings.warn(message, LockOrderWarning, stacklevel=2)
