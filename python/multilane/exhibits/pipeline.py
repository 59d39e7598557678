"""Three threads with queues between them hang when one of them fails; then a pipeline hands the error on."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import multilane as ml

from .frame import PATIENCE, Exhibit, Outcome, together
from .timeline import Timeline

ITEMS = 40

#: The item that a stage cannot read.
BAD = 24

#: Seconds that one stage takes for one item. It waits, as for a disk or the network.
STEP = 0.004

STAGES = ("fetch", "parse", "store")


class Stages:
    """Three functions, which note when they ran."""

    def __init__(self) -> None:
        self.timeline = Timeline(list(STAGES))

    def step(self, stage: str, item: int) -> int:
        """Take a while; `parse` cannot read one item."""
        bad = stage == "parse" and item == BAD
        with self.timeline.span(stage, "bad" if bad else "work", f"item {item}"):
            time.sleep(STEP)
            if bad:
                raise ValueError(f"item {item} is not readable")
        return item

    def functions(self) -> list[Callable[[int], int]]:
        """Return one function for each stage."""
        return [functools.partial(self.step, stage) for stage in STAGES]


def carry(function: Callable[[int], int], before: queue.Queue[Any], behind: queue.Queue[Any]) -> None:
    """Be one stage, until None comes. When the function raises, the thread ends, and nobody reads its queue."""
    while (item := before.get()) is not None:
        behind.put(function(item))
    behind.put(None)


def run_pipeline(stages: Stages) -> list[int]:
    """Let `pipeline` carry the items."""
    results = []
    with ml.pipeline(*stages.functions(), backend="threads") as line:
        for result in line(range(ITEMS)):
            results.append(result)
    return results


def broken() -> Outcome:
    """Build it of threads and bounded queues."""
    stages = Stages()
    queues: list[queue.Queue[Any]] = [queue.Queue(2) for _ in range(len(STAGES) + 1)]
    received: list[int] = []
    fallen: list[str] = []

    def stage(number: int, function: Callable[[int], int]) -> None:
        try:
            carry(function, queues[number], queues[number + 1])
        except ValueError as error:
            fallen.append(str(error))

    def source() -> None:
        for item in range(ITEMS):
            queues[0].put(item)
        queues[0].put(None)

    def sink() -> None:
        while (item := queues[-1].get()) is not None:
            received.append(item)

    jobs: dict[str, Callable[[], None]] = {
        name: functools.partial(stage, number, function)
        for number, (name, function) in enumerate(zip(STAGES, stages.functions(), strict=True))
    }
    stuck = together({"source": source, **jobs, "sink": sink}, patience=PATIENCE)
    now = time.monotonic_ns()
    for name in STAGES:
        if name in stuck:
            last = max(span.end_ns for span in stages.timeline.spans if span.lane == name)
            stages.timeline.add(name, last, now, "hang")
    hangs = bool(stuck) and bool(fallen) and queues[1].full()
    begun = min(span.start_ns for span in stages.timeline.spans)
    error = next(span.end_ns for span in stages.timeline.spans if span.kind == "bad")
    return Outcome(
        not hangs,
        f"one stage failed, and {len(stuck)} threads wait for it for ever" if hangs else "it ended",
        {
            "results": f"{len(received)} of {BAD} before the error",
            "threads that never end": ", ".join(stuck) or "none",
            "the error": "lost with its thread",
        },
        stages.timeline.window(begun, error + round(0.1e9)),
    )


def cured() -> Outcome:
    """Run it with `pipeline`, once with the bad item and once to see how long it takes."""
    stages = Stages()
    results: list[int] = []
    said = ""
    before = threading.active_count()
    began = time.monotonic()
    with ml.pipeline(*stages.functions(), backend="threads") as line:
        run = line(range(ITEMS))
        try:
            results.extend(run)
        except ValueError as error:
            said = "; ".join([str(error), *error.__notes__])
        undelivered = len(run.undelivered)
        seconds = time.monotonic() - began
        run.close()
    steps = sum(span.end_ns - span.start_ns for span in stages.timeline.spans) / 1e9
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("pipeline")]
    return Outcome(
        results == list(range(BAD)) and bool(said) and not left and threading.active_count() <= before,
        f"all {len(results)} results before the error came in order, then the error itself, and no thread is left",
        {
            "results": f"{len(results)} of {BAD} before the error",
            "the error": said,
            "read, but neither done nor failed": f"{undelivered} items, in `undelivered`",
            "time": f"{seconds * 1e3:.0f} ms for {steps * 1e3:.0f} ms of steps: the stages overlap",
        },
        stages.timeline,
    )


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
channel fetched[1], parsed[1]
thread fetch: repeat 4: send fetched
thread parse: receive fetched; send parsed; receive fetched; end
thread store: repeat 4: receive parsed
""",
    """\
channel fetched[1], parsed[1]
thread fetch:
    repeat 4: send fetched
    close fetched
thread parse:
    each fetched: send parsed  # an error travels like any item
    close parsed
thread store: each parsed: do store
""",
)

EXHIBIT = Exhibit(
    title="A pipeline whose middle fails",
    broken=broken,
    cured=cured,
    hazard="A stage raises and its thread ends. The stage before it fills the queue that nobody reads and waits for "
    "room, the one behind waits for items that never come, and the error is on no one's screen.",
    cure="`ml.pipeline` carries items over bounded channels in their order. An error travels in its item's place: "
    "results before it are delivered, then it is raised where the results are read, and every thread of the run "
    "ends.",
    broken_code=carry,
    cured_code=run_pipeline,
    protocols=PROTOCOLS,
)
