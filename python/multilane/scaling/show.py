"""A sweep in short, for a terminal and a notebook: headline, table, verdicts.

Turns the judgement into what rich draws. Adds no words of its own to a verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .result import Curve, Scaling

#: Curves whose verdicts are shown with their evidence; a larger sweep has its page.
SHOWN = 8

COLOURS = {"none": "green", "cores": "green", "waiting": "yellow", "inconclusive": "magenta"}


def show(scaling: Scaling) -> RenderableType:
    """Draw a sweep in short."""
    rows: list[RenderableType] = [Text(f"{scaling.name}: {scaling.headline}", style="bold")]
    tables = scaling.judgement["tables"]
    if not tables:
        rows += [Text(), _table(scaling.curves)]
    for table in tables:
        curves = [scaling.curves[row["series"]] for row in table["rows"]]
        rows += [Text(), Text(table["title"], style="bold"), Text(table["note"], style="dim"), _table(curves)]
        rows += [Text(f"  {found['sentence']}") for found in table["differences"]]
    for curve in scaling.curves[:SHOWN]:
        rows += [Text(), *_verdict(curve, alone=len(scaling.curves) == 1)]
    if len(scaling.curves) > SHOWN:
        rows += [Text(), Text(f"{len(scaling.curves) - SHOWN} more verdicts are in the report", style="dim")]
    return Group(*rows)


def title(curve: Curve) -> str:
    """Name a curve in a line."""
    return ", ".join(part for part in (curve.workload, curve.size, curve.strategy) if part)


def _table(curves: list[Curve]) -> Table:
    counts = sorted({workers for curve in curves for workers in curve.throughput})
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("operations a second at", header_style="dim")
    for workers in counts:
        table.add_column(str(workers), header_style="dim", justify="right", no_wrap=True)
    table.add_column("scaling", header_style="dim", justify="right", no_wrap=True)
    table.add_column("interpretation", header_style="dim")
    for curve in curves:
        best = max((interval.median for interval in curve.speedup.values()), default=0.0)
        cells = [rate(curve.throughput[workers].median) if workers in curve.throughput else "" for workers in counts]
        style = COLOURS.get(curve.verdict.cause, "red")
        table.add_row(title(curve), *cells, f"{best:.2f}x", Text(curve.interpretation, style=style))
    return table


def rate(value: float) -> str:
    """Write operations a second in few characters.

    >>> rate(1234567.0), rate(48210.0), rate(812.3), rate(0.25)
    ('1.23 M', '48.2 k', '812', '0.25')
    """
    for size, unit in ((1e6, " M"), (1e4, " k")):
        if value >= size * 0.9995:
            scaled = value / (1e6 if unit == " M" else 1e3)
            return f"{scaled:.3g}{unit}" if scaled < 1000 else f"{scaled:,.0f}{unit}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _verdict(curve: Curve, alone: bool) -> list[RenderableType]:
    verdict = curve.verdict
    head = verdict.sentence if alone else f"{title(curve)}: {verdict.sentence}"
    lines: list[RenderableType] = [Text(head, style="bold")]
    lines += [Text(f"  {fact}") for fact in verdict.evidence]
    other = verdict.alternative.replace("_", " ")
    lines.append(Text(f"  or else: {other}; to tell them apart, {verdict.tell_apart}", style="dim"))
    if verdict.advice:
        lines.append(Text(f"  next: {verdict.advice}", style="dim"))
    return lines
