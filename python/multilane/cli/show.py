"""`multilane show`: a hazard of concurrency alive, what it looks like, and its cure."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .failure import Failure
from .output import add_json_to, print_rich
from .prove import HOLDS, REFUSED, UNDECIDED

if TYPE_CHECKING:
    from multilane.exhibits.gallery import Shown
    from multilane.exhibits.threads import Cell

THREADS = "threads"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "show",
        help="show races, deadlocks, starvation and the like alive, and their cures",
        description="Runs a program that goes wrong, in a process of its own, shows what happened, and then the cure. "
        "`threads` measures instead whether threads run in parallel here. Without a name: the list.",
        epilog="Exits with 0 when the broken program failed and the cured one held, 1 when the cured one did not, 3 "
        "when the broken one did not fail here.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="what to show; `all` shows everything")
    parser.add_argument("--html", metavar="FILE", help="write a page with the pictures to FILE")
    parser.add_argument("--svg", metavar="FOLDER", help="write the pictures into FOLDER")
    add_json_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List, or run and print."""
    from multilane import exhibits
    from multilane.exhibits import gallery

    if options.name is None:
        _list(options.json)
        return HOLDS
    if options.name == THREADS:
        return _show_threads(options)
    names = exhibits.NAMES if options.name == "all" else (options.name,)
    if options.name not in (*exhibits.NAMES, "all"):
        raise Failure(
            f"there is no exhibit `{options.name}`", f"choose from {', '.join((*exhibits.NAMES, THREADS, 'all'))}"
        )
    found = []
    for name in names:
        try:
            shown = gallery.show(name)
        except RuntimeError as error:
            raise Failure(str(error)) from error
        found.append(shown)
        if not options.json:
            print_rich(gallery.drawn(shown))
    written = _write(options, found)
    if options.json:
        print(json.dumps({"exhibits": [shown.to_data() for shown in found], "written": written}, indent=2))
    else:
        for path in written:
            print(f"written: {path}")
    return _code(found)


def _list(as_json: bool) -> None:
    from rich.table import Table

    from multilane import exhibits

    titles = {name: exhibits.load(name).title for name in exhibits.NAMES}
    titles[THREADS] = "Do threads run in parallel? Measured, for each kind of thread"
    if as_json:
        print(json.dumps(titles, indent=2))
        return
    table = Table.grid(padding=(0, 2))
    for name, title in titles.items():
        table.add_row(f"[bold]{name}[/]", title)
    print_rich(table, "", "`multilane show NAME` runs one, `multilane show all` every one but the last")


def _write(options: argparse.Namespace, found: list[Shown]) -> list[str]:
    from multilane.exhibits import gallery

    written = []
    if options.html:
        page = Path(options.html)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(gallery.page(found), encoding="utf-8")
        written.append(str(page))
    if options.svg:
        folder = Path(options.svg)
        folder.mkdir(parents=True, exist_ok=True)
        for shown in found:
            for name, picture in shown.pictures().items():
                (folder / name).write_text(picture, encoding="utf-8")
                written.append(str(folder / name))
    return written


def _code(found: list[Shown]) -> int:
    if any(shown.cured.holds is False for shown in found):
        return REFUSED
    if any(shown.broken.holds is not False or shown.cured.holds is None for shown in found):
        return UNDECIDED
    return HOLDS


def _show_threads(options: argparse.Namespace) -> int:
    from multilane.exhibits import threads

    if options.html or options.svg:
        raise Failure("`threads` draws no picture", "leave out --html and --svg")
    try:
        cells = threads.measure()
    except RuntimeError as error:
        raise Failure(str(error)) from error
    if options.json:
        print(json.dumps([cell._asdict() for cell in cells], indent=2))
    else:
        print_rich(table_of(cells))
    return HOLDS


def table_of(cells: list[Cell]) -> Any:
    """Draw the table of threads."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("threads", "on", "doing", "cores used", "speed-up", "verdict"):
        table.add_column(heading, no_wrap=heading != "verdict")
    for cell in cells:
        numbers = [f"{value:.2f}" if value is not None else "-" for value in (cell.cores, cell.speedup)]
        colour = {"parallel": "green", "serialised": "red", "concurrent": "yellow"}.get(
            cell.verdict.split(",")[0].split(":")[0]
        )
        words = f"[{colour}]{cell.verdict}[/]" if colour else f"[dim]{cell.verdict}[/]"
        table.add_row(cell.kind, cell.place, cell.load, *numbers, words)
    return table
