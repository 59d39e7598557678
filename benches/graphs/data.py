"""Makes the graph that every library is measured on, and keeps it in files.

A Kronecker graph as the Graph 500 benchmark describes it, without doubles and loops: directed for
PageRank, symmetric with whole weights for the rest, and as a text of edges. Written once into a
folder as NumPy arrays and in the serialised form of the GAP suite.
"""

from __future__ import annotations

import json
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

#: Raised when the files change, so that old ones are not taken for new ones.
FORMAT = 1

#: Damping and turns of the PageRank that is measured.
DAMPING = 0.85
TURNS = 20

#: The source of searches is the node with this rank by degree: in the largest component, and no hub.
SOURCE_RANK = 100


class Kronecker:
    """The files of one graph."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = json.loads((folder / "facts.json").read_text())
        self.nodes: int = self.facts["nodes"]
        self.source: int = self.facts["source"]

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        """Load one of the arrays: offsets and targets of the directed graph, its transpose, or the symmetric one."""
        try:
            return np.load(self.folder / f"{name}.npy")
        except FileNotFoundError:
            raise AttributeError(name) from None

    def file(self, name: str) -> Path:
        """Return one of the files for other programs."""
        return self.folder / name

    def directed_edges(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return both ends of each directed edge."""
        return self._ends(self.out_offsets), self.out_targets

    def undirected_edges(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return both ends and the weight of each undirected edge, once."""
        sources, targets = self._ends(self.both_offsets), self.both_targets
        once = sources < targets
        return sources[once], targets[once], self.both_weights[once]

    @cached_property
    def ranks(self) -> npt.NDArray[np.float64]:
        """PageRank after the measured turns, by SciPy."""
        return np.load(self.folder / "ranks.npy")

    def _ends(self, offsets: Ints) -> npt.NDArray[np.int32]:
        return np.repeat(np.arange(self.nodes, dtype=np.int32), np.diff(offsets))


def folder_of(scale: dict[str, Any]) -> Path:
    """Return where the graph of a scale lies."""
    return Path(scale["folder"]) / f"kronecker-{scale['scale']}-{scale['edge_factor']}-{FORMAT}"


def prepare(scale: dict[str, Any]) -> None:
    """Make the files unless they are there."""
    folder = folder_of(scale)
    if (folder / "facts.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write(folder, scale["scale"], scale["edge_factor"], scale["text_bytes"])


def _write(folder: Path, scale: int, edge_factor: int, text_bytes: int) -> None:
    nodes = 1 << scale
    sources, targets = _draw(scale, edge_factor * nodes, seed=1)
    out_offsets, out_targets = _compress(nodes, sources, targets)
    ends = np.repeat(np.arange(nodes), np.diff(out_offsets))
    in_offsets, in_targets = _compress(nodes, out_targets.astype(np.int64), ends)
    both_offsets, both_targets = _compress(
        nodes, np.concatenate([sources, targets]), np.concatenate([targets, sources])
    )
    weights = _weights(nodes, both_offsets, both_targets)
    arrays = {
        "out_offsets": out_offsets,
        "out_targets": out_targets,
        "in_offsets": in_offsets,
        "in_targets": in_targets,
        "both_offsets": both_offsets,
        "both_targets": both_targets,
        "both_weights": weights,
        "ranks": _rank(nodes, out_offsets, in_offsets, in_targets),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    _serialise(folder / "directed.sg", True, [(out_offsets, out_targets), (in_offsets, in_targets)])
    _serialise(folder / "symmetric.sg", False, [(both_offsets, both_targets)])
    pairs = np.stack([both_targets, weights], axis=1)
    _serialise(folder / "weighted.wsg", False, [(both_offsets, pairs)])
    edges = _write_text(folder / "edges.el", scale, text_bytes)
    degrees = np.diff(both_offsets)
    facts = {
        "nodes": nodes,
        "directed_edges": int(out_targets.size),
        "undirected_edges": int(both_targets.size // 2),
        "text_edges": edges,
        "source": int(np.argsort(-degrees, kind="stable")[min(SOURCE_RANK, nodes - 1)]),
    }
    # Written last: its presence says that the others are whole.
    (folder / "facts.json").write_text(json.dumps(facts))


def _draw(scale: int, edges: int, seed: int) -> tuple[Ints, Ints]:
    """Draw edges by quadrants of 57, 19, 19 and 5 percent; give the nodes random numbers; leave loops out."""
    chance = np.random.default_rng(seed)
    sources, targets = np.zeros(edges, np.int64), np.zeros(edges, np.int64)
    lower, right_below, right_above = 0.76, np.float32(0.19 / 0.24), np.float32(0.57 / 0.76)
    for bit in range(scale):
        below = chance.random(edges, dtype=np.float32) > lower
        right = chance.random(edges, dtype=np.float32) > np.where(below, right_below, right_above)
        sources |= below.astype(np.int64) << bit
        targets |= right.astype(np.int64) << bit
    numbers = chance.permutation(1 << scale)
    sources, targets = numbers[sources], numbers[targets]
    proper = sources != targets
    return sources[proper], targets[proper]


def _compress(nodes: int, sources: Ints, targets: Ints) -> tuple[Ints, npt.NDArray[np.int32]]:
    keys = np.unique(sources * nodes + targets)
    offsets = np.zeros(nodes + 1, np.int64)
    np.cumsum(np.bincount(keys // nodes, minlength=nodes), out=offsets[1:])
    return offsets, (keys % nodes).astype(np.int32)


def _weights(nodes: int, offsets: Ints, targets: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return a weight from 1 to 255 for each entry, the same in both directions."""
    ends = np.repeat(np.arange(nodes, dtype=np.int64), np.diff(offsets))
    mixed = np.minimum(ends, targets) * 2654435761 + np.maximum(ends, targets) * 40503
    return (1 + ((mixed & 0x7FFFFFFF) >> 7) % 255).astype(np.int32)


def _rank(
    nodes: int, out_offsets: Ints, in_offsets: Ints, in_targets: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return the ranks after the measured turns; what nodes without edges hold goes to all."""
    leaving = np.diff(out_offsets)
    share = np.divide(1.0, leaving, where=leaving > 0, out=np.zeros(nodes))
    ranks = np.full(nodes, 1 / nodes)
    arriving = np.repeat(np.arange(nodes), np.diff(in_offsets))
    for _ in range(TURNS):
        sums = np.bincount(arriving, weights=(ranks * share)[in_targets], minlength=nodes)
        ranks = DAMPING * (sums + ranks[leaving == 0].sum() / nodes) + (1 - DAMPING) / nodes
    return ranks


def _serialise(path: Path, directed: bool, sides: list[tuple[Ints, npt.NDArray[np.int32]]]) -> None:
    """Write the GAP suite's own form: whether it is directed, edges, nodes, then offsets and targets of each side."""
    with path.open("wb") as file:
        offsets, targets = sides[0]
        file.write(np.uint8(directed).tobytes())
        file.write(np.int64(len(targets)).tobytes() + np.int64(len(offsets) - 1).tobytes())
        for offsets, targets in sides:
            file.write(offsets.tobytes())
            file.write(np.ascontiguousarray(targets).tobytes())


def _write_text(path: Path, scale: int, size: int) -> int:
    """Write edges, one a line, until the file has ``size`` bytes; return how many."""
    edges, seed = 0, 2
    with path.open("w") as file:
        while file.tell() < size:
            sources, targets = _draw(scale, 1_000_000, seed)
            seed += 1
            file.write("\n".join(map("%d %d".__mod__, zip(sources.tolist(), targets.tolist(), strict=True))) + "\n")
            edges += sources.size
    return edges
