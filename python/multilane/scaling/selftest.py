"""Runs the workloads whose limit is known and holds the causes that are named against it.

A cause that is named wrongly is an error of the rules; one that is not named at all is only a weakness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .loads import KNOWN, Load
from .result import Scaling
from .runner import Plan, run

__all__ = ["confusion", "matrix", "self_test"]

#: What is no cause, but says that none was found.
UNDECIDED = ("inconclusive", "inflation", "machine_busy")

#: What limits work only once there are more workers than processors: below that it grows, and nothing limits it.
BEYOND_PROCESSORS = ("cores", "waiting")


def self_test(
    *,
    workers: tuple[int, ...] = (1, 2, 4),
    budget: float = 60.0,
    run_seconds: float = 0.08,
    repeats: int | None = None,
    loads: Iterable[Load] = KNOWN,
    noise: bool = False,
    seed: int | None = None,
    progress: bool | None = None,
) -> tuple[list[dict[str, Any]], Scaling]:
    """Run every workload and say what was named for it.

    Parameters
    ----------
    workers, budget, run_seconds, repeats
        As `multilane.scale` has them.
    loads
        The workloads.
    noise
        Whether another process makes noise during a random half of the runs of each point.
    seed
        Of the order and of the noise; ``None`` for another one each time.
    progress
        Whether to show live progress; ``None`` shows it in a terminal or a notebook.

    Returns
    -------
    rows, scaling
        A row of the confusion matrix for each workload, and all the samples.
    """
    plan = Plan("self-test", "the built-in workloads", workers, budget, run_seconds, repeats=repeats, progress=progress)
    plan.loads, plan.noise, plan.seed = list(loads), noise, seed
    scaling = run(plan)
    return matrix(scaling, plan.loads), scaling


def matrix(scaling: Scaling, loads: Iterable[Load]) -> list[dict[str, Any]]:
    """Hold what was named against what is true."""
    processors = scaling.machine["cpus_affinity"]
    judged = {(each["workload"], each["strategy"]): each for each in scaling.judgement["series"]}
    runs = Counter((sample["workload"], sample["strategy"]) for sample in scaling.samples)
    noisy = Counter((sample["workload"], sample["strategy"]) for sample in scaling.samples if sample.get("noise"))
    return [
        _row(load, judged[load.name, load.strategy], processors)
        | {"runs": runs[load.name, load.strategy], "noisy_runs": noisy[load.name, load.strategy]}
        for load in loads
        if (load.name, load.strategy) in judged
    ]


def confusion(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Count how often each cause was named for each true one.

    >>> confusion([{"true_cause": "lock", "named_cause": "lock"}, {"true_cause": "lock", "named_cause": "cores"}])
    {'lock': {'lock': 1, 'cores': 1}}
    """
    counted: dict[str, dict[str, int]] = {}
    for row in rows:
        named = counted.setdefault(row["true_cause"], {})
        named[row["named_cause"]] = named.get(row["named_cause"], 0) + 1
    return counted


def _truth(load: Load, most: int, processors: int) -> str:
    """Return what limits a workload at so many workers on a machine with so many processors.

    >>> sleep = next(load for load in KNOWN if load.truth == "waiting")
    >>> _truth(sleep, most=4, processors=2), _truth(sleep, most=16, processors=16)
    ('waiting', 'none')
    """
    return "none" if load.truth in BEYOND_PROCESSORS and most <= processors else load.truth


def _row(load: Load, judged: dict[str, Any], processors: int) -> dict[str, Any]:
    verdict = judged["verdict"]
    named = verdict["cause"]
    truth = _truth(load, max(point["workers"] for point in judged["points"]), processors)
    if named in (truth, *load.also):
        outcome = "right"
    elif named in UNDECIDED:
        outcome = "undecided"
    else:
        outcome = "wrong"
    return {
        "workload": load.name,
        "strategy": load.strategy,
        "true_cause": truth,
        "also_right": list(load.also),
        "named_cause": named,
        "outcome": outcome,
        "speedups": {str(point["workers"]): round(point["speedup"]["median"], 3) for point in judged["points"]},
        "alternative": verdict["alternative"],
        "tell_apart": verdict["tell_apart"],
        "evidence": verdict["evidence"],
        "sentence": verdict["sentence"],
    }
