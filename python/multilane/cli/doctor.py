"""`multilane doctor`: says what this machine and this interpreter offer, and tries every backend."""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib import metadata
from typing import Any

from .output import add_json_to, print_rich

BACKENDS = ("serial", "threads", "processes")
PACKAGES = ("cloudpickle", "rich", "threadpoolctl", "numpy")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "doctor",
        help="show the machine, the interpreter and which backends work",
        description="Shows what multilane finds here, tries each backend once and says which one `auto` picks and why.",
        epilog="Exits with 1 when a backend does not work.",
    )
    add_json_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Look, try and print."""
    found = examine()
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _show(found)
    return 0 if all(backend["works"] for backend in found["backends"]) else 1


def examine() -> dict[str, Any]:
    """Collect what there is to know."""
    from multilane import _multilane

    machine = dict(_multilane.machine())
    facts = _multilane.ProofData("", "", 0, 0).versions
    return {
        "machine": machine,
        "interpreter": {"executable": sys.executable, **facts},
        "packages": {name: _installed(name) for name in PACKAGES},
        "backends": [_tried(name) for name in BACKENDS],
        "auto": _auto(),
        "remarks": remarks(machine),
    }


def remarks(machine: dict[str, Any]) -> list[str]:
    """Point out what limits parallel work here.

    >>> remarks({"cpus_online": 8, "cpus_affinity": 8, "cpus_quota": 1.0, "cpus_usable": 1.0})[0]
    'a quota gives 1 of 8 processors: raise the CPU limit of the container to use more'
    """
    online, allowed, quota = machine["cpus_online"], machine["cpus_affinity"], machine["cpus_quota"]
    said = []
    if 0 < quota < min(online, allowed):
        said.append(f"a quota gives {quota:g} of {online} processors: raise the CPU limit of the container to use more")
    if allowed < online:
        said.append(f"the affinity mask allows {allowed} of {online} processors: `taskset` or a batch system set it")
    if machine["cpus_usable"] < 2:
        said.append("one usable processor: work can be concurrent here, but not parallel")
    return said


def _tried(backend: str) -> dict[str, Any]:
    import multilane as ml

    started = time.perf_counter()
    try:
        with ml.Executor(1, backend=backend) as pool:
            right = pool.submit(pow, 3, 4).result(timeout=30) == 81
            seconds = time.perf_counter() - started
    except Exception as error:
        return {"backend": backend, "works": False, "seen": f"{type(error).__name__}: {error}"}
    seen = f"first result after {seconds * 1e3:.1f} ms" if right else "gave a wrong result"
    return {"backend": backend, "works": right, "seen": seen}


def _auto() -> dict[str, str]:
    import multilane as ml

    try:
        with ml.Executor(1) as pool:
            return {"backend": pool.backend, "reason": pool.backend_reason}
    except Exception as error:
        return {"backend": "none", "reason": f"{type(error).__name__}: {error}"}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    machine, interpreter = found["machine"], found["interpreter"]
    quota = f"{machine['cpus_quota']:g} processors" if machine["cpus_quota"] else "none"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    rows = [
        ("processor", machine["cpu_model"]),
        ("system", machine["os"]),
        ("memory", f"{machine['memory_bytes'] / 2**30:.1f} GiB"),
        ("processors", f"{machine['cpus_online']} online, {machine['cpus_affinity']} allowed, quota {quota}"),
        ("usable", f"{machine['cpus_usable']:g}"),
        ("interpreter", f"{interpreter['implementation']} {interpreter['python']}, {interpreter['executable']}"),
        ("interpreter lock", interpreter["gil"]),
        ("multilane", interpreter["multilane"]),
        ("packages", ", ".join(f"{name} {number or 'missing'}" for name, number in found["packages"].items())),
    ]
    for label, value in rows:
        table.add_row(label, Text(str(value)))
    for backend in found["backends"]:
        mark = ("works, ", "green") if backend["works"] else ("FAILS, ", "bold red")
        table.add_row(backend["backend"], Text.assemble(mark, backend["seen"]))
    table.add_row("auto", Text(f"{found['auto']['backend']}: {found['auto']['reason']}"))
    print_rich(table)
    for remark in found["remarks"]:
        print_rich(Text(f"note: {remark}", style="yellow"))
