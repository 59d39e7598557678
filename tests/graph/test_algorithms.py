"""Algorithms on graphs against NetworkX and SciPy, on random graphs and at every number of workers."""

from __future__ import annotations

import warnings
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse.csgraph as csgraph
from hypothesis import given, settings
from hypothesis import strategies as st

import multilane as ml
from multilane.graph import Graph


def random_graph(nodes: int, edges: int, seed: int, directed: bool, weighted: bool = False) -> tuple[Graph, Any]:
    """Make the same graph for us and for NetworkX: no doubles, some self-loops, some nodes alone."""
    rng = np.random.default_rng(seed)
    pairs = {tuple(pair) for pair in rng.integers(0, max(nodes - 2, 1), (edges, 2)).tolist()}
    if not directed:
        pairs = {(min(pair), max(pair)) for pair in pairs}
    ordered = sorted(pairs)
    weights = rng.integers(1, 10, len(ordered)).astype(float)
    reference: Any = nx.DiGraph() if directed else nx.Graph()
    reference.add_nodes_from(range(nodes))
    for (source, target), weight in zip(ordered, weights, strict=True):
        reference.add_edge(source, target, **({"weight": weight} if weighted else {}))
    src = np.array([pair[0] for pair in ordered], np.int64)
    dst = np.array([pair[1] for pair in ordered], np.int64)
    return Graph.from_edges(src, dst, nodes, directed, weights if weighted else None), reference


graphs = st.builds(
    random_graph,
    st.integers(1, 40),
    st.integers(0, 120),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
)


def by_node(scores: dict[int, float]) -> np.ndarray[Any, Any]:
    return np.array([scores[node] for node in range(len(scores))])


@given(graphs, st.sampled_from([0.5, 0.85, 0.99]))
def test_pagerank_is_networkxs(pair: tuple[Graph, Any], damping: float) -> None:
    g, reference = pair
    expected = by_node(nx.pagerank(reference, alpha=damping, tol=1e-12, max_iter=10_000))
    ranks = ml.graph.pagerank(g, damping, max_iter=10_000, tol=1e-12, weighted=g.weighted)
    np.testing.assert_allclose(ranks, expected, atol=1e-9)
    assert ranks.sum() == pytest.approx(1.0, abs=1e-9)


def test_personalized_pagerank_is_networkxs() -> None:
    g, reference = random_graph(30, 80, 1, True)
    wishes = np.random.default_rng(0).random(30)
    expected = by_node(nx.pagerank(reference, personalization=dict(enumerate(wishes)), tol=1e-12, max_iter=1000))
    ranks = ml.graph.pagerank(g, tol=1e-12, max_iter=1000, personalization=wishes)
    np.testing.assert_allclose(ranks, expected, atol=1e-9)
    for wrong in ([1.0], np.zeros(30), np.full(30, -1.0), np.full(30, np.nan)):
        with pytest.raises(ml.PlanError, match="personalization"):
            ml.graph.pagerank(g, personalization=wrong)


def test_pagerank_says_when_it_did_not_converge() -> None:
    g, _ = random_graph(30, 80, 1, True)
    with pytest.warns(ml.ConvergenceWarning, match="in 3 turns") as caught:
        ml.graph.pagerank(g, max_iter=3)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ml.graph.pagerank(g, max_iter=3, tol=None)
    wrong: list[dict[str, Any]] = [{"damping": 1.5}, {"tol": 0.0}, {"max_iter": -1}, {"weighted": True}]
    for arguments in wrong:
        with pytest.raises(ml.PlanError):
            ml.graph.pagerank(g, **arguments)


@given(graphs)
def test_components_are_scipys(pair: tuple[Graph, Any]) -> None:
    g, _ = pair
    _, labels = csgraph.connected_components(g.to_scipy(), directed=False)
    smallest = np.array([np.flatnonzero(labels == label)[0] for label in labels])
    methods: list[Any] = ["native", "plan"]
    for method in methods:
        found = ml.graph.connected_components(g, method=method)
        np.testing.assert_array_equal(found, smallest)


def propagated(g: Graph, max_iter: int) -> np.ndarray[Any, Any]:
    """Propagate labels with dictionaries."""
    matrix = g.to_scipy()
    neighbours: list[list[int]] = [[] for _ in range(g.nodes)]
    for node in range(g.nodes):
        neighbours[node] += matrix.indices[matrix.indptr[node] : matrix.indptr[node + 1]].tolist()
        if g.directed:
            column = matrix[:, [node]].tocoo()
            neighbours[node] += column.coords[0].tolist()
    labels = list(range(g.nodes))
    for turn in range(max_iter):
        before = list(labels)
        for node in range(g.nodes):
            seen = [before[other] for other in neighbours[node]]
            if seen:
                best = min(set(seen), key=lambda label: (-seen.count(label), label))
                labels[node] = min(best, before[node]) if turn % 4 == 0 else best
        if labels == before and turn % 4:
            break
    return np.array(labels)


@given(graphs, st.integers(0, 12))
@settings(max_examples=30)
def test_label_propagation_does_what_it_says(pair: tuple[Graph, Any], turns: int) -> None:
    g, _ = pair
    np.testing.assert_array_equal(ml.graph.label_propagation(g, turns), propagated(g, turns))


def test_label_propagation_finds_cliques() -> None:
    cliques = nx.caveman_graph(6, 8)
    labels = ml.graph.label_propagation(Graph.from_networkx(cliques))
    assert all(len(set(labels[start : start + 8])) == 1 for start in range(0, 48, 8))
    assert len(set(labels)) == 6


@given(graphs)
def test_degrees_are_networkxs(pair: tuple[Graph, Any]) -> None:
    g, reference = pair
    matrix = g.to_scipy() != 0
    np.testing.assert_array_equal(ml.graph.degree(g), np.asarray(matrix.sum(axis=1)).ravel())
    np.testing.assert_array_equal(ml.graph.degree(g, "in"), np.asarray(matrix.sum(axis=0)).ravel())
    if g.directed:
        np.testing.assert_array_equal(ml.graph.degree(g, "both"), by_node(dict(reference.degree())))


@given(graphs)
def test_core_numbers_are_networkxs(pair: tuple[Graph, Any]) -> None:
    g, reference = pair
    undirected = nx.Graph(reference)
    undirected.remove_edges_from(list(nx.selfloop_edges(undirected)))
    np.testing.assert_array_equal(ml.graph.core_number(g), by_node(nx.core_number(undirected)))
    # A plan counts edges, and so does NetworkX in directed graphs.
    reference.remove_edges_from(list(nx.selfloop_edges(reference)))
    plain = Graph.from_networkx(reference, weight=None)
    expected = by_node(nx.core_number(reference))
    np.testing.assert_array_equal(ml.graph.core_number(plain, method="plan"), expected)
    for k in range(4):
        np.testing.assert_array_equal(ml.graph.k_core(plain, k), expected >= k)


def test_hits_is_networkxs() -> None:
    g, reference = random_graph(40, 300, 5, True)
    hubs, authorities = nx.hits(reference, max_iter=10_000, tol=1e-12)
    ours = ml.graph.hits(g, max_iter=10_000, tol=1e-12)
    np.testing.assert_allclose(ours[0], by_node(hubs), atol=1e-8)
    np.testing.assert_allclose(ours[1], by_node(authorities), atol=1e-8)


@given(graphs)
def test_katz_is_networkxs(pair: tuple[Graph, Any]) -> None:
    g, reference = pair
    expected = by_node(nx.katz_centrality(reference, alpha=0.001, tol=1e-13, weight="weight"))
    scores = ml.graph.katz(g, alpha=0.001, tol=1e-13, weighted=g.weighted)
    np.testing.assert_allclose(scores, expected, atol=1e-9)


@given(graphs, st.integers(0, 39))
def test_distances_are_scipys(pair: tuple[Graph, Any], source: int) -> None:
    g, _ = pair
    source %= g.nodes
    steps = csgraph.shortest_path(g.to_scipy(), method="D", indices=source, unweighted=True, directed=g.directed)
    lengths = csgraph.shortest_path(g.to_scipy(), method="D", indices=source, directed=g.directed)
    found = ml.graph.bfs(g, source).astype(float)
    found[found < 0] = np.inf
    np.testing.assert_array_equal(found, steps)
    np.testing.assert_allclose(ml.graph.sssp(g, source), lengths)


def test_negative_lengths_are_refused() -> None:
    g = Graph.from_edges([0], [1], weights=[-1.0])
    with pytest.raises(ml.PlanError, match="at least 0"):
        ml.graph.sssp(g, 0)


@given(graphs)
def test_triangles_are_networkxs(pair: tuple[Graph, Any]) -> None:
    _, reference = pair
    undirected = nx.Graph(reference)
    undirected.remove_edges_from(list(nx.selfloop_edges(undirected)))
    plain = Graph.from_networkx(undirected, weight=None)
    corners = by_node(nx.triangles(undirected))
    assert ml.graph.triangles(plain) == sum(corners) // 3
    np.testing.assert_array_equal(ml.graph.triangles(plain, per_node=True), corners)


@given(graphs, st.booleans())
@settings(max_examples=25)
def test_betweenness_is_networkxs(pair: tuple[Graph, Any], normalized: bool) -> None:
    _, reference = pair
    g = Graph.from_networkx(reference, weight=None)
    expected = by_node(nx.betweenness_centrality(reference, normalized=normalized))
    np.testing.assert_allclose(ml.graph.betweenness(g, normalized=normalized), expected, atol=1e-9)


def test_sampled_betweenness_nears_the_exact_one() -> None:
    g = ml.graph.kronecker(8, 8, seed=1, directed=False)
    exact, sampled = ml.graph.betweenness(g), ml.graph.betweenness(g, samples=128, seed=3)
    assert np.corrcoef(exact, sampled)[0, 1] > 0.95
    np.testing.assert_array_equal(sampled, ml.graph.betweenness(g, samples=128, seed=3))
    with pytest.raises(ml.PlanError, match="samples"):
        ml.graph.betweenness(g, samples=0)


ALGORITHMS: dict[str, Any] = {
    "pagerank": lambda g, n: ml.graph.pagerank(g, workers=n),
    "components": lambda g, n: ml.graph.connected_components(g, workers=n),
    "labels": lambda g, n: ml.graph.label_propagation(g, workers=n),
    "core": lambda g, n: ml.graph.core_number(g, workers=n),
    "katz": lambda g, n: ml.graph.katz(g, alpha=1e-4, workers=n),
    "bfs": lambda g, n: ml.graph.bfs(g, 3, workers=n),
    "sssp": lambda g, n: ml.graph.sssp(g, 3, workers=n),
    "betweenness": lambda g, n: ml.graph.betweenness(g, 8, workers=n),
}


@pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS)
def test_any_number_of_workers_gives_the_same_bits(algorithm: Any) -> None:
    g = ml.graph.kronecker(12, 8, seed=2, directed=False)
    one = algorithm(g, 1)
    for workers in (2, 5):
        assert algorithm(g, workers).tobytes() == one.tobytes()
