"""Measures multilane beside other task pools and records the result: ``make bench``.

Reads nothing but its options. Prints tables; a full run also writes ``benches/results/tasks.json``
(every sample) and ``tasks.md`` (the tables), any other run the same files under ``out/bench``.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pools import judge, machine, schedule, table
from pools.engines import AGAIN, ENGINES
from pools.judge import Record, Samples, Spread
from pools.measures import QUICK, Scale
from pools.rows import OURS, TESTS

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "results"
SCRATCH = HERE.parent / "out" / "bench"

# Where there is no terminal to ask.
WIDTH = 140

# A sample is taken again when others used the machine meanwhile: so often at most, and for half of
# the samples at most, since a machine that is never free would double the run for nothing.
ATTEMPTS = 3
RETAKEN = 0.5


def options(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benches/run.py", description="Measure multilane beside other task pools.")
    parser.add_argument("--only", metavar="TEST,...", help=f"tests: {', '.join(TESTS)}")
    parser.add_argument("--engines", metavar="ENGINE,...", help=f"pools: {', '.join(ENGINES)}")
    parser.add_argument("--repeats", type=int, help="samples of each pair (5, quick 3)")
    parser.add_argument("--workers", type=int, default=2, help="workers of each pool (2)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random order (1)")
    parser.add_argument("--quick", action="store_true", help="less work in each sample")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the results go")
    chosen = parser.parse_args(arguments)
    for given, known in ((chosen.only, TESTS), (chosen.engines, ENGINES)):
        unknown = [name for name in _split(given) if name not in known]
        if unknown:
            parser.error(f"`{unknown[0]}` is not one of {', '.join(known)}")
    if chosen.workers < 1 or (chosen.repeats is not None and chosen.repeats < 1):
        parser.error("workers and repeats are at least 1")
    return chosen


def plan(chosen: argparse.Namespace) -> dict[str, list[str]]:
    """Return the engines of each test that was asked for.

    multilane is measured twice, against itself, wherever it takes part.
    """
    engines = {}
    for test in _split(chosen.only) or TESTS:
        wanted = [e for e in TESTS[test].engines if not chosen.engines or e in _split(chosen.engines)]
        # A recording is compared with itself inside each of its samples.
        if OURS in wanted and test != "recording":
            wanted.append(OURS + AGAIN)
        if wanted:
            engines[test] = wanted
    return engines


def measure(console: Console, chosen: argparse.Namespace, repeats: int, scale: Scale) -> list[Record]:
    """Take every sample; return them with those that were disturbed and taken again."""
    turns = schedule.order(plan(chosen), repeats, chosen.seed)
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
                    sample: dict[str, Any] = {"missing": "found out before"}
                else:
                    sample = schedule.take(turn, chosen.workers, scale)
                sample["disturbed"] = schedule.disturbed(sample)
                records.append(dataclasses.asdict(turn) | {"attempt": attempt, "sample": sample})
                if "missing" in sample:
                    missing.add(turn.engine)
                if not sample["disturbed"] or retakes == 0:
                    break
                retakes -= attempt < ATTEMPTS - 1
            progress.advance(bar)
    return records


def facts(chosen: argparse.Namespace, repeats: int, scale: Scale, records: list[Record]) -> dict[str, Any]:
    """Return everything about a run but its samples."""
    packages = [engine.package for engine in ENGINES.values() if engine.package]
    counted = [s for s in Samples(records).by_turn.values() if "before" in s]
    states = [state for sample in counted for state in (sample["before"], sample["after"])]
    calibration = Spread.of([state["calibration_ms"] for state in states])
    return {
        "format": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "command": shlex.join(["python", "benches/run.py", *sys.argv[1:]]),
        "revision": machine.revision(),
        "machine": machine.describe(),
        "versions": machine.versions(["numpy", *packages]),
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
    """Run the benchmark; return 1 when a sample of multilane failed."""
    chosen = options(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    scale = QUICK if chosen.quick else Scale()
    repeats = chosen.repeats or (3 if chosen.quick else 5)
    schedule.adopt_orphans()
    machine.touch_memory()
    records = measure(console, chosen, repeats, scale)
    run = facts(chosen, repeats, scale, records)
    if run["conditions"]["calibration_ms"] is None:
        console.print("no engine gave a sample")
        return 1
    samples = Samples(records)
    verdicts = judge.judge(samples)
    tables = table.grids(samples, verdicts)
    table.show(console, tables)

    full = not (chosen.quick or chosen.only or chosen.engines)
    folder = chosen.output or (RECORDED if full else SCRATCH)
    folder.mkdir(parents=True, exist_ok=True)
    written = run | {
        "verdicts": [dataclasses.asdict(verdict) for verdict in verdicts],
        "samples": records,
    }
    (folder / "tasks.json").write_text(json.dumps(written, indent=1) + "\n")
    (folder / "tasks.md").write_text(table.markdown(tables, run))
    console.print(f"written: {folder / 'tasks.md'} and {folder / 'tasks.json'}")
    failures = [r for r in records if r["engine"].startswith(OURS) and "error" in r["sample"]]
    for failure in failures[:5]:
        console.print(f"{failure['test']}: {failure['sample']['error']}", style="red")
    return 1 if failures else 0


def _split(names: str | None) -> list[str]:
    return [name for name in (names or "").split(",") if name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
