"""An important thread waits for an unimportant one, which a third keeps from running; then the work is done for it.

All threads share one processor. Priorities are those that every user may give: the unimportant thread is as nice as can
be. Work is counted in native rounds without the interpreter lock, which would otherwise decide who runs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import multilane as ml
from multilane import _multilane

from .frame import Exhibit, Outcome
from .timeline import Timeline

#: Arithmetic of one round: a fraction of a millisecond.
ROUND = 100_000

#: Rounds that the unimportant thread needs the lock for.
NEEDED = 40

#: Rounds of the thread between for each round that is waited for, up to which nothing is inverted: it is one thread
#: among the others then, and gets its share.
SHARE = 5

NICEST = 19


class Scene:
    """Three threads on one processor, and how much the one between got done while the important one waited."""

    def __init__(self) -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        self.timeline = Timeline(["important", "between", "unimportant"])
        self.taken = threading.Event()
        self.waits = threading.Event()
        self.over = threading.Event()
        self.rounds = 0
        self.rounds_while_waiting = -1
        self.nice_works = True

    def between(self) -> None:
        """Be busy with something else, from when the important thread waits until it has what it wants."""
        self.waits.wait()
        with self.timeline.span("between", "work"):
            while not self.over.is_set():
                _multilane.load_compute(ROUND)
                self.rounds += 1

    def important(self, get: Callable[[], object]) -> None:
        """Wait for what the unimportant thread has."""
        self.taken.wait()
        self.waits.set()
        while self.rounds == 0:
            time.sleep(0)
        before = self.rounds
        with self.timeline.span("important", "wait"):
            get()
        self.rounds_while_waiting = self.rounds - before
        self.over.set()

    def run(self, unimportant: Callable[[], None], get: Callable[[], object]) -> Outcome:
        """Run the three, and say what came of it."""

        def nice() -> None:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICEST)
            unimportant()

        jobs: dict[str, Callable[[], None]] = {
            "between": self.between,
            "important": lambda: self.important(get),
            "unimportant": nice,
        }
        threads = [threading.Thread(target=job, name=name) for name, job in jobs.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        waited = next(span for span in self.timeline.spans if span.lane == "important")
        inverted = self.rounds_while_waiting > SHARE * NEEDED
        return Outcome(
            not inverted,
            f"while the important thread waited for {NEEDED} rounds of work, a less important one did "
            f"{self.rounds_while_waiting:,}",
            {
                "rounds waited for": str(NEEDED),
                "rounds of the thread between": f"{self.rounds_while_waiting:,}",
                "the important thread waited": f"{(waited.end_ns - waited.start_ns) / 1e6:.0f} ms",
            },
            self.timeline,
        )


def use(scene: Scene) -> None:
    """Work on what is shared, round by round."""
    for _ in range(NEEDED):
        _multilane.load_compute(ROUND)


def hold_while_nice(scene: Scene, lock: threading.Lock) -> None:
    """Take the lock at the lowest priority, and hold it for as long as the work takes there."""
    with lock, scene.timeline.span("unimportant", "hold"):
        scene.taken.set()
        scene.waits.wait()
        use(scene)


class Shared:
    """What was behind the lock, now the state of an actor."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def use(self) -> None:
        """Do the work, in the thread of the actor, whose priority is its own."""
        self.scene.taken.set()
        with self.scene.timeline.span("actor", "work"):
            self.scene.waits.wait()
            use(self.scene)

    def get(self) -> None:
        """Answer."""


def ask_while_nice(shared: ml.Actor[Shared]) -> None:
    """Have the work done by a thread that is as important as whoever may wait for it."""
    shared.ask("use").result()


def broken() -> Outcome:
    """Share a lock between the important and the unimportant thread."""
    scene, lock = Scene(), threading.Lock()
    outcome = scene.run(lambda: hold_while_nice(scene, lock), lock.acquire)
    if outcome.holds:
        # A kernel that does not heed priorities cannot invert them.
        outcome.holds = None
    return outcome


def cured() -> Outcome:
    """Share an actor."""
    scene = Scene()
    with ml.Actor(Shared, scene, name="shared") as shared:
        return scene.run(lambda: ask_while_nice(shared), lambda: shared.ask("get").result())


EXHIBIT = Exhibit(
    title="Priority inversion: the important thread waits for a busy one it has nothing to do with",
    broken=broken,
    cured=cured,
    hazard="The unimportant thread holds a lock that the important one needs. A third thread, more important than the "
    "first, takes the processor; the holder hardly runs, so the lock is not given back, and the important "
    "thread waits as if it were the least of all.",
    cure="Work that important threads wait for must run at their priority. Here what the lock protected belongs to an "
    "actor: its thread does the work for whoever asks, at its own priority, and the thread between gets its "
    "share and no more.",
    broken_code=hold_while_nice,
    cured_code=ask_while_nice,
)
