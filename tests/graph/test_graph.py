"""Graphs: built from arrays and other libraries, attributes, plans applied to them, and what is refused."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse

import multilane as ml
from multilane.graph import Graph


def edges_of(g: Graph) -> list[tuple[int, int]]:
    return [(node, int(other)) for node in range(g.nodes) for other in g.neighbors(node)]


@pytest.mark.parametrize("dtype", ["i4", "i8", "u4", "u1", "u8"])
def test_edges_of_any_integers(dtype: str) -> None:
    g = Graph.from_edges(np.array([0, 2, 1], dtype), np.array([1, 0, 2], dtype))
    assert edges_of(g) == [(0, 1), (1, 2), (2, 0)]
    assert (g.nodes, g.edges, g.directed, g.weighted) == (3, 3, True, False)


def test_edges_of_two_types_and_lists() -> None:
    assert edges_of(Graph.from_edges(np.array([0, 1], "i4"), np.array([1, 0], "i8"))) == [(0, 1), (1, 0)]
    assert edges_of(Graph.from_edges([0, 1], [1, 0])) == [(0, 1), (1, 0)]
    assert edges_of(Graph.from_edges(np.arange(6)[::3], np.arange(6)[1::3])) == [(0, 1), (3, 4)]


def test_undirected_edges_lead_both_ways() -> None:
    g = Graph.from_edges([0, 1, 1], [1, 2, 1], directed=False)
    assert g.edges == 3
    assert edges_of(g) == [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)]


def test_graphs_without_edges_or_nodes() -> None:
    assert repr(Graph.from_edges([], [])) == "<Graph of 0 nodes and 0 edges, directed>"
    assert Graph.from_edges([], [], n=5).nodes == 5
    assert ml.graph.pagerank(Graph.from_edges([], [], n=4)).tolist() == [0.25] * 4
    nothing = Graph.from_edges([], [])
    assert len(ml.graph.pagerank(nothing)) == len(ml.graph.connected_components(nothing)) == 0
    assert ml.graph.triangles(nothing) == 0


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"src": [0, 1], "dst": [1]}, "2 sources, but 1 targets"),
        ({"src": [0, -1], "dst": [1, 0]}, "names node -1"),
        ({"src": [0, 7], "dst": [1, 0], "n": 3}, "names node 7"),
        ({"src": [0.5], "dst": [1]}, "node numbers are whole"),
        ({"src": [0], "dst": [1], "n": -1}, "`n` is -1"),
        ({"src": [0], "dst": [1], "weights": [float("nan")]}, "NaN"),
        ({"src": [0], "dst": [1], "weights": [1.0, 2.0]}, "1 edges, but 2 weights"),
        ({"src": [0], "dst": [1], "weights": ["a"]}, "no array of numbers"),
        ({"src": [[0]], "dst": [[1]]}, "has 2 axes"),
        ({"src": [0], "dst": [1 << 40]}, "nodes"),
    ],
    ids=["lengths", "negative", "beyond", "floats", "n", "nan", "weights", "texts", "axes", "huge"],
)
def test_edges_that_are_none(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(ml.PlanError, match=match):
        Graph.from_edges(**arguments)


@pytest.mark.parametrize("format", ["coo", "csr", "csc"])
def test_scipys_matrices_go_in_and_out(format: str) -> None:
    matrix = scipy.sparse.random_array((40, 40), density=0.1, format=format, rng=np.random.default_rng(1))
    g = Graph.from_scipy(matrix)
    assert (abs(g.to_scipy() - matrix)).nnz == 0
    symmetric = (matrix + matrix.T).tocsr()
    undirected = Graph.from_scipy(symmetric, directed=False)
    assert not undirected.directed
    np.testing.assert_allclose(undirected.to_scipy().toarray(), symmetric.toarray())
    with pytest.raises(ml.PlanError, match="not symmetric"):
        Graph.from_scipy(matrix, directed=False)
    with pytest.raises(ml.PlanError, match="3 rows and 4 columns"):
        Graph.from_scipy(scipy.sparse.coo_array((3, 4)))
    assert not Graph.from_scipy(matrix > 0).weighted


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_networkx_graphs_keep_nodes_and_weights(kind: Any) -> None:
    source = kind()
    source.add_nodes_from("edcba")
    source.add_edge("a", "b", weight=2.0)
    source.add_edge("b", "c")
    g = Graph.from_networkx(source)
    assert g.labels == list("edcba")
    assert (g.nodes, g.edges, g.directed, g.weighted) == (5, 2, source.is_directed(), True)
    expected = nx.to_scipy_sparse_array(source).toarray()
    np.testing.assert_array_equal(g.to_scipy().toarray(), expected)
    assert not Graph.from_networkx(source, weight=None).weighted


def test_columns_of_a_table() -> None:
    class Column:
        def __init__(self, values: list[float]) -> None:
            self.values = np.array(values)

        def to_numpy(self) -> Any:
            return self.values

    table = {"from": Column([0, 1]), "to": Column([1, 2]), "w": Column([0.5, 1.5])}
    g = Graph.from_table(table, "from", "to", "w")
    assert g.to_scipy().toarray().tolist() == [[0, 0.5, 0], [0, 0, 1.5], [0, 0, 0]]


def test_attributes_are_columns() -> None:
    g = ml.graph.grid(2, 2)
    g.attributes["age"] = [1, 2, 3, 4]
    g.attributes["ok"] = np.array([True, False, True, True])
    assert dict(g.attributes).keys() == {"age", "ok"}
    assert g.attribute_types() == {"age": "i64", "ok": "bool"}
    assert g.attributes["age"].tolist() == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="read-only"):
        g.attributes["age"][0] = 5
    source = np.arange(4.0)
    g.attributes["copy"] = source
    source[0] = 100
    assert g.attributes["copy"][0] == 0
    del g.attributes["ok"]
    assert "ok" not in g.attributes
    with pytest.raises(KeyError):
        _ = g.attributes["ok"]
    with pytest.raises(KeyError):
        del g.attributes["ok"]
    with pytest.raises(ml.PlanError, match="3 elements for 4 nodes"):
        g.attributes["wrong"] = [1, 2, 3]


def test_a_plan_saves_attributes_that_another_loads() -> None:
    g = ml.graph.grid(2, 3)
    b = ml.Builder("double")
    b.attr.save("double", b.graph.degree() * 2)
    g.apply(b)
    b = ml.Builder("half", graph=g)
    half = b.attr.load("double") / 2
    assert (half.dtype, half.size) == ("f64", "nodes")
    b.output("half", half)
    assert g.apply(b).half.tolist() == ml.graph.degree(g).tolist()


def test_a_plan_loads_what_it_saved() -> None:
    g = ml.graph.grid(2, 2)
    b = ml.Builder()
    b.attr.save("x", b.init_nodes(3))
    b.output("y", b.attr.load("x") + 1)
    assert g.apply(b).y.tolist() == [4] * 4


def test_a_missing_attribute_is_reported_at_its_line() -> None:
    g = ml.graph.grid(2, 2)
    g.attributes["height"] = np.ones(4)

    def wrong(b: ml.Builder) -> None:
        b.attr.load("heigth")

    with pytest.raises(ml.PlanError, match="no attribute `heigth`; did you mean `height`") as caught:
        g.apply(wrong)
    assert (caught.value.file, caught.value.line) == (__file__, wrong.__code__.co_firstlineno + 1)
    with pytest.raises(ml.PlanError, match="`height` is f64, not i32"):
        ml.Builder(graph=g).attr.load("height", "i32")


def test_a_missing_attribute_is_reported_when_the_graph_comes_later() -> None:
    b = ml.Builder()
    line = test_a_missing_attribute_is_reported_when_the_graph_comes_later.__code__.co_firstlineno + 3
    b.output("y", b.attr.load("absent"))
    with pytest.raises(ml.PlanError, match="absent") as caught:
        ml.graph.grid(2, 2).apply(b)
    assert (caught.value.file, caught.value.line) == (__file__, line)


def test_arrays_of_nodes_and_inputs_meet() -> None:
    g = ml.graph.grid(2, 3)
    b = ml.Builder()
    x = b.input("x", size=b.graph.nodes)
    b.output("y", b.graph.aggregate(x, "sum", "both"))
    assert g.apply(b, x=np.ones(6)).y.tolist() == ml.graph.degree(g).tolist()
    with pytest.raises(ml.PlanError, match=r"6 and 5 elements"):
        g.apply(b, x=np.ones(5))


@pytest.mark.parametrize("reduce", ["sum", "min", "max", "mean", "count"])
@pytest.mark.parametrize("direction", ["in", "out", "both"])
@pytest.mark.parametrize("weighted", [False, True])
def test_aggregation_is_scipys(reduce: Any, direction: Any, weighted: bool) -> None:
    rng = np.random.default_rng(7)
    dense = rng.integers(1, 9, (30, 30)) * (rng.random((30, 30)) < 0.2)
    g = Graph.from_scipy(scipy.sparse.coo_array(dense.astype(float)))
    x = rng.normal(size=30)
    b = ml.Builder()
    if weighted and reduce == "count":
        with pytest.raises(ml.PlanError, match="which have no weights"):
            b.graph.aggregate(1.0, reduce, direction, weighted)
        return
    b.output("y", b.graph.aggregate(b.input("x", size=b.graph.nodes), reduce, direction, weighted))
    result = g.apply(b, x=x).y
    ways = {"out": [dense], "in": [dense.T], "both": [dense, dense.T]}[direction]
    for node in range(30):
        values = [x[other] for way in ways for other in np.flatnonzero(way[node])]
        weights = [way[node, other] if weighted else 1 for way in ways for other in np.flatnonzero(way[node])]
        if reduce == "count":
            assert result[node] == len(values)
        elif values:
            products = np.multiply(values, weights)
            expected = np.average(values, weights=weights) if reduce == "mean" else getattr(np, reduce)(products)
            assert result[node] == pytest.approx(expected, rel=1e-12)


def test_the_graph_must_be_one() -> None:
    b = ml.Builder()
    b.output("y", b.input("x"))
    with pytest.raises(ml.PlanError, match="takes no graph"):
        ml.graph.grid(2, 2).apply(b)
    b = ml.Builder()
    b.output("y", b.graph_input("first").degree().sum() + b.graph_input("second").degree().sum())
    plan = b.build()
    with pytest.raises(ml.PlanError, match="several graphs"):
        ml.graph.grid(2, 2).apply(plan)
    assert plan.run(first=ml.graph.grid(2, 2), second=ml.graph.grid(2, 3)).y == 8 + 14
    with pytest.raises(ml.PlanError, match="is a int, but must be a graph"):
        plan.run(first=3, second=4)


def test_wrong_nodes() -> None:
    g = ml.graph.grid(2, 2)
    with pytest.raises(ml.PlanError, match="no node 4"):
        ml.graph.bfs(g, 4)
    with pytest.raises(ml.PlanError, match="no node -1"):
        ml.graph.sssp(g, -1)
    with pytest.raises(ml.PlanError, match="must be a number"):
        ml.graph.bfs(g, "a")  # type: ignore[arg-type]
    with pytest.raises(ml.PlanError, match="no node 9"):
        g.neighbors(9)


def test_generators_depend_on_their_seed_only() -> None:
    first, again, other = (ml.graph.kronecker(8, 8, seed=seed) for seed in (1, 1, 2))
    assert edges_of(first) == edges_of(again)
    assert edges_of(first) != edges_of(other)
    assert all(source != target for source, target in edges_of(first))
    assert len(set(edges_of(first))) == first.edges
    g = ml.graph.uniform(100, 500, seed=3)
    assert (g.nodes, g.edges) == (100, 500)
    assert edges_of(ml.graph.grid(2, 2)) == [(0, 1), (0, 2), (1, 0), (1, 3), (2, 0), (2, 3), (3, 1), (3, 2)]


def test_edge_lists_and_matrices_are_read(tmp_path: Any) -> None:
    edges = tmp_path / "edges.txt"
    edges.write_text("# a comment\n0 1\n1 2\n2 0\n")
    assert edges_of(ml.graph.read(edges)) == [(0, 1), (1, 2), (2, 0)]
    assert not ml.graph.read(edges, directed=False).directed
    named = tmp_path / "named.txt"
    named.write_text("from to\nada bob\nbob eve\n")
    g = ml.graph.read(named, skip_lines=1)
    assert (g.labels, edges_of(g)) == (["ada", "bob", "eve"], [(0, 1), (1, 2)])
    sparse = tmp_path / "sparse.txt"
    sparse.write_text("1000000000000 7\n")
    assert ml.graph.read(sparse, relabel=True).labels == [1_000_000_000_000, 7]
    weighted = tmp_path / "weighted.csv"
    weighted.write_text("0,1,0.5\n1,2,2\n")
    assert ml.graph.read(weighted).to_scipy().toarray().tolist() == [[0, 0.5, 0], [0, 0, 2], [0, 0, 0]]
    matrix = scipy.sparse.coo_array(([2.0, 3.0], ([0, 1], [1, 2])), shape=(4, 4))
    scipy.io.mmwrite(tmp_path / "m.mtx", matrix)
    assert (abs(ml.graph.read(tmp_path / "m.mtx").to_scipy() - matrix)).nnz == 0


def test_files_that_hold_no_graph(tmp_path: Any) -> None:
    file = tmp_path / "edges.txt"
    file.write_text("0 1\n1\n")
    with pytest.raises(ml.PlanError, match="line 2"):
        ml.graph.read(file)
    with pytest.raises(FileNotFoundError):
        ml.graph.read(tmp_path / "absent")
    with pytest.raises(ml.PlanError, match="`format` is 'xml'"):
        ml.graph.read(file, "xml")
