"""What is measured on graphs, on which libraries, and what multilane must reach."""

from __future__ import annotations

from measuring.suite import OURS, PREDICTED, SECONDS_OFF, SPEEDUP_OFF, Check, Form, Metric, Test

RUN = Metric("seconds", "time", Form.MILLISECONDS, False)

LOAD = (
    Metric("seconds", "time", Form.SECONDS, False),
    Metric("peak", "peak memory of final size", Form.TIMES, False),
    Metric("final_bytes", "final size", Form.MEGABYTES, False),
)
PYTHON = ("graphblas", "scipy", "networkit", "igraph")

TESTS: dict[str, Test] = {
    "pagerank": Test("PageRank, 20 turns, directed", "PageRank", (RUN, *PREDICTED), (OURS, "gap", *PYTHON), "gap"),
    "components": Test("Connected components", "components", (RUN, PREDICTED[1]), (OURS, "gap", *PYTHON), "gap"),
    "bfs": Test("Breadth-first search", "breadth-first", (RUN, PREDICTED[1]), (OURS, "gap", *PYTHON), "gap"),
    "sssp": Test(
        "Shortest paths, whole weights to 255", "shortest paths", (RUN, PREDICTED[1]), (OURS, "gap", *PYTHON), "gap"
    ),
    "triangles": Test(
        "Triangle count", "triangles", (RUN, PREDICTED[1]), (OURS, "gap", "graphblas", "networkit", "igraph"), "gap"
    ),
    "labels": Test(
        "Label propagation", "label propagation", (RUN, *PREDICTED), (OURS, "networkit", "igraph"), "networkit"
    ),
    "load": Test(
        "Edges read from text, graph built", "reading edges", LOAD, (OURS, "gap", "polars", *PYTHON[2:]), "networkit"
    ),
}

CHECKS: tuple[Check, ...] = (
    Check("pagerank", "seconds", 1.2, "gap"),
    Check("pagerank", "seconds", 2, "graphblas"),
    *(Check("pagerank", "seconds", 3, peer) for peer in ("scipy", "networkit", "igraph")),
    *(Check(test, "seconds", 1, "gap") for test in ("components", "bfs", "sssp", "triangles")),
    *(Check(test, "seconds", 2, peer) for test in ("components", "bfs", "sssp") for peer in PYTHON),
    *(Check("triangles", "seconds", 2, peer) for peer in ("graphblas", "networkit", "igraph")),
    Check("labels", "seconds", 3, "networkit"),
    *(Check("load", "seconds", 3, peer) for peer in ("polars", "networkit", "igraph")),
    Check("load", "peak", 3),
    *(Check(test, "prediction_off", SECONDS_OFF) for test in ("pagerank", "labels")),
    *(Check(test, "speedup_off", SPEEDUP_OFF) for test in ("pagerank", "labels")),
)
