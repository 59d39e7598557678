"""`multilane.scale`: runs work on more and more workers, and says how far it scales and what stops it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from multilane import _multilane
from multilane._checks import positive_seconds, whole_number
from multilane.scaling.command import Command
from multilane.scaling.loads import Load
from multilane.scaling.result import Curve, Scaling, Verdict
from multilane.scaling.runner import Plan, operation_of, run
from multilane.scaling.sweep import bandwidth_limit
from multilane.scaling.tables import four_tables
from multilane.scaling.ways import ROUTES, Operation, parse

__all__ = ["Curve", "Scaling", "Verdict", "memory_bandwidth", "scale"]

#: Worker counts when the caller does not say: enough to tell a peak from a plateau.
WORKERS = (1, 2, 4, 8, 16)

#: Ways of running a function when the caller does not say.
STRATEGIES = ("threads", "processes")

#: Seconds that a sweep may take, and those of one run.
BUDGET = 60.0
RUN_SECONDS = 0.1
LEAST_RUN_SECONDS = 0.02


def scale(
    fn: Callable[..., Any] | None = None,
    *,
    workers: Sequence[int] = WORKERS,
    sizes: Iterable[Any] | None = None,
    strategies: Sequence[str] | None = None,
    command: str | None = None,
    device: str | None = None,
    weak: bool = False,
    repeats: int | None = None,
    budget: float = BUDGET,
    run_seconds: float | None = None,
    resume: str | os.PathLike[str] | None = None,
    name: str | None = None,
    progress: bool | None = None,
) -> Scaling:
    """Measure how throughput grows with workers, and name what stops it.

    Every point of workers, sizes and strategies is run again and again, interleaved in random order, with warm-up and
    set-up outside the timing, until its interval is narrow or the budget is spent. Meanwhile the workers are looked at:
    what they wait for, and not the shape of the curve, names the cause. Where the same work takes more CPU time on more
    workers, one worker is run again beside arithmetic and beside memory streams, to tell why.

    Parameters
    ----------
    fn
        One operation, called with a size when there are sizes, else with nothing, and very often. ``None`` runs the
        built-in workloads, which fill four tables, or the ``command``.
    workers
        Worker counts; 1 belongs to them.
    sizes
        What ``fn`` is called with, or what stands for ``{size}`` in the command.
    strategies
        ``threads`` and ``processes`` by default. A plus sign changes the queue: ``threads+own`` (a queue for each
        worker), ``threads+lock`` (a lock around each operation), ``threads+batch=8``, ``processes+window=4``. On a
        device its route takes the place of ``threads``: ``cuda+own``, ``vulkan+lock``, ``wgpu+window=8``.
    command
        A program and its arguments, ``{workers}`` where their number belongs.
    device
        Run the built-in workloads on a device: ``gpu`` for the best there is, or its route (``cuda``, ``vulkan``,
        ``wgpu``; ``cpu`` stands in for one). Takes the module that ``make gpu`` builds.
    weak
        Each worker of the command brings its own work, so that twice the workers do twice as much.
    repeats
        How often to repeat; by default until precise, at least five times.
    budget
        Seconds after which no repeat starts, though three are always run.
    run_seconds
        How long one run should be; 0.1, or less when the budget is short.
    resume
        A file that keeps each sample as it is made; when it is there already, the sweep goes on where it stopped.
    name
        What the sweep is called; the function's or the program's name by default.
    progress
        Whether to show live progress; ``None`` shows it in a terminal or a notebook.

    Returns
    -------
    Scaling
        The samples, the fitted models and the verdicts.

    Raises
    ------
    ValueError
        An option cannot be meant.
    MultilaneError
        The command fails, or ``resume`` holds another sweep.
    BackendUnavailable
        There is no such device, or the module for devices is not built.

    Examples
    --------
    >>> import time, multilane as ml
    >>> quick = {"strategies": ["threads"], "repeats": 3, "run_seconds": 0.02}
    >>> scaling = ml.scale(lambda: time.sleep(0.002), workers=[1, 2], **quick)
    >>> scaling.curve.speedup[2].median > 1.2
    True
    """
    counts = _counts(workers)
    positive_seconds(budget, "budget")
    positive_seconds(run_seconds, "run_seconds")
    if repeats is not None and not whole_number(repeats, 1):
        raise ValueError(f"`repeats` is {repeats!r}; a sweep needs at least 1, and 3 to conclude anything")
    if fn is not None and command is not None:
        raise TypeError("both `fn` and `command` are given; a sweep runs one of them")
    if device is not None and (fn is not None or command is not None):
        raise TypeError("a device runs the built-in workloads; for a program that uses one give only its `command`")
    chosen = list(sizes) if sizes is not None else None
    if chosen is not None and not chosen:
        raise ValueError("`sizes` is empty; leave it out to call the function without a size")
    plan = Plan("", "", counts, budget, 0.0, repeats=repeats, progress=progress, resume=resume)
    if command is not None:
        _plan_command(plan, Command(command, weak=weak), chosen, strategies)
    elif fn is not None:
        _plan_function(plan, fn, chosen, STRATEGIES if strategies is None else strategies)
    else:
        if chosen is not None:
            raise TypeError("`sizes` needs a function or a command; the built-in workloads bring their own")
        plain, loads = _plan_built_in(plan, device)
        if strategies is None:
            plan.loads = loads
        else:
            # The workloads alone, each in the ways that were asked for.
            plan.tables = []
            plan.loads = [
                replace(load, strategy=_valid(strategy, plain if device is not None else None))
                for load in loads
                if load.strategy == plain
                for strategy in strategies
            ]
    plan.name = name or plan.name
    points = len(plan.loads) * len(counts)
    # Five repeats of each point, and as much again for counting and warming up.
    fitting = budget / max(1, points) / 10
    plan.run_seconds = run_seconds or min(RUN_SECONDS, max(LEAST_RUN_SECONDS, fitting))
    return run(plan)


def memory_bandwidth(seconds: float = 0.1) -> float:
    """Measure how much all usable processors together move to and from memory.

    Parameters
    ----------
    seconds
        How long to measure, three times over.

    Returns
    -------
    float
        GB/s, which are bytes a nanosecond: of a triad over arrays beyond the caches, reads and writes counted; the most
        of the three, since other programs only take from it.

    Raises
    ------
    ValueError
        ``seconds`` is not more than 0.

    Examples
    --------
    >>> import multilane as ml
    >>> ml.memory_bandwidth(0.01) > 0
    True
    """
    positive_seconds(seconds, "seconds")
    processors = max(1, int(_multilane.machine()["cpus_usable"]))
    return max(bandwidth_limit(processors, seconds) for _ in range(3))


def _plan_built_in(plan: Plan, device: str | None) -> tuple[str, list[Load]]:
    """Choose the built-in workloads and their tables; returns the way of most of them, and all of them."""
    plan.name, plan.workload = "built-in workloads", "the element kernel, matrix products, locks and queues"
    if device is None:
        loads, plan.tables = four_tables()
        return "threads", loads
    from multilane.scaling.devices import find, opened
    from multilane.scaling.kernels import device_tables

    route = find(device)
    facts = opened(route).facts
    loads, plan.tables = device_tables(route, several=facts["queues"] > 1, small=facts["software"])
    plan.name = f"built-in workloads on {facts['device']}{' (software)' if facts['software'] else ''}, through {route}"
    return route, loads


def _plan_function(plan: Plan, fn: Callable[..., Any], sizes: list[Any] | None, strategies: Sequence[str]) -> None:
    from multilane._functions import name_of

    if not callable(fn):
        raise TypeError(f"`fn` is of type `{type(fn).__name__}`, which cannot be called")
    plan.name = name_of(fn)
    plan.workload = f"{getattr(fn, '__module__', None) or '__main__'}:{getattr(fn, '__qualname__', plan.name)}"
    plan.loads = [
        Load(plan.name, operation_of(fn, size, sized=sizes is not None), strategy=_valid(strategy), size=_text(size))
        for size in ([None] if sizes is None else sizes)
        for strategy in strategies
    ]


def _plan_command(plan: Plan, command: Command, sizes: list[Any] | None, strategies: Sequence[str] | None) -> None:
    if strategies is not None:
        raise TypeError("`strategies` are ways of calling a function; a command has its own")
    if command.sized and sizes is None:
        raise ValueError("the command has `{size}`; give `sizes`")
    if sizes is not None and not command.sized:
        raise ValueError("`sizes` are given, but the command has no `{size}`")
    plan.name, plan.workload, plan.way, plan.fixed = command.name, command.template, command, 1
    plan.loads = [
        Load(
            command.name, Operation(command.run, () if size is None else (size,)), strategy="command", size=_text(size)
        )
        for size in (sizes or [None])
    ]


def _counts(workers: Iterable[int]) -> tuple[int, ...]:
    counts = list(workers)
    for count in counts:
        if not whole_number(count, 1, 4096):
            raise ValueError(f"`workers` holds {count!r}; worker counts are whole numbers from 1 to 4096")
    if not counts:
        raise ValueError("`workers` is empty; give worker counts such as [1, 2, 4]")
    return tuple(sorted({int(count) for count in counts}))


def _valid(strategy: str, route: str | None = None) -> str:
    """Give back a strategy's name, if it is one that goes through this route, or through none."""
    kind = parse(strategy).kind
    if route is None and kind in ROUTES:
        raise ValueError(f"`{strategy}` is a way to a device; give `device` to run the built-in workloads on it")
    if route is not None and kind != route:
        raise ValueError(f"`{strategy}` is no way to the device at the end of `{route}`; give such as `{route}+lock`")
    return strategy


def _text(size: Any) -> str:
    return "" if size is None else str(size)
