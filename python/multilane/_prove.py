"""`multilane.prove`: runs fixed work in several ways and hands out the proof.

Reads the function and its inputs; starts the strategies, has them measured and closes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from multilane._progress import GroupProgress
from multilane.proofs import evidence
from multilane.proofs.collect import Collected, Experiment, collect
from multilane.proofs.proof import Proof
from multilane.proofs.strategies import DEFAULT, SEQUENTIAL, make
from multilane.proofs.work import work_of

__all__ = ["Proof", "prove"]

#: Seconds a proof may take when neither repeats nor a budget are given.
DEFAULT_BUDGET = 30.0


def prove(
    fn: Callable[..., Any] | None = None,
    inputs: Iterable[Any] | None = None,
    *,
    workers: int | None = None,
    repeats: int | None = None,
    strategies: Sequence[str] | None = None,
    budget: float | None = None,
    name: str | None = None,
    progress: bool | None = None,
) -> Proof:
    """Measure whether a function's calls run in parallel, and judge it.

    The same calls are run one after the other, on plain `threading` threads (the control, which the interpreter lock
    must make fail) and on multilane's backends, interleaved in random order, with pools and warm-up outside the timing,
    until the 95 % interval is narrow or the budget is spent. Results are compared with the sequential run; when they
    differ, the claim is refused.

    Parameters
    ----------
    fn
        The function; it must give the same result each time and change nothing. ``None`` runs the built-in proofs.
    inputs
        One input for each call. Without inputs the function is called with none, twice for each worker.
    workers
        Workers of every strategy but the sequential one; the usable processors by default.
    repeats
        How often to repeat; by default as often as precision needs, at least seven times.
    strategies
        Which ways to run beside the sequential one: ``plain threads``, ``processes``, ``threads``; all by default.
    budget
        Seconds after which no further repeat starts; 30 when ``repeats`` is not given. Three repeats are always run.
    name
        What the proof is called; the function's name by default.
    progress
        Whether to show live progress; ``None`` shows it in a terminal or a notebook.

    Returns
    -------
    Proof
        The measurements and the verdict.

    Examples
    --------
    >>> import time, multilane as ml
    >>> ml.prove(time.sleep, [0.05] * 4, workers=2, repeats=3).verdict in (
    ...     "concurrent, not parallel", "inconclusive")
    True
    """
    count = evidence.usable_workers() if workers is None else workers
    if count < 1:
        raise ValueError(f"`workers` is {count}; a proof needs at least 1")
    if repeats is not None and repeats < 1:
        raise ValueError(f"`repeats` is {repeats}; a proof needs at least 1, and 7 to be precise")
    if budget is not None and budget <= 0:
        raise ValueError(f"`budget` is {budget}; it is a number of seconds above 0")
    if budget is None and repeats is None:
        budget = DEFAULT_BUDGET
    if fn is None:
        if inputs is not None or strategies is not None:
            raise TypeError("`inputs` and `strategies` need a function; the built-in proofs bring their own")
        from multilane.proofs.builtin import prove_builtin

        return prove_builtin(workers=count, repeats=repeats, budget=budget, name=name, progress=progress)
    work = work_of(fn, inputs, workers=count, name=None)
    chosen = [make(each, count) for each in (DEFAULT if strategies is None else strategies)]
    experiments = [Experiment(label, make(SEQUENTIAL, count), work) for label in (SEQUENTIAL, evidence.AGAIN)]
    experiments += [Experiment(strategy.name, strategy, work) for strategy in chosen if strategy.name != SEQUENTIAL]

    def data(collected: Collected, title: str = name or work.name) -> Any:
        proof = evidence.proof_data(work, count, name=title)
        evidence.add_runs(proof, collected.in_order_of(experiments))
        return proof

    with ExitStack() as stack:
        for experiment in experiments:
            stack.callback(experiment.strategy.close)
        total = None if repeats is None else repeats * len(experiments)
        line = stack.enter_context(GroupProgress(f"prove {name or work.name}", total=total, enabled=progress))
        collected = collect(
            experiments,
            repeats=repeats,
            budget=budget,
            precise=lambda so_far: evidence.precise(data(so_far), so_far),
            after_run=lambda so_far: line.update(len(so_far.measurements)),
        )
    proof = data(collected)
    evidence.add_checks(proof, collected)
    return Proof(proof)
