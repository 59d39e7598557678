"""Runs every point of a sweep in random order, again and again, until the answer is precise or the budget is spent.

Counts operations so that a run is long enough to be measured, warms up, keeps every sample. Judges nothing.
"""

from __future__ import annotations

import functools
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from multilane import _multilane

from .ways import Operation, Sample, Way

__all__ = ["Around", "Company", "Series", "bandwidth_limit", "probe", "sweep"]

#: Repeats before precision may end a point.
ENOUGH_REPEATS = 5

#: Repeats that a budget does not cut: with fewer nothing is concluded.
LEAST_REPEATS = 3

#: A run with what lies around it, such as counting, warming up and loading, takes so many times its own length.
AROUND = 2

#: Runs are not made shorter than this many seconds to fit.
SHORTEST = 0.005

#: Share of the processors that other programs may have used in a run that counts.
CALM = 0.10

#: Repeats that end a point whose interval will not narrow.
MOST_REPEATS = 15

#: A point is precise when the interval of its median is within this share of it.
PRECISE = 0.03

#: More operations than this say nothing new about a run.
MOST_OPERATIONS = 50_000

#: Operations for each worker, at least: with fewer, whoever takes the last one decides how long a run is.
LEAST_EACH = 4

#: Runs of one worker alone and beside company.
PROBES = 5

#: What a worker is run beside.
Company = str

#: What happens around each run of a point: says which noise there is meanwhile, or none.
Around = Callable[[Any], AbstractContextManager[str]]


def _undisturbed(_point: Any) -> AbstractContextManager[str]:
    return nullcontext("")


COMPANY: tuple[Company, ...] = ("nothing", "compute", "memory")


@dataclass(eq=False)
class Series:
    """One workload of one size, run in one way at several worker counts."""

    workload: str
    size: str
    strategy: str
    way: Way
    operation: Operation
    workers: Sequence[int]
    #: Exactly so many operations a run, where a run cannot be made longer.
    fixed: int | None = None
    counts: dict[int, int] = field(default_factory=dict)
    #: What one operation takes on one worker, once it is known.
    seconds_each: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What its samples carry."""
        return self.workload, self.size, self.strategy


@dataclass
class Budget:
    """How long a sweep may take, and how long one run should."""

    seconds: float
    run_seconds: float
    started: float = field(default_factory=time.monotonic)

    def pace(self, runs: int) -> None:
        """Shorten the runs where so many of them, and what lies around each, would not fit into what is left."""
        fitting = (self.started + self.seconds - time.monotonic()) / max(1, runs) / AROUND
        self.run_seconds = min(self.run_seconds, max(SHORTEST, fitting))

    @property
    def spent(self) -> bool:
        """Whether no further repeat should start."""
        return time.monotonic() - self.started >= self.seconds


def sweep(
    series: Sequence[Series],
    *,
    samples: list[Sample],
    budget: float,
    run_seconds: float,
    repeats: int | None = None,
    seed: int | None = None,
    keep: Callable[[Sample], None] = lambda _: None,
    after_run: Callable[[int, int], None] = lambda _done, _total: None,
    around: Around = _undisturbed,
) -> None:
    """Add samples of every point.

    Parameters
    ----------
    series
        What to run.
    samples
        What was measured so far; new samples are appended.
    budget
        Seconds after which no repeat starts, though three are always run.
    run_seconds
        How long one run should be.
    repeats
        Exactly so many; ``None`` repeats until every point is precise.
    seed
        Of the order; ``None`` for another one each time.
    keep
        Called with each sample as it is made.
    after_run
        Called after each run with how many were made and how many are expected.
    around
        Entered around each run, with the point.
    """
    order = random.Random(seed)
    limits = Budget(budget, run_seconds)
    points = [(one, workers) for one in series for workers in one.workers]
    fewest = LEAST_REPEATS if repeats is None else min(repeats, LEAST_REPEATS)
    wanted = repeats if repeats is not None else ENOUGH_REPEATS
    made = {point: len(of_point(samples, *point)) for point in points}
    done = 0
    while True:
        open_points = [point for point in points if _open(point, samples, repeats)]
        if limits.spent:
            open_points = [point for point in open_points if made[point] < fewest]
        if not open_points:
            return
        for point in order.sample(open_points, len(open_points)):
            one, workers = point
            if limits.spent and made[point] >= fewest:
                continue
            limits.pace(sum(max(0, fewest - had) for had in made.values()))
            count = _count(one, workers, limits)
            with around((one.key, workers)) as noise:
                sample = one.way.run(one.operation, workers, count, warm_up=_short(one, count, limits))
            sample |= {
                "noise": noise,
                "workload": one.workload,
                "size": one.size,
                "strategy": one.strategy,
                "repeat": made[point],
                "beside": "nothing",
            }
            samples.append(sample)
            keep(sample)
            made[point] += 1
            done += 1
            left = sum(max(0, wanted - made[point]) for point in open_points)
            after_run(done, done + left)


def probe(
    one: Series, *, processors: int, run_seconds: float, seed: int | None = None, around: Around = _undisturbed
) -> Iterator[Sample]:
    """Run one worker alone and beside each kind of company, in random order."""
    order = random.Random(seed)
    limits = Budget(float("inf"), run_seconds)
    for repeat in range(PROBES):
        for company in order.sample(COMPANY, len(COMPANY)):
            count = _count(one, 1, limits)
            point = (one.key, company)
            beside = None if company == "nothing" else _multilane.Beside(company, max(1, processors - 1))
            try:
                with around(point) as noise:
                    sample = one.way.run(one.operation, 1, count, warm_up=_short(one, count, limits))
            finally:
                if beside is not None:
                    beside.stop()
            # Alone it is a point like any other; it is told from those by its repeat.
            yield sample | {
                "workload": one.workload,
                "size": one.size,
                "strategy": one.strategy,
                "repeat": 1000 + repeat,
                "noise": noise,
                "beside": company,
            }


def bandwidth_limit(processors: int, seconds: float = 0.1) -> float:
    """Measure the bytes a nanosecond that all processors together move."""
    beside = _multilane.Beside("memory", processors)
    time.sleep(seconds)
    return beside.stop()


def of_point(samples: Iterable[Sample], one: Series, workers: int) -> list[Sample]:
    """Choose the samples of one point."""
    return [
        sample
        for sample in samples
        if (sample["workload"], sample["size"], sample["strategy"]) == one.key
        and sample["workers"] == workers
        and sample["beside"] == "nothing"
    ]


def _open(point: tuple[Series, int], samples: list[Sample], repeats: int | None) -> bool:
    """Whether a point needs another run."""
    made = of_point(samples, *point)
    if repeats is not None:
        return len(made) < repeats
    if len(made) < ENOUGH_REPEATS:
        return True
    if len(made) >= MOST_REPEATS:
        return False
    throughputs = [sample["operations"] / max(1, sample["wall_ns"]) for sample in made if _calm(sample)]
    # What other programs disturbed is set aside, and with too little left nothing is concluded.
    if len(throughputs) < LEAST_REPEATS:
        return True
    # The interval of a median from its quartiles, as box plots draw it.
    low, middle, high = statistics.quantiles(throughputs, n=4)
    return bool(1.57 * (high - low) / len(throughputs) ** 0.5 > PRECISE * middle)


def _calm(sample: Sample) -> bool:
    """Whether other programs left the machine to this run."""
    machine_ns = sample["wall_ns"] * _processors()
    return bool(sample.get("foreign_ns", 0) <= CALM * machine_ns)


@functools.cache
def _processors() -> int:
    return max(1, int(_multilane.machine()["cpus_online"]))


def _count(one: Series, workers: int, limits: Budget) -> int:
    """Find how many operations make a run long enough: by running them, more each time."""
    if one.fixed is not None:
        return one.fixed
    known = one.counts.get(workers)
    if known is not None:
        return known
    numbered = one.operation.numbered
    if numbered and one.counts:
        # Operations of different length: throughputs compare only for the same ones.
        return next(iter(one.counts.values()))
    # A multiple of the workers, so that the last operation is nobody's alone.
    group = max(one.workers) if numbered else workers
    if one.seconds_each is not None and one.seconds_each >= limits.run_seconds / LEAST_EACH and not numbered:
        # Long operations: no run of them is spent on counting.
        one.counts[workers] = group * max(1, int(limits.run_seconds / one.seconds_each))
        return one.counts[workers]
    # What fewer workers took is a first guess, and saves a series of short runs.
    count = max(group if workers > 1 else 1, max((n for other, n in one.counts.items() if other < workers), default=1))
    for turn in range(12):
        # What is made at a first call, such as arrays, belongs to no run.
        first = turn == 0 and workers == 1
        seconds = one.way.run(one.operation, workers, count, warm_up=first)["wall_ns"] / 1e9
        if seconds >= 0.6 * limits.run_seconds or count >= MOST_OPERATIONS:
            break
        count = min(MOST_OPERATIONS, max(count + 1, round(count * min(limits.run_seconds / max(seconds, 1e-7), 30.0))))
    if workers == 1:
        one.seconds_each = seconds / count
    least = group * (LEAST_EACH if numbered or seconds / count * LEAST_EACH <= limits.run_seconds else 1)
    count = max(least, min(MOST_OPERATIONS, round(count * limits.run_seconds / max(seconds, 1e-7))))
    one.counts[workers] = -(-count // group) * group
    return one.counts[workers]


def _short(one: Series, count: int, limits: Budget) -> bool:
    """Whether an operation is short enough to be run once more by every worker, as a warm-up."""
    return one.fixed is None and limits.run_seconds / count < 0.25 * limits.run_seconds
