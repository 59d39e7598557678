"""The part of the extension module `multilane._multilane` that sweeps over worker counts are made of.

A stub alone: at run time everything here lies in `multilane._multilane`, whose stub takes it from here.
"""

from collections.abc import Callable, Sequence
from typing import Any, final

@final
class LaneRun:
    """One run: lanes that start together, take operations until none is left, and say what they used."""

    def __new__(cls, lanes: int, operations: int, *, batch: int = 1, own: bool = False) -> LaneRun: ...
    def run(
        self,
        lane: int,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        *,
        warm_up: bool = False,
        numbered: bool = False,
    ) -> None:
        """Wait at the gate, then run this lane's operations in the calling thread."""

    def wait_ready(self, seconds: float) -> list[int] | None:
        """Wait until every lane is at the gate; the lanes' threads, or None after ``seconds``."""

    def open(self) -> None:
        """Let all lanes go."""

    def cancel(self) -> None:
        """Let no lane begin another operation."""

    def report(self) -> dict[str, Any]:
        """Return what the lanes used together."""

@final
class Watch:
    """Looks at threads from outside, to see what they wait for."""

    def __new__(cls, threads: Sequence[int]) -> Watch: ...
    @staticmethod
    def program(process: int, workers: int) -> Watch:
        """Look at all threads of a program and its children."""

    def stop(self) -> dict[str, int]:
        """Stop looking; how often, or how long, threads were seen to do what."""

@final
class Beside:
    """Threads that keep processors busy in a known way, until they are stopped."""

    def __new__(cls, kind: str, threads: int) -> Beside: ...
    def stop(self) -> float:
        """Stop the threads; the bytes a nanosecond that they moved together."""

def threads_doing(threads: Sequence[int]) -> list[str | None]:
    """Return what each of these threads of this process does now, or None where that cannot be told."""

def scaling_judge(data: str) -> dict[str, Any]:
    """Judge a sweep that is given as JSON."""

def scaling_page(data: str) -> str:
    """Write the page on a sweep that is given as JSON."""

def scaling_table(data: str) -> str:
    """Write the samples of a sweep that is given as JSON as comma-separated values."""

def scaling_changes(first: str, second: str) -> list[dict[str, Any]]:
    """Compare two sweeps that are given as JSON, point by point."""

def system_use() -> dict[str, int]:
    """Return the CPU time of everything on this machine, of this process and of its ended children, in nanoseconds."""

def load_element(elements: int, iterations: int) -> float:
    """Compute ``val = sin(val) * cos(val) + val`` so many times over each element; the sum of all."""

def load_compute(iterations: int) -> int:
    """Do arithmetic in registers, without the interpreter lock."""

def load_compute_held(iterations: int) -> int:
    """Do the same, holding the interpreter lock."""

def load_triad(elements: int) -> int:
    """Pass once over three arrays of the calling thread; the bytes that were moved."""

def load_lock(iterations: int) -> int:
    """Do nearly all of the work inside one lock."""

def load_lines(iterations: int) -> int:
    """Count in a cache line that all threads share."""

def load_pages(bytes: int) -> int:
    """Take fresh memory from the system, touch each page and give it back; how many pages."""
