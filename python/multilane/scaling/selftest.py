"""Runs the workloads whose limit is known and holds the causes that are named against it.

A cause that is named wrongly is an error of the rules; one that is not named at all is only a weakness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .loads import KNOWN, Load
from .result import Scaling
from .runner import Plan, run

__all__ = ["matrix", "self_test"]


def self_test(
    *,
    workers: tuple[int, ...] = (1, 2, 4),
    budget: float = 60.0,
    run_seconds: float = 0.08,
    repeats: int | None = None,
    loads: Iterable[Load] = KNOWN,
    progress: bool | None = None,
    after_load: Callable[[dict[str, Any]], None] = lambda _: None,
) -> tuple[list[dict[str, Any]], Scaling]:
    """Run every workload and say what was named for it.

    Returns
    -------
    rows, scaling
        A row of the confusion matrix for each workload, and all the samples.
    """
    plan = Plan("self-test", "the built-in workloads", workers, budget, run_seconds, repeats=repeats, progress=progress)
    plan.loads = list(loads)
    scaling = run(plan)
    rows = matrix(scaling, plan.loads)
    for row in rows:
        after_load(row)
    return rows, scaling


def matrix(scaling: Scaling, loads: Iterable[Load]) -> list[dict[str, Any]]:
    """Hold what was named against what is true."""
    judged = {(each["workload"], each["strategy"]): each for each in scaling.judgement["series"]}
    return [_row(load, judged[load.name, load.strategy]) for load in loads if (load.name, load.strategy) in judged]


def _row(load: Load, judged: dict[str, Any]) -> dict[str, Any]:
    verdict = judged["verdict"]
    named = verdict["cause"]
    if named in (load.truth, *load.also):
        outcome = "right"
    elif named in ("inconclusive", "inflation", "machine_busy"):
        outcome = "undecided"
    else:
        outcome = "wrong"
    return {
        "workload": load.name,
        "strategy": load.strategy,
        "true_cause": load.truth,
        "also_right": list(load.also),
        "named_cause": named,
        "outcome": outcome,
        "speedups": {str(point["workers"]): round(point["speedup"]["median"], 3) for point in judged["points"]},
        "alternative": verdict["alternative"],
        "evidence": verdict["evidence"],
        "sentence": verdict["sentence"],
    }
