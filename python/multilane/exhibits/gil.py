"""Pure Python on two threads takes turns with the interpreter lock; on two processes it does not.

What is timed and judged is the built-in work of `multilane prove`, by the same rules; the picture is of a shorter run
beside it, which notes the time after every few steps.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Iterable

import multilane as ml
from multilane import _multilane
from multilane.proofs import functions
from multilane.proofs.proof import Interval, verdict_words

from .frame import Exhibit, Outcome, together
from .measure import calibrated, judged
from .timeline import Timeline

LANES = ("lane 1", "lane 2")

#: Ticks of each lane in the picture, and the turns of a loop between two.
TICKS = 4_000
TURNS = 400

#: A lane that did not tick for so long was not running; the interpreter lock changes hands every 5 ms.
GAP_NS = 1_000_000

#: Seconds of work that is judged, one call after the other.
SECONDS = 0.5

#: Calls that it is cut into.
CALLS = 4


def count(_: int = 0) -> list[int]:
    """Count in pure Python, and note the time after every few turns."""
    ticks = [time.monotonic_ns()]
    for _ in range(TICKS):
        for _ in range(TURNS):
            pass
        ticks.append(time.monotonic_ns())
    return ticks


def count_on_threads() -> list[list[int]]:
    """Count on two threads of this interpreter."""
    found: dict[str, list[int]] = {}

    def lane(name: str) -> None:
        found[name] = count()

    together({name: functools.partial(lane, name) for name in LANES})
    return [found[name] for name in LANES]


def count_on_processes() -> list[list[int]]:
    """Count on two worker processes."""
    with ml.Executor(len(LANES), "processes") as pool:
        pool.wait_ready()
        return ml.gather([pool.submit(count) for _ in LANES])


def _drawn(lanes: Iterable[list[int]], pause: str) -> Timeline:
    timeline = Timeline(list(LANES))
    for name, ticks in zip(LANES, lanes, strict=True):
        since = ticks[0]
        for before, tick in itertools.pairwise(ticks):
            if tick - before > GAP_NS:
                timeline.add(name, since, before, "work")
                timeline.add(name, before, tick, pause)
                since = tick
        timeline.add(name, since, ticks[-1], "work")
    return timeline


def _outcome(strategy: str, timeline: Timeline) -> Outcome:
    letters = calibrated(functions.edit_distance, 150, SECONDS / CALLS, power=2)
    calls = tuple((seed, letters) for seed in range(CALLS))
    found = judged(functions.edit_distance, calls, strategy, workers=len(LANES))
    kind = found["verdict"]["kind"]
    words = verdict_words(found["verdict"])
    # A busy machine says nothing about threads.
    undecided = kind == "inconclusive" or found["verdict"].get("cause") == "run_queue"
    return Outcome(
        None if undecided else kind == "parallel",
        f"{strategy}: {words}",
        {
            "speed-up over one call after the other": str(Interval(**found["speedup"])),
            "cores used": str(Interval(**found["cores_used"])),
            "verdict": words,
            "evidence": "; ".join(found["evidence"]),
        },
        timeline,
    )


def broken() -> Outcome:
    """Count on threads."""
    free = _multilane.versions().get("gil") == "off"
    outcome = _outcome("plain threads", _drawn(count_on_threads(), "wait" if free else "interpreter"))
    outcome.facts["interpreter"] = "free-threaded" if free else "one lock for all threads"
    return outcome


def cured() -> Outcome:
    """Count on processes."""
    outcome = _outcome("multilane processes", _drawn(count_on_processes(), "wait"))
    outcome.facts["interpreter"] = "one for each process"
    return outcome


EXHIBIT = Exhibit(
    title="The interpreter lock: two threads, one core",
    broken=broken,
    cured=cured,
    hazard="CPython runs Python code of one thread at a time. The threads of a program take turns of 5 ms with the "
    "lock, however many processors there are: both get on, neither gets done sooner.",
    cure="A process has an interpreter and a lock of its own. multilane's workers are processes where that is so, and "
    "threads on a free-threaded Python, where this exhibit holds from the start.",
    broken_code=count_on_threads,
    cured_code=count_on_processes,
)
