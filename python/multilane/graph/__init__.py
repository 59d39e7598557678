"""Graphs: built from arrays, files and other libraries; the algorithms on them.

Results are arrays with one element for each node, in the order of the node numbers.

>>> import multilane as ml
>>> g = ml.graph.Graph.from_edges([0, 1, 2, 3], [1, 2, 0, 0])
>>> ml.graph.pagerank(g).round(3).tolist()
[0.333, 0.32, 0.31, 0.038]
"""

from __future__ import annotations

from multilane.graph import plans as plans
from multilane.graph._graph import Graph, grid, kronecker, read, uniform
from multilane.graph.algorithms import (
    betweenness,
    bfs,
    connected_components,
    core_number,
    degree,
    hits,
    k_core,
    katz,
    label_propagation,
    pagerank,
    sssp,
    triangles,
)

__all__ = [
    "Graph",
    "betweenness",
    "bfs",
    "connected_components",
    "core_number",
    "degree",
    "grid",
    "hits",
    "k_core",
    "katz",
    "kronecker",
    "label_propagation",
    "pagerank",
    "plans",
    "read",
    "sssp",
    "triangles",
    "uniform",
]
