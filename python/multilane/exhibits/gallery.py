"""An exhibit that was run, as text for a terminal and as a page.

Runs the two programs and arranges what they showed; adds no words of its own to what was measured.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from . import load
from .frame import BROKEN, CURED, Exhibit, Outcome, run

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Shown", "code_of", "drawn", "page", "show"]


class Shown(NamedTuple):
    """An exhibit, and what its two programs showed."""

    name: str
    exhibit: Exhibit
    broken: Outcome
    cured: Outcome

    def to_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "title": self.exhibit.title,
            BROKEN: self.broken.to_data(),
            CURED: self.cured.to_data(),
            "hazard": self.exhibit.hazard,
            "cure": self.exhibit.cure,
        }

    def pictures(self) -> dict[str, str]:
        """Return the two timelines as SVG, by the names of their files."""
        return {
            f"{self.name}-{version}.svg": outcome.timeline.to_svg(f"{self.exhibit.title}, {version}")
            for version, outcome in ((BROKEN, self.broken), (CURED, self.cured))
        }


def show(name: str) -> Shown:
    """Run the two programs of an exhibit."""
    return Shown(name, load(name), run(name, BROKEN), run(name, CURED))


def code_of(function: Callable[..., Any] | None) -> str:
    """Return the source of a function, without its docstring.

    >>> print(code_of(code_of).splitlines()[0])
    def code_of(function: Callable[..., Any] | None) -> str:
    """
    if function is None:
        return ""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    quotes = [number for number, line in enumerate(lines) if line.lstrip().startswith('"""')]
    if quotes:
        first = quotes[0]
        last = first if lines[first].count('"""') == 2 else quotes[1]
        del lines[first : last + 1]
    return "\n".join(lines)


def drawn(shown: Shown) -> RenderableType:
    """Draw it for a terminal."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.syntax import Syntax
    from rich.text import Text

    parts: list[RenderableType] = [Text(shown.exhibit.title, style="bold"), Text()]
    for word, outcome, code, words in (
        (BROKEN, shown.broken, shown.exhibit.broken_code, shown.exhibit.hazard),
        (CURED, shown.cured, shown.exhibit.cured_code, shown.exhibit.cure),
    ):
        mark, colour = {True: ("holds", "green"), False: ("FAILS", "bold red"), None: ("undecided", "magenta")}[
            outcome.holds
        ]
        parts.append(Text.assemble((f"{word}: ", "bold"), (mark, colour), f", {outcome.seen}"))
        parts.append(Text())
        if code is not None:
            source = Syntax("", "python", background_color="default").highlight(code_of(code))
            source.rstrip()
            parts += [Padding(source, (0, 0, 0, 4), expand=False), Text()]
        if outcome.timeline.spans:
            parts += [Padding(Text(outcome.timeline.to_text()), (0, 0, 0, 4), expand=False), Text()]
        width = max(map(len, outcome.facts), default=0)
        parts += [Text.assemble((f"    {name:<{width}}  ", "dim"), value) for name, value in outcome.facts.items()]
        parts += [Text(), Text(textwrap.fill(words, 100, initial_indent="    ", subsequent_indent="    ")), Text()]
    return Group(*parts)


def page(found: Sequence[Shown]) -> str:
    """Write exhibits as one HTML page that needs nothing else."""
    sections = "\n".join(_section(shown) for shown in found)
    title = found[0].exhibit.title if len(found) == 1 else "Hazards of concurrency, and their cures"
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style>\n'
        f"<main>\n{sections}\n</main>\n</html>\n"
    )


def _section(shown: Shown) -> str:
    parts = [f'<section id="{shown.name}">', f"<h2>{escape(shown.exhibit.title)}</h2>"]
    for word, outcome, code, words in (
        (BROKEN, shown.broken, shown.exhibit.broken_code, shown.exhibit.hazard),
        (CURED, shown.cured, shown.exhibit.cured_code, shown.exhibit.cure),
    ):
        picture = outcome.timeline.to_svg(f"{shown.exhibit.title}, {word}") if outcome.timeline.spans else ""
        rows = "".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
            for name, value in outcome.facts.items()
        )
        parts.append(
            f"<h3>{word.capitalize()}: {escape(outcome.seen)}</h3>\n<p>{escape(words)}</p>\n"
            f"<pre><code>{escape(code_of(code))}</code></pre>\n{picture}\n<table>{rows}</table>"
        )
    return "\n".join([*parts, "</section>"])


_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;background:light-dark(#fdfcf9,#171614);color:light-dark(#1c1b19,#ece8e0);"
    "font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:52rem;margin:0 auto;padding:1rem}svg{width:100%;height:auto}"
    "pre{overflow-x:auto;background:light-dark(#f3f1ea,#22211e);padding:.8rem;border-radius:6px;font-size:.85rem}"
    "table{border-collapse:collapse}th{text-align:left;font-weight:400;padding-right:1.5rem;vertical-align:top;"
    "color:light-dark(#5d5950,#aaa499)}"
)
