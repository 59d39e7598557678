"""The browser that other tests look at reports with: it sees narrow pages, colour schemes and failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import Browser, PageError

pytestmark = pytest.mark.browser


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><title>A &amp; B</title><p>“quoted”</p><script>window.kept = 7;</script>")
    return file


def test_shows_the_page_at_the_width_of_a_phone_in_either_colour_scheme(browser: Browser, page: Path) -> None:
    question = "[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, document.title, window.kept]"
    assert browser.evaluate(page, question, width=360) == [360, False, "A & B", 7]
    assert browser.evaluate(page, question, width=1200, dark=True) == [1200, True, "A & B", 7]


def test_names_the_script_that_failed(browser: Browser, page: Path) -> None:
    page.write_text("<!doctype html><script>unknown.name</script>")
    with pytest.raises(PageError, match="unknown is not defined"):
        browser.evaluate(page, "1")


def test_takes_a_picture(browser: Browser, page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "page.png"
    browser.picture(page, picture, width=360)
    assert picture.read_bytes().startswith(b"\x89PNG")
