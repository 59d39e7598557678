"""`multilane scale --self-test`: the rules held against workloads whose cause is known by construction."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .output import print_rich
from .prove import HOLDS, REFUSED

if TYPE_CHECKING:
    import multilane as ml

#: Repeats and seconds of the quick self-test.
QUICK = {"repeats": 3, "run_seconds": 0.04}

OUTCOMES = ("right", "undecided", "wrong")


def run(options: argparse.Namespace) -> int:
    """Run it as often as asked, print the matrix, write the samples of the last round."""
    from multilane.scaling.selftest import confusion, self_test

    given = {
        "workers": options.workers,
        "budget": options.budget,
        "repeats": options.repeats,
        "run_seconds": options.run_seconds,
    }
    chosen = (QUICK if options.quick else {}) | {name: value for name, value in given.items() if value is not None}
    rows: list[dict[str, Any]] = []
    for number in range(options.rounds):
        found, scaling = self_test(**chosen, noise=options.noise)
        rows += [row | {"round": number + 1} for row in found]
    _write(scaling, options)
    counted = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in OUTCOMES}
    if options.json:
        report = {"matrix": rows, "confusion": confusion(rows), **counted, "machine": scaling.machine}
        print(json.dumps(report, indent=2))
    else:
        _show(rows, counted)
        if options.rounds > 1 or options.noise:
            _show_confusion(confusion(rows))
    return REFUSED if counted["wrong"] else HOLDS


def _write(scaling: ml.Scaling, options: argparse.Namespace) -> None:
    if options.html:
        scaling.to_html(options.html)
    if options.csv:
        scaling.to_csv(options.csv)
    if options.parquet:
        scaling.to_parquet(options.parquet)
    if options.save:
        scaling.save(options.save)


def _show(rows: list[dict[str, Any]], counted: dict[str, int]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("workload", "strategy", "true cause", "named cause", "", "noisy runs", "speed-up"):
        table.add_column(heading, header_style="dim")
    colours = {"right": "green", "undecided": "magenta", "wrong": "bold red"}
    for row in rows:
        table.add_row(
            row["workload"],
            row["strategy"],
            row["true_cause"].replace("_", " "),
            row["named_cause"].replace("_", " "),
            Text(row["outcome"], style=colours[row["outcome"]]),
            f"{row['noisy_runs']} of {row['runs']}",
            ", ".join(f"{value:.2f} at {workers}" for workers, value in row["speedups"].items()),
        )
    print_rich(table, "", ", ".join(f"{count} {outcome}" for outcome, count in counted.items()))


def _show_confusion(counted: dict[str, dict[str, int]]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("true cause", header_style="dim")
    table.add_column("named, how often", header_style="dim")
    for true, named in counted.items():
        often = sorted(named.items(), key=lambda each: -each[1])
        table.add_row(true.replace("_", " "), ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in often))
    print_rich("", table)
