"""Algorithms on graphs, as functions from a graph to arrays.

Those that are plans run the plans of `multilane.graph.plans`; the others are the extension's. Nothing here computes.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, overload

from multilane._checks import whole_number
from multilane._values import is_number
from multilane._where import caller_line
from multilane.errors import ConvergenceWarning, PlanError
from multilane.graph import plans

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from multilane._plan import Results
    from multilane.graph._graph import Graph

__all__ = [
    "betweenness",
    "bfs",
    "connected_components",
    "core_number",
    "degree",
    "hits",
    "k_core",
    "katz",
    "label_propagation",
    "pagerank",
    "sssp",
    "triangles",
]

Array = Any


def pagerank(
    g: Graph,
    damping: float = 0.85,
    max_iter: int = 100,
    tol: float | None = 1e-6,
    *,
    personalization: npt.ArrayLike | None = None,
    weighted: bool = False,
    workers: int | None = None,
) -> np.ndarray[Any, Any]:
    """Rank nodes by how often a random surfer visits them.

    Parameters
    ----------
    g
        The graph.
    damping
        Chance of following an edge; otherwise the surfer starts anew.
    max_iter
        Turns at most.
    tol
        Stop when the ranks change by less in sum. None makes exactly ``max_iter`` turns.
    personalization
        How likely the surfer starts anew at each node: one number for each, not all 0. By default all alike. The same
        goes for a surfer at a node without edges that leave it.
    weighted
        Follow edges in proportion to their weights.
    workers
        How many workers at most.

    Returns
    -------
    numpy.ndarray
        Ranks in f64, with sum 1.

    Warns
    -----
    ConvergenceWarning
        ``tol`` was not reached.
    """
    _fraction(damping, "damping")
    _turns(max_iter)
    if g.nodes == 0:
        return _nothing()
    inputs: dict[str, Any] = {"damping": damping}
    if tol is not None:
        inputs["tol"] = _positive(tol, "tol")
    if personalization is not None:
        inputs["personalization"] = _weights_of_nodes(g, personalization, "personalization")
    plan = plans.pagerank(
        max_iter, tolerance=tol is not None, personalized=personalization is not None, weighted=_weighted(g, weighted)
    )
    result = g.apply(plan, workers=workers, **inputs)
    _warn(result, "pagerank", tol)
    return _array(result.rank)


def connected_components(
    g: Graph, *, method: Literal["native", "plan"] = "native", workers: int | None = None
) -> np.ndarray[Any, Any]:
    """Find the connected components; the direction of edges does not count.

    Parameters
    ----------
    g
        The graph.
    method
        ``plan`` hands labels on from node to node, and needs as many turns as the longest shortest path has edges;
        ``native`` links trees. The results are equal.
    workers
        How many workers at most.

    Returns
    -------
    numpy.ndarray
        For each node the smallest node number in its component, in i64.
    """
    if method == "native":
        return _array(g._native.connected_components(workers))
    if method != "plan":
        raise PlanError(f"`method` is {method!r}, but must be `native` or `plan`")
    if g.nodes == 0:
        return _nothing("int64")
    return _array(g.apply(plans.connected_components(), workers=workers).component)


def label_propagation(g: Graph, max_iter: int = 20, *, workers: int | None = None) -> np.ndarray[Any, Any]:
    """Find communities: nodes take the most frequent label among their neighbours, until none changes.

    All nodes change at once and ties go to the smallest label, so the result depends on nothing but the graph.

    Parameters
    ----------
    g
        The graph; the direction of edges does not count.
    max_iter
        Turns at most.
    workers
        How many workers at most.

    Returns
    -------
    numpy.ndarray
        For each node the label of its community, which is a node number, in i64.
    """
    _turns(max_iter)
    if g.nodes == 0:
        return _nothing("int64")
    return _array(g.apply(plans.label_propagation(max_iter), workers=workers).label)


def degree(
    g: Graph, direction: Literal["in", "out", "both"] = "out", *, workers: int | None = None
) -> np.ndarray[Any, Any]:
    """Count the edges of each node: that leave it, that come in, or both.

    >>> import multilane as ml
    >>> ml.graph.degree(ml.graph.Graph.from_edges([0, 0], [1, 2]), "in").tolist()
    [0, 1, 1]
    """
    if g.nodes == 0:
        return _nothing("int64")
    return _array(g.apply(plans.degree(direction), workers=workers).degree)


def k_core(g: Graph, k: int, *, workers: int | None = None) -> np.ndarray[Any, Any]:
    """Find the largest part of a graph in which every node has at least k edges to others of the part.

    Parameters
    ----------
    g
        The graph; the direction of edges does not count.
    k
        How many edges.
    workers
        How many workers at most.

    Returns
    -------
    numpy.ndarray
        For each node whether it belongs to it.
    """
    if not whole_number(k, 0):
        raise PlanError(f"`k` is {k!r}, but must be a number of edges, 0 or more")
    if g.nodes == 0:
        return _nothing("bool")
    return _array(g.apply(plans.k_core(), k=int(k), workers=workers).member)


def core_number(
    g: Graph, *, method: Literal["native", "plan"] = "native", workers: int | None = None
) -> np.ndarray[Any, Any]:
    """Find for each node the largest k for which it is in the k-core.

    Parameters
    ----------
    g
        The graph; the direction of edges does not count.
    method
        ``native`` counts distinct neighbours, so that doubles and edges from a node to itself do not count. ``plan``
        counts edges, and looks at all of them in every round of peeling. In an undirected graph without such edges the
        results are equal.
    workers
        How many workers at most.

    Returns
    -------
    numpy.ndarray
        Core numbers in i64.
    """
    if method == "native":
        return _array(g._native.core_number(workers))
    if method != "plan":
        raise PlanError(f"`method` is {method!r}, but must be `native` or `plan`")
    if g.nodes == 0:
        return _nothing("int64")
    return _array(g.apply(plans.core_number(), workers=workers).core)


def hits(
    g: Graph, max_iter: int = 100, tol: float = 1e-8, *, weighted: bool = False, workers: int | None = None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Score hubs, which point to good authorities, and authorities, which good hubs point to.

    Returns
    -------
    hubs, authorities : numpy.ndarray
        Scores in f64, each with sum 1.
    """
    _turns(max_iter)
    if g.nodes == 0:
        return _nothing(), _nothing()
    plan = plans.hits(max_iter, weighted=_weighted(g, weighted))
    result = g.apply(plan, tol=_positive(tol, "tol"), workers=workers)
    _warn(result, "hits", tol)
    return _array(result.hubs), _array(result.authorities)


def katz(
    g: Graph,
    alpha: float = 0.1,
    beta: float = 1.0,
    max_iter: int = 1000,
    tol: float = 1e-6,
    *,
    weighted: bool = False,
    workers: int | None = None,
) -> np.ndarray[Any, Any]:
    """Score nodes by the paths that lead to them, a path of n edges counting ``alpha`` to the n.

    ``alpha`` must be smaller than one over the largest eigenvalue of the graph's matrix, or there is no result.

    Returns
    -------
    numpy.ndarray
        Scores in f64, whose squares add up to 1.
    """
    _turns(max_iter)
    if g.nodes == 0:
        return _nothing()
    plan = plans.katz(max_iter, weighted=_weighted(g, weighted))
    result = g.apply(plan, alpha=float(alpha), beta=float(beta), tol=_positive(tol, "tol"), workers=workers)
    _warn(result, "katz", tol)
    return _array(result.score)


def bfs(g: Graph, source: int, *, workers: int | None = None) -> np.ndarray[Any, Any]:
    """Count the edges on a shortest path from a node to every other one.

    Returns
    -------
    numpy.ndarray
        Distances in i32; -1 where no path leads.

    Examples
    --------
    >>> import multilane as ml
    >>> ml.graph.bfs(ml.graph.Graph.from_edges([0, 1], [1, 2], n=4), 0).tolist()
    [0, 1, 2, -1]
    """
    return _array(g._native.bfs(_node(g, source), workers))


def sssp(g: Graph, source: int, *, workers: int | None = None) -> np.ndarray[Any, Any]:
    """Find the length of a shortest path from a node to every other one.

    The first call on a graph also sorts each node's edges by weight, and the graph keeps them so (8 bytes an entry, 16
    where a weight needs 64 bits; see `Graph.nbytes`).

    Parameters
    ----------
    g
        The graph; weights are lengths and not negative, and every edge is 1 long where there are none.
    source
        The node to start from.
    workers
        How many workers at most.

    Returns
    -------
    numpy.ndarray
        Distances in f64; infinite where no path leads.
    """
    return _array(g._native.sssp(_node(g, source), workers))


@overload
def triangles(g: Graph, *, per_node: Literal[False] = False, workers: int | None = None) -> int: ...


@overload
def triangles(g: Graph, *, per_node: Literal[True], workers: int | None = None) -> np.ndarray[Any, Any]: ...


def triangles(g: Graph, *, per_node: bool = False, workers: int | None = None) -> int | np.ndarray[Any, Any]:
    """Count the triangles: three nodes that are all connected; the direction of edges does not count.

    Parameters
    ----------
    g
        The graph.
    per_node
        Count for each node at how many triangles it is a corner.
    workers
        How many workers at most.

    Returns
    -------
    int or numpy.ndarray
        How many there are, or for each node at how many it is a corner, in i64.

    Examples
    --------
    >>> import multilane as ml
    >>> ml.graph.triangles(ml.graph.Graph.from_edges([0, 1, 2], [1, 2, 0], directed=False))
    1
    """
    if per_node:
        return _array(g._native.triangles_of_nodes(workers))
    return int(g._native.triangles(workers))


def betweenness(
    g: Graph,
    samples: int | None = None,
    *,
    seed: int = 0,
    normalized: bool = True,
    workers: int | None = None,
) -> np.ndarray[Any, Any]:
    """Score nodes by the share of shortest paths that lead through them.

    Parameters
    ----------
    g
        The graph; every edge is 1 long.
    samples
        From how many nodes, drawn at random, to look; by default from all of them, which takes time in proportion to
        nodes times edges.
    seed
        Of the draw.
    normalized
        Divide by the number of pairs of other nodes.
    workers
        How many workers at most.

    Returns
    -------
    numpy.ndarray
        Scores in f64.
    """
    if samples is not None and not whole_number(samples, 1):
        raise PlanError(f"`samples` is {samples!r}, but must be a number of nodes, 1 or more, or None")
    if not whole_number(seed, 0):
        raise PlanError(f"`seed` is {seed!r}, but must be a whole number, 0 or more")
    return _array(g._native.betweenness(samples, seed, normalized, workers))


def _array(values: Any) -> np.ndarray[Any, Any]:
    import numpy

    return numpy.asarray(values)


def _nothing(dtype: str = "float64") -> np.ndarray[Any, Any]:
    import numpy

    return numpy.empty(0, dtype)


def _node(g: Graph, node: int) -> int:
    try:
        index = node.__index__()
    except AttributeError:
        raise PlanError(f"the node is {node!r}, but must be a number from 0 to {g.nodes - 1}") from None
    if g.nodes == 0:
        raise PlanError(f"there is no node {node}; the graph has no nodes")
    if not 0 <= index < g.nodes:
        raise PlanError(f"there is no node {node}; the graph has nodes 0 to {g.nodes - 1}")
    return index


def _weighted(g: Graph, weighted: bool) -> bool:
    if weighted and not g.weighted:
        raise PlanError("`weighted` is True, and the graph has no weights")
    return weighted


def _fraction(value: float, what: str) -> None:
    if not (is_number(value) and 0 <= value <= 1):
        raise PlanError(f"`{what}` is {value!r}, but must lie between 0 and 1")


def _positive(value: float, what: str) -> float:
    if not (is_number(value) and value > 0):
        raise PlanError(f"`{what}` is {value!r}, but must be a number above 0")
    return float(value)


def _turns(value: int) -> None:
    if not whole_number(value, 0):
        raise PlanError(f"`max_iter` is {value!r}, but must be a number of turns, 0 or more")


def _weights_of_nodes(g: Graph, values: npt.ArrayLike, what: str) -> np.ndarray[Any, Any]:
    import numpy

    try:
        weights = numpy.asarray(values, numpy.float64)
    except (TypeError, ValueError) as error:
        raise PlanError(f"`{what}` holds no numbers: {error}") from None
    if weights.shape != (g.nodes,):
        raise PlanError(f"`{what}` has the shape {weights.shape}, but the graph has {g.nodes} nodes")
    if not (numpy.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise PlanError(f"`{what}` must be finite and not negative, and one number at least above 0")
    return weights


def _warn(result: Results, name: str, tol: float | None) -> None:
    if tol is None or result.converged:
        return
    text = f"`{name}` did not reach `tol` = {tol} in {int(result.iterations)} turns; allow more with `max_iter`"
    file, line = caller_line()
    warnings.warn_explicit(text, ConvergenceWarning, file, line)
