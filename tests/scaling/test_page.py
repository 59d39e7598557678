"""The page on a sweep in a browser: on a phone, in both colour schemes, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import Browser
from sweeps import made_up
from test_report_browser import FAINT, OVERFLOWING, WIDTHS

pytestmark = pytest.mark.browser


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Write the page on a sweep of a long name, with a cause and with a model that has a peak."""
    return made_up({n: n / (1 + 0.2 * (n - 1)) for n in (1, 2, 4, 8, 16)}, interpreter=0.4).to_html(
        tmp_path / "page.html"
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_reaches_past_the_edge(page: Path, browser: Browser, width: int) -> None:
    assert browser.evaluate(page, OVERFLOWING, width=width) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read(page: Path, browser: Browser, dark: bool) -> None:
    assert browser.evaluate(page, FAINT, dark=dark) == []


def test_the_samples_can_be_taken_along(page: Path, browser: Browser) -> None:
    lines = "decodeURIComponent(document.querySelector('a[download]').href).split('\\n').length"
    rows = browser.evaluate(page, lines)
    # The line of names, a line for each sample and the end of the last line.
    assert rows == 1 + 25 + 1
