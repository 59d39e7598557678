"""The four tables of the investigation on a device: workload classes, matrix products, a mutex, queues.

Says which kernels are run, through which queues, and what is held against what; asks no device.
"""

from __future__ import annotations

from typing import Any

from .devices import native
from .loads import Load
from .tables import comparison, table, through
from .ways import Operation

__all__ = ["device_tables", "kernel"]

LOCK = "a lock around each submission"
OWN = "a queue for each worker"
THROUGH_OWN = ", with a queue for each worker,"
WINDOW = "a window of 8 in flight"
BATCH = "submitting 8 at once"

#: Elements of the triad's arrays: beyond the caches of a device, and of one that is software.
TRIAD = 16 << 20
SMALL_TRIAD = 1 << 20

#: The size whose submission takes the longest share.
LIGHT = "65k x 10"


def kernel(name: str, *sizes: int) -> Operation:
    """Make the operation of a kernel."""
    return Operation(native, sizes, kernel=name)


def device_tables(route: str, *, several: bool, small: bool) -> tuple[list[Load], list[dict[str, Any]]]:
    """Give the workloads and the tables that they fill.

    Parameters
    ----------
    route
        The way to the device.
    several
        Whether it has more than one queue.
    small
        Leave out what takes a device of software minutes.
    """
    triad = SMALL_TRIAD if small else TRIAD
    nothing = Load("no operation", kernel("nothing"), strategy=route)
    elements = {
        size: Load("element kernel", kernel("element", count, iterations), strategy=route, size=size)
        for count, label in ((65_536, "65k"), (1_048_576, "1M"))
        for iterations in (10, 100, 500)
        for size in [f"{label} x {iterations}"]
        if not small or count * iterations < 1e7
    }
    products = {
        str(size): Load("matrix product", kernel("matrix", size), strategy=route, size=str(size))
        for size in ((64, 256) if small else (64, 256, 1024, 4096))
    }
    stream = Load("triad", kernel("triad", triad), strategy=route, size=f"{triad >> 20}M")
    classes = [nothing, *elements.values(), stream]
    shared = [*classes, *products.values()]
    own = [through(load, f"{route}+own") for load in shared] if several else []
    light = [nothing, elements[LIGHT]]
    contended = [*light, products["64" if small else "256"]]
    contended += [load for load in own if (load.name, load.size) in {(each.name, each.size) for each in contended}]
    locked = [through(load, f"{load.strategy}+lock") for load in contended]
    more = [
        (what, load, through(load, f"{load.strategy}+{how}"))
        for what, how, loads in (
            (WINDOW, "window=8", [load for load in contended if load.name != "matrix product"]),
            (BATCH, "batch=8", light),
        )
        for load in loads
    ]
    queued = [load for pair in zip(shared, own, strict=True) for load in pair] if several else []
    tables = [
        table(
            "Workload classes",
            "From nothing but submission, over the element kernel `val = sin(val) * cos(val) + val` (elements x inner "
            "iterations), to nothing but memory; one queue for all workers, each of which waits for its operation "
            "before the next.",
            classes,
        ),
        table("Matrix products", "Square matrices in single precision, through one queue.", list(products.values())),
        table(
            "What a mutex costs",
            "The same submissions with and without one lock around each of them.",
            [load for pair in zip(contended, locked, strict=True) for load in pair],
            [comparison(_said(LOCK, usual), usual, other) for usual, other in zip(contended, locked, strict=True)],
        ),
        table(
            "Queues",
            f"One queue for all workers (`{route}`) against one for each (`{route}+own`), which are the same "
            "experiment at one worker; and single submissions against a window in flight and against batches."
            if several
            else "Single submissions against a window in flight and against batches; the route has one queue.",
            list(dict.fromkeys([*queued, *(load for _, usual, other in more for load in (usual, other))])),
            [
                *(
                    comparison(OWN, usual, other, same_at_one=True)
                    for usual, other in zip(shared if several else [], own, strict=True)
                ),
                *(comparison(_said(what, usual), usual, other) for what, usual, other in more),
            ],
        ),
    ]
    return [*shared, *own, *locked, *(other for _, _, other in more)], tables


def _said(what: str, usual: Load) -> str:
    return what + (THROUGH_OWN if usual.strategy.endswith("+own") else "")
