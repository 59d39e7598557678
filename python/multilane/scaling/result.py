"""A sweep as a person meets it: a headline, a table, a page, a file.

Holds the samples and their judgement; computes neither.
"""

from __future__ import annotations

import functools
import io
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import multilane as ml
from multilane import _multilane
from multilane.proofs.proof import Interval

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .history import Change

__all__ = ["Curve", "Scaling", "Verdict", "read"]

#: The first line of a file says what it is.
FORMAT = "multilane scaling 1"


@dataclass(frozen=True)
class Verdict:
    """What stops a curve, and on what evidence.

    Attributes
    ----------
    cause
        Such as ``interpreter_lock``, ``lock``, ``cores``, ``memory_bandwidth``; ``none`` when nothing does within what
        was measured, ``inconclusive`` when the measurement does not decide.
    sentence, evidence, advice
        The cause in words, the numbers it rests on, and what to do.
    alternative, tell_apart
        The strongest other cause, and what would tell the two apart.
    at_workers
        The worker count that it was read at.
    """

    cause: str
    sentence: str
    evidence: tuple[str, ...]
    alternative: str
    tell_apart: str
    advice: str
    at_workers: int


@dataclass(frozen=True)
class Curve:
    """Throughput against workers, of one workload, size and strategy.

    Attributes
    ----------
    throughput, speedup
        Median and 95 % interval by worker count; operations a second, and over one worker's.
    model, parameters
        The model that predicts best what it has not seen, and what was fitted, with 95 % intervals.
    """

    workload: str
    size: str
    strategy: str
    throughput: dict[int, Interval]
    speedup: dict[int, Interval]
    model: str | None
    parameters: dict[str, Interval]
    verdict: Verdict
    interpretation: str


class Scaling:
    """The samples of a sweep, and what they show.

    `print` it, let a notebook show it, write it as a page with `to_html`, or `save` it and read it again later.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Scaling:
        """Read a sweep from a file and judge it afresh."""
        return Scaling(read(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the samples to a file, one a line; ``.mlscale`` is the usual ending."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        header = {"format": FORMAT} | {name: value for name, value in self._data.items() if name != "samples"}
        lines = [json.dumps(each) for each in (header, *self.samples)]
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the report: one file that needs no network, the raw samples in it."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_multilane.scaling_page(self._json), encoding="utf-8")
        return target

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write every raw sample as a table of comma-separated values."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_multilane.scaling_table(self._json), encoding="utf-8", newline="")
        return target

    def to_parquet(self, path: str | os.PathLike[str]) -> Path:
        """Write every raw sample as a Parquet file, with the columns of `to_csv`.

        Raises
        ------
        MultilaneError
            pyarrow is not installed.
        """
        try:
            import pyarrow
            from pyarrow import csv, parquet
        except ImportError as error:
            raise ml.MultilaneError(
                "writing Parquet needs pyarrow: install `multilane[parquet]`, or write CSV with `to_csv`"
            ) from error
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        names = ("workload", "size", "strategy", "beside")
        options = csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.string()))
        text = _multilane.scaling_table(self._json).encode()
        parse = csv.ParseOptions(newlines_in_values=True)
        table = csv.read_csv(io.BytesIO(text), parse_options=parse, convert_options=options)
        parquet.write_table(table, target)
        return target

    @functools.cached_property
    def judgement(self) -> dict[str, Any]:
        """Everything the native code read from the samples."""
        judged: dict[str, Any] = _multilane.scaling_judge(self._json)
        return judged

    @functools.cached_property
    def _json(self) -> str:
        return json.dumps(self._data)

    @property
    def name(self) -> str:
        """What the sweep is called."""
        return str(self._data["name"])

    @property
    def headline(self) -> str:
        """All of it in a sentence."""
        return str(self.judgement["headline"])

    @property
    def samples(self) -> list[dict[str, Any]]:
        """Every timed run; times are nanoseconds, those of workers sums over them."""
        return list(self._data["samples"])

    @property
    def machine(self) -> dict[str, Any]:
        """The machine it was measured on."""
        return dict(self._data["machine"])

    @property
    def versions(self) -> dict[str, str]:
        """Versions and build facts of Python and multilane."""
        return dict(self._data["versions"])

    @functools.cached_property
    def curves(self) -> list[Curve]:
        """One for each workload, size and strategy, in the order they were given."""
        return [_curve(each) for each in self.judgement["series"]]

    @property
    def curve(self) -> Curve:
        """The only curve of this sweep.

        Raises
        ------
        ValueError
            There are several; choose from `curves`.
        """
        if len(self.curves) != 1:
            raise ValueError(f"this sweep has {len(self.curves)} curves; choose from `curves`")
        return self.curves[0]

    @property
    def verdict(self) -> Verdict:
        """What stops the only curve of this sweep."""
        return self.curve.verdict

    def compare(self, other: Scaling) -> list[Change]:
        """Say how throughput changed from this sweep to another, at every point that both have."""
        from .history import changes

        return changes(self, other)

    @property
    def data(self) -> dict[str, Any]:
        """The sweep as it is saved."""
        return self._data

    def __rich__(self) -> RenderableType:
        from .show import show

        return show(self)

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=120, color_system=None)
        console.print(self)
        assert isinstance(console.file, io.StringIO)
        return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())

    def __repr__(self) -> str:
        return f"<Scaling {self.name!r}: {self.headline}>"

    def _repr_html_(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=120, record=True, force_jupyter=False)
        console.print(self)
        style = "white-space:pre;overflow-x:auto;line-height:normal;font-family:Menlo,Consolas,monospace"
        return console.export_html(inline_styles=True, code_format=f'<pre style="{style}">{{code}}</pre>')


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a file of samples; a last line that was cut off, as by a crash, is left out.

    Raises
    ------
    MultilaneError
        The file holds no sweep.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")
    header = _line(lines[0])
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ml.MultilaneError(f"`{os.fspath(path)}` is no sweep of this version of multilane")
    read_lines = [_line(line) for line in lines[1:]]
    samples = [sample for sample in read_lines if isinstance(sample, dict)]
    return {name: value for name, value in header.items() if name != "format"} | {"samples": samples}


def _line(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _interval(bounds: dict[str, float]) -> Interval:
    return Interval(bounds["low"], bounds["median"], bounds["high"])


def _curve(judged: dict[str, Any]) -> Curve:
    fits: list[dict[str, Any]] = judged["fits"]
    parameters: Iterable[dict[str, Any]] = fits[0]["parameters"] if fits else ()
    verdict = judged["verdict"]
    return Curve(
        judged["workload"],
        judged["size"],
        judged["strategy"],
        {point["workers"]: _interval(point["throughput"]) for point in judged["points"]},
        {point["workers"]: _interval(point["speedup"]) for point in judged["points"]},
        fits[0]["model"] if fits else None,
        {parameter["name"]: _interval(parameter["value"]) for parameter in parameters},
        Verdict(
            verdict["cause"],
            verdict["sentence"],
            tuple(verdict["evidence"]),
            verdict["alternative"],
            verdict["tell_apart"],
            verdict["advice"],
            verdict["at_workers"],
        ),
        judged["interpretation"],
    )
