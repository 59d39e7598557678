"""The functions that the measured pools run.

They live in a module of their own, so that every pool can pickle them by name. It imports only what a
fresh interpreter has imported anyhow: a worker that starts from nothing pays for what it runs.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    import numpy.typing as npt

# A worker that has not met its partner by then never will.
MEETING_LIMIT_S = 30.0


def noop(value: object = None) -> None:
    """Do nothing with one argument."""


def tiny(value: int) -> int:
    """Return the next integer."""
    return value + 1


def spin(count: int) -> int:
    """Add up ``count`` small squares in pure Python; never releases the interpreter lock."""
    total = 0
    for index in range(count):
        total += index * index % 7
    return total


def spin_timed(count: int) -> tuple[int, float]:
    """Run `spin` and return its result with the CPU seconds of the calling thread."""
    started = time.thread_time()
    total = spin(count)
    return total, time.thread_time() - started


def total(array: npt.NDArray[np.float64]) -> float:
    """Return the sum of an array."""
    return float(array.sum())


def total_and_growth(array: npt.NDArray[np.float64]) -> tuple[float, int]:
    """Return the sum of an array, and the peak memory its reading added to this process.

    An array that is mapped adds its own size once, when its pages are touched. Whatever goes
    beyond that is a copy.
    """
    before = reset_peak()
    result = float(array.sum())
    return result, peak_bytes() - before


def total_of_segment(name: str, length: int) -> float:
    """Return the sum of an array in a segment of ``multiprocessing.shared_memory``."""
    from multiprocessing import shared_memory

    import numpy

    segment = shared_memory.SharedMemory(name=name)
    view = numpy.ndarray((length,), dtype=numpy.float64, buffer=segment.buf)
    result = float(view.sum())
    del view
    segment.close()
    return result


def meet(folder: str, name: str, partners: int) -> int:
    """Return this process's id once ``partners`` tasks run at the same time.

    Each task leaves a file in ``folder`` and waits for the files of the others: a pool finishes
    ``partners`` of them only when it has that many workers ready.
    """
    with open(os.path.join(folder, name), "x"):
        pass
    limit = time.monotonic() + MEETING_LIMIT_S
    while len(os.listdir(folder)) < partners:
        if time.monotonic() > limit:
            raise TimeoutError(f"`{name}` waited {MEETING_LIMIT_S:.0f} s for a second worker")
        time.sleep(0.0002)
    return os.getpid()


def reset_peak() -> int:
    """Forget the peak resident size of this process; return the present size in bytes."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return status_bytes("VmRSS")


def peak_bytes() -> int:
    """Return the peak resident size of this process since `reset_peak`, in bytes."""
    return status_bytes("VmHWM")


def status_bytes(field: str) -> int:
    """Return one field of ``/proc/self/status`` in bytes."""
    return _kilobytes("/proc/self/status", field)


def shared_bytes() -> int:
    """Return the shared memory that all processes of the machine hold, in bytes."""
    return _kilobytes("/proc/meminfo", "Shmem")


def _kilobytes(path: str, field: str) -> int:
    with open(path) as file:
        for line in file:
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024
    raise LookupError(f"`{path}` has no field `{field}`")


def import_array_library() -> Any:
    """Import NumPy in the worker, so that no measured call pays for it."""
    import numpy

    return numpy.__version__
