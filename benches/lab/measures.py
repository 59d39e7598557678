"""Takes one sample: runs of a built-in workload in turns, on one worker and on two, watched and not."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import multilane as ml
from measuring.suite import Sample
from multilane import _multilane
from multilane.scaling.command import Command
from multilane.scaling.loads import TRIAD, python_loop
from multilane.scaling.ways import Operation, Threads, parse

#: Workers of the run that is predicted, and of those that are watched.
WORKERS = 2


@dataclass(frozen=True)
class Scale:
    """How much work one sample does."""

    #: Seconds of one run on one worker, and how often a pair is repeated.
    run_s: float = 0.3
    pairs: int = 11
    #: Triples of a plain, a watched and another plain run, and the seconds of each.
    triples: int = 40
    watched_s: float = 0.08


QUICK = Scale(run_s=0.2, pairs=5, triples=12)


@dataclass(frozen=True)
class Task:
    """A task that is predicted: how it is run, and what is known of its traffic with memory."""

    backend: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    bytes: float = 0.0


def mixed() -> int:
    """Wait as long as it computes."""
    time.sleep(0.001)
    return python_loop(30_000)


TASKS = {
    "element": Task("threads", _multilane.load_element, (65_536, 20)),
    "element-processes": Task("processes", _multilane.load_element, (65_536, 20)),
    "python": Task("processes", python_loop, (50_000,)),
    "compute": Task("processes", _multilane.load_compute, (1_000_000,)),
    "triad": Task("threads", _multilane.load_triad, (TRIAD,), 24.0 * TRIAD),
    "sleep": Task("threads", time.sleep, (0.003,)),
    "mixed": Task("processes", mixed, ()),
    "memory": Task("processes", _multilane.load_pages, (4 << 20,)),
}


def take(_engine: str, test: str, _workers: int, scale: dict[str, Any]) -> Sample:
    """Return one sample of a test."""
    limits = Scale(**scale)
    kind, _, name = test.partition("-")
    if kind == "simulate":
        return simulated(TASKS[name], limits)
    return watched_command(limits) if name == "command" else watched_threads(limits)


def simulated(task: Task, scale: Scale) -> Sample:
    """Hold the replay of a run on one worker against other runs, made in turns with it."""
    order = random.Random(1)
    pools = {workers: ml.Executor(workers, backend=task.backend) for workers in (1, WORKERS)}
    # What the machine moves is the most that it was seen to move: other programs only take from it.
    bandwidth = ml.memory_bandwidth() if task.bytes else None
    try:
        for workers, pool in pools.items():
            pool.wait_ready()
            _trace(pool, task, 4 * workers)
        each_ns = _trace(pools[1], task, 8).makespan_ns / 8
        count = WORKERS * max(4, round(scale.run_s * 1e9 / each_ns / WORKERS))
        ratios: dict[int, list[float]] = {1: [], WORKERS: []}
        bounds = []
        others: list[float] = []
        for _ in range(scale.pairs):
            if bandwidth is not None:
                bandwidth = max(bandwidth, ml.memory_bandwidth(0.05))
            made: dict[str, Any] = {}
            left: dict[str, float] = {}
            for what in order.sample(["source", "one", "two"], 3):
                made[what], left[what] = _run(pools[WORKERS if what == "two" else 1], task, count)
            names = {each["function"] for each in made["source"].tasks()}
            known = dict.fromkeys(names, task.bytes) if task.bytes else None
            for workers, what in ((1, "one"), (WORKERS, "two")):
                # Nobody can predict what other programs will take: the replay gets the processors that they left.
                found = made["source"].simulate(workers, left[what], bytes_per_task=known, bandwidth=bandwidth)
                ratios[workers].append(found["makespan_ns"] / made[what].makespan_ns)
            bounds.append(found["bound_by"])
            others.append(_multilane.machine()["cpus_usable"] - left["two"])
    finally:
        for pool in pools.values():
            pool.shutdown()
    one, two = (statistics.median(ratios[workers]) for workers in (1, WORKERS))
    return {
        "off": abs(two - 1),
        "off_one": abs(one - 1),
        "ratio": two,
        "ratios_one": ratios[1],
        "ratios_two": ratios[WORKERS],
        "bound_by": statistics.mode(bounds),
        "others": statistics.median(others),
        "tasks": count,
    }


def _run(pool: ml.Executor, task: Task, count: int) -> tuple[ml.Trace, float]:
    """Return a recorded run, and the processors that other programs left to it."""
    before, started = _multilane.system_use(), time.monotonic_ns()
    trace = _trace(pool, task, count)
    after, wall_ns = _multilane.system_use(), time.monotonic_ns() - started
    own = after["own_cpu_ns"] - before["own_cpu_ns"]
    if task.backend == "processes":
        own += sum(each["cpu_ns"] for each in trace.tasks())
    others = max(0, after["machine_cpu_ns"] - before["machine_cpu_ns"] - own) / wall_ns
    return trace, max(1.0, _multilane.machine()["cpus_usable"] - others)


def _trace(pool: ml.Executor, task: Task, count: int) -> ml.Trace:
    with ml.record() as recording:
        handles = [pool.submit(task.function, *task.arguments) for _ in range(count)]
        for handle in handles:
            handle.result()
    assert recording.trace is not None
    return recording.trace


class Unwatched(Threads):
    """The same runs without anybody looking."""

    def _look(self, _threads: list[int]) -> None:
        return None


def watched_threads(scale: Scale) -> Sample:
    """The element kernel on two threads, with the looking and without it."""
    operation = Operation(_multilane.load_element, (65_536, 10))
    plain, watched = Unwatched(parse("threads")), Threads(parse("threads"))
    each_s = plain.run(operation, 1, 16, warm_up=True)["wall_ns"] / 16e9
    count = WORKERS * max(4, round(scale.watched_s / each_s))
    return _in_turns(
        lambda: plain.run(operation, WORKERS, count), lambda: watched.run(operation, WORKERS, count), scale.triples
    )


PROGRAM = (
    "import threading; from multilane._multilane import load_compute as work; n = {workers}; "
    "threads = [threading.Thread(target=work, args=(100_000_000,)) for _ in range(n)]; "
    "[thread.start() for thread in threads]; [thread.join() for thread in threads]"
)


class UnwatchedCommand(Command):
    """The same program without anybody looking."""

    def _look(self, _process: int, _workers: int) -> None:
        return None


def watched_command(scale: Scale) -> Sample:
    """A program of two threads that compute, with the looking and without it."""
    line = f"{sys.executable} -c '{PROGRAM}'"
    plain, watched = UnwatchedCommand(line), Command(line)
    operation = Operation(watched.run)
    triples = max(3, scale.triples // 4)
    return _in_turns(lambda: plain.run(operation, WORKERS, 1), lambda: watched.run(operation, WORKERS, 1), triples)


def _in_turns(plain: Callable[[], Sample], watched: Callable[[], Sample], triples: int) -> Sample:
    walls: list[list[float]] = [[], [], []]
    shares = []
    rounds = [plain, watched, plain]
    for triple in range(triples):
        for step in range(3):
            place = (triple + step) % 3
            sample = rounds[place]()
            walls[place].append(sample["wall_ns"])
            if place == 1:
                shares.append(sample["watch_cpu_ns"] / (sample["workers"] * sample["wall_ns"]))
    without, with_looks, again = walls
    costs = [b / a - 1 for a, b in zip(without, with_looks, strict=True)]
    noises = [b / a - 1 for a, b in zip(without, again, strict=True)]
    return {
        "cpu_share": statistics.median(shares),
        "cost": statistics.median(costs),
        "noise": abs(statistics.median(noises)),
        "costs": costs,
        "noises": noises,
    }
