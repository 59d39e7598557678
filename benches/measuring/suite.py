"""The vocabulary of a set of measurements: metrics, tests, requirements, and the suite that holds them.

Pure data; measures nothing and imports no library that is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

#: What one sample gave: numbers with their units in the names.
Sample = dict[str, Any]

#: The engine that the requirements are about, in every suite.
OURS = "multilane"

#: Marks an engine that is measured a second time against itself.
AGAIN = "-again"


class Form(Enum):
    """How a number is written."""

    TIMES = "x"
    PER_SECOND = "/s"
    MICROSECONDS = " µs"
    SECONDS = " s"
    MILLISECONDS = " ms"
    PERCENT = " %"
    BANDWIDTH = " GB/s"
    MEGABYTES = " MB"

    def write(self, *values: float) -> str:
        """Write numbers with their unit once: the first, and the others in brackets.

        >>> Form.PER_SECOND.write(151234.5), Form.MILLISECONDS.write(0.0123, 0.0119, 0.0131)
        ('151,234/s', '12.3 ms [11.9, 13.1]')
        """
        first, *rest = [self._number(value) for value in values]
        unit = self.value
        return f"{first}{unit} [{', '.join(rest)}]" if rest else first + unit

    def _number(self, value: float) -> str:
        match self:
            case Form.TIMES:
                return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"
            case Form.PER_SECOND:
                return f"{value:,.0f}"
            case Form.MICROSECONDS:
                return f"{value:,.1f}"
            case Form.SECONDS:
                return f"{value:.3f}"
            case Form.MILLISECONDS:
                return f"{value * 1e3:.1f}"
            case Form.PERCENT:
                return f"{value * 100:.2f}"
            case Form.BANDWIDTH:
                return f"{value:.1f}"
            case Form.MEGABYTES:
                return f"{value / 1e6:,.0f}"


@dataclass(frozen=True)
class Metric:
    """One number of a sample."""

    name: str
    label: str
    form: Form
    more_is_better: bool


#: How far the prediction is from the measured time, and the predicted speed-up from the measured one; multilane's only.
PREDICTED = (
    Metric("prediction_off", "prediction off", Form.PERCENT, False),
    Metric("speedup", "speed-up", Form.TIMES, True),
    Metric("speedup_off", "its prediction off", Form.PERCENT, False),
)

#: The most that either may be off.
SECONDS_OFF, SPEEDUP_OFF = 0.25, 0.15


@dataclass(frozen=True)
class Test:
    """One measurement: its metrics, the engines it runs on, and the engine that ratios refer to."""

    title: str
    short: str
    metrics: tuple[Metric, ...]
    engines: tuple[str, ...]
    reference: str | None
    #: Whether multilane is measured a second time, so that the ratio shows the noise.
    twice: bool = True


@dataclass(frozen=True)
class Check:
    """One requirement: a metric of multilane, or its ratio to a peer, and a limit.

    A ratio is always written so that more is better: 3 means three times faster or smaller.
    """

    test: str
    metric: str
    target: float
    against: str | None = None


@dataclass(frozen=True)
class Suite:
    """A set of measurements that run and are written together."""

    #: The stem of its result files.
    name: str
    #: The folder of its results, under ``results``; empty for none.
    folder: str
    heading: str
    tests: dict[str, Test]
    checks: tuple[Check, ...]
    #: What each engine is called in tables.
    titles: dict[str, str]
    #: Whose versions are recorded.
    packages: tuple[str, ...]
    #: How much work one sample does: a dataclass of numbers and texts, and its quick form.
    scale: Any
    quick: Any
    repeats: int
    #: Takes a sample: engine, test, workers and a scale as a dictionary.
    take: Callable[[str, str, int, dict[str, Any]], Sample]
    #: Says in a few words how much work a sample is, from a scale as a dictionary.
    describe: Callable[[dict[str, Any]], str]
    #: Makes what samples share, before the first of them.
    prepare: Callable[[dict[str, Any]], None] = lambda scale: None
    #: No sample of a healthy engine comes near it; one that hangs must not hold up the others.
    limit_s: float = 180.0

    def title(self, engine: str) -> str:
        """Return what an engine is called, with or without the mark of a second measurement."""
        return self.titles[engine.removesuffix(AGAIN)]

    def metric(self, test: str, name: str) -> Metric:
        """Return a test's metric by its name in the samples."""
        return next(metric for metric in self.tests[test].metrics if metric.name == name)
