"""Runs work in one way beside the sequential run, and has the lab judge it: what `multilane prove` does, in short."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from multilane import _multilane
from multilane.proofs.collect import Experiment, collect
from multilane.proofs.strategies import SEQUENTIAL, make
from multilane.proofs.work import Work, name_of

__all__ = ["calibrated", "judged"]

#: The fewest repeats that the lab gives an interval for.
REPEATS = 3


def calibrated(function: Callable[..., Any], size: int, seconds: float, power: float = 1.0) -> int:
    """Choose the size at which a call takes so many seconds, when its time grows with a power of its last argument.

    >>> calibrated(lambda _, size: None, 10, 0.0)
    10
    """
    fastest = float("inf")
    for seed in range(3):
        began = time.perf_counter()
        function(seed, size)
        fastest = min(fastest, time.perf_counter() - began)
    wanted: float = size * (seconds / fastest) ** (1 / power)
    return max(size, round(wanted))


def judged(
    function: Callable[..., Any],
    calls: tuple[tuple[Any, ...], ...],
    strategy: str,
    workers: int,
    machine: dict[str, Any] | None = None,
    repeats: int = REPEATS,
) -> dict[str, Any]:
    """Run calls one after the other and by a strategy, interleaved, and judge the strategy.

    Parameters
    ----------
    function : callable
    calls : tuple of tuple
        The arguments of each call.
    strategy : str
        As `multilane.prove` names it.
    workers : int
    machine : dict, optional
        The machine to judge for; this one by default.
    repeats : int

    Returns
    -------
    dict
        What the lab says of the strategy: verdict, speed-up, cores used, evidence.
    """
    work = Work(function, calls, name_of(function))
    experiments = [Experiment(label, make(label, workers), work) for label in (SEQUENTIAL, strategy)]
    try:
        collected = collect(experiments, repeats=repeats, budget=None, precise=lambda _: True)
    finally:
        for experiment in experiments:
            experiment.strategy.close()
    for label, failure in collected.failures.items():
        raise RuntimeError(f"{label} cannot run `{work.name}`: {failure}")
    proof = _multilane.ProofData(work.name, work.name, len(calls), workers, machine=machine)
    for measurement in collected.in_order_of(experiments):
        measurement.add_to(proof)
    (found,) = proof.judge()["strategies"]
    return dict(found)
