"""CPython's own tests of locks and queues pass on `multilane.sync`."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cpython_sync import NOT_APPLICABLE


def has_suite() -> bool:
    try:
        return all(importlib.util.find_spec(f"test.{name}") is not None for name in ("lock_tests", "test_queue"))
    except ImportError:
        return False


@pytest.mark.skipif(not has_suite(), reason="needs a Python with the package `test`")
def test_cpythons_tests_of_locks_and_queues_pass(record_property: Callable[[str, object], None]) -> None:
    runner = str(Path(__file__).with_name("cpython_sync.py"))
    program = subprocess.run([sys.executable, runner], capture_output=True, text=True, timeout=110)
    assert program.stdout, program.stderr
    answer = json.loads(program.stdout.splitlines()[-1])
    for key, value in answer.items():
        record_property(key, value)
    assert not answer["failed"], "\n\n".join(f"{name}\n{text}" for name, text in answer["failed"].items())
    # From 3.13 on, queues can be shut down.
    assert answer["ran"] >= (110 if sys.version_info >= (3, 13) else 90)
    assert answer["not applicable"].keys() == NOT_APPLICABLE.keys()
