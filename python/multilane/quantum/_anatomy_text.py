"""`Anatomy` in a terminal: two tables and two sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from multilane.quantum._anatomy import Anatomy


def show(found: Anatomy) -> RenderableType:
    """Draw where the time goes."""
    heading = f"GHZ, {found.qubits} qubits, {found.precision}, {found.workers} workers"
    return Group(
        Text(heading, style="bold"),
        Text(),
        _parts(found),
        Text(),
        _ways(found),
        Text(),
        Text(found.sentence),
    )


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, header_style="dim", justify="left" if heading == headings[0] else "right")
    return table


def _parts(found: Anatomy) -> Table:
    table = _table("where the time of one call goes", "time", "of the call")
    rest = max(found.kernel_s - found.memory_s - found.idle_s / found.workers, 0.0)
    for name, seconds in (
        ("the call", found.call_s),
        ("  Python, the binding, the lock's release", found.python_s),
        ("  kernels", found.kernel_s),
        (f"    moving {found.moved_bytes / 1e6:.0f} MB at {found.bandwidth / 1e9:.0f} GB/s", found.memory_s),
        ("    cores without work", found.idle_s / found.workers),
        ("    arithmetic, new pages, what else keeps memory waiting", rest),
    ):
        table.add_row(name, f"{seconds * 1e3:.3f} ms", f"{seconds / found.call_s:.1%}")
    table.add_row(
        f"once for the circuit: {found.gates} gates planned as {found.passes} passes", f"{found.plan_s * 1e3:.3f} ms"
    )
    return table


def _ways(found: Anatomy) -> Table:
    table = _table("way", "time", "speed-up", "cores used")
    first = found.ways[0].seconds
    for way in found.ways:
        table.add_row(way.name, f"{way.seconds * 1e3:.2f} ms", f"{first / way.seconds:.1f}x", f"{way.cores:.2f}")
    return table
