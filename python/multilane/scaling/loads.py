"""Built-in workloads: those of the investigation that this grew from, and those whose limit is known by construction.

The native ones release the interpreter lock, but for the one that is there to hold it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from multilane import _multilane

from .ways import Operation

__all__ = ["KNOWN", "Load", "documented", "matrix_products"]


@dataclass(frozen=True)
class Load:
    """A workload that is built in.

    Attributes
    ----------
    truth
        The cause that its construction gives it, for those that have one.
    also
        Causes that are as right: what a machine has too much of is not its limit.
    probing
        Whether it takes probes to name the cause.
    """

    name: str
    operation: Operation
    truth: str = ""
    also: tuple[str, ...] = ()
    strategy: str = "threads"
    size: str = ""


def python_loop(turns: int) -> int:
    """Add up in pure Python, holding the interpreter lock.

    >>> python_loop(4)
    6
    """
    total = 0
    for number in range(turns):
        total += number
    return total


def first_heavy(number: int) -> int:
    """Do much in the first operation and little in all others."""
    return _multilane.load_compute(30_000_000 if number == 0 else 20_000)


def nothing() -> None:
    """Do nothing: all of it is handing out."""


def _native(name: str, *arguments: Any, bytes_moved: float = 0.0) -> Operation:
    function: Callable[..., Any] = getattr(_multilane, f"load_{name}")
    return Operation(function, arguments, bytes=bytes_moved)


#: Elements of the triad's arrays: three of them are beyond a shared cache of 32 MiB.
TRIAD = 2 << 20

#: Workloads whose limit is known, with the limit.
KNOWN: tuple[Load, ...] = (
    Load("element kernel", _native("element", 65_536, 10), "cores"),
    Load("native code without the interpreter lock", _native("compute", 300_000), "cores"),
    Load("native code that holds the interpreter lock", _native("compute_held", 300_000), "interpreter_lock"),
    Load("pure Python", Operation(python_loop, (20_000,)), "interpreter_lock"),
    Load("one lock", _native("lock", 100_000), "lock"),
    Load("triad", _native("triad", TRIAD, bytes_moved=24.0 * TRIAD), "memory_bandwidth", ("cores",)),
    Load("sleep", Operation(time.sleep, (0.002,)), "waiting"),
    Load("fresh memory", _native("pages", 8 << 20), "page_faults", ("cores",)),
    Load("one cache line", _native("lines", 50_000), "shared_lines"),
    Load("uneven work", Operation(first_heavy, numbered=True), "imbalance", strategy="threads+own"),
    Load("nothing", Operation(nothing), "too_little_work", strategy="processes"),
    Load("pure Python on processes", Operation(python_loop, (20_000,)), "cores", strategy="processes"),
)


def documented() -> list[Load]:
    """Give the four tables of the investigation: workload classes, matrix products, a mutex, queues.

    Elements and inner iterations are the size of the element kernel.
    """
    kernels = {
        f"{label} x {iterations}": _native("element", elements, iterations)
        for elements, label in ((65_536, "65k"), (1_048_576, "1M"))
        for iterations in (10, 100, 500)
    }
    least = "65k x 10"
    products = matrix_products()
    locked = [(load.name, load.size, load.operation) for load in products if load.size == "256"]
    return [
        *(Load("element kernel", operation, size=size) for size, operation in kernels.items()),
        *products,
        *(
            Load(name, operation, strategy="threads+lock", size=size)
            for name, size, operation in [("element kernel", least, kernels[least]), *locked]
        ),
        *(
            Load("element kernel", kernels[least], strategy=strategy, size=least)
            for strategy in ("threads+own", "processes", "processes+window=16")
        ),
        *(Load("nothing", Operation(nothing), strategy=strategy) for strategy in ("processes", "processes+batch=64")),
    ]


def matrix_products(sizes: tuple[int, ...] = (64, 256, 1024)) -> list[Load]:
    """Give products of square matrices, computed by NumPy; none without NumPy."""
    try:
        import numpy
    except ImportError:
        return []
    loads = []
    for size in sizes:
        matrix = numpy.random.default_rng(0).random((size, size))
        loads.append(Load("matrix product", Operation(numpy.matmul, (matrix, matrix)), size=str(size)))
    return loads
