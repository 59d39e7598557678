"""What of a plan can run in parallel, and what that would gain.

The names are those of the document this analysis comes from. What computes is the extension.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from multilane import _multilane
from multilane._builder import Builder
from multilane._plan import Plan
from multilane.errors import PlanError

if TYPE_CHECKING:
    from multilane._plan import Text

__all__ = [
    "ParallelAnalyzer",
    "ParallelExecutionPlan",
    "ParallelGroup",
    "SequentialPlan",
    "analyze_parallelism",
    "is_data_parallel_op",
    "is_thread_safe_op",
    "print_parallelism_report",
]

ESTIMATORS = ("calibrated", "static")


class ParallelGroup:
    """Operations of one level that can run at the same time."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    @property
    def id(self) -> int:
        """Number of the group."""
        return int(self._data["id"])

    @property
    def level(self) -> int:
        """The execution level, from 0: every operation on it depends on the level before."""
        return int(self._data["level"])

    @property
    def members(self) -> list[int]:
        """Numbers of the operations."""
        return list(self._data["members"])

    @property
    def names(self) -> list[str]:
        """Names of the operations, in the order of `members`."""
        return list(self._data["names"])

    @property
    def inputs(self) -> list[str]:
        """Values from outside that a member reads."""
        return list(self._data["inputs"])

    @property
    def shared_inputs(self) -> list[str]:
        """Values from outside that several members read."""
        return list(self._data["shared_inputs"])

    @property
    def outputs(self) -> list[str]:
        """Values that the members write; no two write the same."""
        return list(self._data["outputs"])

    @property
    def depends_on(self) -> list[int]:
        """Numbers of the groups that have to be done before."""
        return list(self._data["depends_on"])

    @property
    def parallelism_factor(self) -> float:
        """How many times faster the group is in parallel, by the estimator of the plan."""
        return float(self._data["parallelism_factor"])

    @property
    def data_parallel(self) -> bool:
        """Whether all members compute every element by itself."""
        return bool(self._data["data_parallel"])

    @property
    def thread_safe(self) -> bool:
        """Whether all members may run at the same time as any other operation."""
        return bool(self._data["thread_safe"])

    @property
    def predicted_ns(self) -> float | None:
        """Nanoseconds of one execution; None where the estimator knows no machine."""
        found = self._data["predicted_ns"]
        return None if found is None else float(found)

    @property
    def bound(self) -> str | None:
        """What limits it: memory, arithmetic, or that it is too small; None where the estimator knows no machine."""
        found = self._data["bound"]
        return None if found is None else str(found)

    def __len__(self) -> int:
        return len(self._data["members"])

    def __repr__(self) -> str:
        return f"<ParallelGroup {self.id}: level {self.level}, {len(self)} operations, {self.parallelism_factor:.2f}x>"


class SequentialPlan:
    """The operations one after the other, for when running in parallel does not pay."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    @property
    def operations(self) -> list[int]:
        """Numbers of the operations, each after those it depends on."""
        return list(self._data["operations"])

    @property
    def names(self) -> list[str]:
        """Names of the operations, in that order."""
        return list(self._data["names"])

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(self._data)

    def __len__(self) -> int:
        return len(self._data["operations"])

    def __repr__(self) -> str:
        return f"<SequentialPlan of {len(self)} operations>"


class ParallelExecutionPlan:
    """What an analysis found; made by `analyze_parallelism`."""

    def __init__(self, data: dict[str, Any], report: str) -> None:
        self._data = data
        self._report = report

    @property
    def estimator(self) -> str:
        """Which estimator gave the numbers: ``calibrated`` or ``static``."""
        return str(self._data["estimator"])

    @property
    def groups(self) -> list[ParallelGroup]:
        """The parallel groups, level by level."""
        return [ParallelGroup(group) for group in self._data["groups"]]

    @property
    def levels(self) -> list[list[int]]:
        """Numbers of the operations on each execution level."""
        return [list(level) for level in self._data["analysis"]["levels"]]

    @property
    def operations(self) -> list[dict[str, Any]]:
        """What is known of each operation: name, level, what it depends on, whether it is data-parallel, ..."""
        return [dict(operation) for operation in self._data["analysis"]["operations"]]

    @property
    def critical_path(self) -> list[int]:
        """Numbers of the operations on the longest chain: by their count, or by their time where that is estimated."""
        return list(self._data["analysis"]["critical_path"])

    @property
    def estimated_speedup(self) -> float:
        """How much faster the plan is in parallel than one operation after the other on one worker."""
        return float(self._data["estimated_speedup"])

    @property
    def threshold(self) -> float:
        """The speed-up from which parallel execution is chosen."""
        return float(self._data["threshold"])

    @property
    def use_parallel(self) -> bool:
        """Whether the estimated speed-up reaches the threshold."""
        return bool(self._data["use_parallel"])

    @property
    def sequential_plan(self) -> SequentialPlan:
        """What to run where `use_parallel` is False."""
        return SequentialPlan(self._data["sequential_plan"])

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        copy: dict[str, Any] = json.loads(json.dumps(self._data))
        return copy

    def to_json(self) -> str:
        """Return all of it as JSON."""
        return json.dumps(self._data)

    def report(self) -> Text:
        """Return the analysis for people to read."""
        from multilane._plan import Text

        return Text(self._report)

    def __repr__(self) -> str:
        choice = "parallel" if self.use_parallel else "sequential"
        return (
            f"<ParallelExecutionPlan ({self.estimator}): {len(self.groups)} groups on {len(self.levels)} levels, "
            f"{self.estimated_speedup:.2f}x, {choice}>"
        )


class ParallelAnalyzer:
    """Analyses one plan; `analyze_parallelism` in the shape of the document.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder("diamond")
    >>> a = b.init_nodes(1.0)
    >>> b.output("d", (a * 2.0) + (a + 1.0))
    >>> analyzer = ml.ParallelAnalyzer(b, estimator="static")
    >>> analyzer.analyze()
    <ParallelExecutionPlan (static): 3 groups on 3 levels, 1.50x, parallel>
    """

    def __init__(
        self,
        plan: Plan | Builder,
        *,
        estimator: str = "calibrated",
        threshold: float = 1.2,
        workers: int | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        self._plan = plan
        self._options: dict[str, Any] = {
            "estimator": estimator,
            "threshold": threshold,
            "workers": workers,
            "sizes": sizes,
        }

    def analyze(self) -> ParallelExecutionPlan:
        """Return what the plan allows."""
        return analyze_parallelism(self._plan, **self._options)

    def print_parallelism_report(self) -> None:
        """Write the analysis to standard output, for people to read."""
        print_parallelism_report(self._plan, **self._options)


def analyze_parallelism(
    plan: Plan | Builder,
    *,
    estimator: str = "calibrated",
    threshold: float = 1.2,
    workers: int | None = None,
    sizes: Mapping[str, int] | None = None,
) -> ParallelExecutionPlan:
    """Find what of a plan can run in parallel, and what that would gain.

    Parameters
    ----------
    plan
        A plan, or a builder whose plan is finished.
    estimator
        ``calibrated`` asks the cost model of this machine, which is measured once; ``static`` counts operations with
        the published formulas and knows neither sizes nor machine.
    threshold
        The speed-up from which parallel execution is chosen.
    workers, sizes
        For the calibrated estimator, as in `Plan.predict`.

    Returns
    -------
    ParallelExecutionPlan
        Levels, groups, critical path, estimated speed-up and decision. Constants are not operations.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder("diamond")
    >>> a = b.init_nodes(1.0)
    >>> b.output("d", (a * 2.0) + (a + 1.0))
    >>> found = ml.analyze_parallelism(b.build(), estimator="static")
    >>> len(found.levels), found.estimated_speedup, found.use_parallel
    (3, 1.5, True)
    """
    if isinstance(plan, Builder):
        plan = plan.build()
    if estimator not in ESTIMATORS:
        raise PlanError(f"`estimator` is {estimator!r}, but must be one of `{'`, `'.join(ESTIMATORS)}`")
    if not threshold > 0:
        raise PlanError(f"`threshold` is {threshold!r}, but must be a speed-up above 0")
    data, report = plan._native.analyze(estimator, float(threshold), workers, plan._sizes_for(sizes))
    return ParallelExecutionPlan(data, report)


def print_parallelism_report(plan: Plan | Builder, **options: Any) -> None:
    """Write the analysis of a plan to standard output; the options are those of `analyze_parallelism`."""
    sys.stdout.write(analyze_parallelism(plan, **options).report() + "\n")


def is_data_parallel_op(op: str) -> bool:
    """Say whether an operation computes every element by itself.

    >>> [is_data_parallel_op(op) for op in ("add", "core.where", "select", "core.sum", "nothing")]
    [True, True, True, False, False]
    """
    return _fact(op, "data_parallel")


def is_thread_safe_op(op: str) -> bool:
    """Say whether an operation may run at the same time as others.

    >>> is_thread_safe_op("mul"), is_thread_safe_op("nothing")
    (True, False)
    """
    return _fact(op, "thread_safe")


def _fact(op: str, fact: str) -> bool:
    facts = _multilane.plan_operation(op)
    return facts is not None and bool(facts[fact])
