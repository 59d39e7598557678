"""What threads did when, as lines of text and as an SVG picture.

Holds spans that programs note while they run; draws them. Knows no exhibit, reads no clock but the one of traces.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, NamedTuple

__all__ = ["KINDS", "Kind", "Span", "Timeline"]


class Kind(NamedTuple):
    """What a span shows: its letter in a terminal, its words, and its light and dark colour (those of the report)."""

    letter: str
    words: str
    light: str
    dark: str


KINDS = {
    "hold": Kind("▓", "holds the lock", "#622370", "#c46fd8"),
    "work": Kind("█", "works", "#1d5fa8", "#86b9f0"),
    "wait": Kind("░", "waits", "#826a06", "#f0cf58"),
    "interpreter": Kind("▒", "waits for the interpreter lock", "#962a0c", "#ec7a52"),
    "bad": Kind("!", "goes wrong", "#a3153a", "#ff8098"),
    "hang": Kind("x", "waits for ever", "#d9899c", "#8a2440"),
}

#: Kinds that are never hidden by others in the same column.
LOUD = ("bad", "hang")

#: Spans that a picture can tell apart.
MOST_SPANS = 4000

#: Measures of the picture, in its own units.
_WIDTH, _ROW, _GUTTER, _TOP = 760, 26, 110, 8


class Span(NamedTuple):
    """One stretch of a lane; times in nanoseconds."""

    lane: str
    start_ns: int
    end_ns: int
    kind: str
    label: str = ""


class Timeline:
    """Spans in lanes, which are shown in the order of their first mention.

    Examples
    --------
    >>> timeline = Timeline(lanes=["one", "two"])
    >>> timeline.add("one", 0, 60, "work")
    >>> timeline.add("two", 60, 100, "hang")
    >>> print(timeline.to_text(width=10))
    one  ██████····  █ works
    two  ······xxxx  x waits for ever
         0             100 ns
    """

    def __init__(self, lanes: list[str] | None = None) -> None:
        self.lanes: list[str] = list(lanes or ())
        self.spans: list[Span] = []

    def add(self, lane: str, start_ns: int, end_ns: int, kind: str, label: str = "") -> None:
        """Note a stretch that is over. Any thread may."""
        self.spans.append(Span(lane, start_ns, end_ns, kind, label))

    @contextmanager
    def span(self, lane: str, kind: str, label: str = "") -> Iterator[None]:
        """Note how long the block takes."""
        start = time.monotonic_ns()
        try:
            yield
        finally:
            self.add(lane, start, time.monotonic_ns(), kind, label)

    def window(self, start_ns: int, end_ns: int) -> Timeline:
        """Cut out what lies between two times."""
        cut = Timeline(self.lanes)
        for span in self.spans:
            if span.end_ns >= start_ns and span.start_ns <= end_ns:
                inside = max(span.start_ns, start_ns), min(span.end_ns, end_ns)
                cut.spans.append(span._replace(start_ns=inside[0], end_ns=inside[1]))
        return cut

    def around(self, moment_ns: int, each_way_ns: int) -> Timeline:
        """Cut out what lies around a moment."""
        return self.window(moment_ns - each_way_ns, moment_ns + each_way_ns)

    def to_data(self) -> dict[str, Any]:
        """Return it as plain data, from time 0 on."""
        start, _ = self._extent()
        spans = [span._replace(start_ns=span.start_ns - start, end_ns=span.end_ns - start) for span in self.spans]
        return {"lanes": self._lanes(), "spans": [list(span) for span in _joined(spans)[:MOST_SPANS]]}

    @staticmethod
    def of_data(data: dict[str, Any]) -> Timeline:
        """Read what `to_data` gave."""
        timeline = Timeline(data["lanes"])
        timeline.spans = [Span(*span) for span in data["spans"]]
        return timeline

    def to_text(self, width: int = 72) -> str:
        """Draw it for a terminal: a row of letters for each lane, with the kind that takes most of each column."""
        start, end = self._extent()
        length = max(1, end - start)
        names = self._lanes()
        gutter = max(map(len, names), default=0)
        legend = [
            f"{KINDS[kind].letter} {KINDS[kind].words}" for kind in KINDS if any(s.kind == kind for s in self.spans)
        ]
        lines = []
        for number, lane in enumerate(names):
            shares: list[dict[str, float]] = [{} for _ in range(width)]
            for span in self.spans:
                if span.lane == lane:
                    _spread(
                        shares,
                        (span.start_ns - start) / length * width,
                        (span.end_ns - start) / length * width,
                        span.kind,
                    )
            row = "".join(_letter(column) for column in shares)
            lines.append(f"{lane:<{gutter}}  {row}  {legend[number] if number < len(legend) else ''}".rstrip())
        lines += [" " * (gutter + width + 4) + words for words in legend[len(names) :]]
        scale = _duration(length)
        lines.append(" " * (gutter + 2) + "0" + scale.rjust(max(width - 1, len(scale) + 13 if width < 20 else 0)))
        return "\n".join(lines)

    def to_svg(self, title: str) -> str:
        """Draw it as an SVG picture that stands alone, in light and dark."""
        start, end = self._extent()
        length = max(1, end - start)
        names = self._lanes()
        used = [kind for kind in KINDS if any(span.kind == kind for span in self.spans)]
        bottom = _TOP + _ROW * len(names)
        height = bottom + 44
        across = _WIDTH - _GUTTER - 10
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img"',
            f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="13">',
            f"<title>{escape(title)}</title>",
            f"<style>{_style(used)}</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="6"/>',
        ]
        for number, lane in enumerate(names):
            middle = _TOP + _ROW * number + _ROW / 2
            parts.append(
                f'<text class="ink" x="{_GUTTER - 8}" y="{middle + 4.5}" text-anchor="end">{escape(lane)}</text>'
            )
            parts.append(f'<path class="rule" d="M{_GUTTER} {middle}h{across}"/>')
        for span in sorted(self.spans[:MOST_SPANS], key=lambda each: list(KINDS).index(each.kind)):
            left = _GUTTER + (span.start_ns - start) / length * across
            right = _GUTTER + (span.end_ns - start) / length * across
            top = _TOP + _ROW * names.index(span.lane) + 4
            words = span.label or KINDS[span.kind].words
            parts.append(
                f'<rect class="{span.kind}" x="{left:.2f}" y="{top}" width="{max(right - left, 0.7):.2f}" '
                f'height="{_ROW - 8}"><title>{escape(span.lane)}: {escape(words)}, '
                f"{_duration(span.end_ns - span.start_ns)}</title></rect>"
            )
        parts.append(f'<text class="quiet" x="{_GUTTER}" y="{bottom + 14}">0</text>')
        parts.append(
            f'<text class="quiet" x="{_WIDTH - 10}" y="{bottom + 14}" text-anchor="end">{_duration(length)}</text>'
        )
        at = float(_GUTTER)
        for kind in used:
            words = KINDS[kind].words
            parts.append(f'<rect class="{kind}" x="{at:.0f}" y="{bottom + 24}" width="12" height="12"/>')
            parts.append(f'<text class="quiet" x="{at + 17:.0f}" y="{bottom + 34.5}">{words}</text>')
            at += 34 + 6.6 * len(words)
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _lanes(self) -> list[str]:
        return list(dict.fromkeys([*self.lanes, *(span.lane for span in self.spans)]))

    def _extent(self) -> tuple[int, int]:
        if not self.spans:
            return 0, 1
        return min(span.start_ns for span in self.spans), max(span.end_ns for span in self.spans)


def _joined(spans: list[Span]) -> list[Span]:
    """Join spans of a lane that nobody could tell apart in a picture."""
    blink = max((span.end_ns for span in spans), default=0) // _WIDTH
    joined: list[Span] = []
    #: Where the last span of each lane and kind stands.
    last: dict[tuple[str, str], int] = {}
    for span in sorted(spans, key=lambda each: each.start_ns):
        at = last.get((span.lane, span.kind))
        before = None if at is None else joined[at]
        short = span.end_ns - span.start_ns <= blink
        if at is not None and before is not None and short and span.start_ns - before.end_ns <= blink:
            joined[at] = before._replace(end_ns=max(before.end_ns, span.end_ns), label="")
        else:
            last[span.lane, span.kind] = len(joined)
            joined.append(span)
    return joined


def _spread(columns: list[dict[str, float]], left: float, right: float, kind: str) -> None:
    last = len(columns) - 1
    for column in range(min(last, int(left)), min(last, math.ceil(right) - 1 if right > left else int(left)) + 1):
        share = min(right, column + 1) - max(left, column)
        # What is too short to see leaves a trace all the same.
        columns[column][kind] = columns[column].get(kind, 0.0) + max(share, 1e-9)


def _letter(column: dict[str, float]) -> str:
    for kind in LOUD:
        if kind in column:
            return KINDS[kind].letter
    # Who holds one lock and waits for another one waits.
    waits = ("wait", "interpreter")
    return (
        KINDS[max(column, key=lambda kind: column[kind] * (1.01 if kind in waits else 1.0))].letter if column else "·"
    )


def _style(used: list[str]) -> str:
    light = "".join(f".{kind}{{fill:{KINDS[kind].light}}}" for kind in used)
    dark = "".join(f".{kind}{{fill:{KINDS[kind].dark}}}" for kind in used)
    return (
        ".paper{fill:#fdfcf9}.ink{fill:#1c1b19}.quiet{fill:#5d5950}.rule{stroke:#d8d4c9}"
        f"{light}"
        "@media (prefers-color-scheme:dark){.paper{fill:#171614}.ink{fill:#ece8e0}.quiet{fill:#aaa499}"
        f".rule{{stroke:#3b3934}}{dark}}}"
    )


def _duration(ns: float) -> str:
    """Write a time as a person would.

    >>> _duration(1_500), _duration(20_000_000), _duration(90)
    ('1.5 µs', '20 ms', '90 ns')
    """
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.0f} ns"
