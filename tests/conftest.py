"""What every test may use: a browser for the report, and how long property tests search.

In CI (the variable `CI` is set) nothing that a test needs may be missing, and property tests run the same cases every
time; elsewhere a missing browser skips its tests and says how to get one.
"""

from __future__ import annotations

import os

import hypothesis
import pytest

from browser import Browser

IN_CI = os.environ.get("CI", "") not in ("", "0", "false")

# No deadlines: a shared machine may stop for longer than any of them.
hypothesis.settings.register_profile("default", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
# What only depends on Rust was searched on the first Python (`--hypothesis-profile=brief` on the others).
hypothesis.settings.register_profile("brief", deadline=None, max_examples=20, derandomize=IN_CI, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "default")


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
