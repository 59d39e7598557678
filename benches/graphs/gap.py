"""Runs the GAP benchmark suite (github.com/sbeamer/gapbs) where someone has built it.

Reads the folder of its programs from the environment variable ``GAP``; nothing of it is part of
multilane. The programs time themselves, on the same graph in their own serialised form.
"""

from __future__ import annotations

import os
import re
import resource
import statistics
import subprocess
from pathlib import Path

from graphs.data import TURNS, Kronecker
from measuring.suite import Sample

TITLE = "GAP"

#: Bucket widths that are tried for shortest paths; the best one counts.
WIDTHS = (1, 2, 4, 16)

#: What the programs say about their results.
ANSWERS = {
    "components": r"There are (\d+) components",
    "bfs": r"BFS Tree has (\d+) nodes",
    "triangles": r"(\d+) triangles",
}


def take(test: str, workers: int, data: Kronecker) -> Sample:
    """Return one sample."""
    folder = os.environ.get("GAP")
    if not folder:
        raise ImportError("GAP: no folder given")
    home, source = Path(folder), str(data.source)
    symmetric = data.file("symmetric.sg")
    match test:
        case "pagerank":
            ran = _run(home / "pr", data.file("directed.sg"), workers, 5, "-i", str(TURNS), "-t", "0")
        case "components":
            ran = _run(home / "cc", symmetric, workers, 16, "-a")
        case "bfs":
            ran = _run(home / "bfs", symmetric, workers, 16, "-r", source, "-a")
        case "triangles":
            ran = _run(home / "tc", symmetric, workers, 1, "-a")
        case "sssp":
            weighted = data.file("weighted.wsg")
            runs = [_run(home / "sssp", weighted, workers, 5, "-r", source, "-d", str(width)) for width in WIDTHS]
            return min(({"seconds": _trials(run)} for run in runs), key=lambda sample: sample["seconds"])
        case "load":
            ran = _run(home / "pr", data.file("edges.el"), workers, 1, "-i", "1")
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
            return {"seconds": sum(_times(ran, "Read Time|Build Time")), "peak_bytes": peak}
        case _:
            raise ImportError(f"GAP has no {test}")
    sample: Sample = {"seconds": _trials(ran)}
    if test in ANSWERS:
        found = re.search(ANSWERS[test], ran)
        if found is None:
            raise ValueError(f"no answer in {ran[-300:]!r}")
        sample["answer"] = int(found[1])
    return sample


def _run(program: Path, graph: Path, workers: int, trials: int, *options: str) -> str:
    command = [str(program), "-f", str(graph), "-n", str(trials), *options]
    environment = os.environ | {"OMP_NUM_THREADS": str(workers)}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _times(said: str, label: str) -> list[float]:
    return [float(found) for found in re.findall(rf"(?:{label}):\s*([\d.]+)", said)]


def _trials(said: str) -> float:
    return statistics.median(_times(said, "Trial Time"))
