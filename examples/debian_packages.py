"""The packages of Debian: which ones the others rest on, and which would be pulled in with one of them.

Reads the lists that `apt-get update` left on this machine, through `apt-cache`. A package is a node, and an edge
leads from it to each package that is installed with it because it depends on it or recommends it: to each alternative,
and to each package that provides the name. Needs NumPy.

    python examples/debian_packages.py [PACKAGE]
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterable

import numpy as np

import multilane as ml

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")

#: What apt installs together with a package.
INSTALLED = ("Depends", "Pre-Depends", "Recommends")


def read(lines: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the packages, and for each dependency both of its ends."""
    packages: dict[str, None] = {}
    provided: dict[str, list[str]] = {}
    wanted: dict[tuple[str, str], None] = {}
    package = ""
    for line in lines:
        field, _, value = line.partition(":")
        if field == "Package":
            package = value.strip()
            packages[package] = None
        elif field in INSTALLED:
            wanted |= {(package, name): None for name in names_in(value)}
        elif field == "Provides":
            for name in names_in(value):
                provided.setdefault(name, []).append(package)
    edges = {
        (one, other): None for one, name in wanted for other in ([name] if name in packages else provided.get(name, []))
    }
    return list(packages), list(edges)


def names_in(value: str) -> list[str]:
    """Return the packages in a list such as ``libc6 (>= 2.34), default-mta | mail-transport-agent``."""
    found = (NAME.match(part.strip()) for part in re.split(r"[,|]", value))
    return [match[0] for match in found if match]


def graph_of(packages: list[str], edges: list[tuple[str, str]]) -> ml.graph.Graph:
    number = {name: index for index, name in enumerate(packages)}
    ends = np.array([(number[one], number[other]) for one, other in edges])
    return ml.graph.Graph.from_edges(ends[:, 0], ends[:, 1], n=len(packages))


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else "gimp"
    lists = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True)
    packages, edges = read(lists.stdout.splitlines())
    if not edges:
        sys.exit("apt knows no packages; run `apt-get update` first")
    graph = graph_of(packages, edges)
    print(graph)

    started = time.perf_counter()
    rank = ml.graph.pagerank(graph)
    print(f"\nwhat the others rest on (PageRank, {(time.perf_counter() - started) * 1e3:.1f} ms):")
    for node in np.argsort(-rank)[:10]:
        print(f"  {rank[node]:7.2%}  {packages[node]}")

    component = ml.graph.connected_components(graph)
    sizes = np.sort(np.unique(component, return_counts=True)[1])[::-1]
    print(f"\n{len(sizes):,} parts that do not touch; the largest has {sizes[0]:,} packages, the next {sizes[1]:,}")
    print(f"{(sizes == 1).sum():,} packages depend on nothing, and nothing depends on them")

    if wanted in packages:
        steps = ml.graph.bfs(graph, packages.index(wanted))
        farthest = packages[int(np.argmax(steps))]
        print(f"\n`{wanted}` reaches {(steps > 0).sum():,} packages, `{farthest}` in {steps.max()} steps")


if __name__ == "__main__":
    main()
