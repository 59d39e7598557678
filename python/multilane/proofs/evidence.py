"""Turns measured runs into the data of a proof: runs and checks.

Chooses which runs go where; every number and every verdict is the native code's.
"""

from __future__ import annotations

from collections.abc import Iterable

from multilane import _multilane

from .collect import Collected, Measurement
from .strategies import PLAIN_THREADS, SEQUENTIAL
from .work import Work

#: The second sequential run of each repeat.
AGAIN = "sequential again"

#: The check that compares the two.
AGAIN_CHECK = "sequential agrees with itself within 10 %"
DETERMINISTIC_CHECK = "the function gives the same results each time"

#: Two ways of running the same thing the same way must agree at least so well, or the machine is too busy to measure.
AGREEMENT = 0.10

#: An interval is narrow enough when its bounds are within this factor.
NARROW = 1.10


def usable_workers() -> int:
    """Count the processors that this process may use, by affinity and quota.

    >>> usable_workers() >= 1
    True
    """
    return max(1, int(_multilane.machine()["cpus_usable"]))


def proof_data(work: Work, workers: int, *, name: str, control_must_fail: bool = False) -> _multilane.ProofData:
    """Make an empty proof of this work."""
    return _multilane.ProofData(name, work.name, len(work.calls), workers, control_must_fail=control_must_fail)


def add_runs(proof: _multilane.ProofData, measurements: Iterable[Measurement]) -> None:
    """Add runs to a proof, except those that only check the measurement itself."""
    for measurement in measurements:
        if measurement.experiment.label != AGAIN:
            measurement.add_to(proof)


def add_checks(proof: _multilane.ProofData, collected: Collected) -> None:
    """Add the checks on results and on the measurement itself."""
    unstable = collected.differences.get(SEQUENTIAL) or collected.differences.get(AGAIN)
    if unstable is not None:
        proof.add_check(
            DETERMINISTIC_CHECK,
            False,
            f"{unstable}; seed its random numbers, and take clocks and process ids out of its result",
        )
    labels = dict.fromkeys([m.experiment.label for m in collected.measurements] + list(collected.failures))
    for label in labels:
        if label in (SEQUENTIAL, AGAIN):
            continue
        if label in collected.failures:
            # A control that breaks shows nothing about multilane, so it cannot refuse multilane's claim.
            if label != PLAIN_THREADS:
                proof.add_check(f"{label} runs the work", False, collected.failures[label])
        elif unstable is None:
            difference = collected.differences.get(label)
            if difference is None:
                proof.add_check(f"results of {label} equal to the sequential run", True, "in every repeat")
            elif label != PLAIN_THREADS:
                proof.add_check(f"results of {label} equal to the sequential run", False, difference)
    agrees, detail = agreement(collected)
    proof.add_check(AGAIN_CHECK, agrees, detail)


def agreement(collected: Collected) -> tuple[bool, str]:
    """Compare the sequential run with itself."""
    runs = [m for m in collected.measurements if m.experiment.label in (SEQUENTIAL, AGAIN)]
    again = [m for m in runs if m.experiment.label == AGAIN]
    if not again:
        return True, "not measured"
    size = len(again[0].experiment.work.calls)
    proof = proof_data(again[0].experiment.work, 1, name="sequential against itself")
    for measurement in runs:
        if len(measurement.experiment.work.calls) == size:
            measurement.add_to(proof)
    (judged,) = proof.judge()["strategies"]
    ratio = judged["speedup"]
    detail = f"ratio {ratio['median']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})"
    return abs(ratio["median"] - 1.0) <= AGREEMENT, detail


def precise(proof: _multilane.ProofData, collected: Collected) -> bool:
    """Whether more repeats would change nothing: every interval is narrow and the sequential runs agree."""
    intervals = [judged["speedup"] for judged in proof.judge()["strategies"]]
    narrow = all(each["low"] > 0 and each["high"] / each["low"] <= NARROW for each in intervals)
    return narrow and agreement(collected)[0]
