"""The suite of the task pools."""

from __future__ import annotations

from typing import Any

from measuring.suite import Sample, Suite
from pools.engines import ENGINES, engine_class
from pools.measures import MEASURES, QUICK, Scale
from pools.rows import CHECKS, TESTS


def take(engine_name: str, test: str, workers: int, scale: dict[str, Any]) -> Sample:
    """Return one sample of one pool."""
    engine = engine_class(engine_name)(workers)
    engine.prepare()
    return MEASURES[test](engine, Scale(**scale))


def describe(scale: dict[str, Any]) -> str:
    """Say how much work a sample is."""
    return f"large array of {scale['array_bytes'] / 1e6:,.0f} MB, map of {scale['map_calls']:,} calls"


SUITE = Suite(
    name="tasks",
    folder="",
    heading="Task pools, measured side by side",
    tests=TESTS,
    checks=CHECKS,
    titles={name: engine.title for name, engine in ENGINES.items()},
    packages=tuple(engine.package for engine in ENGINES.values() if engine.package),
    scale=Scale(),
    quick=QUICK,
    repeats=5,
    take=take,
    describe=describe,
)
