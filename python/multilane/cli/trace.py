"""`multilane trace`: shows what a recorded run did, and exports it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from .failure import Failure
from .output import add_json_to, print_rich


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "trace",
        help="show a recorded run, or export it for Perfetto",
        description="Reads a trace and shows the cores it used and where the time went.",
    )
    parser.add_argument("file", metavar="FILE", help="the trace, a .mltrace file")
    parser.add_argument("--perfetto", metavar="OUT", help="write JSON for https://ui.perfetto.dev to OUT")
    add_json_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Load, print and export."""
    from multilane import _multilane

    try:
        trace = _multilane.Trace.load(options.file)
    except ValueError as error:
        raise Failure(f"`{options.file}`: {error}", "a proof is shown with `multilane report`") from error
    if options.perfetto:
        Path(options.perfetto).write_text(trace.to_perfetto(), encoding="utf-8")
    analysis = trace.analyse()
    if options.json:
        described = {
            "label": trace.label,
            "backend": trace.backend,
            "backend_reason": trace.backend_reason,
            "machine": trace.machine,
            "versions": trace.versions,
        }
        print(json.dumps(described | {"analysis": analysis}, indent=2))
    else:
        _show(trace, analysis)
        if options.perfetto:
            print(f"for Perfetto: {options.perfetto}")
    return 0


def _show(trace: Any, analysis: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    seconds = analysis["makespan_ns"] / 1e9
    print_rich(
        Text.assemble(
            (trace.label or "a run", "bold"), f" on {trace.backend}, {trace.workers} workers, {seconds:.3f} s"
        ),
        f"{analysis['tasks']} tasks ({analysis['failed']} failed) on {analysis['workers_used']} workers; "
        f"{analysis['cores_used']:.2f} cores used, efficiency {analysis['efficiency']:.0%}",
    )
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
    print_rich("", shares, "", functions)
