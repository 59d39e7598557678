"""Hazards of concurrency shown alive, each with its cure; what `multilane show` runs.

One module for each exhibit, which holds its two programs and what there is to say about them.
"""

from __future__ import annotations

import importlib

from .frame import BROKEN, CURED, Exhibit, Outcome, run

__all__ = ["BROKEN", "CURED", "NAMES", "Exhibit", "Outcome", "load", "run"]

#: The exhibits, in the order in which a reader meets them.
NAMES = (
    "race",
    "mutex",
    "semaphore",
    "deadlock",
    "starvation",
    "priority-inversion",
    "readers-writers",
    "producer-consumer",
    "pipeline",
    "actors",
    "gil",
)


def load(name: str) -> Exhibit:
    """Import an exhibit.

    >>> load("race").title
    'A race: two threads change one number'
    """
    if name not in NAMES:
        raise ValueError(f"there is no exhibit `{name}`; choose from {', '.join(NAMES)}")
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    found: Exhibit = module.EXHIBIT
    return found
