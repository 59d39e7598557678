"""`multilane compare`: says whether throughput changed from one sweep to another."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from .failure import Failure
from .output import add_json_to, print_rich
from .prove import HOLDS, REFUSED, UNDECIDED

if TYPE_CHECKING:
    import multilane as ml
    from multilane.scaling.history import Change, History

COLOURS = {"faster": "green", "slower": "bold red", "same": "", "unknown": "magenta"}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "compare",
        help="say whether throughput changed from one sweep to another",
        description="Compares two sweeps of `multilane scale`, point by point: files that it saved, or numbers of its "
        "history. Without any: lists the history.",
        epilog="Exits with 0 when nothing became slower, 1 when something did, 3 when nothing is decided.",
    )
    parser.add_argument("sweeps", nargs="*", metavar="SWEEP", help="two sweeps: files, or numbers in the history")
    parser.add_argument("--history", metavar="FILE", help="the history; in the user's data folder by default")
    add_json_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Load, compare and print."""
    from multilane.scaling.history import History, changes, fingerprint

    history = History(options.history)
    if not options.sweeps:
        return _list(history, options.json)
    if len(options.sweeps) != 2:
        raise Failure(f"{len(options.sweeps)} sweep is given, but two are compared", "name the older one first")
    first, second = (_load(text, history) for text in options.sweeps)
    found = changes(first, second)
    if not found:
        raise Failure("the two sweeps have no point in common", "compare sweeps of the same workload and worker counts")
    alike = fingerprint(first.machine) == fingerprint(second.machine)
    if options.json:
        print(json.dumps({"changes": [_as_json(each) for each in found], "same_machine": alike}, indent=2))
    else:
        _show(found, alike)
    says = {each.says for each in found}
    if "slower" in says:
        return REFUSED
    return UNDECIDED if says == {"unknown"} else HOLDS


def _load(text: str, history: History) -> ml.Scaling:
    import multilane as ml

    return history.get(int(text)) if text.isdecimal() and not Path(text).exists() else ml.Scaling.load(text)


def _as_json(change: Change) -> dict[str, object]:
    return vars(change) | {"ratio": change.ratio._asdict()}


def _list(history: History, as_json: bool) -> int:
    entries = history.entries()
    if as_json:
        print(json.dumps([vars(entry) | {"created": entry.created.isoformat()} for entry in entries], indent=2))
        return HOLDS
    for entry in entries:
        print(f"{entry.number:>5}  {entry.created:%Y-%m-%d %H:%M}  {entry.fingerprint}  {entry.name}: {entry.workload}")
    if not entries:
        print(f"{history.path} is empty; `multilane scale --history` adds to it")
    return HOLDS


def _show(found: list[Change], alike: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("workload", "size", "strategy", "workers", "throughput (95 %)", ""):
        table.add_column(heading, header_style="dim")
    for each in found:
        row = (each.workload, each.size, each.strategy, str(each.workers), f"{each.ratio} times")
        table.add_row(*row, Text(each.says, style=COLOURS[each.says]))
    print_rich(table)
    if not alike:
        print_rich("", "measured on different machines: a change may be theirs")
