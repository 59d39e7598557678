"""Write the chapter on hazards from what the exhibits show on this machine: `scripts/hazards.py [NAME...]`.

Runs every exhibit and the table of threads, and writes docs/hazards.md and the pictures in docs/img/hazards/. With
names, runs those only and prints their part of the page. Refuses to write a page on which something did not show.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from multilane import _multilane, exhibits
from multilane.exhibits import gallery, threads
from multilane.exhibits.frame import BROKEN, CURED

DOCS = Path(__file__).parent.parent / "docs"
PICTURES = "img/hazards"

#: Runs of an exhibit until it shows what it should: other programs may keep it from that.
ATTEMPTS = 5

OPENING = """\
# Hazards, shown alive

Each section of this page is the output of one command, `multilane show NAME`: a program that goes wrong, what it did on
this machine, and its cure. Numbers and pictures are from one run of `make hazards` on {machine}.
Programs run in a process of their own, so that one that hangs does no harm; run them yourself, they show the same
hazards with your numbers.

`multilane show` lists them, `--html FILE` and `--svg FOLDER` write the pictures, `--json` prints what was measured.
"""

TABLE = """\
## Do threads run in parallel?

It depends on the kind of thread, on the processors, and on what they do. `multilane show threads` measures it. Each
runs the same calls one after the other and side by side, pinned to one processor and on all of them, and the verdict is
the one of [`multilane prove`](prove.md), read from the trace.
"""

CLOSING = """\
Threads that wait overlap everywhere, without any processor: that is concurrency, not parallelism. Threads that compute
run in parallel where there are processors for them *and* nothing makes them take turns: Rust threads and processes do,
Python threads do not, as long as they share one interpreter lock.
"""


def main(names: list[str]) -> int:
    """Run, and write the page."""
    shown = [_shown(name) for name in names or exhibits.NAMES]
    undecided = [each.name for each in shown if each.broken.holds is not False or each.cured.holds is not True]
    sections = [section(each) for each in shown]
    if names:
        print("\n".join(sections))
    if undecided:
        print(f"not shown here: {', '.join(undecided)}; run it again on a machine with less to do", file=sys.stderr)
        return 1
    folder = DOCS / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    for each in shown:
        for name, picture in each.pictures().items():
            (folder / name).write_text(picture, encoding="utf-8")
    if not names:
        parts = [OPENING.format(machine=_machine()), *sections, TABLE, table(threads.measure()), CLOSING]
        (DOCS / "hazards.md").write_text("\n".join(parts), encoding="utf-8")
    return 0


def _shown(name: str) -> gallery.Shown:
    for _ in range(ATTEMPTS):
        shown = gallery.show(name)
        print(f"{name}: {shown.broken.seen}; {shown.cured.seen}", file=sys.stderr)
        if shown.broken.holds is False and shown.cured.holds is True:
            break
    return shown


def _machine() -> str:
    machine, versions = _multilane.machine(), _multilane.versions()
    return f"an {machine['cpu_model']} with {machine['cpus_usable']:g} processors, Python {versions['python']}"


def section(shown: gallery.Shown) -> str:
    """Write the part of one exhibit."""
    exhibit = shown.exhibit
    parts = [f"## {exhibit.title}", f"`multilane show {shown.name}`"]
    for word, outcome, code, words in (
        (BROKEN, shown.broken, exhibit.broken_code, exhibit.hazard),
        (CURED, shown.cured, exhibit.cured_code, exhibit.cure),
    ):
        rows = "\n".join(f"| {name} | {value.replace('|', '/')} |" for name, value in outcome.facts.items())
        parts += [
            f"### {word.capitalize()}: {outcome.seen} {{ #{shown.name}-{word} }}",
            textwrap.fill(words, 118),
            f"```python\n{gallery.code_of(code)}\n```",
            f"![{exhibit.title}, {word}: who did what, when]({PICTURES}/{shown.name}-{word}.svg)",
            f"| measured | |\n|---|---|\n{rows}",
        ]
    return "\n\n".join(parts) + "\n"


def table(cells: list[threads.Cell]) -> str:
    """Write the table of threads.

    >>> print(table([threads.Cell("processes", "1 core", "CPU work", 0.98, 1.01, "serialised")]))
    | threads | on | doing | cores used | speed-up | verdict |
    |---|---|---|---|---|---|
    | processes | 1 core | CPU work | 0.98 | 1.01 | serialised |
    <BLANKLINE>
    """
    lines = ["| threads | on | doing | cores used | speed-up | verdict |", "|---|---|---|---|---|---|"]
    for cell in cells:
        numbers = [f"{value:.2f}" if value is not None else "-" for value in (cell.cores, cell.speedup)]
        lines.append(f"| {' | '.join([cell.kind, cell.place, cell.load, *numbers, cell.verdict])} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
