"""Threads for the tests of `multilane.sync`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crew import Crew


@pytest.fixture
def crew() -> Iterator[Crew]:
    """Threads that have ended when the test has, without errors that it did not look at."""
    crew = Crew()
    yield crew
    crew.join()
    assert not crew.errors
