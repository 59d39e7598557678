"""Threads for the tests of pipelines and actors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crew import Crew


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew()
    yield crew
    crew.join()
    assert not crew.errors
