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

__all__ = ["KNOWN", "Load", "element_kernels", "nothing"]


@dataclass(frozen=True)
class Load:
    """A workload that is built in.

    Attributes
    ----------
    truth
        The cause that its construction gives it, for those that have one.
    also
        Causes that are as right: what a machine has too much of is not its limit.
    single_threaded
        Whether the libraries that it calls are kept to one thread, so that the workers are what is measured.
    """

    name: str
    operation: Operation
    truth: str = ""
    also: tuple[str, ...] = ()
    strategy: str = "threads"
    size: str = ""
    single_threaded: bool = False


def python_loop(turns: int) -> int:
    """Add up in pure Python, holding the interpreter lock.

    >>> python_loop(4)
    6
    """
    total = 0
    for number in range(turns):
        total += number
    return total


def one_heavy(number: int) -> int:
    """Do nearly all of the work in the first operation."""
    return _multilane.load_compute(30_000_000 if number == 0 else 20_000)


def first_heavy(number: int) -> int:
    """Do much in the first few operations and little in all others."""
    return _multilane.load_compute(2_000_000 if number < 8 else 20_000)


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
    Load("a lock around each operation", _native("element", 65_536, 10), "lock", strategy="threads+lock"),
    Load("uneven work", Operation(first_heavy, numbered=True), "imbalance", strategy="threads+own"),
    Load("one long operation", Operation(one_heavy, numbered=True), "critical_path"),
    Load("nothing", Operation(nothing), "too_little_work", strategy="processes"),
    Load("pure Python on processes", Operation(python_loop, (20_000,)), "cores", strategy="processes"),
)


def element_kernels() -> list[Load]:
    """Give the element kernel in the sizes of the investigation: elements x inner iterations."""
    return [
        Load("element kernel", _native("element", elements, iterations), size=f"{label} x {iterations}")
        for elements, label in ((65_536, "65k"), (1_048_576, "1M"))
        for iterations in (10, 100, 500)
    ]
