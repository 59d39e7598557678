"""A proof as a person meets it: a headline, a table, a page, a file.

Holds the native data and its judgement; computes neither.
"""

from __future__ import annotations

import functools
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from multilane import _multilane

from .evidence import AGAIN_CHECK
from .strategies import PLAIN_THREADS

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Words for what the native code names by kind and cause.
VERDICTS = {
    "parallel": "parallel",
    "concurrent_not_parallel": "concurrent, not parallel",
    "serialised": "serialised",
    "inconclusive": "inconclusive",
}
CAUSES = {
    "run_queue": "machine busy",
    "quota": "CPU limit",
    "small_tasks": "tasks too small",
    "imbalance": "uneven tasks",
    "inflation": "shared memory bandwidth",
    "start_up": "start-up",
    "outside_tasks": "outside the tasks",
}
COLOURS = {"parallel": "green", "concurrent_not_parallel": "yellow", "serialised": "red", "inconclusive": "magenta"}


class Interval(NamedTuple):
    """A median and its 95 % interval.

    Examples
    --------
    >>> str(Interval(1.91, 1.95, 1.97))
    '1.95 (1.91 to 1.97)'
    """

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


class Proof:
    """The measurements of fixed work run in several ways, and the verdict on them.

    `print` it, let a notebook show it, write it as a page with `to_html`, or `save` it and judge it again later.
    """

    def __init__(self, data: _multilane.ProofData) -> None:
        self._data = data

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Proof:
        """Read a proof from a file and judge it afresh."""
        return Proof(_multilane.ProofData.load(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the measurements to a file; ``.mlproof`` is the usual ending."""
        self._data.save(path)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the report: one file that needs no network."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self._data.report_html(), encoding="utf-8")
        return target

    @functools.cached_property
    def judgement(self) -> dict[str, Any]:
        """Everything the native code read from the measurements."""
        return self._data.judge()

    @property
    def name(self) -> str:
        """What the proof is called."""
        return self._data.name

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        return str(self.judgement["headline"])

    @property
    def holds(self) -> bool:
        """Whether multilane ran the work in parallel, with right results and a control that behaved."""
        return bool(self.judgement["claim_holds"])

    @property
    def decided(self) -> bool:
        """Whether the measurement decides at all; if not, `judgement` says what to change."""
        return self.verdict != "inconclusive"

    @property
    def verdict(self) -> str:
        """The verdict on multilane's best strategy in a few words, such as ``serialised: interpreter lock``.

        ``refused`` says that the time alone would do, but a check, a part or the control refutes the claim.
        """
        if self.holds:
            return "parallel"
        best = self._best
        failed = [check for check in self.checks if not check["passed"]]
        if best is None or any(not _undecided_check(check) for check in failed):
            return "refused"
        if best["verdict"]["kind"] != "parallel":
            return verdict_words(best["verdict"])
        lost = [part for part in self.judgement["parts"] if not part["holds"]]
        if len(self.judgement["refusals"]) > len(failed) + len(lost) or not all(map(_undecided_part, lost)):
            return "refused"
        return "inconclusive"

    @property
    def speedup(self) -> Interval:
        """How much sooner multilane's best strategy finished than the sequential runs of the same repeats."""
        return _interval(None if self._best is None else self._best["speedup"])

    @property
    def cores_used(self) -> Interval:
        """CPU time of the tasks over the wall clock, for multilane's best strategy."""
        return _interval(None if self._best is None else self._best["cores_used"])

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What was checked beside the time: name, passed, detail."""
        return list(self._data.checks)

    @property
    def data(self) -> _multilane.ProofData:
        """The native measurements."""
        return self._data

    @property
    def _best(self) -> dict[str, Any] | None:
        judged = self.judgement["strategies"]
        own = [each for each in judged if each["strategy"] != PLAIN_THREADS] or judged
        return max(
            own, key=lambda each: (each["verdict"]["kind"] == "parallel", each["speedup"]["median"]), default=None
        )

    def __rich__(self) -> RenderableType:
        from .show import show

        return show(self)

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100, color_system=None)
        console.print(self)
        assert isinstance(console.file, io.StringIO)
        return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())

    def __repr__(self) -> str:
        return f"<Proof {self.name!r}: {self.verdict}, speed-up {self.speedup}>"

    def _repr_html_(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100, record=True, force_jupyter=False)
        console.print(self)
        style = "white-space:pre;overflow-x:auto;line-height:normal;font-family:Menlo,Consolas,monospace"
        return console.export_html(inline_styles=True, code_format=f'<pre style="{style}">{{code}}</pre>')


def verdict_words(verdict: dict[str, Any]) -> str:
    """Name a verdict, with the cause when there is one.

    >>> verdict_words({"kind": "serialised", "cause": "interpreter_lock"})
    'serialised: interpreter lock'
    """
    words = VERDICTS[verdict["kind"]]
    cause = verdict.get("cause")
    return f"{words}: {CAUSES.get(cause, cause.replace('_', ' '))}" if cause else words


def _undecided_check(check: dict[str, Any]) -> bool:
    """Whether a failed check says that the machine was too busy, and not that something is wrong."""
    return check["name"] == AGAIN_CHECK or str(check["detail"]).startswith("inconclusive")


def _undecided_part(part: dict[str, Any]) -> bool:
    kinds = {each["verdict"]["kind"] for each in part["judgement"]["strategies"] if each["strategy"] != PLAIN_THREADS}
    return "inconclusive" in kinds and "parallel" not in kinds


def _interval(bounds: dict[str, float] | None) -> Interval:
    if bounds is None:
        return Interval(0.0, 0.0, 0.0)
    return Interval(bounds["low"], bounds["median"], bounds["high"])
