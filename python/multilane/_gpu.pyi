"""The extension module that reaches devices, built apart by `make gpu`."""

from collections.abc import Sequence
from typing import Any, final

@final
class Device:
    """A device at the end of a route."""

    def __new__(cls, route: str) -> Device: ...
    @property
    def facts(self) -> dict[str, Any]:
        """Route, name, driver, queues, and whether it is software."""

    def load(
        self,
        kernel: str,
        sizes: Sequence[int],
        *,
        workers: int,
        own: bool = False,
        lock: bool = False,
        window: int = 1,
        batch: int = 1,
    ) -> Loaded:
        """Load a kernel for workers that submit it in one of several ways."""

@final
class Loaded:
    """A kernel on a device, ready to run."""

    def run(self, operations: int, *, stamped: bool = False) -> dict[str, Any]:
        """Run operations and say where the workers' time went."""

def routes() -> list[dict[str, Any]]:
    """Say what is found on every way to a device."""
