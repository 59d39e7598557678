"""`multilane trace`: shows what a recorded run did, and exports it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

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
        print_rich(trace)
        if options.perfetto:
            print(f"for Perfetto: {options.perfetto}")
    return 0
