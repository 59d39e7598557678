"""Measures multilane beside other libraries and records the result: ``make bench``, ``make bench-plans``,
``make bench-quantum``.

Reads nothing but its options. Prints tables; a full run also writes ``benches/results/.../SUITE.json``
(every sample) and ``SUITE.md`` (the tables), any other run the same files under ``out/bench``.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from measuring import judge, machine, schedule, table
from measuring.judge import Record, Samples, Spread
from measuring.suite import AGAIN, OURS, Sample, Suite

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "results"
SCRATCH = HERE.parent / "out" / "bench"

#: The package that holds each suite. It is imported when it is measured: each has requirements of its own.
SUITES = {
    "tasks": "pools",
    "arrays": "arrays",
    "graphs": "graphs",
    "circuits": "quantum",
    "sync": "locks",
    "lab": "lab",
}

# Where there is no terminal to ask.
WIDTH = 140

# A sample is taken again when others used the machine meanwhile: so often at most, and for half of
# the samples at most, since a machine that is never free would double the run for nothing.
ATTEMPTS = 3
RETAKEN = 0.5


def options(arguments: list[str]) -> tuple[argparse.Namespace, Suite]:
    """Read the command line; return it with the suite that it names."""
    parser = argparse.ArgumentParser(prog="benches/run.py", description="Measure multilane beside other libraries.")
    parser.add_argument("suite", nargs="?", choices=SUITES, default="tasks", help="what to measure (tasks)")
    parser.add_argument("--only", metavar="TEST,...", help="tests, or the beginnings of their names")
    parser.add_argument("--engines", metavar="ENGINE,...", help="libraries")
    parser.add_argument("--repeats", type=int, help="samples of each pair")
    parser.add_argument("--workers", type=int, default=2, help="workers of each library (2)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random order (1)")
    parser.add_argument("--quick", action="store_true", help="less work in each sample")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the results go")
    chosen = parser.parse_args(arguments)
    suite: Suite = importlib.import_module(f"{SUITES[chosen.suite]}.suite").SUITE
    for unknown in [name for name in _split(chosen.engines) if name not in suite.titles]:
        parser.error(f"`{unknown}` is not one of {', '.join(suite.titles)}")
    for unknown in [name for name in _split(chosen.only) if not any(test.startswith(name) for test in suite.tests)]:
        parser.error(f"`{unknown}` is not one of {', '.join(suite.tests)}")
    if chosen.workers < 1 or (chosen.repeats is not None and chosen.repeats < 1):
        parser.error("workers and repeats are at least 1")
    return chosen, suite


def plan(chosen: argparse.Namespace, suite: Suite) -> dict[str, list[str]]:
    """Return the engines of each test that was asked for.

    multilane is measured twice, against itself, wherever it takes part.
    """
    engines = {}
    beginnings = tuple(_split(chosen.only))
    for name, test in suite.tests.items():
        if beginnings and not name.startswith(beginnings):
            continue
        wanted = [e for e in test.engines if not chosen.engines or e in _split(chosen.engines)]
        if OURS in wanted and test.twice:
            wanted.append(OURS + AGAIN)
        if wanted:
            engines[name] = wanted
    return engines


def measure(console: Console, chosen: argparse.Namespace, suite: Suite, repeats: int, scale: Any) -> list[Record]:
    """Take every sample; return them with those that were disturbed and taken again."""
    turns = schedule.order(plan(chosen, suite), repeats, chosen.seed)
    missing: set[str] = set()
    records: list[Record] = []
    retakes = round(RETAKEN * len(turns))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(turns))
        for turn in turns:
            progress.update(bar, description=f"{turn.test} {turn.engine}")
            for attempt in range(ATTEMPTS):
                if turn.engine in missing:
                    sample: Sample = {"missing": "found out before"}
                else:
                    sample = schedule.take(suite, SUITES[chosen.suite], turn, chosen.workers, scale)
                sample["disturbed"] = schedule.disturbed(sample)
                records.append(dataclasses.asdict(turn) | {"attempt": attempt, "sample": sample})
                if "missing" in sample:
                    missing.add(turn.engine)
                if not sample["disturbed"] or retakes == 0:
                    break
                retakes -= attempt < ATTEMPTS - 1
            progress.advance(bar)
    return records


def facts(chosen: argparse.Namespace, samples: Samples, repeats: int, scale: Any) -> dict[str, Any]:
    """Return everything about a run but its samples."""
    counted = [s for s in samples.by_turn.values() if "before" in s]
    states = [state for sample in counted for state in (sample["before"], sample["after"])]
    calibration = Spread.of([state["calibration_ms"] for state in states])
    return {
        "format": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "command": shlex.join(["python", "benches/run.py", *sys.argv[1:]]),
        "revision": machine.revision(),
        "machine": machine.describe(),
        "versions": machine.versions(["numpy", *samples.suite.packages]),
        "workers": chosen.workers,
        "repeats": repeats,
        "seed": chosen.seed,
        "scale": dataclasses.asdict(scale),
        "conditions": {
            "calibration_ms": dataclasses.asdict(calibration) if calibration else None,
            "load": max((state["load"] for state in states), default=0.0),
            "samples": len(counted),
            "disturbed": sum(sample["disturbed"] for sample in counted),
        },
    }


def main(arguments: list[str]) -> int:
    """Run the benchmark; return 1 when a sample of multilane failed or an answer differs."""
    chosen, suite = options(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    scale = suite.quick if chosen.quick else suite.scale
    repeats = chosen.repeats or (3 if chosen.quick else suite.repeats)
    schedule.adopt_orphans()
    suite.prepare(dataclasses.asdict(scale))
    machine.touch_memory()
    records = measure(console, chosen, suite, repeats, scale)
    samples = Samples(suite, records)
    run = facts(chosen, samples, repeats, scale)
    if run["conditions"]["calibration_ms"] is None:
        console.print("no engine gave a sample")
        return 1
    verdicts = judge.judge(samples)
    tables = table.grids(samples, verdicts)
    table.show(console, tables)

    full = not (chosen.quick or chosen.only or chosen.engines)
    folder = chosen.output or (RECORDED / suite.folder if full else SCRATCH)
    folder.mkdir(parents=True, exist_ok=True)
    written = run | {
        "verdicts": [dataclasses.asdict(verdict) for verdict in verdicts],
        "samples": records,
    }
    (folder / f"{suite.name}.json").write_text(json.dumps(written, indent=1) + "\n")
    (folder / f"{suite.name}.md").write_text(table.markdown(suite, tables, run))
    console.print(f"written: {folder / suite.name}.md and {folder / suite.name}.json")
    failures = [r for r in records if r["engine"].startswith(OURS) and "error" in r["sample"]]
    for failure in failures[:5]:
        console.print(f"{failure['test']}: {failure['sample']['error']}", style="red")
    differing = samples.disagreements()
    for line in differing:
        console.print(f"different answers: {line}", style="red")
    return 1 if failures or differing else 0


def _split(names: str | None) -> list[str]:
    return [name for name in (names or "").split(",") if name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
