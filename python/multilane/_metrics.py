"""`metrics`: counts and durations per function."""

from __future__ import annotations

from typing import NamedTuple

from multilane import _multilane

__all__ = ["FunctionMetrics", "metrics"]


class FunctionMetrics(NamedTuple):
    """What the calls of one function took; times in seconds, percentiles within 12 %."""

    count: int  # type: ignore[assignment]
    failures: int
    total: float
    cpu: float
    p50: float
    p90: float
    p99: float
    max: float


def metrics() -> dict[str, FunctionMetrics]:
    """Return counts, failures and durations of every function that ran in a pool.

    A chunk of `map` counts as one call. Counts attempts: a task that was retried once
    counts twice.

    Examples
    --------
    >>> import multilane as ml
    >>> with ml.Executor(workers=1, backend="serial") as executor:
    ...     handle = executor.submit(divmod, 7, 2)
    >>> ml.metrics()["divmod"].count >= 1
    True
    """
    return {name: FunctionMetrics(*row) for name, row in _multilane.metrics().items()}
