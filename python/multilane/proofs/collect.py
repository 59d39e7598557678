"""Runs every experiment once per repeat, in random order, until the answer is precise or the budget is spent.

Warm-up, pools and the reference results come before the first timed run. Measures and compares; judges nothing.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import multilane as ml
from multilane import _multilane

from .compare import first_difference
from .strategies import SEQUENTIAL, Measured, Strategy
from .work import Work

#: Repeats before precision may end a proof: below seven the bootstrap's 95 % interval is too narrow to be true.
ENOUGH_REPEATS = 7

#: Repeats that a budget does not cut: with fewer there is no interval at all.
LEAST_REPEATS = 3

#: Repeats that end a proof whose interval will not narrow.
MOST_REPEATS = 30

#: Tasks whose traces are kept; past these only the first trace of each label is, as a trace takes memory.
KEPT_TASKS = 200_000

#: Calls for each worker in the warm-up: they import, compile and fill caches.
WARM_UP_CALLS = 2


@dataclass(frozen=True, eq=False)
class Experiment:
    """One piece of work run in one way, under the name its runs are recorded with."""

    label: str
    strategy: Strategy
    work: Work


@dataclass(frozen=True)
class Measurement:
    """One timed run."""

    experiment: Experiment
    repeat: int
    wall_ns: int
    cpu_ns: int
    steal_ns: int
    trace: _multilane.Trace | None

    def add_to(self, proof: _multilane.ProofData, label: str | None = None) -> None:
        """Add this run to a proof."""
        proof.add_run(
            label or self.experiment.label,
            self.repeat,
            len(self.experiment.work.calls),
            self.experiment.strategy.workers,
            self.wall_ns,
            self.cpu_ns,
            self.trace,
            steal_ns=self.steal_ns,
        )


@dataclass
class Collected:
    """All timed runs of a proof, and what went wrong by label: an error, or results that differ."""

    measurements: list[Measurement] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    differences: dict[str, str] = field(default_factory=dict)
    repeats: int = 0
    traced_tasks: int = 0

    def add(self, measurement: Measurement) -> None:
        """Add a timed run, without its trace when the traces of many tasks are kept already."""
        label = measurement.experiment.label
        first = all(m.experiment.label != label for m in self.measurements)
        self.traced_tasks += len(measurement.experiment.work.calls)
        if self.traced_tasks > KEPT_TASKS and not first:
            measurement = replace(measurement, trace=None)
        self.measurements.append(measurement)

    def in_order_of(self, experiments: Sequence[Experiment]) -> list[Measurement]:
        """List the runs repeat by repeat, in this order and not in the random one they were made in."""
        place = {experiment: number for number, experiment in enumerate(experiments)}
        chosen = [m for m in self.measurements if m.experiment in place]
        return sorted(chosen, key=lambda m: (m.repeat, place[m.experiment]))


def collect(
    experiments: Sequence[Experiment],
    *,
    repeats: int | None,
    budget: float | None,
    precise: Callable[[Collected], bool],
    after_run: Callable[[Collected], None] = lambda _: None,
) -> Collected:
    """Run the experiments, interleaved and repeated.

    Parameters
    ----------
    experiments
        What to run in every repeat; each run of a work is compared with one sequential run of it.
    repeats
        Exactly so many; ``None`` repeats until ``precise`` or until the budget is spent.
    budget
        Seconds after which no repeat starts, though three are always run; ``None`` sets no limit.
    precise
        Whether the answer is narrow enough, asked after each repeat from the seventh on.
    after_run
        Called after each timed run, outside the timing.
    """
    collected = Collected()
    started = time.monotonic()
    references = {work: _reference(work) for work in dict.fromkeys(experiment.work for experiment in experiments)}
    running = list(experiments)
    for strategy in dict.fromkeys(experiment.strategy for experiment in experiments):
        failure = _prepare(strategy, next(e.work for e in experiments if e.strategy is strategy))
        if failure is not None:
            running = _drop(running, strategy, failure, collected)
    order = random.Random()
    first_repeat = time.monotonic()
    while any(e.strategy.name != SEQUENTIAL for e in running) and not _finished(
        collected, repeats, budget, started, first_repeat, precise
    ):
        for experiment in order.sample(running, len(running)):
            if experiment not in running:
                continue
            try:
                measurement, results = _measure(experiment, collected.repeats)
            except Exception as error:
                if experiment.strategy.name == SEQUENTIAL:
                    raise _unfit(experiment.work, error) from error
                running = _drop(running, experiment.strategy, _described(error), collected)
                continue
            collected.add(measurement)
            difference = first_difference(references[experiment.work], results)
            if difference is not None:
                collected.differences.setdefault(experiment.label, difference)
            after_run(collected)
        collected.repeats += 1
    return collected


def _reference(work: Work) -> list[Any]:
    try:
        return [work.function(*arguments) for arguments in work.calls]
    except Exception as error:
        raise _unfit(work, error) from error


def _unfit(work: Work, error: Exception) -> ml.MultilaneError:
    return ml.MultilaneError(
        f"`{work.name}` raised {_described(error)} when run by itself; a proof needs calls that return"
    )


def _prepare(strategy: Strategy, work: Work) -> str | None:
    try:
        strategy.open()
        strategy.run(work.first(WARM_UP_CALLS * strategy.workers))
    except Exception as error:
        return _described(error)
    return None


def _measure(experiment: Experiment, repeat: int) -> tuple[Measurement, Sequence[Any]]:
    # Garbage of the run before is not this run's cost.
    gc.collect()
    stolen = _multilane.steal_ns()
    measured: Measured = experiment.strategy.run(experiment.work)
    stolen = _multilane.steal_ns() - stolen
    trace = measured.trace
    return Measurement(experiment, repeat, measured.wall_ns, trace.cpu_ns, stolen, trace), measured.results


def _drop(running: list[Experiment], strategy: Strategy, reason: str, collected: Collected) -> list[Experiment]:
    for experiment in running:
        if experiment.strategy is strategy:
            collected.failures.setdefault(experiment.label, reason)
    return [experiment for experiment in running if experiment.strategy is not strategy]


def _finished(
    collected: Collected,
    repeats: int | None,
    budget: float | None,
    started: float,
    first_repeat: float,
    precise: Callable[[Collected], bool],
) -> bool:
    done = collected.repeats
    if repeats is not None and done >= repeats:
        return True
    if done < LEAST_REPEATS:
        return False
    now = time.monotonic()
    if budget is not None and now + (now - first_repeat) / done > started + budget:
        return True
    if repeats is not None:
        return False
    return done >= MOST_REPEATS or (done >= ENOUGH_REPEATS and precise(collected))


def _described(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
