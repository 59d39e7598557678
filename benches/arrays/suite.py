"""The suite of the arrays: tests, requirements, engines."""

from __future__ import annotations

from typing import Any

from arrays.cases import CASES
from arrays.engines import ENGINES
from arrays.measures import QUICK, SMALL, Scale, take
from measuring.suite import OURS, PREDICTED, SECONDS_OFF, SPEEDUP_OFF, Check, Form, Metric, Suite, Test

#: Of the bandwidth of the triad.
OF_TRIAD = 0.85

#: How much faster than Numba and numexpr the sine must be.
VECTOR_SINE = 4

LARGE = (
    Metric("gb_per_s", "inputs and outputs", Form.BANDWIDTH, True),
    Metric("seconds", "call", Form.MILLISECONDS, False),
    # The triad alone has this one; the better of the two is its bandwidth.
    Metric("plain_gb_per_s", "with ordinary stores", Form.BANDWIDTH, True),
    *PREDICTED,
)
CALL = tuple(Metric(f"{name}_us", case.title, Form.MICROSECONDS, False) for name, case in CASES.items())


def _tests() -> dict[str, Test]:
    tests = {}
    everyone = tuple(name for name in ENGINES if name != "numpy-one")
    for size in ("large", "huge"):
        for name, case in CASES.items():
            title = f"{case.title}, {size} arrays"
            tests[f"{name}-{size}"] = Test(title, title, LARGE, everyone, "triad")
    for size in SMALL:
        engines = tuple(name for name in ENGINES if name != "triad")
        tests[f"call-{size}"] = Test(
            f"One call on {size} float64, for each array it gives", f"call on {size}", CALL, engines, "numpy"
        )
    return tests


def _checks() -> tuple[Check, ...]:
    checks = []
    for size in ("large", "huge"):
        for name in CASES:
            test = f"{name}-{size}"
            checks += [Check(test, "gb_per_s", OF_TRIAD, "triad"), Check(test, "seconds", 1, "numba")]
            checks += [Check(test, "prediction_off", SECONDS_OFF), Check(test, "speedup_off", SPEEDUP_OFF)]
        for peer in ("numba", "numexpr"):
            checks.append(Check(f"sine-{size}", "seconds", VECTOR_SINE, peer))
    checks += [Check("call-8", f"{name}_us", 1, "numpy-one") for name in CASES]
    checks += [Check(f"call-{size}", f"{name}_us", 1, "numpy") for size in SMALL if size != "8" for name in CASES]
    return tuple(checks)


def describe(scale: dict[str, Any]) -> str:
    """Say how much work a sample is."""
    return (
        f"large arrays have {scale['large']:,} float64, huge ones {scale['huge']:,}; "
        f"{scale['fewest']} calls or more a sample"
    )


SUITE = Suite(
    name="arrays",
    folder="plans",
    heading="Element-wise work on arrays, measured side by side",
    tests=_tests(),
    checks=_checks(),
    titles={name: engine.title for name, engine in ENGINES.items()},
    packages=(OURS, "numba", "numexpr", "polars"),
    scale=Scale(),
    quick=QUICK,
    repeats=3,
    take=take,
    describe=describe,
)
