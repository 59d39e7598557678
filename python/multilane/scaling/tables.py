"""The four tables of the investigation that this grew from: workload classes, matrix products, a mutex, queues.

Says which curves are run, which stand together and which are held against each other. The native code reads them.
"""

from __future__ import annotations

from typing import Any

from .loads import Load, element_kernels, nothing
from .products import matrix_products
from .ways import Operation

__all__ = ["comparison", "four_tables", "table", "through"]

LOCK = "a lock around each operation"
OWN = "a queue for each worker"

#: Sizes whose queues are compared, and the one that a lock hurts most.
QUEUED = ("65k x 10", "1M x 10", "1M x 100", "1M x 500")
LIGHT = "65k x 10"

#: Operations in flight for each submitting program, and operations handed out together.
WINDOW = "processes+window=16"
BATCH = "processes+batch=64"


def four_tables() -> tuple[list[Load], list[dict[str, Any]]]:
    """Give the workloads and the tables that they fill; a table without workloads is left out."""
    kernels = element_kernels()
    products = matrix_products()
    by_size = {load.size: load for load in kernels}
    locked = [by_size[LIGHT], *(load for load in products if load.size in ("256", "1024"))]
    own = [through(by_size[size], "threads+own") for size in QUEUED]
    light = [through(by_size[LIGHT], strategy) for strategy in ("processes", WINDOW)]
    small = [Load("nothing", Operation(nothing), strategy=strategy) for strategy in ("processes", BATCH)]
    with_lock = [through(load, "threads+lock") for load in locked]
    tables = [
        table(
            "Workload classes",
            "The element kernel `val = sin(val) * cos(val) + val` on threads that take operations from one queue; the "
            "size is elements x inner iterations.",
            kernels,
        ),
        table(
            "Matrix products",
            "Square matrices in single precision; the libraries are kept to one thread for each worker.",
            products,
        ),
        table(
            "What a mutex costs",
            "The same operations with and without one lock around each of them.",
            [curve for pair in zip(locked, with_lock, strict=True) for curve in pair],
            [comparison(LOCK, usual, other) for usual, other in zip(locked, with_lock, strict=True)],
        ),
        table(
            "Queues",
            "One queue for all workers (`threads`) against one for each (`threads+own`), which are the same experiment "
            "at one worker; and single submissions to processes against a window in flight and against batches.",
            [*(curve for load in own for curve in (by_size[load.size], load)), *light, *small],
            [
                *(comparison(OWN, by_size[load.size], load, same_at_one=True) for load in own),
                comparison("a window of 16 in flight", light[0], light[1]),
                comparison("handing out 64 at once", small[0], small[1]),
            ],
        ),
    ]
    loads = [*kernels, *products, *with_lock, *own, *light, *small]
    return loads, [each for each in tables if each["curves"]]


def through(load: Load, strategy: str) -> Load:
    """Give the same operation, run in another way."""
    return Load(load.name, load.operation, strategy=strategy, size=load.size, single_threaded=load.single_threaded)


def table(title: str, note: str, curves: list[Load], comparisons: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Name the curves of a table, and what is held against what."""
    return {
        "title": title,
        "note": note,
        "curves": [_curve(load) for load in curves],
        "comparisons": comparisons or [],
    }


def comparison(what: str, usual: Load, other: Load, *, same_at_one: bool = False) -> dict[str, Any]:
    """Name two curves that differ in one thing."""
    return {"what": what, "usual": _curve(usual), "other": _curve(other), "same_at_one": same_at_one}


def _curve(load: Load) -> dict[str, str]:
    return {"workload": load.name, "size": load.size, "strategy": load.strategy}
