"""What every test may use: backends, gates, a browser for the report, and how long property tests search.

In CI (the variable `CI` is set) nothing that a test needs may be missing, and property tests run the same cases every
time; elsewhere a missing browser skips its tests and says how to get one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from browser import Browser
from gates import Gate

IN_CI = os.environ.get("CI", "") not in ("", "0", "false")

# No deadlines: a shared machine may stop for longer than any of them.
hypothesis.settings.register_profile("default", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
# What only depends on Rust was searched on the first Python (`--hypothesis-profile=brief` on the others).
hypothesis.settings.register_profile("brief", deadline=None, max_examples=20, derandomize=IN_CI, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "default")

# A shell starts what it runs in the background with Ctrl-C ignored, and so would every program of a test be started.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def browser() -> Browser:
    """Headless Chromium; mark the test `browser` as well."""
    found = Browser.find()
    if found is None:
        reason = "no Chromium on PATH; `make browser` installs it on Debian"
        if IN_CI:
            pytest.fail(f"{reason}; CI requires it")
        pytest.skip(reason)
    return found


@pytest.fixture(params=("serial", "threads", "processes"))
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn."""
    name: str = request.param
    return name


@pytest.fixture(params=("threads", "processes"))
def concurrent(request: pytest.FixtureRequest) -> str:
    """Each backend whose tasks run beside the caller."""
    name: str = request.param
    return name


@pytest.fixture
def make_gate(tmp_path: Path) -> Iterator[Callable[[], Gate]]:
    """Makes gates."""
    gates: list[Gate] = []

    def make() -> Gate:
        gates.append(Gate(tmp_path / f"gate{len(gates)}"))
        return gates[-1]

    yield make
    for gate in gates:
        # A failed test must not leave tasks behind. The gate stays open: a task that was
        # claimed but comes to it only after the test would wait for ever for the other side.
        gate.open(100)


@pytest.fixture
def gate(make_gate: Callable[[], Gate]) -> Gate:
    """A gate."""
    return make_gate()
