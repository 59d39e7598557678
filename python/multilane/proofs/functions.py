"""The built-in work: CPU-bound pure Python of a fixed amount, and the wait that must be refused.

Functions that workers import. They report their progress and change nothing.
"""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import multilane as ml

#: Progress reports of one task: enough to see bars advance, too few to cost anything.
STEPS = 40

ALPHABET = "acgt"

#: The recorder of the run that this thread belongs to, when it is no multilane worker.
lane = threading.local()


def edit_distance(seed: int, letters: int) -> int:
    """Count the edits between two texts drawn with ``seed``, each ``letters`` long (Levenshtein, row by row).

    The amount of work depends on ``letters`` only, so tasks with different seeds are equally long.

    >>> edit_distance(1, 200) > 0
    True
    """
    draw = random.Random(seed)
    one, other = draw.choices(ALPHABET, k=letters), draw.choices(ALPHABET, k=letters)
    above = list(range(letters + 1))
    step = max(1, letters // STEPS)
    for row, letter in enumerate(one, start=1):
        left, current = row, [row]
        for column, against in enumerate(other, start=1):
            left = min(left + 1, above[column] + 1, above[column - 1] + (letter != against))
            current.append(left)
        above = current
        if row % step == 0 or row == letters:
            report(row, letters)
    return above[-1]


def wait(seconds: float) -> float:
    """Sleep: any number of these overlap and none of them uses a processor."""
    time.sleep(seconds)
    return seconds


def report(done: int, total: int) -> None:
    """Report progress to the recorder of this thread's run, or to multilane's worker."""
    recorder: Any = getattr(lane, "recorder", None)
    if recorder is not None:
        recorder.report_progress(done, total)
    else:
        ml.report_progress(done, total)
