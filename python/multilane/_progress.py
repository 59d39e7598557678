"""Live progress: one line per group of tasks, and a line of totals when there are several groups.

Draws with rich, on standard error in a terminal or in a notebook cell, at most ten times a second, from whichever
thread reports; it starts no thread of its own. Says nothing when standard error is not a terminal.
Only shows counts it is told: it knows neither tasks nor pools.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.table import Table

#: Seconds between two drawings: quicker than this a person cannot read.
INTERVAL = 0.1


class GroupProgress:
    """One line of live progress.

    Parameters
    ----------
    label
        What the line is called, usually the function's name.
    total
        How many tasks there will be; ``None`` while nobody knows.
    enabled
        ``True`` or ``False`` decides; ``None`` draws only in a terminal or a notebook.

    Examples
    --------
    >>> with GroupProgress("parse", total=3, enabled=False) as progress:
    ...     progress.update(1, running=2)
    ...     progress.update(3)
    >>> progress.done
    0
    """

    __slots__ = ("_display", "done", "ended", "failed", "label", "running", "started", "total")

    def __init__(self, label: str, total: int | None = None, enabled: bool | None = None) -> None:
        self.label = label
        self.total = total
        self.done = self.failed = self.running = 0
        self.started = time.monotonic()
        self.ended: float | None = None
        self._display: _Display | None = None
        if enabled or (enabled is None and _somebody_watches()):
            self._display = _shared
            _shared.add(self)

    def update(self, done: int, failed: int = 0, running: int = 0) -> None:
        """Say how many tasks of this group are done, failed (among the done) and running now."""
        display = self._display
        if display is None:
            return
        self.done, self.failed, self.running = done, failed, running
        if time.monotonic() >= display.next_drawing:
            display.draw()

    def close(self) -> None:
        """Draw the last state and leave it standing; closing twice is harmless."""
        display, self._display = self._display, None
        if display is not None:
            self.running = 0
            self.ended = time.monotonic()
            display.remove()

    def __enter__(self) -> GroupProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Screen(Protocol):
    """Where a table is drawn again and again."""

    def show(self, table: Table) -> None: ...

    def finish(self, table: Table) -> None: ...


class _Display:
    """All lines that are open now, drawn together."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.groups: list[GroupProgress] = []
        self.open = 0
        self.screen: _Screen | None = None
        self.next_drawing = 0.0

    def add(self, group: GroupProgress) -> None:
        with self.lock:
            self.groups.append(group)
            self.open += 1
            if self.screen is None:
                self.screen = _open_screen()
            self._draw(self.screen)

    def draw(self) -> None:
        # A thread that finds another one drawing goes on with its work.
        if self.lock.acquire(blocking=False):
            try:
                if self.screen is not None and time.monotonic() >= self.next_drawing:
                    self._draw(self.screen)
            finally:
                self.lock.release()

    def remove(self) -> None:
        with self.lock:
            self.open -= 1
            if self.screen is None:
                return
            if self.open:
                self._draw(self.screen)
            else:
                screen, groups = self.screen, self.groups
                # Forget the screen first: a drawing that fails must not leave it open for the next group.
                self.screen, self.groups = None, []
                with contextlib.suppress(OSError, ValueError):
                    screen.finish(_table(groups))

    def _draw(self, screen: _Screen) -> None:
        self.next_drawing = time.monotonic() + INTERVAL
        try:
            screen.show(_table(self.groups))
        except (OSError, ValueError):
            # Standard error was closed under us; the work must not fail for it.
            self.screen = None


class _Terminal:
    """Draws in place on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        # What the program prints appears above the lines, unless it goes to a file: then it must stay there.
        printed_here = sys.stdout is not None and sys.stdout.isatty()
        self.live = Live(console=Console(stderr=True), auto_refresh=False, redirect_stdout=printed_here)
        self.live.start()

    def show(self, table: Table) -> None:
        self.live.update(table, refresh=True)

    def finish(self, table: Table) -> None:
        self.live.update(table)
        self.live.stop()


class _Notebook:
    """Draws in the cell that runs, through rich's own notebook support."""

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, table: Table) -> None:
        if self.handle is None:
            # Not imported by name: IPython is there in a notebook and need not be anywhere else.
            display = importlib.import_module("IPython.display").display
            self.handle = display(table, display_id=True)
        else:
            self.handle.update(table)

    finish = show


def _open_screen() -> _Screen:
    return _Notebook() if _in_notebook() else _Terminal()


def _somebody_watches() -> bool:
    return _is_terminal() or _in_notebook()


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = ipython.get_ipython()
    # The kernel of a notebook, and not the shell in a terminal.
    return shell is not None and hasattr(shell, "kernel")


def _table(groups: list[GroupProgress]) -> Table:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    now = time.monotonic()
    rows = [
        (group.label, group.total, group.done, group.failed, group.running, _elapsed(group, now)) for group in groups
    ]
    if len(rows) > 1:
        totals = [row[1] for row in rows]
        known = None if None in totals else sum(total for total in totals if total is not None)
        longest = max((group.ended or now) for group in groups) - min(group.started for group in groups)
        sums = [sum(column) for column in zip(*[row[2:5] for row in rows], strict=True)]
        rows.append(("total", known, sums[0], sums[1], sums[2], longest))
    for label, total, done, failed, running, seconds in rows:
        table.add_row(
            Text(label),
            ProgressBar(total=total, completed=done, width=30, pulse=total is None),
            f"{done}/{total}" if total is not None else f"{done}",
            f"[red]{failed} failed[/]" if failed else "",
            f"{running} running" if running else "",
            _clock(seconds),
            _left(total, done, seconds),
        )
    return table


def _elapsed(group: GroupProgress, now: float) -> float:
    return (group.ended or now) - group.started


def _left(total: int | None, done: int, seconds: float) -> str:
    if total is None or not 0 < done < total:
        return ""
    return f"about {_clock(seconds * (total - done) / done)} left"


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d} min"


_shared = _Display()


def _forget() -> None:
    """Start afresh in a forked child: the lines on the screen are its parent's."""
    global _shared
    _shared = _Display()


os.register_at_fork(after_in_child=_forget)
