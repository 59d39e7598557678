"""What `Plan.explain` says; reads a plan, and runs it when asked to measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multilane._multilane import PlanRun
    from multilane._plan import Plan

__all__ = ["explain"]


def explain(
    plan: Plan, analyze: bool, inputs: Mapping[str, Any], workers: int | None, sizes: Mapping[str, int] | None
) -> str:
    """Return the plan before and after the passes, its memory, and predictions, beside measurements if wanted."""
    optimized = plan._ready(optimized=True)
    parts = [repr(optimized.passes)] if optimized is not plan else ["as it runs", _indented(plan.text())]
    results = plan._run(dict(inputs), workers=workers) if analyze else None
    prediction = plan.predict(workers, sizes=sizes)
    if prediction.sizes:
        listed = ", ".join(f"{name} = {size:,}" for name, size in prediction.sizes.items())
        parts += ["sizes", _indented(listed)]
    peak = optimized._native.peak_bytes(prediction.sizes)
    parts += ["memory", _indented(f"{_bytes(peak)} at most, beside the inputs")]
    if results is None:
        parts += ["predicted", _indented(_predicted(prediction.to_dict()))]
    else:
        parts += ["predicted and measured", _indented(_measured(prediction.to_dict(), results.run))]
    return "\n".join(parts) + "\n"


def _predicted(prediction: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [("group", "turns", "predicted", "memory", "bound by")]
    for group in prediction["groups"]:
        turns = f"{group['iterations']:,.0f}"
        rows.append((_name(group), turns, _time(group["ns"]), _bytes(group["bytes"]), group["bound"]))
    rows.append(("all", "", _time(prediction["total_ns"]), "", ""))
    workers = prediction["workers"]
    line = f"calibrated, for {workers} workers: {prediction['speedup']:.2f} times as fast as one"
    if any(group["iterations"] > 1 for group in prediction["groups"]):
        line += "; a group's time is that of one turn, and a loop with a condition counts as going round to its bound"
    return f"{line}\n{_table(rows)}"


def _measured(prediction: dict[str, Any], run: PlanRun) -> str:
    rows: list[tuple[str, ...]] = [("group", "turns", "lanes", "predicted", "measured", "GB/s")]
    for group in run.groups():
        bandwidth = group["bandwidth"]
        rows.append(
            (
                "  " * (len(group["region"]) // 2) + group["label"],
                str(group["iterations"]),
                str(group["lanes"]),
                _time(group["predicted_ns"]),
                _time(group["busy_ns"]),
                "" if bandwidth is None else f"{bandwidth / 1e9:.1f}",
            )
        )
    rows.append(("all", "", "", _time(run.predicted_ns), _time(run.end_ns - run.start_ns), ""))
    line = f"calibrated, for {prediction['workers']} workers"
    if any(group["iterations"] > 1 for group in run.groups()):
        line += "; loops are predicted for the turns that they took"
    return f"{line}\n{_table(rows)}"


def _name(group: dict[str, Any]) -> str:
    label = group.get("label")
    return label if isinstance(label, str) else " ".join(group["ops"])


def _table(rows: list[tuple[str, ...]]) -> str:
    """Align columns: the first to the left, numbers to the right.

    >>> print(_table([("group", "ns"), ("a", "1000")]))
    group    ns
    a      1000
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.rstrip("\n").split("\n"))


def _time(ns: float) -> str:
    from multilane._plan import _seconds

    return _seconds(ns / 1e9)


def _bytes(count: float) -> str:
    """Write a number of bytes.

    >>> [_bytes(each) for each in (0, 812, 40_000, 80_000_000)]
    ['0 B', '812 B', '40.0 kB', '80.0 MB']
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"
