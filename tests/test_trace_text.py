"""A recorded trace in short, wherever it is shown."""

import io
import re

import pytest
from rich.console import Console

import multilane as ml


@pytest.fixture(scope="module")
def trace() -> ml.Trace:
    with ml.Executor(2, backend="threads") as executor, ml.record("squares") as recording:
        ml.gather(executor.submit(pow, n, 2) for n in range(10))
    assert recording.trace is not None
    return recording.trace


def test_says_how_many_tasks_ran_and_where(trace: ml.Trace) -> None:
    text = str(trace)
    assert "squares on threads, 2 workers" in text
    assert "10 tasks (0 failed)" in text
    assert "pow" in text


def test_a_console_and_a_notebook_show_the_same(trace: ml.Trace) -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(trace)
    assert isinstance(console.file, io.StringIO)
    assert "10 tasks (0 failed)" in console.file.getvalue()
    assert "10 tasks (0 failed)" in re.sub(r"<[^>]+>", "", trace._repr_html_())


def test_the_parts_are_those_of_the_analysis(trace: ml.Trace) -> None:
    analysis = trace.analyse()
    assert trace.decomposition == analysis["decomposition"]
    assert sum(trace.decomposition.values()) == pytest.approx(1)
    assert trace.critical_path == analysis["critical_path"]
    assert trace.efficiency == analysis["efficiency"]
