"""Operations on devices: workers that submit kernels through one queue or several, and what the device did meanwhile.

The module that reaches devices is built apart from the rest; everything here says so when it is not there. Chooses and
hands over; the native code runs and measures.
"""

from __future__ import annotations

import functools
import importlib
import math
from typing import Any, ClassVar

from multilane import _multilane
from multilane.errors import BackendUnavailable, MultilaneError

from .ways import ROUTES, Operation, Options, Sample, throttled

__all__ = ["OnDevice", "find", "native", "opened", "routes"]

#: Where the module is not there.
MISSING = (
    "devices need the module `multilane._gpu`, which is built apart; run `make gpu` in a checkout of multilane (with a "
    "Python that has the limited interface, so not with a free-threaded one)"
)

#: A run with the device's time stamps follows each timed one, with so large a part of its operations.
STAMPED_PART = 4

#: The most submissions whose time a device keeps.
MOST_STAMPED = 2_000


def native() -> Any:
    """Import the module that reaches devices.

    Raises
    ------
    BackendUnavailable
        It is not built.
    """
    try:
        return importlib.import_module("multilane._gpu")
    except ImportError as error:
        raise BackendUnavailable(f"{MISSING} ({error})") from error


def routes() -> list[dict[str, Any]]:
    """Say what is found on every route: route, device, driver, queues, software; or what is missing."""
    found: list[dict[str, Any]] = native().routes()
    return found


@functools.cache
def opened(route: str) -> Any:
    """Open the device of a route, once."""
    return native().Device(route)


def find(name: str) -> str:
    """Choose a route by its name; ``gpu`` chooses the best there is.

    Raises
    ------
    BackendUnavailable
        There is no device.
    """
    if name != "gpu" and name not in ROUTES:
        raise ValueError(f"`device` is {name!r}; give `gpu` or one of {', '.join(f'`{route}`' for route in ROUTES)}")
    return str(opened(name).facts["route"])


class OnDevice:
    """Threads that submit operations to a device and wait for them, as the options say."""

    #: The one that has something on a device: the results of a large kernel fill much of it.
    latest: ClassVar[OnDevice | None] = None

    def __init__(self, options: Options) -> None:
        self.options = options
        #: The operation and the workers that the device is ready for.
        self.ready: tuple[Operation, int] | None = None
        self.loaded: Any = None

    def run(self, operation: Operation, workers: int, count: int, warm_up: bool = False) -> Sample:
        """Run on fresh threads that start together; they warm up by themselves."""
        if not operation.kernel:
            raise TypeError("a device runs kernels; for a function of yours give `threads` or `processes`")
        loaded = self._load(operation, workers)
        before = _multilane.system_use()
        timed = loaded.run(count)
        after = _multilane.system_use()
        batch = self.options.batch
        least = workers * max(1, self.options.window) * batch
        part = min(max(least, math.ceil(count / STAMPED_PART)), MOST_STAMPED * batch)
        seen = loaded.run(part, stamped=True)
        if seen["largest_error"] > seen["tolerance"]:
            raise MultilaneError(
                f"`{self.options.kind}` computed `{operation.kernel}` of {operation.arguments} wrongly: off by "
                f"{seen['largest_error']:.3g}, where {seen['tolerance']:.3g} is allowed"
            )
        return _sample(workers, timed, seen, before, after)

    def _load(self, operation: Operation, workers: int) -> Any:
        """Make the device ready, unless it is: counting runs one operation again and again."""
        if self.ready != (operation, workers):
            if OnDevice.latest is not None:
                OnDevice.latest.close()
            OnDevice.latest = self
            self.loaded = opened(self.options.kind).load(
                operation.kernel,
                list(operation.arguments),
                workers=workers,
                own=self.options.own and workers > 1,
                lock=self.options.lock,
                window=max(1, self.options.window),
                batch=self.options.batch,
            )
            self.ready = (operation, workers)
        return self.loaded

    def close(self) -> None:
        """Give back what the last run took of the device."""
        self.ready = self.loaded = None


def _sample(
    workers: int, timed: dict[str, Any], seen: dict[str, Any], before: dict[str, int], after: dict[str, int]
) -> Sample:
    """Make a sample of a timed run, and of the one beside it in which the device kept time."""
    lane_ns = workers * timed["wall_ns"]
    own = after["own_cpu_ns"] - before["own_cpu_ns"]
    blocked, submitting = timed["submit_wait_ns"], timed["submit_ns"] - timed["submit_wait_ns"]
    # What other threads of the driver use is no worker's; a worker that spins for the device waits for it.
    between = max(0, lane_ns - sum(timed[name] for name in ("submit_ns", "lock_wait_ns", "device_wait_ns", "idle_ns")))
    delay = min(timed["run_delay_ns"], blocked)
    return {
        "workers": workers,
        "operations": timed["operations"],
        "wall_ns": timed["wall_ns"],
        "cpu_ns": submitting,
        "process_cpu_ns": own,
        "run_delay_ns": delay,
        "lock_wait_ns": timed["lock_wait_ns"],
        "dispatch_ns": between,
        "idle_ns": timed["idle_ns"],
        "foreign_ns": max(0, after["machine_cpu_ns"] - before["machine_cpu_ns"] - own),
        "throttled_ns": throttled(before, after, lane_ns),
        "bytes_per_operation": 0.0,
        "device": {
            "wait_ns": timed["device_wait_ns"],
            "submission_wait_ns": blocked - delay,
            "busy_share": min(1.0, seen["busy_share"]),
            "at_once": seen["at_once"],
            "submission_ns": seen["median_ns"],
            "queues": timed["queues"],
        },
    }
