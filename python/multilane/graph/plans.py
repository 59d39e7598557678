"""The graph algorithms that are plans, written with the public builder and nothing else.

Each function returns a plan, built and optimised once, that `Graph.apply` runs on any graph. Read them as examples of
`multilane.Builder`.
"""

from __future__ import annotations

from functools import cache

from multilane import Builder, Plan

__all__ = [
    "connected_components",
    "core_number",
    "degree",
    "hits",
    "k_core",
    "katz",
    "label_propagation",
    "pagerank",
]


@cache
def pagerank(
    max_iter: int = 100, *, tolerance: bool = True, personalized: bool = False, weighted: bool = False
) -> Plan:
    """Rank nodes by how often a random surfer visits them.

    Inputs ``damping``, with a tolerance ``tol``, personalised ``personalization`` (one weight for each node); outputs
    ``rank``, ``iterations``, ``converged``.

    >>> print(pagerank(20, tolerance=False).inputs)
    {'graph': 'graph<nodes, edges, ends>', 'damping': 'f64'}
    """
    b = Builder("pagerank")
    g = b.graph_input()
    damping = b.parameter("damping")
    tol = b.parameter("tol") if tolerance else None
    leaving = g.aggregate(g.init_nodes(1.0), "sum", "out", weighted=True) if weighted else g.degree("out").astype("f64")
    dangling = leaving == 0
    share = b.where(dangling, 0.0, 1.0 / leaving)
    if personalized:
        wishes = b.input("personalization", size=g.nodes)
        home = wishes / wishes.sum()
    else:
        home = g.init_nodes(1.0 / g.node_count())
    with b.iterate(max_iter, rank=home) as loop:
        before = loop.rank
        arriving = g.aggregate(before * share, "sum", "in", weighted=weighted)
        lost = b.where(dangling, before, 0.0).sum()
        loop.rank = (1.0 - damping) * home + damping * (arriving + lost * home)
        if tol is not None:
            loop.until(abs(loop.rank - before).sum() < tol)
    b.output("rank", loop.rank)
    b.output("iterations", loop.iterations)
    b.output("converged", loop.converged)
    return b.build().optimize()


@cache
def connected_components(max_iter: int = 1_000_000) -> Plan:
    """Give all nodes that are connected, along edges of either direction, the smallest node number among them.

    Each turn hands the smallest number one edge on, so a long path takes as many turns as it has edges. Outputs
    ``component``, ``iterations``, ``converged``.
    """
    b = Builder("connected components")
    with b.iterate(max_iter, label=b.graph.node_ids()) as loop:
        before = loop.label
        loop.label = b.core.min(before, b.graph.aggregate(before, "min", "both"))
        loop.until((loop.label != before).count() == 0)
    b.output("component", loop.label)
    b.output("iterations", loop.iterations)
    b.output("converged", loop.converged)
    return b.build().optimize()


@cache
def label_propagation(max_iter: int = 20) -> Plan:
    """Find communities: every node takes the most frequent label of its neighbours, of equally frequent the smallest.

    All nodes change at once, so two could swap their labels for ever; in every fourth turn, the first one included, a
    node therefore only takes a smaller label than its own. Outputs ``label``, ``iterations``, ``converged``.
    """
    b = Builder("label propagation")
    with b.iterate(max_iter, label=b.graph.node_ids(), turn=0) as loop:
        before = loop.label
        most_frequent = b.graph.label_mode(before, "both")
        careful = loop.turn == 0
        loop.label = b.where(careful, b.core.min(before, most_frequent), most_frequent)
        loop.turn = b.where(loop.turn == 3, 0, loop.turn + 1)
        # A careful turn without a change may be followed by one with a change.
        loop.until(((loop.label != before).count() == 0) & ~careful)
    b.output("label", loop.label)
    b.output("iterations", loop.iterations)
    b.output("converged", loop.converged)
    return b.build().optimize()


@cache
def degree(direction: str = "out") -> Plan:
    """Count the edges of each node. Output ``degree``."""
    b = Builder("degree")
    b.output("degree", b.graph.degree(direction))  # type: ignore[arg-type]
    return b.build().optimize()


@cache
def k_core(max_iter: int = 1_000_000) -> Plan:
    """Keep the nodes that have ``k`` neighbours among those kept.

    Input ``k``; outputs ``member``, ``iterations``.
    """
    b = Builder("k-core")
    k = b.parameter("k", "i64")
    with b.iterate(max_iter, kept=b.graph.init_nodes(1)) as loop:
        before = loop.kept
        neighbours = b.graph.aggregate(before, "sum", "both")
        loop.kept = b.where(neighbours >= k, before, 0)
        loop.until((loop.kept != before).count() == 0)
    b.output("member", loop.kept != 0)
    b.output("iterations", loop.iterations)
    return b.build().optimize()


@cache
def core_number(max_iter: int = 1_000_000) -> Plan:
    """Find for each node the largest k for which it is in the k-core.

    Peels: the nodes with fewer than k neighbours left go, one round after another; when none goes, k jumps to the
    first that takes one. Outputs ``core``, ``iterations``.
    """
    b = Builder("core number")
    nobody = 1 << 62
    with b.iterate(max_iter, kept=b.graph.init_nodes(1), core=b.graph.init_nodes(0), k=1) as loop:
        before = loop.kept
        neighbours = b.graph.aggregate(before, "sum", "both")
        left = b.where(before == 1, neighbours, nobody)
        goes = left < loop.k
        loop.kept = b.where(goes, 0, before)
        loop.core = b.where(goes, loop.k - 1, loop.core)
        loop.k = b.where(goes.any(), loop.k, left.min() + 1)
        loop.until(loop.kept.sum() == 0)
    b.output("core", loop.core)
    b.output("iterations", loop.iterations)
    return b.build().optimize()


@cache
def hits(max_iter: int = 100, *, weighted: bool = False) -> Plan:
    """Score hubs, which point to good authorities, and authorities, which good hubs point to.

    Input ``tol``; outputs ``hubs`` and ``authorities``, each with sum 1, ``iterations``, ``converged``.
    """
    b = Builder("hits")
    g = b.graph_input()
    tol = b.parameter("tol")
    start = g.init_nodes(1.0 / g.node_count())
    with b.iterate(max_iter, hubs=start, authorities=start) as loop:
        before = loop.hubs
        loop.authorities = g.normalize(g.aggregate(before, "sum", "in", weighted=weighted), 1)
        loop.hubs = g.normalize(g.aggregate(loop.authorities, "sum", "out", weighted=weighted), 1)
        loop.until(abs(loop.hubs - before).sum() < tol)
    b.output("hubs", loop.hubs)
    b.output("authorities", loop.authorities)
    b.output("iterations", loop.iterations)
    b.output("converged", loop.converged)
    return b.build().optimize()


@cache
def katz(max_iter: int = 1000, *, weighted: bool = False) -> Plan:
    """Score nodes by the paths that lead to them, a path of length n counting ``alpha`` to the n.

    Inputs ``alpha``, ``beta``, ``tol``; outputs ``score``, of length 1, ``iterations``, ``converged``.
    """
    b = Builder("katz")
    g = b.graph_input()
    alpha, beta, tol = b.parameter("alpha"), b.parameter("beta"), b.parameter("tol")
    with b.iterate(max_iter, score=g.init_nodes(0.0)) as loop:
        before = loop.score
        loop.score = alpha * g.aggregate(before, "sum", "in", weighted=weighted) + beta
        loop.until(abs(loop.score - before).sum() < tol)
    b.output("score", g.normalize(loop.score, 2))
    b.output("iterations", loop.iterations)
    b.output("converged", loop.converged)
    return b.build().optimize()
