"""Takes one sample: an engine, a test, warm caches and compiled code, every result checked."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from arrays import engines
from arrays.cases import CASES, Array, check, make_inputs
from arrays.engines import Multilane, Triad
from measuring.suite import Sample

#: Bytes of one element.
ELEMENT = 8


@dataclass(frozen=True)
class Scale:
    """How much work one sample does."""

    large: int = 10_000_000
    huge: int = 100_000_000
    #: Seconds that a large case is repeated for, and the fewest and the most calls.
    repeat_s: float = 1.5
    fewest: int = 5
    most: int = 60
    #: Seconds of one batch of small calls, and how many batches.
    batch_s: float = 0.002
    batches: int = 40


QUICK = Scale(large=2_000_000, huge=20_000_000, repeat_s=0.4, fewest=3, batches=15)

#: A call on eight elements computes next to nothing: what it takes is the overhead of a call.
SMALL = {"8": 8, "1e3": 1_000, "1e4": 10_000}


def take(engine_name: str, test: str, workers: int, scale: dict[str, Any]) -> Sample:
    """Return one sample; tests are called by a case and a size, or by ``call`` and a size."""
    case, size = test.rsplit("-", 1)
    limits = Scale(**scale)
    if case == "call":
        return small(engine_name, SMALL[size], workers, limits)
    return large(engine_name, case, {"large": limits.large, "huge": limits.huge}[size], workers, limits)


def large(engine_name: str, name: str, elements: int, workers: int, scale: Scale) -> Sample:
    """One case on arrays that no cache should hold: bandwidth and time of a call."""
    engine = engines.make(engine_name, workers)
    if isinstance(engine, Triad):
        return triad(engine, elements, scale)
    case = CASES[name]
    inputs = make_inputs(case, elements)
    # Touched here, so that no engine pays for new pages.
    outputs = [engines.aligned(elements) for _ in range(case.outputs)]
    call = engine.call(name, inputs, outputs)
    check(case, inputs, call())
    seconds = statistics.median(repeat(call, scale))
    sample: Sample = {"seconds": seconds, "gb_per_s": case.bytes_moved(elements) / seconds / 1e9}
    if isinstance(engine, Multilane):
        sample |= scaling(engine, name, inputs, outputs, scale)
    return sample


def scaling(engine: Multilane, name: str, inputs: dict[str, Array], outputs: list[Array], scale: Scale) -> Sample:
    """The same work as a plan with all workers and with one, and how well both were predicted."""
    plan = engine.plan(name)
    seconds = {}
    for workers in (engine.workers, 1):
        call = engine.run(plan, workers, inputs, outputs)
        call()
        seconds[workers] = statistics.median(repeat(call, scale))
    prediction = plan.predict(engine.workers)
    speedup = seconds[1] / seconds[engine.workers]
    return {
        "plan_seconds": seconds[engine.workers],
        "serial_seconds": seconds[1],
        "speedup": speedup,
        "predicted_seconds": prediction.seconds,
        "predicted_speedup": prediction.speedup,
        "prediction_off": abs(prediction.seconds / seconds[engine.workers] - 1),
        "speedup_off": abs(prediction.speedup / speedup - 1),
    }


def triad(engine: Triad, elements: int, scale: Scale) -> Sample:
    """The better of the two kinds of store."""
    inputs = make_inputs(CASES["fma"], elements)
    output = engines.aligned(elements)
    sample: Sample = {}
    for kind, call in engine.calls(inputs, output).items():
        call()
        seconds = statistics.median(repeat(call, scale))
        sample[f"{kind}_gb_per_s"] = 3 * ELEMENT * elements / seconds / 1e9
        sample["seconds"] = min(seconds, sample.get("seconds", seconds))
    sample["gb_per_s"] = 3 * ELEMENT * elements / sample["seconds"] / 1e9
    return sample


def small(engine_name: str, elements: int, workers: int, scale: Scale) -> Sample:
    """Every case on arrays that a cache holds: microseconds of a call for each array it gives."""
    engine = engines.make(engine_name, workers)
    sample: Sample = {}
    for name, case in CASES.items():
        inputs = make_inputs(case, elements)
        outputs = [engines.aligned(elements) for _ in range(case.outputs)]
        call = engine.call(name, inputs, outputs)
        results = 1
        if engine_name != "numpy-one":
            check(case, inputs, call())
            results = len(case.expressions)
        sample[f"{name}_us"] = batched(call, scale) * 1e6 / results
    return sample


def repeat(call: Callable[[], Any], scale: Scale) -> list[float]:
    """Return the seconds of repeated calls."""
    seconds: list[float] = []
    end = time.perf_counter() + scale.repeat_s
    while len(seconds) < scale.fewest or (time.perf_counter() < end and len(seconds) < scale.most):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds


def batched(call: Callable[[], Any], scale: Scale) -> float:
    """Return the seconds of one call, from the median of batches that are long enough to time."""
    count = 1
    while _batch(call, count) < scale.batch_s:
        count *= 2
    return statistics.median(_batch(call, count) for _ in range(scale.batches)) / count


def _batch(call: Callable[[], Any], count: int) -> float:
    turns = itertools.repeat(None, count)
    started = time.perf_counter()
    for _ in turns:
        call()
    return time.perf_counter() - started
