"""The report in a browser: it works on a phone, in both colour schemes, from the keyboard, and without a network.

The proof in `data/proof.json` is made up; `cargo run -p multilane-lab --example report -- small tests/data/proof.json`
writes it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browser import Browser
from multilane import _multilane

pytestmark = pytest.mark.browser

SAVED = (Path(__file__).parent / "data" / "proof.json").read_text("utf-8")
ATTACK = "</script><script>window.owned = 1</script><img src=x onerror='window.owned = 1'>\"'&"
WIDTHS = [320, 360, 768, 1280]

# The page's elements that reach past its right edge; wide tables and code scroll by themselves.
OVERFLOWING = """
[...document.querySelectorAll("body *")]
    .filter((part) => !part.closest(".wide, pre, svg"))
    .filter((part) => part.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map((part) => `${part.tagName}.${part.className}`)
"""

# How readable each text is: WCAG contrast of its colour against the page, for text that stands on the page itself.
FAINT = """
(() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((part) => {
        const value = part / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    const luminance = (colour) => { const [r, g, b] = channels(colour); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const paper = luminance(getComputedStyle(document.body).backgroundColor);
    const texts = [...document.querySelectorAll("h1, h2, h3, p, small, li, dt, dd, summary, th, td, button")];
    return texts.filter((part) => part.textContent.trim() && part.getClientRects().length).filter((part) => {
        const ink = luminance(getComputedStyle(part).color);
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 4.5;
    }).map((part) => part.textContent.slice(0, 40));
})()
"""

Write = Callable[[str], Path]


@pytest.fixture
def report(tmp_path: Path) -> Write:
    """Write the report on a proof given as JSON."""

    def write(proof: str) -> Path:
        page = tmp_path / "report.html"
        page.write_text(_multilane.ProofData.from_json(proof).report_html(), "utf-8")
        return page

    return write


def built_in() -> str:
    """Give a proof of four parts."""
    proof = {**json.loads(SAVED), "runs": [], "checks": [], "function": ""}
    kinds = ["progress", "wall_clock", "flat_time", "cpu_bound"]
    proof["parts"] = [{"kind": kind, "claim": f"claim of {kind}", "proof": json.loads(SAVED)} for kind in kinds]
    return json.dumps(proof)


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    """Write a page on plans that ran."""
    group = {
        "label": "core.fused",
        "iterations": 20,
        "lanes": 2,
        "predicted_ns": 9e6,
        "busy_ns": 1e7,
        "bandwidth": 2e10,
    }
    run = {
        "turns": 20,
        "workers": 2,
        "measured_ns": [1e7, 1.1e7, 9e6],
        "groups": [group] * 4,
        "text": "plan p() {}" * 20,
    }
    finding = {"says": "a sentence", "columns": ["Package", "Share"], "rows": [["libc6 " * 9, "12 %"], [ATTACK, "1 %"]]}
    data = {
        "title": ATTACK,
        "source": "From a test. " * 20,
        "facts": [["Packages", "63,498"], ["Processor", ATTACK]],
        "findings": [{"title": title, **finding} for title in ("What others rest on", ATTACK)],
        "runs": [{"name": name, "predicted_ns": ns, **run} for name, ns in (("PageRank", 9e6), (ATTACK, 5e7))],
        "checks": [{"name": "ranks", "passed": True, "detail": "no difference"}],
    }
    page = tmp_path / "plans.html"
    page.write_text(_multilane.plans_html(json.dumps(data)), "utf-8")
    return page


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_on_plans_never_scrolls_sideways(browser: Browser, plans: Path, width: int) -> None:
    unfolded = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
    question = (
        f"({unfolded}, [document.documentElement.scrollWidth - document.documentElement.clientWidth, {OVERFLOWING}])"
    )
    assert browser.evaluate(plans, question, width=width) == [0, []]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_on_plans_is_readable_and_runs_nothing_from_outside(browser: Browser, plans: Path, dark: bool) -> None:
    button = "document.getElementById('theme').textContent"
    bars = "[...document.querySelectorAll('.pair i')].map((bar) => bar.getBoundingClientRect().width > 0)"
    button, faint, bars, owned = browser.evaluate(plans, f"[{button}, {FAINT}, {bars}, window.owned ?? 0]", dark=dark)
    assert button == ("Light" if dark else "Dark")
    assert faint == []
    assert bars == [True] * 4
    assert owned == 0


def test_opens_with_the_verdict_in_words(browser: Browser, report: Write) -> None:
    page = report(SAVED)
    seen: Any = browser.evaluate(
        page,
        "({headline: document.querySelector('h1').textContent, top: document.querySelector('h1').offsetTop,"
        " cards: [...document.querySelectorAll('.card h3')].map((name) => name.textContent),"
        " sections: [...document.querySelectorAll('h2')].map((title) => title.textContent)})",
        width=360,
    )
    assert "ran in parallel with multilane processes" in seen["headline"]
    assert seen["top"] < 640, "the headline is on a phone's first screen"
    assert seen["cards"] == ["multilane processes", "multilane threads", "plain threads", "sequential"]
    assert "Where the time went" in seen["sections"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("proof", [SAVED, built_in()], ids=["one function", "built-in"])
def test_never_scrolls_sideways(browser: Browser, report: Write, proof: str, width: int) -> None:
    unfolded = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
    question = (
        f"({unfolded}, [document.documentElement.scrollWidth - document.documentElement.clientWidth, {OVERFLOWING}])"
    )
    assert browser.evaluate(report(proof), question, width=width) == [0, []]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_is_readable_in_both_colour_schemes(browser: Browser, report: Write, dark: bool) -> None:
    page = report(SAVED)
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    button = "document.getElementById('theme').textContent"
    scheme, button, faint = browser.evaluate(page, f"[{scheme}, {button}, {FAINT}]", dark=dark)
    assert (scheme, button) == (("dark", "Light") if dark else ("light", "Dark"))
    assert faint == []


def test_the_button_switches_the_colours(browser: Browser, report: Write) -> None:
    question = """
    (() => {
        const paper = () => getComputedStyle(document.body).backgroundColor, before = paper();
        document.getElementById("theme").click();
        const after = paper();
        document.getElementById("theme").click();
        return [before !== after, before === paper()];
    })()
    """
    assert browser.evaluate(report(SAVED), question) == [True, True]


def test_asks_the_network_nothing_and_may_not(browser: Browser, report: Write) -> None:
    question = """
    new Promise((resolve) => {
        const asked = performance.getEntriesByType("resource").map((entry) => entry.name);
        document.addEventListener("securitypolicyviolation", (event) => resolve([asked, event.violatedDirective]));
        fetch("http://127.0.0.1:9/").catch(() => {});
    })
    """
    assert browser.evaluate(report(built_in()), question) == [[], "connect-src"]


def test_tells_what_lies_under_the_pointer(browser: Browser, report: Write) -> None:
    question = """
    (() => {
        const track = document.querySelector(".workers .track");
        const box = track.querySelector(".plot").getBoundingClientRect();
        const point = (type, x, y) => {
            const place = { clientX: box.left + x * box.width, clientY: box.top + y * box.height };
            track.dispatchEvent(new PointerEvent(type, { ...place, pointerType: "mouse", bubbles: true }));
        };
        const tip = document.getElementById("tip");
        point("pointermove", 0.5, 0.25);
        const said = tip.textContent, marks = document.querySelectorAll(".mark").length;
        const inside = tip.getBoundingClientRect().right <= innerWidth;
        point("pointerleave", 0.5, 0.25);
        return [said, marks, inside, tip.hidden];
    })()
    """
    said, marks, inside, hidden = browser.evaluate(report(SAVED), question, width=360)
    assert "count_words, task" in said
    assert "worker 0 (process 4242)" in said
    assert "cores used at" in said
    assert (marks, inside, hidden) == (1, True, True)


def test_the_keyboard_walks_from_task_to_task(browser: Browser, report: Write) -> None:
    question = """
    (() => {
        const track = document.querySelector(".workers .track"), tip = document.getElementById("tip");
        track.focus();
        const press = (key) => {
            track.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
            return tip.hidden ? null : tip.textContent.split("\\n");
        };
        return [document.activeElement === track,
            ...["ArrowRight", "ArrowRight", "ArrowDown", "Home", "End", "Escape"].map(press)];
    })()
    """
    focused, *steps, last = browser.evaluate(report(SAVED), question)
    assert focused
    assert last is None, "Escape leaves"
    first, second, below, home, end = [(step[0], step[2].split(" (")[0]) for step in steps]
    assert first == ("count_words, task 1", "worker 0")
    assert second[0] != first[0]
    assert second[1] == "worker 0"
    assert {below[1], home[1], end[1]} == {"worker 1"}
    assert home == ("count_words, task 2", "worker 1")
    assert end != home


def test_every_figure_has_words_for_those_who_do_not_see_it(browser: Browser, report: Write) -> None:
    question = """
    [...document.querySelectorAll("svg")].filter((drawing) => !drawing.closest("[aria-hidden=true]")).length
    + [...document.querySelectorAll("[role=img], [role=group], [role=region]")].filter((part) => !part.ariaLabel).length
    """
    assert browser.evaluate(report(built_in()), question) == 0


def test_one_time_scale_or_each_at_full_width(browser: Browser, report: Write) -> None:
    question = """
    (() => {
        const widths = () => {
            const plots = [...document.querySelectorAll(".workers .plot")];
            plots.forEach((plot) => { plot.style.transition = "none"; });
            return plots.map((plot) => Math.round(plot.offsetWidth / plot.parentElement.clientWidth * 100));
        };
        const shared = widths();
        document.querySelector("[data-scale=own]").click();
        return [shared, widths()];
    })()
    """
    shared, own = browser.evaluate(report(SAVED), question)
    assert shared[0] < 60, "half the time is half the width"
    assert max(shared) == 100
    assert own == [100] * len(shared)


def test_shows_hostile_names_as_text(browser: Browser, report: Write) -> None:
    proof = SAVED.replace("count_words", json.dumps(ATTACK)[1:-1]).replace("AMD EPYC", json.dumps(ATTACK)[1:-1])
    found = "document.images.length, document.scripts.length, document.querySelector('h1').textContent"
    question = f"[window.owned ?? null, {found}]"
    owned, images, scripts, headline = browser.evaluate(report(proof), question)
    # One script more than the page's two: the question itself.
    assert (owned, images, scripts) == (None, 0, 3)
    assert ATTACK in headline
