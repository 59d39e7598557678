"""The proofs that `multilane prove` runs by itself: four claims, each able to fail, and two that must be refused.

Fixed work: CPU-bound pure Python, sized once and then the same for every way of running it. From the same interleaved
runs it reads whether progress advances together, the wall clock against the measured sequential time, whether the time
stays flat from one task to one for each worker, and how many cores were used. Beside it the same judgement must refuse
`sleep`, and plain threads on an interpreter with its lock.
"""

from __future__ import annotations

import math
import time
from contextlib import ExitStack

from multilane import _multilane
from multilane._progress import GroupProgress

from . import evidence, functions
from .collect import LEAST_REPEATS, Experiment, Measurement, collect
from .interpreter import gil_is_on
from .proof import Proof, verdict_words
from .strategies import PLAIN_THREADS, PROCESSES, SEQUENTIAL, THREADS, Strategy, make
from .work import Work

#: Seconds that all tasks take one after the other: long against what a scheduler disturbs, short enough to repeat.
SEQUENTIAL_SECONDS = 0.6

#: No task is shorter than this, however many workers there are: below 50 ms a sequential run is too short to judge.
LEAST_TASK_SECONDS = 0.075

#: The size at which the work's speed is measured before it is fixed.
TRIAL_LETTERS = 150

CLAIMS = {
    "progress": "progress bars advance together, each as fast as a task alone",
    "wall_clock": "the same tasks finish sooner than in the measured sequential run",
    "flat_time": "the time stays flat from one task to one for each worker",
    "cpu_bound": "CPU-bound pure Python uses more than one core at once",
}


def prove_builtin(
    *, workers: int, repeats: int | None, budget: float | None, name: str | None = None, progress: bool | None = None
) -> Proof:
    """Run the built-in proofs with this many workers."""
    works = fixed_works(workers)
    full = works[workers]
    strategies = {each: make(each, workers) for each in (SEQUENTIAL, PLAIN_THREADS, PROCESSES, THREADS)}
    experiments = [Experiment(label, strategy, full) for label, strategy in strategies.items()]
    experiments.append(Experiment(evidence.AGAIN, strategies[SEQUENTIAL], full))
    # With the lock on, threads are serialised at every size: once is enough to see it.
    scaled = (SEQUENTIAL, PLAIN_THREADS, PROCESSES) if gil_is_on() else tuple(strategies)
    experiments += [
        Experiment(label, strategies[label], work)
        for tasks, work in works.items()
        for label in scaled
        if tasks < workers
    ]

    def data(measurements: list[Measurement], title: str = name or "built-in proofs") -> _multilane.ProofData:
        must_fail = gil_is_on() and workers > 1
        proof = evidence.proof_data(full, workers, name=title, control_must_fail=must_fail)
        evidence.add_runs(proof, measurements)
        return proof

    full_size = [experiment for experiment in experiments if experiment.work is full]

    with ExitStack() as stack:
        for strategy in strategies.values():
            stack.callback(strategy.close)
        total = None if repeats is None else repeats * len(experiments)
        line = stack.enter_context(GroupProgress("built-in proofs", total=total, enabled=progress))
        collected = collect(
            experiments,
            repeats=repeats,
            budget=budget,
            precise=lambda so_far: evidence.precise(data(so_far.in_order_of(full_size)), so_far),
            after_run=lambda so_far: line.update(len(so_far.measurements)),
        )
        waits = _waits(workers, strategies)
    proof = data(collected.in_order_of(full_size))
    for kind, claim in CLAIMS.items():
        sizes = experiments if kind == "flat_time" else full_size
        proof.add_part(kind, claim, data(collected.in_order_of(sizes), kind.replace("_", " ")))
    evidence.add_checks(proof, collected)
    _add_controls(proof, waits)
    return Proof(proof)


def fixed_works(workers: int) -> dict[int, Work]:
    """Fix the work for one task, for one task for each worker, and for the powers of two between.

    >>> sorted(fixed_works(4))
    [1, 2, 4]
    """
    letters = _letters(max(LEAST_TASK_SECONDS, SEQUENTIAL_SECONDS / workers))
    counts = [2**power for power in range(workers.bit_length()) if 2**power < workers]
    return {
        tasks: Work(
            functions.edit_distance, tuple((seed, letters) for seed in range(tasks)), functions.edit_distance.__name__
        )
        for tasks in [*counts, workers]
    }


def _letters(seconds: float) -> int:
    fastest = math.inf
    for seed in range(3):
        started = time.perf_counter()
        functions.edit_distance(seed, TRIAL_LETTERS)
        fastest = min(fastest, time.perf_counter() - started)
    # The work grows with the square of the letters.
    return max(TRIAL_LETTERS, round(TRIAL_LETTERS * math.sqrt(seconds / fastest)))


def _waits(workers: int, strategies: dict[str, Strategy]) -> _multilane.ProofData:
    seconds = max(LEAST_TASK_SECONDS, SEQUENTIAL_SECONDS / workers / 2)
    work = Work(functions.wait, ((seconds,),) * workers, functions.wait.__name__)
    experiments = [Experiment(label, strategies[label], work) for label in (SEQUENTIAL, PLAIN_THREADS, PROCESSES)]
    collected = collect(experiments, repeats=LEAST_REPEATS, budget=None, precise=lambda _: True)
    proof = evidence.proof_data(work, workers, name="sleep")
    evidence.add_runs(proof, collected.in_order_of(experiments))
    return proof


def _add_controls(proof: _multilane.ProofData, waits: _multilane.ProofData) -> None:
    """Check that what must be refused is refused, by the same judgement."""
    judged = {each["strategy"]: each["verdict"] for each in waits.judge()["strategies"]}
    for label, verdict in judged.items():
        proof.add_check(
            f"sleep on {label} is refused", verdict["kind"] == "concurrent_not_parallel", verdict_words(verdict)
        )
    if proof.control_must_fail:
        for each in proof.judge()["strategies"]:
            if each["strategy"] == PLAIN_THREADS:
                verdict = each["verdict"]
                proof.add_check("plain threads are refused", verdict["kind"] == "serialised", verdict_words(verdict))
