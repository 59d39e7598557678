"""The suite of the lab: tests and requirements."""

from __future__ import annotations

from typing import Any

from lab.measures import QUICK, TASKS, Scale, take
from measuring.suite import OURS, Check, Form, Metric, Suite, Test

TITLES = {OURS: "multilane"}

OFF = (
    Metric("off", "two workers, off", Form.PERCENT, False),
    Metric("ratio", "simulated over real", Form.TIMES, True),
    Metric("off_one", "one worker, off", Form.PERCENT, False),
    Metric("others", "processors that others used", Form.TIMES, False),
)
COST = (
    Metric("cpu_share", "CPU time of looking", Form.PERCENT, False),
    Metric("cost", "longer run", Form.PERCENT, False),
    Metric("noise", "noise of that", Form.PERCENT, False),
)

NAMES = {
    "element": "element kernel, threads",
    "element-processes": "element kernel, processes",
    "python": "pure Python, processes",
    "compute": "native arithmetic, processes",
    "triad": "triad beyond the caches, threads",
    "sleep": "sleep, threads",
    "mixed": "half sleep, half Python, processes",
    "memory": "fresh memory, processes",
}


def _tests() -> dict[str, Test]:
    tests = {
        f"simulate-{name}": Test(f"What-if: {NAMES[name]}", NAMES[name], OFF, (OURS,), None, twice=False)
        for name in TASKS
    }
    tests["watch-threads"] = Test("Looking at two threads of this process", "threads", COST, (OURS,), None, twice=False)
    tests["watch-command"] = Test("Looking at a program of two threads", "command", COST, (OURS,), None, twice=False)
    return tests


def _checks() -> tuple[Check, ...]:
    return (
        *(Check(f"simulate-{name}", "off", 0.10) for name in TASKS),
        *(Check(test, "cpu_share", 0.01) for test in ("watch-threads", "watch-command")),
        *(Check(test, "cost", 0.01) for test in ("watch-threads", "watch-command")),
    )


def describe(scale: dict[str, Any]) -> str:
    """Say how much work a sample is."""
    return (
        f"{scale['pairs']} turns of a recorded run on one worker ({scale['run_s']} s), another one, and a run on two; "
        f"{scale['triples']} turns of plain and watched runs of {scale['watched_s']} s"
    )


SUITE = Suite(
    name="lab",
    folder="lab",
    heading="The lab against real runs",
    tests=_tests(),
    checks=_checks(),
    titles=TITLES,
    packages=(OURS,),
    scale=Scale(),
    quick=QUICK,
    repeats=5,
    take=take,
    describe=describe,
)
