"""The expressions that are measured, with what each must give.

Pure data and NumPy. A case names its inputs; the bytes it cannot do without are those of its inputs
and outputs, so that every library stands on one scale, whatever it moves in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: How far each input reaches, from 0: the sine sees almost a whole turn.
RANGES = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 6.0}

#: Elements that are compared with NumPy at both ends of a result.
CHECKED = 100_000


def _chain(x: str) -> str:
    for _ in range(10):
        x = f"({x} * 2.0 + 1.0)"
    return x


@dataclass(frozen=True)
class Case:
    """One piece of element-wise work."""

    title: str
    inputs: str
    #: One expression for each output.
    expressions: tuple[str, ...]
    expected: Callable[..., list[Array]]
    #: A sum instead of an array.
    reduces: bool = False

    @property
    def outputs(self) -> int:
        """How many arrays it writes."""
        return 0 if self.reduces else len(self.expressions)

    def bytes_moved(self, elements: int) -> int:
        """Return the bytes of its inputs and outputs."""
        return 8 * elements * (len(self.inputs) + self.outputs)


def _chained(a: Array) -> list[Array]:
    for _ in range(10):
        a = a * 2.0 + 1.0
    return [a]


CASES: dict[str, Case] = {
    "fma": Case("a*b + c", "abc", ("a * b + c",), lambda a, b, c: [a * b + c]),
    "sine": Case("a*b + c*sin(d)", "abcd", ("a * b + c * sin(d)",), lambda a, b, c, d: [a * b + c * np.sin(d)]),
    "eight": Case(
        "eight independent a*k + b",
        "ab",
        tuple(f"a * {k}.0 + b" for k in range(1, 9)),
        lambda a, b: [a * k + b for k in range(1, 9)],
    ),
    "chain": Case("ten times x*2 + 1", "a", (_chain("a"),), _chained),
    "diamond": Case(
        "diamond of a*2 and a+3",
        "a",
        ("(a * 2.0) * (a + 3.0) + (a * 2.0) - (a + 3.0)",),
        lambda a: [(a * 2.0) * (a + 3.0) + (a * 2.0) - (a + 3.0)],
    ),
    "dot": Case("sum(a*b)", "ab", ("sum(a * b)",), lambda a, b: [a * b], reduces=True),
}


def make_inputs(case: Case, elements: int) -> dict[str, Array]:
    """Return a case's inputs: uniform, from a fixed seed."""
    chance = np.random.default_rng(0)
    return {name: chance.random(elements) * RANGES[name] for name in case.inputs}


def check(case: Case, inputs: dict[str, Array], results: list[Array | float]) -> None:
    """Raise unless the results are NumPy's, at both ends of each array.

    >>> inputs = make_inputs(CASES["fma"], 10)
    >>> check(CASES["fma"], inputs, [inputs["a"] * inputs["b"] + inputs["c"]])
    """
    if case.reduces:
        (products,) = case.expected(*inputs.values())
        if not np.isclose(float(results[0]), products.sum(), rtol=1e-12, atol=0):
            raise ValueError(f"{case.title}: {float(results[0])!r} instead of {products.sum()!r}")
        return
    if len(results) != case.outputs:
        raise ValueError(f"{case.title}: {len(results)} results instead of {case.outputs}")
    for part in (slice(None, CHECKED), slice(-CHECKED, None)):
        expected = case.expected(*(values[part] for values in inputs.values()))
        for result, right in zip(results, expected, strict=True):
            if not np.allclose(np.asarray(result)[part], right, rtol=1e-13, atol=1e-13):
                raise ValueError(f"{case.title}: results differ from NumPy's")
