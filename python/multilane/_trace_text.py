"""A trace in short: for the terminal, a string and a notebook."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from multilane._multilane import Trace


def renderable(trace: Trace) -> Group:
    """Lay out the cores used, where the time went and what each function took."""
    analysis = trace.analyse()
    seconds = analysis["makespan_ns"] / 1e9
    title = (trace.label or "a run", "bold")
    shares = Table(box=None, padding=(0, 2, 0, 0))
    shares.add_column("where the worker time went", header_style="dim")
    shares.add_column("share", justify="right", header_style="dim")
    for name, share in sorted(analysis["decomposition"].items(), key=lambda item: -item[1]):
        if share >= 0.0005:
            shares.add_row(name.replace("_", " "), f"{share:.1%}")
    functions = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("function", "count", "failed", "median", "90 %", "longest"):
        functions.add_column(heading, header_style="dim", justify="left" if heading == "function" else "right")
    for name, row in analysis["functions"].items():
        times = [f"{row[key] / 1e6:.3f} ms" for key in ("p50_ns", "p90_ns", "max_ns")]
        functions.add_row(Text(name), str(row["count"]), str(row["failures"]), *times)
    return Group(
        Text.assemble(title, f" on {trace.backend}, {trace.workers} workers, {seconds:.3f} s"),
        f"{analysis['tasks']} tasks ({analysis['failed']} failed) on {analysis['workers_used']} workers; "
        f"{analysis['cores_used']:.2f} cores used, efficiency {analysis['efficiency']:.0%}",
        "",
        shares,
        "",
        functions,
    )


def as_text(trace: Trace) -> str:
    """Render for `str`."""
    console = Console(file=io.StringIO(), width=100, no_color=True)
    with console.capture() as capture:
        console.print(renderable(trace))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def as_html(trace: Trace) -> str:
    """Render for a notebook."""
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(renderable(trace))
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
