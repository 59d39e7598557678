"""How commands print: with rich for a person, as JSON for a program."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType


def add_json_to(parser: argparse.ArgumentParser) -> None:
    """Add the option that prints for a program."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def print_rich(*things: RenderableType) -> None:
    """Print with colours in a terminal and plainly elsewhere."""
    from rich.console import Console

    # A pipe has no width: do not fold its lines at 80 columns.
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    for thing in things:
        console.print(thing)
