"""CPython's own tests of executors pass on multilane."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cpython_executor import NOT_APPLICABLE, NOT_APPLICABLE_TESTS

BACKENDS = ("threads", "processes")


def has_suite() -> bool:
    try:
        return importlib.util.find_spec("test.test_concurrent_futures.util") is not None
    except ImportError:
        return False


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[str, str]]:
    """Output and errors of the runner for each backend; both run at once, since most of the time they sleep."""
    runner = str(Path(__file__).with_name("cpython_executor.py"))
    programs = {
        backend: subprocess.Popen(
            [sys.executable, runner, backend], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for backend in BACKENDS
    }
    return {backend: program.communicate(timeout=110) for backend, program in programs.items()}


@pytest.mark.skipif(not has_suite(), reason="this Python does not ship the package `test.test_concurrent_futures`")
@pytest.mark.parametrize("backend", BACKENDS)
def test_cpythons_executor_tests_pass(
    backend: str, answers: dict[str, tuple[str, str]], record_property: Callable[[str, object], None]
) -> None:
    output, errors = answers[backend]
    assert output, errors
    answer = json.loads(output.splitlines()[-1])
    for key, value in answer.items():
        record_property(key, value)
    assert not answer["failed"], "\n\n".join(f"{name}\n{text}" for name, text in answer["failed"].items())
    assert answer["ran"] >= 50
    assert answer["not applicable"].keys() == NOT_APPLICABLE.keys() | NOT_APPLICABLE_TESTS.keys()
