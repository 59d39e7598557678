"""The suite of the graphs."""

from __future__ import annotations

from typing import Any

from graphs import gap
from graphs.data import prepare
from graphs.engines import ENGINES
from graphs.measures import QUICK, Scale, take
from graphs.rows import CHECKS, TESTS
from measuring.suite import OURS, Suite


def describe(scale: dict[str, Any]) -> str:
    """Say how much work a sample is."""
    return (
        f"Kronecker graph of scale {scale['scale']}, edge factor {scale['edge_factor']}, "
        f"text of {scale['text_bytes'] / 1e6:,.0f} MB"
    )


SUITE = Suite(
    name="graphs",
    folder="plans",
    heading="Graph algorithms, measured side by side",
    tests=TESTS,
    checks=CHECKS,
    titles={"gap": gap.TITLE} | {name: engine.title for name, engine in ENGINES.items()},
    packages=(OURS, "python-graphblas", "scipy", "networkit", "igraph", "polars"),
    scale=Scale(),
    quick=QUICK,
    repeats=3,
    take=take,
    describe=describe,
    prepare=prepare,
    limit_s=400.0,
)
