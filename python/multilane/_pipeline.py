"""`pipeline`: functions in a row, each with workers of its own, and bounded channels between them.

Says what a pipeline is made of and owns the workers; `_pipeline_run` carries the items. Starts nothing until the
pipeline is called.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from multilane import _multilane
from multilane._backends import BACKENDS, choose
from multilane._checks import positive_count, positive_seconds, retry_count
from multilane._executor import Executor
from multilane._functions import name_of
from multilane._pipeline_run import PipelineRun, SerialRun, StageFailure, StageStats, ThreadedRun
from multilane._record import recording
from multilane.errors import BackendUnavailable

__all__ = ["Pipeline", "PipelineRun", "Stage", "StageFailure", "StageStats", "pipeline"]

#: Items that may wait between two stages: enough to even out their pace, few enough to hold in memory.
DEFAULT_BUFFER = 16


class Stage(NamedTuple):
    """One function of a pipeline, with its own workers.

    Parameters
    ----------
    function : callable
        Called with each item; what it returns goes to the next stage.
    workers : int
        How many calls of it run at once.
    backend : {'auto', 'processes', 'threads', 'serial'}, optional
        Where they run; by default where the pipeline says.
    name : str, optional
        For messages; the function's name by default.
    timeout : float, optional
        Seconds one call may take; see `Executor.submit_with`.
    retries : int
        Further attempts after one that raised, timed out or lost its worker.
    initializer : callable, optional
        Called in each worker of this stage before its first item.
    initargs : tuple
        Its arguments.

    Examples
    --------
    >>> import multilane as ml
    >>> stages = ml.Stage(abs, workers=2), str
    >>> list(ml.pipeline(*stages, backend="threads")([-1, -2]))
    ['1', '2']
    """

    function: Callable[..., Any]
    workers: int = 1
    backend: str | None = None
    name: str | None = None
    timeout: float | None = None
    retries: int = 0
    initializer: Callable[..., object] | None = None
    initargs: tuple[Any, ...] = ()

    @property
    def label(self) -> str:
        """What messages call the stage."""
        return self.name or name_of(self.function)

    def check(self) -> None:
        """Refuse what cannot be meant."""
        if not callable(self.function):
            raise TypeError(f"a stage is a function or a `Stage`, not {self.function!r}")
        positive_count(self.workers, "workers")
        positive_seconds(self.timeout, "timeout")
        retry_count(self.retries)
        if self.backend is not None and self.backend not in BACKENDS:
            raise ValueError(f"there is no backend {self.backend!r}; choose one of {', '.join(BACKENDS)}")


class Pipeline:
    """Functions in a row that work at the same time, each on another item; made by `pipeline`.

    Calling it with an iterable starts a run and returns a `PipelineRun`, which iterates over the results. The workers
    stay for the next run until `close`, or the end of a ``with`` block.
    """

    def __init__(
        self, stages: tuple[Stage, ...], backend: str, buffer: int, ordered: bool, errors: str, name: str
    ) -> None:
        self.stages = stages
        self.backends = _backends_of(stages, backend)
        self.buffer = buffer
        self.ordered = ordered
        self.errors = errors
        self.name = name
        self._pools: dict[int, Executor] = {}
        self._runs: weakref.WeakSet[ThreadedRun] = weakref.WeakSet()
        self._closed = False

    def __call__(self, source: Iterable[Any]) -> PipelineRun:
        """Start a run over the items of ``source``, which may be endless.

        Raises
        ------
        TypeError
            ``source`` is not iterable.
        RuntimeError
            The pipeline is closed.
        """
        items = iter(source)
        if self._closed:
            raise RuntimeError(f"the pipeline `{self.name}` is closed; make a new one")
        if self.backends[0] == "serial":
            return SerialRun(self.name, self.stages, items, keep=self.errors == "keep")
        run = ThreadedRun(
            self.name,
            self.stages,
            [self._pool(index) for index in range(len(self.stages))],
            items,
            buffer=self.buffer,
            ordered=self.ordered,
            keep=self.errors == "keep",
        )
        self._runs.add(run)
        return run

    def _pool(self, index: int) -> Executor | None:
        """Return the workers of a stage, started when first needed; None where the threads of a run do."""
        stage, backend = self.stages[index], self.backends[index]
        plain = stage.timeout is None and stage.retries == 0 and stage.initializer is None
        # What a recording is to show runs in a pool, which is what it records.
        if backend == "threads" and plain and not recording():
            return None
        pool = self._pools.get(index)
        if pool is None or pool._closed or pool._broken:
            pool = Executor(
                stage.workers,
                backend,
                initializer=stage.initializer,
                initargs=stage.initargs,
                name=f"{self.name}: {stage.label}",
            )
            self._pools[index] = pool
        return pool

    def close(self) -> None:
        """End all runs and, once what they run now is done, the workers."""
        self._closed = True
        runs = list(self._runs)
        for run in runs:
            run.close()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for run in runs:
            run.join()
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        row = " -> ".join(
            f"{stage.label} ({backend}, {stage.workers})"
            for stage, backend in zip(self.stages, self.backends, strict=True)
        )
        return f"<Pipeline: {row}>"


def pipeline(
    *stages: Callable[..., Any] | Stage,
    backend: str = "auto",
    buffer: int = DEFAULT_BUFFER,
    ordered: bool = True,
    errors: str = "raise",
    name: str = "pipeline",
) -> Pipeline:
    """Put functions in a row, so that each works on an item while the next works on the one before.

    Every stage has workers of its own, and bounded channels connect them: a slow stage slows down those before it,
    down to the source, which is read no further than the channels have room for.

    Parameters
    ----------
    *stages : callable or Stage
        Functions of one argument; a `Stage` says more, such as ``workers=2``.
    backend : {'auto', 'processes', 'threads', 'serial'}
        Where stages run that do not say; 'serial' runs all of them in the calling thread, item by item. Inside of a
        task of a worker process, 'auto' means threads.
    buffer : int
        Items that may wait between two stages, and as many that are done in a stage before their turn.
    ordered : bool
        Keep the order of the items through every stage, however many workers it has. False lets each go on as soon
        as it is done.
    errors : {'raise', 'keep'}
        An error of a stage is raised in the item's place, after the results before it, and ends the run; 'keep' hands
        out a `StageFailure` there instead, and goes on.
    name : str
        For messages.

    Returns
    -------
    Pipeline

    Raises
    ------
    ValueError, TypeError
        An option cannot be meant.
    BackendUnavailable
        The backend does not work here.

    Examples
    --------
    >>> import itertools, multilane as ml
    >>> with ml.pipeline(abs, str, backend="threads") as digits:
    ...     list(itertools.islice(digits(itertools.count(-2)), 4))
    ['2', '1', '0', '1']
    """
    if not stages:
        raise TypeError("a pipeline needs at least one stage")
    made = tuple(stage if isinstance(stage, Stage) else Stage(stage) for stage in stages)
    for stage in made:
        stage.check()
    if buffer is None:
        raise ValueError("`buffer` is None, but must be a positive number: a pipeline's channels are bounded")
    positive_count(buffer, "buffer")
    if errors not in ("raise", "keep"):
        raise ValueError(f"`errors` is {errors!r}, but must be 'raise' or 'keep'")
    return Pipeline(made, backend, buffer, ordered, errors, name)


def _backends_of(stages: tuple[Stage, ...], backend: str) -> list[str]:
    """Choose the backend of each stage."""
    inside = _multilane.in_worker()
    chosen = []
    for stage in stages:
        asked = stage.backend or backend
        if inside and asked == "auto":
            asked = "threads"
        if inside and asked == "processes":
            raise BackendUnavailable(
                f"inside a task of a worker process, the stage `{stage.label}` cannot have processes of its own; "
                "use backend='threads'"
            )
        chosen.append(choose(asked)[0])
    if "serial" in chosen and set(chosen) != {"serial"}:
        where = stages[chosen.index("serial")].label
        raise ValueError(
            f"the stage `{where}` is serial and others are not: a serial pipeline runs in one thread, "
            "so give backend='serial' to `pipeline` and to no stage"
        )
    return chosen
