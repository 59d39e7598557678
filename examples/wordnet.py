"""WordNet: the meanings that most others point to, the islands, and how deep the tree of nouns is.

Reads `/usr/share/wordnet/data.*` (Debian: `apt-get install wordnet-base`). A node is a synset, which is a set of words
with one meaning; an edge leads to each synset that it points to. Needs NumPy.

    python examples/wordnet.py [FOLDER]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import multilane as ml

FOLDER = Path("/usr/share/wordnet")
FILES = {"n": "data.noun", "v": "data.verb", "a": "data.adj", "r": "data.adv"}

#: Leads from a meaning to narrower ones.
HYPONYM = "~"


@dataclass
class WordNet:
    """Synsets by number, and the pointers between them."""

    words: list[str] = field(default_factory=list)
    #: The number of a synset by its part of speech and its place in the file.
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    #: From, symbol, and the place that is pointed to.
    pointers: list[tuple[int, str, tuple[str, str]]] = field(default_factory=list)

    def edges(self, symbol: str | None = None) -> np.ndarray:
        """Return both ends of each pointer, or of those with one symbol."""
        ends = {(one, self.numbers[place]) for one, its, place in self.pointers if symbol in (None, its)}
        return np.array(sorted(ends)).reshape(-1, 2)


def read(folder: Path) -> WordNet:
    """Read all four files; `man 5 wndb` describes the lines."""
    net = WordNet()
    for part, name in FILES.items():
        for line in (folder / name).read_text().splitlines():
            # The licence stands at the top, behind two blanks.
            if not line.startswith("  "):
                add(net, part, line.partition(" | ")[0].split(" "))
    return net


def add(net: WordNet, part: str, fields: list[str]) -> None:
    """Add one synset: place, lexicographer's file, kind, number of words, words, number of pointers, pointers."""
    number = net.numbers[part, fields[0]] = len(net.words)
    words = int(fields[3], 16)
    net.words.append(fields[4].replace("_", " "))
    start = 4 + 2 * words
    for at in range(start + 1, start + 1 + 4 * int(fields[start]), 4):
        symbol, place, kind = fields[at : at + 3]
        net.pointers.append((number, symbol, (kind, place)))


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if not (folder / FILES["n"]).exists():
        sys.exit(f"{folder} has no WordNet; on Debian, `apt-get install wordnet-base`")
    net = read(folder)
    ends = net.edges()
    graph = ml.graph.Graph.from_edges(ends[:, 0], ends[:, 1], n=len(net.words))
    print(graph)

    started = time.perf_counter()
    rank = ml.graph.pagerank(graph)
    print(f"\nwhat most meanings lead to (PageRank, {(time.perf_counter() - started) * 1e3:.1f} ms):")
    for node in np.argsort(-rank)[:10]:
        print(f"  {rank[node]:7.3%}  {net.words[node]}")

    component = ml.graph.connected_components(graph)
    sizes = np.sort(np.unique(component, return_counts=True)[1])[::-1]
    print(f"\n{len(sizes):,} parts that do not touch; the largest has {sizes[0]:,} meanings, the next {sizes[1]:,}")

    ends = net.edges(HYPONYM)
    narrower = ml.graph.Graph.from_edges(ends[:, 0], ends[:, 1], n=len(net.words))
    depth = ml.graph.bfs(narrower, net.words.index("entity"))
    deepest = [net.words[node] for node in np.flatnonzero(depth == depth.max())]
    print(f"\nfrom `entity` down to {(depth >= 0).sum():,} meanings; at the bottom, {depth.max()} steps: {deepest[0]}")


if __name__ == "__main__":
    main()
