"""Do threads run in parallel? Measured for each kind of thread, on one core and on all, for work and for waits.

Each placement is a process of its own, pinned before it starts anything. The verdicts are the lab's, read from traces.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any, NamedTuple

from multilane import _multilane
from multilane.proofs import functions
from multilane.proofs.collect import ENOUGH_REPEATS
from multilane.proofs.interpreter import gil_is_on
from multilane.proofs.proof import verdict_words

from .measure import REPEATS, calibrated, judged

__all__ = ["KINDS", "Cell", "measure", "place"]

#: Kinds of threads. Those of Rust run a loop of Rust's in a thread that has let go of the interpreter lock.
PYTHON, FREE, PROCESSES, RUST = "Python threads", "free-threaded Python", "processes", "Rust threads"
KINDS = (PYTHON, FREE, PROCESSES, RUST)
STRATEGIES = {
    PYTHON: "plain threads",
    FREE: "plain threads",
    PROCESSES: "multilane processes",
    RUST: "plain threads",
}

ONE_CORE, ALL_CORES = "1 core", "all cores"
PLACES = (ONE_CORE, ALL_CORES)

WORK, WAITS = "CPU work", "waiting"
LOADS = (WORK, WAITS)

#: More show nothing that these do not.
MOST_WORKERS = 8

#: Calls for each worker, and the seconds that one takes alone.
CALLS_PER_WORKER = 2
WORK_SECONDS = 0.06
WAIT_SECONDS = 0.05

#: Seconds for the measurements of one placement.
DEADLINE = 300.0


class Cell(NamedTuple):
    """One answer of the table.

    Attributes
    ----------
    kind, place, load : str
        Which threads, where, doing what.
    cores : float or None
        Cores used, in the median; None where it was not measured.
    speedup : float or None
        Against one call after the other, in the median.
    verdict : str
        In a few words.
    """

    kind: str
    place: str
    load: str
    cores: float | None
    speedup: float | None
    verdict: str


def measure(repeats: int = REPEATS) -> list[Cell]:
    """Measure the whole table.

    Parameters
    ----------
    repeats : int
        Of each run.
    """
    workers = max(2, min(len(os.sched_getaffinity(0)), MOST_WORKERS))
    plan = {
        "workers": workers,
        "repeats": repeats,
        "letters": calibrated(functions.edit_distance, 150, WORK_SECONDS, power=2),
        "turns": calibrated(_compute, 100_000, WORK_SECONDS),
        "kinds": [PYTHON if gil_is_on() else FREE, PROCESSES, RUST],
        "machine": dict(_multilane.machine())
        | {"cpus_online": workers, "cpus_affinity": workers, "cpus_quota": 0.0, "cpus_usable": workers},
    }
    cells = [cell for where in PLACES for cell in _asked(sys.executable, plan | {"place": where})]
    other = _other_interpreter()
    missing = FREE if gil_is_on() else PYTHON
    if other is not None:
        cells += [cell for where in PLACES for cell in _asked(other, plan | {"place": where, "kinds": [missing]})]
    else:
        words = "not measured: no such Python with multilane was found here"
        cells += [Cell(missing, where, load, None, None, words) for where in PLACES for load in LOADS]
    order = {(kind, where, load): n for n, (kind, where, load) in enumerate(_all())}
    return sorted(cells, key=lambda cell: order[cell.kind, cell.place, cell.load])


def place(plan: dict[str, Any]) -> list[Cell]:
    """Pin this process as the plan says, and measure what it asks for. Called in a process of its own."""
    allowed = sorted(os.sched_getaffinity(0))
    if plan["place"] == ONE_CORE:
        os.sched_setaffinity(0, {allowed[0]})
    cells = []
    for kind in plan["kinds"]:
        for load in LOADS:
            cells.append(_cell(kind, load, plan))
    return cells


def _cell(kind: str, load: str, plan: dict[str, Any]) -> Cell:
    # One more than there are processors tells a full processor from a machine that others use.
    workers = plan["workers"] + (plan["place"] == ONE_CORE)
    count = CALLS_PER_WORKER * workers
    function: Any = functions.wait
    calls: tuple[tuple[Any, ...], ...] = ((WAIT_SECONDS,),) * count
    if load == WORK and kind == RUST:
        function, calls = _multilane.load_compute, ((plan["turns"],),) * count
    elif load == WORK:
        function, calls = functions.edit_distance, tuple((seed, plan["letters"]) for seed in range(count))
    found = judged(function, calls, STRATEGIES[kind], workers, plan["machine"], plan["repeats"])
    if found["verdict"]["kind"] == "inconclusive":
        found = judged(function, calls, STRATEGIES[kind], workers, plan["machine"], ENOUGH_REPEATS)
    words = verdict_words(found["verdict"])
    if plan["place"] == ONE_CORE:
        # The report speaks of machines; here it is known why there was no processor.
        words = words.replace("machine busy", "one core for all")
    return Cell(kind, plan["place"], load, found["cores_used"]["median"], found["speedup"]["median"], words)


def _compute(_: int, turns: int) -> int:
    return _multilane.load_compute(turns)


def _all() -> list[tuple[str, str, str]]:
    return [(kind, where, load) for kind in KINDS for where in PLACES for load in LOADS]


def _asked(interpreter: str, plan: dict[str, Any]) -> list[Cell]:
    environment = dict(os.environ)
    if interpreter == sys.executable:
        environment["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    command = [interpreter, "-m", "multilane.exhibits", "threads", json.dumps(plan)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, env=environment, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"the measurement on {plan['place']} failed with code {done.returncode}: {last[0]}")
    return [Cell(*cell) for cell in json.loads(done.stdout.splitlines()[-1])]


def _other_interpreter() -> str | None:
    """Find a Python with the other kind of threads, and multilane in it."""
    suffix = "t" if gil_is_on() else ""
    for version in ("3.15", "3.14"):
        found = shutil.which(f"python{version}{suffix}")
        if found is None:
            continue
        done = subprocess.run([found, "-c", "import multilane._multilane"], capture_output=True, check=False)
        if done.returncode == 0:
            return found
    return None
