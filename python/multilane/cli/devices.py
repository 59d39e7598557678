"""`multilane scale --devices`: shows which devices there are, and on which routes."""

from __future__ import annotations

import argparse
import json

from .output import print_rich
from .prove import HOLDS


def run(options: argparse.Namespace) -> int:
    """Look along every route and print what is at its end, or what is missing."""
    from rich.table import Table

    from multilane.scaling.devices import routes

    found = routes()
    if options.json:
        print(json.dumps(found, indent=2))
        return HOLDS
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("route", "device", "driver", "queues"):
        table.add_column(heading, header_style="dim")
    for each in found:
        if each["missing"] is None:
            software = " (software)" if each["software"] else ""
            table.add_row(each["route"], each["device"] + software, each["driver"], str(each["queues"]))
        else:
            table.add_row(each["route"], f"none: {each['missing']}", "", "")
    print_rich(table)
    return HOLDS
