"""A real graph from this machine, and the plans that the demo runs on it.

The graph is that of Debian's packages and what they depend on, from the lists that `apt-get update` left here; without
them that of WordNet's meanings, and without that one the standard library's modules and their imports. Reads files and
`apt-cache`, runs plans several times, and checks each result against another computation of it. Never writes a file.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multilane import _demo

if TYPE_CHECKING:
    from multilane.graph import Graph

#: Runs of each plan; the median one is shown group by group.
REPEATS = 9

#: What apt installs together with a package.
INSTALLED = ("Depends", "Pre-Depends", "Recommends")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*")

WORDNET = Path("/usr/share/wordnet")
WORDNET_FILES = ("data.noun", "data.verb", "data.adj", "data.adv")

#: Cores that other programs may take without lengthening what is measured.
BUSY = 0.15

#: Ranks may differ by so much in sum from a turn of PageRank done by NumPy.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Source:
    """Names of nodes, and edges between their places in the list."""

    title: str
    about: str
    nodes: str
    edges: str
    names: list[str]
    ends: list[tuple[int, int]]


class _OtherPrograms:
    """How much of the processors other programs take, from its making on."""

    def __init__(self) -> None:
        self._began = self._now()

    def cores(self) -> float:
        """Return the mean since."""
        seconds, busy, own = (after - before for after, before in zip(self._now(), self._began, strict=True))
        return max(0.0, busy - own) / seconds if seconds else 0.0

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Return seconds of the clock, of all programs, and of this one."""
        ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        # User, nice, system, idle, iowait, irq, softirq, steal.
        busy = sum(ticks) - ticks[3] - ticks[4]
        return time.monotonic(), busy / os.sysconf("SC_CLK_TCK"), time.process_time()


@dataclass
class Ran:
    """A plan that ran several times."""

    name: str
    results: Any
    measured_ns: list[int] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    text: str = ""

    def as_data(self, workers: int) -> dict[str, Any]:
        """Return what the page shows: all times, and the groups of the median run."""
        median = statistics.median_low(self.measured_ns)
        groups = [
            {name: group[name] for name in ("label", "iterations", "lanes", "predicted_ns", "busy_ns", "bandwidth")}
            for group in self.runs[self.measured_ns.index(median)].groups()
        ]
        return {
            "name": self.name,
            "turns": int(self.results.get("iterations", 0)),
            "workers": workers,
            "predicted_ns": sum(group["predicted_ns"] for group in groups),
            "measured_ns": self.measured_ns,
            "groups": groups,
            "text": self.text,
        }


def source() -> Source:
    """Find a graph on this machine: the first there is of packages, meanings and modules."""
    return debian() or wordnet() or modules(_demo.library_files())


def debian() -> Source | None:
    """Read the lists of apt."""
    if shutil.which("apt-cache") is None:
        return None
    lists = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, errors="replace", check=False)
    names, edges = packages(lists.stdout.splitlines())
    # Few, or lists that are being fetched anew just now.
    if len(edges) < 1000 or lists.returncode != 0:
        return None
    about = (
        "From the lists that `apt-get update` left on this machine: an edge leads from a package to each one that is "
    )
    about += "installed with it, because it depends on it or recommends it."
    return _source("The packages of Debian", about, "Packages", "Dependencies", names, edges)


def packages(lines: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the packages, and both ends of each dependency; who provides a name stands for it.

    >>> packages(["Package: a", "Depends: b (>= 1) | c, mail", "Package: b", "Provides: mail"])
    (['a', 'b'], [('a', 'b')])
    """
    known: dict[str, None] = {}
    provided: dict[str, list[str]] = {}
    wanted: dict[tuple[str, str], None] = {}
    package = ""
    for line in lines:
        title, _, value = line.partition(":")
        if title == "Package":
            package = value.strip()
            if PACKAGE.fullmatch(package):
                known[package] = None
        elif title in INSTALLED:
            wanted |= {(package, name): None for name in _names_in(value)}
        elif title == "Provides":
            for name in _names_in(value):
                provided.setdefault(name, []).append(package)
    edges = {
        (one, other): None for one, name in wanted for other in ([name] if name in known else provided.get(name, []))
    }
    return list(known), [edge for edge in edges if edge[0] in known and edge[1] in known]


def wordnet(folder: Path = WORDNET) -> Source | None:
    """Read WordNet's four files of meanings; `man 5 wndb` describes their lines."""
    names: dict[str, str] = {}
    edges: dict[tuple[str, str], None] = {}
    for kind, file in zip("nvar", WORDNET_FILES, strict=True):
        if not (folder / file).is_file():
            return None
        for line in (folder / file).read_text("utf-8").splitlines():
            # The licence stands at the top, behind two blanks.
            if line.startswith("  "):
                continue
            fields = line.partition(" | ")[0].split(" ")
            meaning = f"{kind}{fields[0]}"
            names[meaning] = f"{fields[4].replace('_', ' ')} ({kind})"
            start = 4 + 2 * int(fields[3], 16)
            for at in range(start + 1, start + 1 + 4 * int(fields[start]), 4):
                edges[meaning, fields[at + 2].replace("s", "a") + fields[at + 1]] = None
    about = (
        "From Debian's `wordnet-base`: a node is a set of words with one meaning, and an edge leads to each meaning "
    )
    about += "that it points to."
    found = _source("The meanings of WordNet", about, "Meanings", "Pointers", list(names), list(edges))
    return Source(found.title, found.about, found.nodes, found.edges, list(names.values()), found.ends)


def modules(files: Iterable[Path]) -> Source:
    """Read which modules of the standard library import which."""
    paths = {_module(path): path for path in files}
    edges: dict[tuple[str, str], None] = {}
    for name, path in paths.items():
        for other in _imported(path):
            if other in paths and other != name:
                edges[name, other] = None
    about = "From the sources of the standard library: an edge leads from a module to each one that it imports."
    return _source("The modules of the standard library", about, "Modules", "Imports", list(paths), list(edges))


def build(found: Source) -> tuple[Graph, Graph]:
    """Build the graph, and the same without directions, doubles and edges from a node to itself."""
    import numpy as np

    from multilane.graph import Graph

    ends = np.array(found.ends, np.int64).reshape(-1, 2)
    pairs = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    n = len(found.names)
    directed = Graph.from_edges(ends[:, 0].copy(), ends[:, 1].copy(), n=n)
    return directed, Graph.from_edges(pairs[:, 0].copy(), pairs[:, 1].copy(), n=n, directed=False)


def page(workers: int, found: Source | None = None) -> dict[str, Any]:
    """Run every plan on the graph and return all that the page shows."""
    from multilane import __version__, _multilane
    from multilane.graph import plans

    found = found or source()
    started = time.perf_counter_ns()
    graph, undirected = build(found)
    built_ns = time.perf_counter_ns() - started
    others = _OtherPrograms()
    ran = [
        _run("PageRank", graph, plans.pagerank(100), workers, damping=0.85, tol=TOLERANCE),
        _run("Hubs and authorities", graph, plans.hits(100), workers, tol=1e-8),
        _run("Connected components", graph, plans.connected_components(), workers),
        _run("Core numbers", undirected, plans.core_number(), workers),
        _run("Label propagation", undirected, plans.label_propagation(), workers),
    ]
    taken = others.cores()
    rank, hits, components, cores, labels = (each.results for each in ran)
    machine = dict(_multilane.machine())
    facts = {
        found.nodes: f"{graph.nodes:,}",
        found.edges: f"{graph.edges:,}",
        "Edges take": f"{graph.nbytes / 1e6:.1f} MB, in all forms that were needed",
        "Built in": f"{built_ns / 1e6:.0f} ms, from Python's lists",
        "Workers": f"{workers}",
        "Processor": str(machine.get("cpu_model", "")),
        "Other programs": f"took {taken:.1f} cores meanwhile",
    }
    busy = " Other programs were on the processors meanwhile, so that plans took longer than they would alone."
    return {
        "title": found.title,
        "source": found.about + (busy if taken > BUSY else ""),
        "version": __version__,
        "facts": list(facts.items()),
        "findings": _findings(found, rank.rank, hits.hubs, components.component, cores.core, labels.label),
        "runs": [each.as_data(workers) for each in ran],
        "checks": _checks(found, graph, undirected, rank.rank, components.component, cores.core, labels.label),
    }


def _run(name: str, graph: Graph, plan: Any, workers: int, **inputs: Any) -> Ran:
    """Run a plan once to make what the graph keeps for it, and then for the clock."""
    results = graph.apply(plan, workers=workers, **inputs)
    ran = Ran(name, results, text=re.sub(r' at "[^"]*":\d+', "", plan.text()))
    for _ in range(REPEATS):
        again = graph.apply(plan, workers=workers, **inputs).run
        ran.runs.append(again)
        ran.measured_ns.append(again.end_ns - again.start_ns)
    return ran


def _findings(found: Source, rank: Any, hubs: Any, component: Any, core: Any, label: Any) -> list[dict[str, Any]]:
    names, nodes = found.names, found.nodes.lower()

    def best(scores: Any, shown: Callable[[Any], str], count: int = 8) -> list[tuple[str, str]]:
        return [(names[node], shown(scores[node])) for node in (-scores).argsort(kind="stable")[:count]]

    sizes = sorted(Counter(component.tolist()).values(), reverse=True)
    alone = sizes.count(1)
    innermost = int(core.max()) if len(core) else 0
    inside = [int(node) for node in (core == innermost).nonzero()[0]]
    circles = [((label == first).nonzero()[0], count) for first, count in Counter(label.tolist()).most_common(6)]
    return [
        {
            "title": "What the others rest on",
            "says": "By PageRank: where somebody ends who follows edges at random.",
            "columns": (nodes[:-1].capitalize(), "Share"),
            "rows": best(rank, lambda share: f"{share:.2%}"),
        },
        {
            "title": "What brings most with it",
            "says": "The best hubs: they lead to what many good hubs lead to.",
            "columns": (nodes[:-1].capitalize(), "Score, the best is 1"),
            "rows": best(hubs, lambda score: f"{score / (hubs.max() or 1):.2f}"),
        },
        {
            "title": "Parts that do not touch",
            "says": f"{len(sizes):,} parts; the largest has {sizes[0]:,} {nodes}, and {alone:,} stand alone.",
        },
        {
            "title": "The innermost core",
            "says": f"{len(inside):,} {nodes} of which each has edges to at least {innermost} others among them.",
            "columns": ("In it, by PageRank", "Share"),
            "rows": [(names[node], f"{rank[node]:.3%}") for node in sorted(inside, key=lambda node: -rank[node])[:6]],
        },
        {
            "title": "The largest circles",
            "says": f"{len(set(label.tolist())):,} communities by label propagation, each under its best member.",
            "columns": ("Circle of", "Members"),
            "rows": [(names[members[rank[members].argmax()]], f"{count:,}") for members, count in circles],
        },
    ]


def _checks(
    found: Source, graph: Graph, undirected: Graph, rank: Any, component: Any, core: Any, label: Any
) -> list[dict[str, Any]]:
    """Hold every result against a computation that shares nothing with its plan."""
    import numpy as np

    from multilane.graph import core_number

    off = float(abs(_turn(found, graph.nodes, rank) - rank).sum())
    parts = np.array(_parts(found.ends, graph.nodes))
    native = core_number(undirected)
    return [
        {
            "name": "another turn of PageRank by NumPy changes nothing",
            "passed": off < TOLERANCE,
            "detail": f"it changes the ranks by {off:.1e} in sum, and they add up to {float(rank.sum()):.12f}",
        },
        {
            "name": "components are those of a search in Python",
            "passed": bool((parts == component).all()),
            "detail": f"{graph.nodes:,} labels compared",
        },
        {
            "name": "core numbers are those of the native algorithm",
            "passed": bool((native == core).all()),
            "detail": "the plan peels in rounds, the native one node by node",
        },
        {
            "name": "no community reaches beyond its part",
            "passed": bool((component[label] == component).all()),
            "detail": "every node's label is the number of a node of the same part",
        },
    ]


def _turn(found: Source, nodes: int, rank: Any) -> Any:
    import numpy as np

    ends = np.array(found.ends, np.int64).reshape(-1, 2)
    leaving = np.bincount(ends[:, 0], minlength=nodes)
    share = np.divide(rank, leaving, out=np.zeros(nodes), where=leaving > 0)
    arriving = np.bincount(ends[:, 1], weights=share[ends[:, 0]], minlength=nodes)
    return 0.15 / nodes + 0.85 * (arriving + rank[leaving == 0].sum() / nodes)


def _parts(ends: Iterable[tuple[int, int]], nodes: int) -> list[int]:
    """Give every node the smallest number of its part.

    >>> _parts([(3, 1), (1, 4)], 5)
    [0, 1, 2, 1, 1]
    """
    above = list(range(nodes))

    def top(node: int) -> int:
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    for one, other in ends:
        first, second = top(one), top(other)
        above[max(first, second)] = min(first, second)
    return [top(node) for node in range(nodes)]


def _source(title: str, about: str, nodes: str, edges: str, names: list[str], pairs: list[tuple[str, str]]) -> Source:
    number = {name: index for index, name in enumerate(names)}
    ends = [(number[one], number[other]) for one, other in pairs if one in number and other in number]
    return Source(title, about, nodes, edges, names, ends)


def _names_in(value: str) -> list[str]:
    found = (PACKAGE.match(part.strip()) for part in re.split(r"[,|]", value))
    return [match[0] for match in found if match]


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    # The folder of the library is the one below which no package begins.
    top = next((at for at in range(len(parts) - 1, 0, -1) if not Path(*parts[:at], "__init__.py").exists()), 0)
    return ".".join(part for part in parts[top:] if part != "__init__")


def _imported(path: Path) -> set[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        # The library ships files that are broken on purpose, for its own tests.
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found
