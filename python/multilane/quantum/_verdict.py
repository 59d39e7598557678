"""`Verdict`: what a run of a circuit took, beside what was predicted, and what bounds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from multilane._multilane import CircuitRun

__all__ = ["Verdict", "verdict_of"]

#: The share of the measured time that a cause has to explain.
MOST = 0.5


@dataclass(frozen=True)
class Verdict:
    """What a run took. Times are in seconds; printed, it is a table with a sentence below."""

    #: For each pass over memory, and for what else was done: ``label``, ``measured_ns``, ``predicted_ns``, ``bytes``
    #: moved, ``bandwidth`` in bytes a second (None where none were), ``lanes``, ``start_ns``, ``end_ns``.
    passes: list[dict[str, Any]]
    #: From the start of the run to its end.
    measured_s: float
    #: The predictions of all passes together; they come from the cost model of this machine.
    predicted_s: float
    #: What moving the bytes takes at the bandwidth that the cost model knows.
    memory_s: float
    #: Time beside the passes.
    beside_s: float
    #: What explains most of the measured time: moving bytes, computing on them, or what is beside the passes.
    cause: Literal["memory", "arithmetic", "overhead"]

    @property
    def sentence(self) -> str:
        """The cause in words, with its share of the measured time."""
        share = self.memory_s / self.measured_s
        match self.cause:
            case "memory":
                return f"Moving the bytes explains {share:.0%} of the time: memory bounds it, more cores do not help."
            case "arithmetic":
                return f"Moving the bytes explains {share:.0%} of the time: the rest is arithmetic, which cores share."
        return f"{self.beside_s / self.measured_s:.0%} of the time is beside the passes: the circuit is small."

    def __str__(self) -> str:
        from multilane._explain import _table, _time

        rows: list[tuple[str, ...]] = [("pass", "predicted", "measured", "GB/s")]
        for one in self.passes:
            bandwidth = "" if one["bandwidth"] is None else f"{one['bandwidth'] / 1e9:.1f}"
            predicted = _time(one["predicted_ns"]) if one["bytes"] else ""
            rows.append((one["label"], predicted, _time(one["measured_ns"]), bandwidth))
        rows.append(("all", _time(self.predicted_s * 1e9), _time(self.measured_s * 1e9), ""))
        return f"{_table(rows)}\n{self.sentence}"


def verdict_of(run: CircuitRun) -> Verdict:
    """Judge a run by what was measured of it."""
    passes = run.groups()
    measured = (run.end_ns - run.start_ns) / 1e9
    memory = min(run.memory_ns() / 1e9, measured)
    beside = max(measured - sum(one["measured_ns"] for one in passes) / 1e9, 0.0)
    cause: Literal["memory", "arithmetic", "overhead"] = "arithmetic"
    if beside > MOST * measured:
        cause = "overhead"
    elif memory > MOST * measured:
        cause = "memory"
    return Verdict(
        passes=passes,
        measured_s=measured,
        predicted_s=sum(one["predicted_ns"] for one in passes) / 1e9,
        memory_s=memory,
        beside_s=beside,
        cause=cause,
    )
