"""Live progress: what is drawn, when, and that it stays out of the way."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from multilane import _progress
from multilane._progress import GroupProgress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class CountingScreen:
    """Keeps the tables it is shown."""

    def __init__(self) -> None:
        self.shown: list[object] = []
        self.finished: list[object] = []

    def show(self, table: object) -> None:
        self.shown.append(table)

    def finish(self, table: object) -> None:
        self.finished.append(table)


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Stand in for standard error; not a fixture, as pytest puts its own capture back between set-up and test."""
    stream = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        patch.setenv("COLUMNS", "120")
        patch.setenv("TERM", "xterm")
        yield stream


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> CountingScreen:
    screen = CountingScreen()
    monkeypatch.setattr(_progress, "_open_screen", lambda: screen)
    return screen


def text_of(table: object) -> str:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_is_quiet_when_standard_error_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with GroupProgress("parse", total=3) as progress:
        progress.update(3)
    assert capsys.readouterr() == ("", "")


def test_draws_in_a_terminal() -> None:
    with terminal() as stream, GroupProgress("parse", total=3) as progress:
        progress.update(3)
    assert "parse" in stream.getvalue()
    assert "3/3" in stream.getvalue()


def test_disabled_draws_nothing_in_a_terminal() -> None:
    with terminal() as stream, GroupProgress("parse", total=3, enabled=False) as progress:
        progress.update(3)
    assert stream.getvalue() == ""


def test_one_line_per_group_and_totals(screen: CountingScreen) -> None:
    with (
        GroupProgress("parse", total=4, enabled=True) as first,
        GroupProgress("count", total=6, enabled=True) as second,
    ):
        first.update(4)
        second.update(3, failed=1)
    lines = text_of(screen.finished[-1]).splitlines()
    assert [line.split()[0] for line in lines] == ["parse", "count", "total"]
    assert "7/10" in lines[2]
    assert "1 failed" in lines[2]


def test_a_single_group_has_no_totals(screen: CountingScreen) -> None:
    with GroupProgress("parse", total=4, enabled=True) as progress:
        progress.update(4)
    assert len(text_of(screen.finished[-1]).splitlines()) == 1


def test_a_total_nobody_knows_shows_the_count(screen: CountingScreen) -> None:
    with GroupProgress("endless", enabled=True) as progress:
        progress.update(1234)
    assert "1234" in text_of(screen.finished[-1])


def test_a_label_is_text_and_not_markup(screen: CountingScreen) -> None:
    GroupProgress("[red]<lambda>", total=1, enabled=True).close()
    assert "[red]<lambda>" in text_of(screen.finished[-1])


def test_draws_at_most_once_per_interval(screen: CountingScreen, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(_progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with GroupProgress("parse", total=1000, enabled=True) as progress:
        opened = len(screen.shown)
        for done in range(500):
            progress.update(done)
        assert len(screen.shown) == opened
        now[0] += _progress.INTERVAL
        for done in range(500, 1000):
            progress.update(done)
        assert len(screen.shown) == opened + 1
        progress.update(1000)
    assert "1000/1000" in text_of(screen.finished[-1])


def test_many_threads_may_report(screen: CountingScreen) -> None:
    with GroupProgress("parse", total=400, enabled=True) as progress:

        def count() -> None:
            for done in range(400):
                progress.update(done)

        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        progress.update(400)
    assert "400/400" in text_of(screen.finished[-1])


def test_closing_twice_and_updating_afterwards_are_harmless(screen: CountingScreen) -> None:
    progress = GroupProgress("parse", total=1, enabled=True)
    progress.close()
    progress.close()
    progress.update(1)
    assert len(screen.finished) == 1


def test_a_closed_standard_error_does_not_break_the_work() -> None:
    with terminal() as stream:
        progress = GroupProgress("parse", total=2)
        stream.close()
        progress.update(1)
        progress.close()


def test_draws_into_one_notebook_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, table: object) -> None:
            shown.append(text_of(table))

    def display(table: object, display_id: bool) -> Handle:
        assert display_id
        shown.append(text_of(table))
        return Handle()

    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    with GroupProgress("parse", total=2) as progress:
        progress.update(2)
    assert "2/2" in shown[-1]
