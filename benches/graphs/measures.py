"""Takes one sample: a library, a test, its graph built before the clock starts."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphs import gap
from graphs.data import Kronecker, folder_of
from graphs.engines import ENGINES, Multilane
from measuring.suite import AGAIN, Sample

STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Scale:
    """The graph, and how long a sample repeats its work."""

    scale: int = 20
    edge_factor: int = 16
    text_bytes: int = 300_000_000
    folder: str = str(Path(__file__).resolve().parents[2] / "out" / "bench")
    repeat_s: float = 3.0
    most: int = 20
    #: A first call that takes longer is no warm-up but the measurement.
    warm_s: float = 4.0


QUICK = Scale(scale=16, text_bytes=20_000_000, repeat_s=0.5)


def take(engine_name: str, test: str, workers: int, scale: dict[str, Any]) -> Sample:
    """Return one sample."""
    limits = Scale(**scale)
    data = Kronecker(folder_of(scale))
    if engine_name == "gap":
        return gap.take(test, workers, data)
    engine = ENGINES[engine_name.removesuffix(AGAIN)](workers, data)
    engine.prepare()
    call, answer_of = engine.work(test)
    gc.collect()
    if test == "load":
        return load(call, answer_of)
    seconds, result = repeat(call, limits)
    sample: Sample = {"seconds": statistics.median(seconds)}
    sample |= _answer(answer_of(result))
    if isinstance(engine, Multilane):
        sample |= scaling(engine, sample["seconds"], limits)
    return sample


def repeat(call: Callable[[], Any], scale: Scale) -> tuple[list[float], Any]:
    """Return the seconds of repeated calls and the last result."""
    result, first = _timed(call)
    if first > scale.warm_s:
        return [first], result
    seconds: list[float] = []
    while sum(seconds) < scale.repeat_s and len(seconds) < scale.most:
        result, taken = _timed(call)
        seconds.append(taken)
    return seconds, result


def scaling(engine: Multilane, seconds: float, scale: Scale) -> Sample:
    """What one worker takes for the same work, and how well both were predicted."""
    if engine.again is None:
        return {}
    again = engine.again
    # One worker takes longer: as many calls as fit, one at least.
    alone = statistics.median(repeat(lambda: again(1), scale)[0])
    sample: Sample = {"serial_seconds": alone, "speedup": alone / seconds}
    if engine.predicted_ns:
        # Of the runs themselves: before one, nobody knows how often its loops go round.
        predicted = engine.predicted_ns[engine.workers] / 1e9
        gain = engine.predicted_ns[1] / engine.predicted_ns[engine.workers]
        sample |= {
            "predicted_seconds": predicted,
            "predicted_speedup": gain,
            "prediction_off": abs(predicted / seconds - 1),
            "speedup_off": abs(gain / sample["speedup"] - 1),
        }
    return sample


def load(call: Callable[[], Any], answer_of: Callable[[Any], Any]) -> Sample:
    """Read the text once: the time, and the most memory in use against what stays."""
    before = _memory("VmRSS")
    # The mark of the most memory starts anew.
    Path("/proc/self/clear_refs").write_text("5")
    result, seconds = _timed(call)
    peak = _memory("VmHWM") - before
    final = getattr(result, "nbytes", None) or _memory("VmRSS") - before
    sample: Sample = {"seconds": seconds, "peak_bytes": peak, "final_bytes": final, "peak": peak / final}
    return sample | _answer(answer_of(result))


def _answer(answer: object) -> Sample:
    return {} if answer is None else {"answer": answer}


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = call()
    return result, time.perf_counter() - started


def _memory(field: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise ValueError(field)
