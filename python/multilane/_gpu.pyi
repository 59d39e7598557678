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

    def run(
        self,
        kernel: str,
        sizes: Sequence[int],
        *,
        workers: int,
        operations: int,
        own: bool = False,
        lock: bool = False,
        window: int = 1,
        batch: int = 1,
        stamped: bool = False,
    ) -> dict[str, Any]:
        """Run operations of a kernel and say where the workers' time went."""

def routes() -> list[dict[str, Any]]:
    """Say what is found on every way to a device."""
