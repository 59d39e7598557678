"""Carries out a sweep: makes its series, keeps its samples, resumes it, probes what stays unexplained.

Chooses what is run; the sweep runs it, and the native code judges it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import multilane as ml
from multilane import _multilane
from multilane._progress import GroupProgress
from multilane._record import versions

from .holders import locks_of
from .loads import Load
from .noise import Noise
from .products import single_threaded
from .result import FORMAT, Scaling, read
from .sweep import Series, bandwidth_limit, of_point, probe, sweep
from .ways import Operation, Sample, Way, make

__all__ = ["Plan", "run"]

#: Causes that probes may replace by a better one.
UNEXPLAINED = ("inflation",)

#: Causes whose holder is looked for.
HELD = ("lock",)


@dataclass
class Plan:
    """What is to be run."""

    name: str
    workload: str
    workers: Sequence[int]
    budget: float
    run_seconds: float
    repeats: int | None = None
    progress: bool | None = None
    resume: str | os.PathLike[str] | None = None
    seed: int | None = None
    loads: list[Load] = field(default_factory=list)
    #: Instead of a way by its name.
    way: Way | None = None
    #: Exactly so many operations a run.
    fixed: int | None = None
    #: Tables that the curves are gathered in.
    tables: list[dict[str, Any]] = field(default_factory=list)
    #: Whether another process makes noise in a random half of the runs.
    noise: bool = False


def run(plan: Plan) -> Scaling:
    """Run a plan to its end."""
    processors = max(1, int(_multilane.machine()["cpus_usable"]))
    header: dict[str, Any] = {
        "name": plan.name,
        "workload": plan.workload,
        "machine": {name: value for name, value in _multilane.machine().items() if name != "cpus_usable"},
        "versions": versions(),
        "bandwidth_limit": 0.0,
        "created_unix_ns": time.time_ns(),
        "tables": plan.tables,
        "locks": [],
    }
    with ExitStack() as stack:
        if any(load.single_threaded for load in plan.loads):
            stack.enter_context(single_threaded())
        disturbed = {"around": stack.enter_context(Noise(plan.seed)).during} if plan.noise else {}
        series = _series(plan, stack)
        samples, keep = _kept(plan, header, series, stack)
        if any(load.operation.bytes for load in plan.loads):
            header["bandwidth_limit"] = bandwidth_limit(processors)
        line = stack.enter_context(GroupProgress(f"scale {plan.name}", enabled=plan.progress))

        def show(done: int, total: int) -> None:
            line.total = total
            line.update(done)

        sweep(
            series,
            samples=samples,
            budget=plan.budget,
            run_seconds=plan.run_seconds,
            repeats=plan.repeats,
            seed=plan.seed,
            keep=keep,
            after_run=show,
            **disturbed,
        )
        if plan.way is None:
            causes = _causes(header, samples)
            for one in _unexplained(causes, samples, series):
                header["bandwidth_limit"] = header["bandwidth_limit"] or bandwidth_limit(processors)
                for sample in probe(
                    one, processors=processors, run_seconds=plan.run_seconds, seed=plan.seed, **disturbed
                ):
                    samples.append(sample)
                    keep(sample)
            for one in series:
                cause, workers = causes.get(one.key, ("", 0))
                if cause in HELD:
                    header["locks"] += locks_of(one, workers)
    place = {one.key: number for number, one in enumerate(series)}

    def in_order(sample: Sample) -> tuple[int, int, int]:
        key = (sample["workload"], sample["size"], sample["strategy"])
        return place[key], sample["workers"], sample["repeat"]

    # As they were asked for, and not in the random order they were made in.
    return Scaling(header | {"samples": sorted(samples, key=in_order)})


def _series(plan: Plan, stack: ExitStack) -> list[Series]:
    ways: dict[str, Way] = {}
    series = []
    for load in plan.loads:
        way = plan.way
        if way is None:
            way = ways.get(load.strategy)
            if way is None:
                way = ways[load.strategy] = make(load.strategy)
                stack.callback(way.close)
        series.append(Series(load.name, load.size, load.strategy, way, load.operation, plan.workers, fixed=plan.fixed))
    return series


def _causes(header: dict[str, Any], samples: list[Sample]) -> dict[tuple[str, str, str], tuple[str, int]]:
    """Read what stops each series so far, and at how many workers."""
    judged = _multilane.scaling_judge(json.dumps(header | {"samples": samples}))["series"]
    return {
        (each["workload"], each["size"], each["strategy"]): (each["verdict"]["cause"], each["verdict"]["at_workers"])
        for each in judged
    }


def _unexplained(
    causes: dict[tuple[str, str, str], tuple[str, int]], samples: list[Sample], series: list[Series]
) -> list[Series]:
    """Choose the series whose operations take more CPU time on more workers, and nothing says why."""
    probed = {
        (sample["workload"], sample["size"], sample["strategy"]) for sample in samples if sample["beside"] != "nothing"
    }
    return [
        one
        for one in series
        if causes.get(one.key, ("", 0))[0] in UNEXPLAINED and one.key not in probed and 1 in one.workers
    ]


def _kept(plan: Plan, header: dict[str, Any], series: list[Series], stack: ExitStack) -> tuple[list[Sample], Any]:
    """Read the samples of an earlier, interrupted run, and open the file for more."""
    if plan.resume is None:
        return [], lambda _: None
    path = Path(plan.resume)
    samples: list[Sample] = []
    known = {one.key for one in series}
    if path.exists() and path.stat().st_size:
        old = read(path)
        for name in ("name", "workload", "machine"):
            if old.get(name) != header[name]:
                raise ml.MultilaneError(
                    f"`{path}` holds another sweep: its {name} is not that of this one; give another file"
                )
        _cut_off(path)
        samples = [each for each in old["samples"] if (each["workload"], each["size"], each["strategy"]) in known]
        for one in series:
            for workers in one.workers:
                had = of_point(samples, one, workers)
                if had and one.fixed is None:
                    one.counts[workers] = had[-1]["operations"]
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"format": FORMAT} | header) + "\n", encoding="utf-8")
    file = stack.enter_context(path.open("a", encoding="utf-8"))

    def keep(sample: Sample) -> None:
        file.write(json.dumps(sample) + "\n")
        file.flush()

    return samples, keep


def _cut_off(path: Path) -> None:
    """Remove a last line that was not written to its end, so that the next sample has a line of its own."""
    with path.open("rb+") as file:
        file.truncate(file.read().rfind(b"\n") + 1)


def operation_of(function: Any, size: Any = None, *, sized: bool = False) -> Operation:
    """Make the operation of a user's function: called with the size, where there are sizes."""
    return Operation(function, (size,) if sized else ())
